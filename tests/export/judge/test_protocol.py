"""The whole protocol on two short songs, in simulated time, and its command."""

import argparse
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.export.judge.players import need_model
from tests.export.judge.tunes import chords, midi, notes, piece, scale

from ripieno.errors import FileError, SettingsError
from ripieno.music.chords import NO_CHORD
from ripieno_export import flags
from ripieno_export.cli import main
from ripieno_export.judge import command, protocol, summary
from ripieno_export.judge.conditions import Condition, simulate
from ripieno_export.judge.human import Human
from ripieno_export.judge.invariants import Finding
from ripieno_export.judge.results import Results, Size, Task, spread
from ripieno_export.judge.simulated import first_beats

SMALL = Size(1, 4.0, 2, 2, 32, 24, 1)


def songs(count=2):
    piano = notes(*[(f, f + 4, p) for f in range(0, 160, 4) for p in (48, 52, 55)])
    harmony = chords("C", "F", "G", "C", each=40)
    return [
        piece(scale(160), piano, harmony, frames=160, name=f"tune {n}", family=f"{n}")
        for n in range(count)
    ]


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    flags.add_evaluating(parser)
    return parser.parse_args(words)


def test_either_pieces_or_data_are_judged_on():
    wish = command.wish_of(options("--pieces", "here", "--quick", "--no-live"))
    assert wish.pieces == Path("here")
    assert wish.is_quick
    assert not wish.is_live
    for words in ([], ["--pieces", "a", "--data", "b"]):
        with pytest.raises(SettingsError, match="either --pieces"):
            command.wish_of(options(*words))


def test_a_folder_without_music_is_a_sentence(tmp_path, capsys):
    given = ["evaluate", "--role", "accompany", "--pieces", str(tmp_path)]
    assert main(given) == FileError.exit_code
    assert "no .mid file" in capsys.readouterr().err


def test_a_recipe_or_a_role_is_needed(capsys):
    assert main(["evaluate"]) == SettingsError.exit_code
    assert "a --role to judge" in capsys.readouterr().err


def test_pieces_that_are_too_short_are_not_judged(tmp_path):
    (tmp_path / "a.mid").write_bytes(midi({"Melody": scale(16)}))
    wish = command.Wish(None, tmp_path, "", tmp_path / "out")
    with pytest.raises(FileError, match="24 beats"):
        command.evaluate(wish, lambda _: None)


def test_some_pieces_are_taken_from_every_corpus():
    two = [piece(scale(), name=name) for name in "ab"]
    other = [piece(scale(), name=name) for name in "cd"]
    other = [replace(p, corpus="elsewhere") for p in other]
    found = spread([*two, *other], 2)
    assert {p.corpus for p in found} == {"by hand", "elsewhere"}
    assert [p.name for p in found] == [p.name for p in spread([*two, *other], 2)]


def test_answers_come_back_in_the_order_of_their_songs():
    every = [first_beats(song, beats) for song in songs(1) for beats in (32, 16, 40)]
    by_engine = [
        Condition("engine", "alone", alone=True),
        Condition("at once", "alone", alone=True, overrides={"listen": 0}),
    ]
    with ThreadPoolExecutor(2) as pool:
        found = simulate(every, by_engine, Human(), "", pool, 1)
    lengths = [[len(answer.take.chords) for answer in row] for row in found]
    assert lengths == [[128, 64, 160]] * 2
    assert [row[0].take.system for row in found] == ["engine", "at once"]
    assert found[0][0].take.chords[4] == NO_CHORD != found[1][0].take.chords[4]


def test_what_does_not_hold_is_in_the_report():
    results = Results(findings=[Finding("pigs fly", holds=False, detail="0 of 3")])
    assert "| pigs fly | NO | 0 of 3 |" in summary.as_markdown(results)


@pytest.mark.slow
def test_the_protocol_ends_in_a_report_with_every_system(tmp_path):
    need_model()
    task = Task(
        pieces=songs(),
        model="",
        size=SMALL,
        human=Human(),
        is_live=False,
        trained=None,
        folder=tmp_path,
    )
    said: list[str] = []
    results = protocol.judge(task, said.append)
    assert all(finding.holds for finding in results.findings)
    summary.write(results, tmp_path / "out")
    found = json.loads((tmp_path / "out/figures.json").read_text())
    systems = {sheet["system"] for sheet in found["sheets"]}
    assert {"human", "constant tonic", "random chromatic", "random in key"} <= systems
    assert {"copy last bar", "HMM", "Ripieno", "Ripieno, + 125 ms"} <= systems
    assert "previous release (none has this role)" in systems
    markdown = (tmp_path / "out/figures.md").read_text()
    assert "### What low latency gives, by hand" in markdown
    assert "Live takes were left out." in markdown
    assert len(list((tmp_path / "out/takes/worst").glob("*.wav"))) == 2
    assert "<svg" in (tmp_path / "out/figures.html").read_text()
    harmony = found["likelihood"][0]["harmony nats a span"]
    assert np.isfinite(harmony["0"])

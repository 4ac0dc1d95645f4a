import json
import os
from pathlib import Path

import numpy as np
import pytest
from tests.export.judge.players import alone, need_model
from tests.export.judge.tunes import chords, piece, scale

from ripieno_export.judge import beside, listening
from ripieno_export.judge.aims import AIMS, Aim, aims_of
from ripieno_export.judge.figure import Figure
from ripieno_export.judge.heard import prepared
from ripieno_export.judge.kinds import KINDS

ROOT = Path(__file__).parents[3]
DATA = Path(os.environ.get("RIPIENO_DATA", ROOT.parent / "shared" / "data"))
SONGS = [
    prepared(
        piece(
            scale(128, tonic),
            scale(128, tonic - 24),
            np.roll(np.resize(chords("C", "F", "G", "C", each=8), 128), 8 * number),
            frames=128,
            name=f"song {number}",
        )
    )
    for number, tonic in enumerate((60, 62, 67))
]


@pytest.fixture(scope="module")
def heard():
    return beside.played(SONGS, alone())


@pytest.fixture(scope="module")
def table(heard):
    return beside.table_of("pop", "dev", *heard)


def test_the_band_enters_after_eight_beats_and_the_human_is_judged_from_there(heard):
    for band, human in zip(*heard, strict=True):
        assert band.window == human.window == (8, 32)
        assert len(band.bass)
        assert len(band.pad)
        assert len(band.texture) >= len(band.bass)


def test_every_figure_has_a_row_and_every_aim_a_figure(table):
    names = [row[0] for row in beside.as_rows(table)[1:]]
    assert names == [*beside.ONE, *beside.GUARDS]
    assert {aim.figure for aim in AIMS} <= set(names)
    assert {kind for aim in AIMS for kind in aim.kinds} == set(KINDS)


def test_the_human_agrees_with_nobody(table):
    rows = {row[0]: row for row in beside.as_rows(table)}
    assert rows["root agreement"][2] == "–"
    assert rows["one-beat chords"][4] in ("met", "missed")


def test_the_same_figures_have_not_changed(table):
    before = json.loads(json.dumps(beside.as_json(table)))
    rows = {row[0]: row for row in beside.as_rows(table, before)}
    assert rows["changes per bar"][-1].lstrip("-") == "0.000"
    assert before["figures"]["NIC"]["band"]["songs"] == 3


def test_best_median_and_worst_are_different_pieces(table):
    assert sorted(beside.chosen(table).values()) == [0, 1, 2]


def test_markdown_has_a_line_for_each_row(table):
    rows = beside.as_rows(table)
    assert len(beside.as_markdown(rows).splitlines()) == len(rows) + 1


@pytest.mark.parametrize(
    ("aim", "met", "text"),
    [
        (Aim("x", (), high=0.2), False, "≤ 0.20"),
        (Aim("x", (), 0.2), True, "≥ 0.20"),
        (Aim("x", (), -0.1, 0.1, "human "), True, "human -0.10 … +0.10"),
        (Aim("x", (), 0.8, 1.2, "human × "), False, "human × 0.80 … 1.20"),
    ],
)
def test_an_aim_is_absolute_or_relative_to_the_human(aim, met, text):
    band, human = Figure(0.3, 0.0, 1), Figure(0.22, 0.0, 1)
    assert aim.is_met(band, human) == met
    assert str(aim) == text


def test_hymns_have_an_aim_for_the_bass_of_their_own():
    assert [aim.low for aim in aims_of("hymn", "bass: stepwise")] == [0.4]


def test_an_unknown_parameter_is_an_error(capsys):
    assert listening.main(["--data", "nowhere", "--set", "no=1"]) != 0
    assert capsys.readouterr().err


def test_rolls_are_pictures(heard, tmp_path):
    rolls = pytest.importorskip("ripieno_export.judge.rolls")
    band, human = heard[0][0], heard[1][0]
    rolls.draw(human, band, "a song", tmp_path / "roll.png")
    assert (tmp_path / "roll.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="the shared music is not here")
def test_the_command_writes_tables_and_rolls(tmp_path, capsys):
    need_model()
    flags = ["--data", str(DATA), "--kind", "hymn", "--pieces", "2"]
    assert listening.main([*flags, "--out", str(tmp_path)]) == 0
    assert "one-beat chords" in capsys.readouterr().out
    written = {path.name for path in tmp_path.iterdir()}
    assert {"hymn-dev.json", "hymn-dev.md", "hymn-dev-worst.png"} <= written

"""The judge of replies: calls, figures of one reply, the table."""

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ripieno_export.judge import calls, replies, replying
from ripieno_export.judge.calls import MATERIAL, Call, Material
from ripieno_export.judge.kinds import DEV, PARTS, TEST
from ripieno_export.judge.looping import likeness
from ripieno_export.judge.simulated import Players
from ripieno_export.judge.taking_up import FIGURES, Exchange, line
from ripieno_export.tokenize import NOTE

ROOT = Path(__file__).parents[3]
DATA = Path(os.environ.get("RIPIENO_DATA", ROOT.parent / "shared" / "data"))
need_data = pytest.mark.skipif(
    not (DATA / "2_mit_ccby/pop909").is_dir(),
    reason="the shared music is not here: RIPIENO_DATA names its folder",
)
TUNE = (60, 62, 64, 65, 67, 65, 64, 62)


def even(pitches, first_s=0.0, gap_s=0.5, last=1.0):
    """Notes that follow each other; the last is `last` times as long."""
    notes = np.zeros(len(pitches), NOTE)
    notes["start"] = first_s + gap_s * np.arange(len(pitches))
    notes["end"] = notes["start"] + gap_s
    notes["end"][-1] += gap_s * (last - 1)
    notes["pitch"], notes["velocity"] = pitches, 80
    return notes


def a_call(after=TUNE):
    return Call(
        "a tune",
        even(TUNE),
        even(after, 4.0),
        tonic=0,
        is_minor=False,
        beats=np.arange(-4, 40) / 2,
    )


def judged(reply):
    exchange = Exchange(a_call(), reply)
    return {name: figure(exchange) for name, figure in FIGURES.items()}


def test_the_call_again_shares_everything_and_is_a_copy():
    found = judged(even(TUNE, 4.0))
    assert found["shared trigrams"] == found["longest run copied"] == 1.0
    assert found["run at most half"] == 0.0
    for name in ("rhythm shared", "notes a second", "note length", "starts on a beat"):
        assert found[name] == pytest.approx(1.0)
    assert found["seconds after last onset"] == pytest.approx(0.5)


def test_a_moved_motif_is_shared_and_another_line_is_not():
    moved = judged(even((67, 69, 71, 72, 50, 90, 50, 90), 4.0))
    assert moved["shared trigrams"] == pytest.approx(1 / 5)
    assert moved["longest run copied"] == pytest.approx(3 / 7)
    assert judged(even((60, 70, 50, 70, 55), 4.0))["shared trigrams"] == 0.0


def test_an_end_is_long_and_consonant_or_it_is_not():
    good = judged(even((64, 62, 60), 4.0, last=3.0))
    assert good["last / median length"] == pytest.approx(3.0)
    assert good["last at least 2 x"] == good["ends on 1, 3, 5, 6"] == 1.0
    bad = judged(even((64, 62, 62), 4.0))
    assert bad["last at least 2 x"] == bad["ends on 1, 3, 5, 6"] == 0.0


def test_staccato_notes_show_in_the_lengths():
    short = even(TUNE, 4.0)
    short["end"] = short["start"] + 0.1
    found = judged(short)
    assert found["note length"] == pytest.approx(0.2, abs=0.01)
    assert found["length within 1/2 .. 2"] == 0.0
    assert found["legato, difference"] == pytest.approx(-0.8, abs=0.01)


def test_no_reply_has_no_figures_but_that():
    found = judged(even(TUNE)[:0])
    assert found.pop("replies") == 0.0
    assert all(np.isnan(value) for value in found.values())


def test_the_line_is_the_highest_note_of_each_onset():
    chord = even((48, 72, 60))
    chord["start"] = (0.0, 0.03, 0.5)
    assert line(chord)["pitch"].tolist() == [72, 60]


def test_calls_end_before_a_long_interval_and_do_not_overlap():
    pieces = [even(TUNE, 6.0 * n, 0.5) for n in range(6)]
    notes = np.concatenate(pieces)
    found = calls.cut(notes, np.arange(0, 40, 0.5), (4, 4), Material(()))
    assert found[0] == (0.0, 6.0, 12.0)
    assert all(before[2] <= after[0] for before, after in pairwise(found))


def test_tunes_that_run_on_are_cut_at_whole_bars():
    notes = even([60 + n % 7 for n in range(80)], 0.0, 0.25)
    found = calls.cut(notes, np.arange(0, 24, 0.5), (4, 4), MATERIAL["folk"])
    assert found[0] == (0.0, 8.0, 16.0)


def test_felt_beats_of_a_dotted_metre_are_longer_and_begin_before_the_call():
    beats = calls.felt_beats(np.arange(0, 10, 0.5), (6, 8), 3.0)
    assert np.allclose(np.diff(beats), 0.75)
    assert beats[0] < 0.0
    assert np.abs(beats).min() == pytest.approx(0.0)


def test_the_key_is_that_of_the_notes():
    assert calls.key_of(even((60, 62, 64, 65, 67, 69, 71, 60, 67, 64))) == (0, False)
    assert calls.key_of(even((57, 59, 60, 62, 64, 57, 56, 57, 64, 60))) == (9, True)


def test_a_part_goes_by_the_family():
    parts = {calls.part_of("", f"tune {number}") for number in range(40)}
    assert parts == {DEV, TEST}


def test_bars_of_a_loop_are_compared_within_a_pattern():
    steps = np.concatenate([16 * bar + np.array([0, 4, 8]) for bar in range(4)])
    other = np.concatenate([16 * bar + np.array([2, 6, 8]) for bar in range(4, 8)])
    assert likeness(np.concatenate([steps, other]), 16, 4) == 1.0
    assert likeness(np.concatenate([steps, other]), 16, 8) < 1.0
    assert np.isnan(likeness(steps[:0], 16, 4))


def test_without_a_model_the_fallback_replies_on_the_beat():
    found = replying.reply(a_call(), "answer", Players(None, None, None))
    values = replies.judged([a_call()], [found])
    assert values["machine"]["replies"] == [1.0]
    assert values["machine"]["starts on a beat"] == [1.0]


def test_the_table_has_a_row_for_each_figure_and_a_verdict_where_there_is_an_aim():
    given = [a_call(), a_call()]
    found = replies.judged(given, [even(TUNE, 4.0)] * 2)
    rows = replies.as_rows(given, found, "answer", "two calls")
    assert [row[0] for row in rows[1:]] == list(FIGURES)
    verdicts = {row[0]: row[4] for row in rows[1:]}
    assert verdicts["starts on a beat"] == "met"
    assert verdicts["run at most half"] == "missed"
    assert verdicts["rhythm shared"] == ""
    assert {aim.figure for aims in replies.AIMS.values() for aim in aims} <= {
        *FIGURES,
        replies.LOOPS,
    }
    row = replies.as_json(given, found)["figures"]["machine"]["note length"]
    assert row["pieces"] == 1
    assert row["calls"] == [1.0, 1.0]


@need_data
@pytest.mark.parametrize("kind", MATERIAL)
def test_no_piece_gives_calls_of_both_parts(kind):
    dev, test = (
        {call.piece for call in calls.read(DATA, kind, part, 12)} for part in PARTS
    )
    assert dev
    assert test
    assert not dev & test

import msgspec
import numpy as np
import pytest
from tests.export.judge.players import READY, Plain, alone, plain
from tests.export.judge.tunes import piece, scale

from ripieno.music.chords import NO_CHORD
from ripieno.protocol import Reset
from ripieno_export.judge import metrics
from ripieno_export.judge.answer import with_status
from ripieno_export.judge.human import EXACT, Human, perform
from ripieno_export.judge.invariants import (
    causal,
    changed,
    deterministic,
    findings,
    tokens_return,
)
from ripieno_export.judge.simulated import (
    AT_ONCE,
    Players,
    Product,
    Run,
    constant,
    first_beats,
    params_for,
)

SONG = piece(scale(128), frames=128)
MS = 1_000_000


def test_it_listens_for_eight_beats_and_then_plays():
    answer = Product("it", plain(), human=EXACT).answer(SONG)
    assert (answer.take.chords[:32] == NO_CHORD).all()
    assert (answer.take.chords[32:] != NO_CHORD).all()
    assert answer.take.notes["start"].min() == 32
    assert answer.status.isr == 1.0
    assert answer.take.stuck_notes == 0


def test_the_pad_is_heard_but_not_judged():
    answer = Product("it", plain(), human=EXACT).answer(SONG)
    assert len(answer.whole.notes) > len(answer.take.notes)
    assert answer.take.system == answer.whole.system == "it"


def test_parameters_can_be_overridden():
    answer = Product("it", plain(), overrides={"listen": 0}).answer(SONG)
    assert answer.take.chords[4] != NO_CHORD


def test_a_slow_thinker_is_asked_ahead_and_its_plans_are_older():
    quick = Product("it", plain(), constant(2 * MS), human=EXACT).answer(SONG)
    slow = Product("it", plain(), constant(300 * MS), human=EXACT).answer(SONG)
    assert slow.status.isr > 0.9
    assert slow.status.isr_weighted < quick.status.isr_weighted


def test_an_answer_that_never_comes_in_time_is_no_plan():
    away = Product("it", plain(), constant(10_000 * MS), human=EXACT).answer(SONG)
    assert away.status.isr < 0.5


def test_the_harmony_engine_plays_alone():
    take = Product("engine", alone())(SONG)
    assert (take.chords[32:] != NO_CHORD).all()
    assert len(take.notes)


def test_a_sheet_tells_how_much_was_ready():
    answers = [Product("it", plain()).answer(SONG)]
    sheet = metrics.judge([SONG], [a.take for a in answers])
    assert with_status(sheet, answers).figures["ISR"].mean == 1.0


def test_sections_take_as_long_as_the_trace_says():
    trace = constant(2 * MS, 5 * MS)
    assert trace.plus(MS).on_beat.tolist() == [[6 * MS, 6 * MS]]
    at_once = Product("it", plain(), AT_ONCE, EXACT)(SONG)
    late = Product("it", plain(), constant(10 * MS), EXACT)(SONG)
    on_beat = at_once.notes["at_beats"], late.notes["at_beats"]
    assert np.median(on_beat[1] - np.round(on_beat[1])) == pytest.approx(0.02, abs=0.01)
    assert np.median(on_beat[0] - np.round(on_beat[0])) == pytest.approx(0.0, abs=0.005)


def test_a_song_is_cut_to_whole_bars():
    cut = first_beats(piece(scale(128)[4:], frames=128), 10)
    assert cut.frames == 32
    assert cut.melody["start"][0] == 8


# ── T0 ────────────────────────────────────────────────────────────────────────────


def test_every_invariant_holds_of_a_plain_accompanist():
    found = findings([SONG], plain(), constant(5 * MS), Human())
    assert len(found) == 6
    assert [finding.claim for finding in found if not finding.holds] == []


def test_a_changed_future_changes_what_comes_after():
    performance = perform(SONG, EXACT)
    at_ns = int(performance.beats_ns[16])
    runs = []
    for messages in (performance, changed(performance, at_ns)):
        run = Run(params_for(SONG, EXACT), plain(), AT_ONCE, 1)
        run.play(messages)
        runs.append(run.due)
    same = [m for m in runs[0] if m[0] < at_ns]
    assert same == [m for m in runs[1] if m[0] < at_ns]
    assert same
    assert runs[0] != runs[1]


class Fickle(Plain):
    """A mind that plays a semitone higher in every performance."""

    performances = 0

    def told(self, message):
        self.performances += isinstance(message, Reset)
        super().told(message)

    def answer(self):
        said = super().answer()
        if said is None or not said.notes:
            return said
        note = msgspec.structs.replace(said.notes[0], pitch=60 + self.performances)
        return msgspec.structs.replace(said, notes=(note,))


def test_a_random_accompanist_fails_the_determinism_check():
    players = Players(Fickle(), READY, None)
    assert not deterministic([SONG], players, AT_ONCE, EXACT).holds
    assert not causal([SONG], players, AT_ONCE, EXACT, 0).holds


def test_tokens_come_back():
    assert tokens_return().holds

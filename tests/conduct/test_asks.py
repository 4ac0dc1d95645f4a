"""What the thinker is asked for a span, and how its answer is found again."""

import pytest

from ripieno.conduct.asks import MISSED, Asks
from ripieno.conduct.guide import TRUST, Guide
from ripieno.conduct.memory import Memory
from ripieno.conduct.spans import Spans
from ripieno.music import chords
from ripieno.music.chords import NO_CHORD, named
from ripieno.music.spans import Note
from ripieno.play.effects import Tell
from ripieno.play.ledger import Ledger
from ripieno.play.performance import Performance
from ripieno.play.seat import Seat
from ripieno.protocol import CONDUCTOR, FORBIDDEN, Comp, Decide
from ripieno.settings.beginning import Beginning
from ripieno.settings.params import Params

BEAT_NS = 500_000_000
"""A beat at 120 bpm."""


class Asking:
    """Asks with a performance of their own, and what they tell the thinker."""

    def __init__(self, **play):
        params = Params(**{"role": "accompany", **play})
        begins = Beginning(params, seed=5)
        self.performance = Performance(begins, Ledger())
        seat = Seat(CONDUCTOR, "", params, begins, self.performance, None)
        self.spans = Spans(seat)
        self.asks = Asks(seat, self.spans, Guide(None, 5), Memory())

    def strike(self, index, *pitches):
        """The human strikes keys on the beat of a span and holds them."""
        for pitch in pitches:
            self.spans.beats.down(self.spans.start_ticks(index), pitch)

    def ask(self, index, staleness=0, before=NO_CHORD):
        """The open answer, and the message that the thinker got for it."""
        answer = self.asks.ask(index, staleness, before)
        (effect,) = self.performance.out
        self.performance.out.clear()
        assert isinstance(effect, Tell)
        assert isinstance(effect.message, Decide)
        return answer, effect.message

    def backup(self, index):
        """Likewise, of a backup."""
        answer, decide = self.ask(index)
        self.asks.backups[index] = answer
        return answer, decide


def comp(answer, chord, *notes, section=0):
    """A section of the thinker's answer."""
    return Comp(answer.revision, section, named(chord), 0.5, notes, 4, complete=True)


def allowed(decide):
    """The names of the chords that the thinker may choose."""
    return {
        chords.name_of(chord)
        for chord, weight in enumerate(decide.chords)
        if weight > FORBIDDEN
    }


def test_the_thinker_is_told_the_span_and_the_limits_of_the_texture():
    asking = Asking(low=40, high=80, polyphony=3, temperature=0.5, top_p=0.9)
    answer, decide = asking.ask(6, staleness=1, before=named("F"))
    assert decide.revision == answer.revision
    assert (decide.index, decide.staleness, decide.frames) == (6, 1, 4)
    assert (decide.phase.bar, decide.phase.span) == (1, 2)
    assert decide.before == named("F")
    assert (decide.low, decide.high, decide.polyphony) == (40, 80, 3)
    assert (decide.temperature, decide.top_p, decide.seed) == (0.5, 0.9, 5)


def test_every_ask_has_a_revision_of_its_own():
    asking = Asking()
    revisions = [asking.ask(index)[0].revision for index in range(8)]
    assert len(set(revisions)) == 8


def test_an_ask_after_a_note_on_the_beat_knows_the_beat():
    asking = Asking()
    asking.strike(3, 60, 64)
    answer, decide = asking.ask(3)
    assert answer.knows_beat
    assert decide.beat.struck[0] == (60, 64)


@pytest.mark.parametrize(("index", "staleness"), [(3, 0), (4, 1)])
def test_an_ask_without_a_note_on_its_own_beat_does_not_know_it(index, staleness):
    asking = Asking()
    if staleness:
        asking.strike(3, 60)
    answer, _ = asking.ask(index, staleness)
    assert not answer.knows_beat


def test_a_stale_ask_sends_the_beat_that_was_heard_last():
    asking = Asking()
    asking.strike(3, 60)
    _, decide = asking.ask(4, staleness=1)
    assert decide.beat.struck[0] == (60,)


def test_an_ask_in_six_eight_is_for_six_frames():
    _, decide = Asking(meter="6/8").ask(1)
    assert decide.frames == 6
    assert (decide.phase.spans, decide.phase.span) == (2, 1)


def test_a_chord_lock_is_all_that_the_thinker_may_choose():
    answer, decide = Asking(chord_lock="F Gm7").ask(2)
    assert allowed(decide) == {"F", "Gm7"}
    assert chords.name_of(answer.own) in {"F", "Gm7"}


def test_the_chord_of_the_chart_is_all_that_the_thinker_may_choose():
    asking = Asking(chart="C | F G7")
    found = {index: asking.ask(index) for index in (0, 4, 6)}
    assert [allowed(found[index][1]) for index in (0, 4, 6)] == [{"C"}, {"F"}, {"G7"}]
    assert [found[index][0].own for index in (0, 4, 6)] == [
        named("C"), named("F"), named("G7"),
    ]  # fmt: skip


def test_the_players_own_choice_is_the_chord_that_was_struck():
    asking = Asking()
    asking.strike(2, 53, 57, 60)
    answer, _ = asking.ask(2)
    assert answer.own == named("F")


def test_the_choice_for_a_span_being_heard_is_that_of_an_ask_for_it():
    asking = Asking()
    asking.strike(2, 53, 57, 60)
    answer, _ = asking.ask(2)
    assert asking.asks.own(2, NO_CHORD) == answer.own


@pytest.mark.parametrize(
    ("lead", "trust"), [(0.0, TRUST), (0.25, 0.75 * TRUST), (1, 0)]
)
def test_the_network_is_trusted_less_the_more_the_player_leads(lead, trust):
    _, decide = Asking(lead=lead).ask(2)
    assert decide.trust == pytest.approx(trust)


@pytest.mark.parametrize(
    ("scale", "pitch_classes"),
    [("C major", {0, 2, 4, 5, 7, 9, 11}), ("off", set(range(12))), ("auto", None)],
)
def test_an_automatic_scale_allows_the_texture_every_pitch_class(scale, pitch_classes):
    _, decide = Asking(scale=scale).ask(2)
    told = {pc for pc in range(12) if decide.scale >> pc & 1}
    assert told == (set(range(12)) if pitch_classes is None else pitch_classes)


def test_a_manner_that_the_musician_chose_is_sent_as_it_is():
    _, decide = Asking(busy=12.0, thick=2.0).ask(2)
    assert (decide.manner.density, decide.manner.voices) == (5, 3)


def test_an_answer_collects_the_notes_of_all_its_sections():
    answer, _ = Asking().ask(2)
    first, second = Note(0, 48, 4), Note(2, 60, 2)
    assert not answer.is_there
    answer.add(comp(answer, "F", first))
    answer.add(comp(answer, "F", second, section=1))
    assert answer.is_there
    assert answer.chord == named("F")
    assert answer.notes == [first, second]


def test_an_open_ask_is_found_by_its_revision_until_all_are_cleared():
    asking = Asking()
    asks = asking.asks
    backup, on_beat = asking.ask(3, staleness=1)[0], asking.ask(2)[0]
    revisions = backup.revision, on_beat.revision
    asks.backups[3], asks.on_beat = backup, on_beat
    assert [asks.find(number) for number in revisions] == [backup, on_beat]
    assert asks.find(10_000) is None
    asks.clear()
    assert [asks.find(number) for number in revisions] == [None, None]


def test_a_missed_ask_tells_once_when_it_was_made():
    asking = Asking()
    asking.performance.now_ns = 7 * BEAT_NS
    answer, _ = asking.backup(14)
    asking.asks.close(14)
    assert asking.asks.maybe_missed(answer.revision) == 7 * BEAT_NS
    assert asking.asks.maybe_missed(answer.revision) is None


def test_an_ask_that_was_answered_is_not_missed():
    asking = Asking()
    answer, _ = asking.backup(2)
    answer.add(comp(answer, "C"))
    asking.asks.close(2)
    assert asking.asks.maybe_missed(answer.revision) is None


def test_the_oldest_missed_asks_are_forgotten():
    asking = Asking()
    answers = [asking.backup(index)[0] for index in range(MISSED + 2)]
    for index in range(MISSED + 2):
        asking.asks.close(index)
    found = [asking.asks.maybe_missed(answer.revision) for answer in answers]
    assert found == [None, None, *[0] * MISSED]

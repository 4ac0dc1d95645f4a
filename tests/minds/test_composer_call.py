"""A plan that takes up the call: what it quotes, and what may not be quoted."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.minds.test_composer import RandomModel, ask, limits, planned

from ripieno.inference.controls import Controls
from ripieno.minds.composer import LONGEST_NOTE_S, Composer
from ripieno.protocol import Limits, Plan, Played
from ripieno.testing import ScriptedModel

S = 1_000_000_000
TUNE = (67, 64, 60, 64, 67, 72, 71, 69, 67, 65, 64, 62)


def hear(composer, pitches=TUNE, gap_s=0.3, source=0):
    for place, pitch in enumerate(pitches):
        at_ns = int(place * gap_s * S)
        composer.played(Played(at_ns, source, pitch, 70))
        composer.played(Played(at_ns + int(0.8 * gap_s * S), source, pitch, 0))


def scripted():
    """A model that would play nothing but A3."""
    return Composer(ScriptedModel((57,)), Controls())


def test_a_reply_begins_as_the_call_and_goes_on_otherwise():
    composer = scripted()
    hear(composer)
    notes = planned(composer, ask(seconds=3.6))
    quoted = [note for note in notes if note.pitch != 57][:-1]
    assert [note.pitch for note in quoted] == list(TUNE[: len(quoted)])
    assert 3 <= len(quoted) <= len(TUNE) / 2
    assert [n.start_ticks - 4800 for n in quoted] == [
        144 * n for n in range(len(quoted))
    ]
    assert any(note.pitch == 57 for note in notes)


def test_after_the_head_it_does_not_go_on_with_the_next_pitch_of_the_call():
    composer = scripted()
    hear(composer)
    count = len([n for n in planned(composer, ask(seconds=3.6)) if n.pitch != 57][:-1])
    parrot = Composer(ScriptedModel((TUNE[count],)), Controls())
    hear(parrot)
    notes = planned(parrot, ask(seconds=3.6))
    assert [note.pitch for note in notes[:count]] == list(TUNE[:count])
    assert notes[count].pitch != TUNE[count]
    assert notes[count + 1].pitch == TUNE[count]


def test_its_last_note_is_long_and_of_the_tonic_triad():
    composer = scripted()
    hear(composer)
    notes = planned(composer, ask(seconds=3.6))
    lengths = sorted(note.end_ticks - note.start_ticks for note in notes)
    last = notes[-1]
    assert last.pitch % 12 in (0, 4, 7)
    assert last.end_ticks - last.start_ticks >= 2 * lengths[len(lengths) // 2]


def test_a_plan_after_the_machine_has_played_quotes_nothing():
    composer = scripted()
    hear(composer)
    composer.played(Played(20 * S, 1, 60, 70))
    composer.played(Played(21 * S, 1, 60, 0))
    notes = planned(composer, ask(seconds=3.6, closing=False))
    assert {note.pitch for note in notes} == {57}


@settings(deadline=None, max_examples=30)
@given(limits, st.floats(0.05, 1.5), st.booleans())
def test_what_is_quoted_keeps_every_limit(limit, gap_s, closing):
    composer = Composer(RandomModel(), Controls())
    hear(composer, gap_s=gap_s)
    notes = planned(composer, ask(limit, closing=closing))
    allowed = 0xFFF if limit.scale is None else limit.scale
    assert notes
    for note in notes:
        assert limit.low <= note.pitch <= limit.high
        assert allowed >> note.pitch % 12 & 1
        assert 4800 <= note.start_ticks <= note.end_ticks
        assert note.end_ticks - note.start_ticks <= 480 * (LONGEST_NOTE_S + 0.4)
        sounding = [
            n for n in notes if n.start_ticks <= note.start_ticks < n.end_ticks - 20
        ]
        assert len(sounding) <= limit.polyphony + 1


def test_a_model_that_takes_over_within_the_head_quotes_the_rest_of_it():
    heavy, light = scripted(), scripted()
    hear(heavy)
    hear(light)
    want = ask(Limits(), seconds=3.6)
    heavy.begin(want)
    first = heavy.answer()
    assert isinstance(first, Plan)
    light.take_over(want, [first])
    rest = [note for plan in iter(light.answer, None) for note in plan.notes]
    assert rest
    assert min(n.start_ticks for n in rest) >= first.until_ticks
    both = [*first.notes, *rest]
    assert len({(n.start_ticks, n.pitch) for n in both}) == len(both)

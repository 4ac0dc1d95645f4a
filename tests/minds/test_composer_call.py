"""A plan that takes up the call: what it quotes, and what may not be quoted."""

from itertools import pairwise, takewhile

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.minds.test_composer import RandomModel, ask, limits, planned

from ripieno.inference.controls import Controls
from ripieno.minds.call import LONGEST_NOTE_S
from ripieno.minds.composer import Composer
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


def head_of(notes):
    """The notes that the plan has of the call, from the first one on."""
    return [
        note
        for note, _ in takewhile(
            lambda p: p[0].pitch == p[1], zip(notes, TUNE, strict=False)
        )
    ]


def test_a_reply_begins_as_the_call_and_goes_on_otherwise():
    composer = scripted()
    hear(composer)
    notes = planned(composer, ask(seconds=3.6))
    head = head_of(notes)
    assert 3 <= len(head) <= len(TUNE) / 2
    assert [n.start_ticks - 4800 for n in head] == [144 * n for n in range(len(head))]
    assert any(note.pitch == 57 for note in notes)


def test_the_motif_returns_after_the_middle_at_another_pitch():
    composer = scripted()
    hear(composer)
    notes = planned(composer, ask(seconds=3.6))
    later = [note.pitch for note in notes[len(head_of(notes)) :]]
    steps = list(pairwise(TUNE[:4]))
    found = [
        at
        for at in range(len(later) - 3)
        if [b - a for a, b in pairwise(later[at : at + 4])] == [b - a for a, b in steps]
    ]
    assert len(found) == 1
    assert later[found[0]] != TUNE[0]
    motif = notes[len(head_of(notes)) + found[0] :][:4]
    assert motif[0].start_ticks - 4800 >= 480 * 1.8
    assert {b.start_ticks - a.start_ticks for a, b in pairwise(motif)} == {144}


def test_without_a_length_of_its_own_the_plan_makes_phrases_that_close():
    """The call has twelve notes of 0.3 s: 3.6 s, which fit in eight pulses of 0.6 s."""
    composer = scripted()
    hear(composer)
    notes = planned(composer, ask(seconds=12, closing=False, pulse_ticks=288))
    for end in (4800 + 2304, 4800 + 2 * 2304):
        before = [note for note in notes if note.start_ticks < end]
        last = before[-1]
        usual = sorted(n.end_ticks - n.start_ticks for n in before)[len(before) // 2]
        assert last.pitch % 12 in (0, 4, 7)
        assert last.end_ticks - last.start_ticks >= 2 * usual
        assert all(note.end_ticks <= end + 1 for note in before)
    assert any(note.start_ticks >= 4800 + 2 * 2304 for note in notes)


def test_after_the_head_it_does_not_go_on_with_the_next_pitch_of_the_call():
    composer = scripted()
    hear(composer)
    count = len(head_of(planned(composer, ask(seconds=3.6))))
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
    others = [note for note in notes if note.pitch != 57]
    assert len(others) == 1  # it ends a phrase


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

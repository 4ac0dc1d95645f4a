"""Asks for the spans of a tune, for tests of the duet mind."""

import msgspec

from ripieno.music import chords
from ripieno.music.chords import N_CHORDS
from ripieno.music.spans import Manner, Phase, Span
from ripieno.protocol import Beat, Decide

FREE = (0.0,) * N_CHORDS
TUNE = (60, 64, 67, 65, 69, 65, 67, 62, 71, 67, 64, 60)
C, AM, G7 = map(chords.named, ("C", "Am", "G7"))


def span(*pitches, frames=4):
    """A beat whose notes are struck on it and held through it."""
    nothing = ((),) * (frames - 1)
    return Span((pitches, *nothing), (pitches,) * frames)


def ask(index, pitch=60, **changes):
    plain = Decide(
        revision=index + 1, index=index, phase=Phase(index % 4, 4, index // 4),
        frames=4, beat=span(pitch), staleness=0, chords=FREE, trust=1.0, before=C,
        manner=Manner(5, 2, 1), low=36, high=84, polyphony=4, scale=0xFFF,
        temperature=1.0, top_p=0.95, seed=1,
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


def answered(mind, asked):
    """The chord and all notes of an answer; its sections fit together."""
    mind.receive(asked)
    found = []
    while (comp := mind.answer()) is not None:
        found.append(comp)
    assert [comp.section for comp in found] == list(range(len(found)))
    assert {comp.revision for comp in found} == {asked.revision}
    assert len({(comp.chord, comp.likely) for comp in found}) == 1
    assert [comp.complete for comp in found][-1]
    assert not any(comp.complete for comp in found[:-1])
    return found[0].chord, tuple(note for comp in found for note in comp.notes)


def played(mind, beats, **changes):
    """Decide so many beats of the tune, and play each as decided."""
    found = []
    for index in range(beats):
        pitch = TUNE[index % len(TUNE)]
        chord, notes = answered(mind, ask(index, pitch, **changes))
        mind.receive(Beat(index, span(pitch), chord, notes))
        found.append((chord, notes))
    return found

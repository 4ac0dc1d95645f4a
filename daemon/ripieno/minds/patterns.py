"""The mind of the role *loop*: a bar for every ask.

The graph writes the first bar of a pattern, from a draw of noise and the chords of that
bar. All bars of the pattern are this bar, moved to their own chords, so the pattern
repeats until another one is asked for.

The graph writes 16 steps over five octaves. This module lays them into the metre, moves
them to the chord of each beat, and keeps them within register, scale and polyphony. The
loudness of a note follows its place in the bar, by rule.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from ripieno.inference.graph import Graph
from ripieno.layouts import pattern
from ripieno.layouts.pattern import BEATS, ONSET, SOUND, STEPS_IN_BEAT, Roll
from ripieno.music.chords import NO_CHORD
from ripieno.music.spans import FRAME_TICKS, Note
from ripieno.music.voicing import bass_of, moved, within
from ripieno.protocol import (
    Groove,
    Limits,
    Plan,
    PlannedNote,
    Reset,
    ToThinker,
)

if TYPE_CHECKING:
    from ripieno.inference.session import Loaded

KEPT: Final = 16
"""How many patterns are kept: 64 bars at four bars a pattern, as the player keeps."""
DOWNBEAT, MIDDLE, BEAT, QUAVER, OFFBEAT = 92, 86, 82, 74, 66
"""Velocities by place: a backing with clear beats is easier to play to."""
BASS_LOUDER: Final = 6
BASS_BELOW: Final = 52
"""E3: notes below it count as the bass."""
ROOTS: Final = (36, 50)
BASS_FRAMES: Final = 8
"""The longest bass note that is added to a bar without a bass at its beginning, as a
third of the graph's bars are: a soloist needs to hear where the bar begins."""
CHROMATIC: Final = 0xFFF


class _Pattern(NamedTuple):
    """The first bar of a pattern: its roll, and the chords that it was written for."""

    roll: Roll
    chords: tuple[int, ...]


class Patterns:
    """Bars for a loop, one at a time. Thread: one."""

    hears: Final[tuple[type[ToThinker], ...]] = ()

    def __init__(self, graph: Graph) -> None:
        """Begin without a pattern; the graph is loaded and warm."""
        self._graph = graph
        self.reset()

    def reset(self) -> None:
        """Forget all patterns."""
        self._patterns: dict[tuple[int, int, float | None], _Pattern] = {}
        self._asked: Groove | None = None

    def receive(self, message: ToThinker) -> None:
        """Take a message from the player; ignore it if it is for other minds."""
        if isinstance(message, Groove):
            self._asked = message
        elif isinstance(message, Reset):
            self.reset()

    def answer(self) -> Plan | None:
        """Return the bar that was asked for last, if any."""
        ask, self._asked = self._asked, None
        if ask is None:
            return None
        until = ask.start_ticks + ask.bar_ticks
        notes = tuple(_planned(note, ask) for note in self.bar(ask))
        return Plan(ask.revision, 0, notes, until, complete=True)

    def bar(self, ask: Groove) -> tuple[Note, ...]:
        """Return the notes of a bar, by frame, then pitch. Cost: at most one run."""
        steps = ask.bar_ticks // FRAME_TICKS
        span = max(steps // max(len(ask.chords), 1), 1)
        places = pattern.steps_of(steps, span)
        spread = _spread(ask, steps, span)
        if all(chord == NO_CHORD for chord in ask.chords):
            return ()
        roll, meant = self._pattern(ask, _heard(spread, places))
        kept: list[Note] = []
        shift = pattern.shift_of(meant)
        for note in pattern.notes_of(roll[:, list(places)], shift):
            chord = spread[note.frame]
            if chord != NO_CHORD:
                before = meant[places[note.frame] // STEPS_IN_BEAT]
                pitch = moved(note.pitch, before, chord)
                kept.append(Note(note.frame, pitch, note.frames))
        return limited([*grounded(kept, ask.chords[0]), *kept], ask.limits)

    def _pattern(self, ask: Groove, heard: tuple[int, ...]) -> _Pattern:
        """Return the pattern of a bar; write it where it is not known.

        One that was written without a chord on some beat is not kept: it has no notes
        there.
        """
        key = ask.pattern, ask.seed, ask.busy
        if (known := self._patterns.get(key)) is not None:
            return known
        made = _Pattern(self._run(ask, heard), heard)
        if NO_CHORD not in heard:
            self._patterns[key] = made
            while len(self._patterns) > KEPT:
                del self._patterns[next(iter(self._patterns))]
        return made

    def _run(self, ask: Groove, heard: Sequence[int]) -> Roll:
        put = self._graph.put
        chance = np.random.default_rng((ask.seed, ask.pattern & 0xFFFFFFFF))
        # Not scaled: at 0.8 bars grow by a sixth.
        put["noise"][0] = chance.standard_normal(pattern.NOISE)
        put["chords"][0] = pattern.chord_input(heard, pattern.shift_of(heard))
        put["before"][0] = 0.0
        put["manner"][0] = pattern.manner_input(ask.busy, has_before=False)
        self._graph.run()
        if ask.busy is not None:
            return likeliest(self._graph.out["logits"][0], ask.busy)
        roll: Roll = self._graph.out["roll"][0] > 0.5
        return roll


def likeliest(logits: pattern.Floats, notes: float) -> Roll:
    """Return the roll of the likeliest `notes` onsets, and what they hold.

    The graph alone follows a wanted density only a little. As in the graph, a row
    sounds from an onset for as long as it is held.
    """
    begun = logits[ONSET]
    most = min(max(round(notes), 1), begun.size)
    bound = np.partition(begun, -most, axis=None)[-most]
    onsets, holds = begun >= bound, logits[SOUND] > 0
    sounds = onsets.copy()
    for step in range(1, pattern.STEPS):
        sounds[step] |= holds[step] & sounds[step - 1]
    return np.stack([onsets, sounds])


def _planned(note: Note, ask: Groove) -> PlannedNote:
    start = ask.start_ticks + note.frame * FRAME_TICKS
    end = start + note.frames * FRAME_TICKS
    return PlannedNote(start, end, note.pitch, loudness(note, ask))


def loudness(note: Note, ask: Groove) -> int:
    """Return the velocity of a note by its place in the bar; the bass is louder."""
    spans = max(len(ask.chords), 1)
    span = max(ask.bar_ticks // FRAME_TICKS // spans, 1)
    if note.frame == 0:
        loud = DOWNBEAT
    elif note.frame in ask.starts or not (ask.starts or note.frame % span):
        loud = MIDDLE if 2 * note.frame == span * spans else BEAT
    else:
        loud = OFFBEAT if note.frame % 2 else QUAVER
    return loud + BASS_LOUDER * (note.pitch < 48)


def grounded(notes: Sequence[Note], chord: int) -> tuple[Note, ...]:
    """Return a root for a bar that begins without a bass; nothing for others."""
    low = [note.frame for note in notes if note.pitch < BASS_BELOW]
    begins = min(low, default=BASS_FRAMES)
    if chord == NO_CHORD or begins < STEPS_IN_BEAT:
        return ()
    frames = min(begins, BASS_FRAMES)
    return (Note(0, bass_of(chord, None, *ROOTS), frames),)


def limited(notes: Sequence[Note], limits: Limits) -> tuple[Note, ...]:
    """Return notes within register, scale and polyphony, by frame, then pitch.

    A pitch outside moves by octaves into the register, then to the nearest one of the
    scale. If too many would sound, the bass and the top are struck before the others,
    and the notes that have sounded longest end.
    """
    ends: dict[tuple[int, int], int] = {}
    for note in notes:
        pitch = _fitted(note.pitch, limits)
        if pitch is not None:
            place = note.frame, pitch
            ends[place] = max(ends.get(place, 0), note.frame + note.frames)
    kept: list[tuple[int, int]] = []
    sounding: list[tuple[int, int]] = []
    for frame in sorted({frame for frame, _ in ends}):
        rising = sorted(pitch for at, pitch in ends if at == frame)
        struck = [*rising[:1], *rising[:0:-1]][: limits.polyphony]
        sounding = [place for place in sounding if ends[place] > frame]
        over = len(sounding) + len(struck) - limits.polyphony
        for number, place in enumerate(list(sounding)):
            if place[1] in struck or number < over:
                ends[place] = frame
                sounding.remove(place)
        sounding += [(frame, pitch) for pitch in struck]
        kept += [(frame, pitch) for pitch in struck]
    return tuple(
        Note(frame, pitch, ends[frame, pitch] - frame) for frame, pitch in sorted(kept)
    )


def _fitted(pitch: int, limits: Limits) -> int | None:
    """Return the pitch moved into register and scale; None if they leave none."""
    scale = CHROMATIC if limits.scale is None else limits.scale
    pitch = within(pitch, limits.low, limits.high)
    allowed = (p for p in range(limits.low, limits.high + 1) if scale >> p % 12 & 1)
    return min(allowed, key=lambda p: (abs(p - pitch), p), default=None)


def _spread(ask: Groove, steps: int, span: int) -> tuple[int, ...]:
    """Return the chord of each sixteenth of a bar."""
    starts = ask.starts or range(0, len(ask.chords) * span, span)
    beats = (sum(start <= step for start in starts) - 1 for step in range(steps))
    return tuple(ask.chords[beat] for beat in beats)


def _heard(spread: Sequence[int], places: Sequence[int]) -> tuple[int, ...]:
    """Return the chord of each beat of a roll: that of its first played sixteenth."""
    found: list[int] = []
    for beat in range(BEATS):
        steps = (i for i, p in enumerate(places) if p // STEPS_IN_BEAT == beat)
        first = next(steps, None)
        if first is None:
            found.append(found[-1] if found else NO_CHORD)
        else:
            found.append(spread[first])
    return tuple(found)


def from_model(loaded: "Loaded") -> Patterns:
    """Return a mind that plays by a loaded model."""
    return Patterns(loaded.graphs["model"])

"""The three players of an accompaniment: a pad, a bass, and a texture over both.

The pad is voiced here, by rule, close to where it was. Bass and texture come from the
thinker as one piano part: the lowest note of a frame, where it is low, is the bass's.
Notes planned for one chord are moved to the one that was decided, note by note, so a
late change of mind costs nothing. Where no plan is there, the last bar's pattern is
played on the new chord.
"""

from collections.abc import Sequence
from typing import Final

from ripieno.music import chords
from ripieno.music.spans import FRAME_TICKS, Note, Phase
from ripieno.music.voicing import bass_of, moved, voiced
from ripieno.play.expression import end_ticks, onset_ticks, velocity
from ripieno.play.scheduler import Due
from ripieno.protocol import BASS, CHORDS, TEXTURE, PlannedNote
from ripieno.roles.stand import Stand

BASS_BELOW: Final = 52
"""E3: below it the lowest note of a frame is a left hand's bass."""
PAD: Final = (50, 69)
"""D3 … A4: above the bass and below most melodies."""
ROOTS: Final = (36, 50)
"""C2 … D3: where the bass puts a root of its own."""
BASS_FRAMES: Final = 8
"""How long a root rings that the bass adds by itself."""
PAD_VOICES: Final = 3
AGAIN_BARS: Final = 2
"""A pad that does not change is struck again so often: most instruments fade."""
RINGS_BARS: Final = 3
MEMORY: Final = 0.85
"""How much of the human's loudness is kept at each of their notes."""
SOUNDING: Final = 256


class Band:
    """What plays, and what it has played. Thread: one.

    Attributes:
        chord: what sounds; `NO_CHORD` while the band rests.
    """

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self.chord = chords.NO_CHORD
        self._loud = 80.0
        self._pad: tuple[int, ...] = ()
        self._pad_bar = 0
        self._is_new = False
        self._low: int | None = None
        self._ids: dict[int, tuple[int, int]] = {}
        self._waiting: dict[int, tuple[int, Note]] = {}
        self._played: dict[int, tuple[int, list[Note]]] = {}
        self._patterns: dict[int, tuple[int, list[Note]]] = {}

    def human(self, struck: int) -> None:
        """The human struck a note so hard."""
        self._loud = MEMORY * self._loud + (1 - MEMORY) * struck

    def sent(self, index: int) -> tuple[int, tuple[Note, ...]]:
        """The chord and the texture that were played in a span."""
        chord, notes = self._played.get(index, (chords.NO_CHORD, []))
        ordered = sorted(notes, key=lambda note: (note.frame, note.pitch))
        return chord, tuple(ordered)

    def change(
        self, index: int, phase: Phase, chord: int, now_ns: int, melody: Sequence[int]
    ) -> None:
        """A span begins: its chord, now.

        Args:
            index: the span.
            phase: where it lies.
            chord: what is to sound; `NO_CHORD` to rest.
            now_ns: no note of it starts before.
            melody: the human's pitches on the beat, which the pad gives way to.
        """
        if chord == chords.NO_CHORD:
            if self.chord != chords.NO_CHORD:
                self.rest(now_ns)
            self._played = {index: (chords.NO_CHORD, [])}
            return
        self._waiting = {i: w for i, w in self._waiting.items() if w[0] > index - 4}
        self._is_new = is_new = chord != self.chord
        self.chord = chord
        self._played = {i: p for i, p in self._played.items() if i > index - 4} | {
            index: (chord, [])
        }
        if is_new:
            self._cut(now_ns)
        is_faded = phase.span == 0 and phase.bar - self._pad_bar >= AGAIN_BARS
        if is_new or is_faded:
            self._strike_pad(index, phase, now_ns, melody)

    def play(
        self,
        index: int,
        phase: Phase,
        notes: Sequence[Note] | None,
        planned_for: int | None,
    ) -> None:
        """Some of a span's texture; None where there is no plan for it.

        Args:
            index: the span.
            phase: where it lies.
            notes: planned for the chord `planned_for`.
            planned_for: that chord.
        """
        if self.chord == chords.NO_CHORD:
            return
        if notes is None:
            planned_for, notes = self._pattern(phase)
        elif planned_for is not None:
            is_rest = index not in self._played or not self._played[index][1]
            kept = [] if is_rest else self._patterns.get(phase.span, (0, []))[1]
            self._patterns[phase.span] = (planned_for, [*kept, *notes])
        real = [self._real(note, planned_for) for note in notes]
        if self._is_new:
            real = [*self._root(real), *real]
        self._played[index][1].extend(real)
        basses = _basses(real)
        for note in real:
            part = BASS if note in basses else TEXTURE
            self._schedule(index, phase, note, part)

    def started(self, due: Due) -> None:
        """A note sounds that may have to be cut."""
        self._ids[due.note_id] = (due.pitch, due.part)
        self._waiting.pop(due.note_id, None)
        while len(self._ids) > SOUNDING:
            del self._ids[next(iter(self._ids))]

    def rest(self, at_ns: int) -> None:
        """Stop playing; what sounds ends."""
        self.chord, self._pad = chords.NO_CHORD, ()
        self._stand.scheduler.clear()
        self._stand.release(at_ns)
        self._ids.clear()
        for index, note in self._waiting.values():  # what never began was not played
            if index in self._played:
                self._played[index][1].remove(note)
        self._waiting.clear()

    def _cut(self, now_ns: int) -> None:
        """End the pad, and whatever does not belong to the new chord."""
        tones = chords.pitch_classes(self.chord)
        cut = {
            note_id
            for note_id, (pitch, part) in self._ids.items()
            if part == CHORDS or pitch % 12 not in tones
        }
        self._ids = {i: note for i, note in self._ids.items() if i not in cut}
        self._stand.release(now_ns, cut.__contains__)

    def _strike_pad(
        self, index: int, phase: Phase, now_ns: int, melody: Sequence[int]
    ) -> None:
        self._pad_bar = phase.bar
        rubs = {(p + step) % 12 for p in melody for step in (-1, 1)}
        self._pad = voiced(
            self.chord, self._pad, *self._register(), PAD_VOICES, avoid=frozenset(rubs)
        )
        if CHORDS not in self._stand.parsed.parts:
            return
        timeline, meter = self._stand.timeline, self._stand.meter
        start = max(index * meter.span_ticks, timeline.ticks_at(now_ns))
        pad = Note(0, self._pad[0] if self._pad else 0, 0)
        loud = velocity(pad, CHORDS, phase, self._loud)
        end = start + RINGS_BARS * meter.bar_ticks
        self._stand.scheduler.add(
            [PlannedNote(start, end, pitch, loud, CHORDS) for pitch in self._pad]
        )

    def _register(self) -> tuple[int, int]:
        """The pad's own, as far as the musician leaves it an octave; else theirs."""
        params = self._stand.params
        low, high = max(PAD[0], params.low), min(PAD[1], params.high)
        return (low, high) if high - low >= 11 else (params.low, params.high)

    def _real(self, note: Note, planned_for: int | None) -> Note:
        """A planned note on the chord that sounds, within the register."""
        pitch = note.pitch
        if planned_for is not None and planned_for != chords.NO_CHORD:
            pitch = moved(pitch, planned_for, self.chord)
        low, high = self._stand.params.low, self._stand.params.high
        while pitch < low:
            pitch += 12
        while pitch > high:
            pitch -= 12
        return Note(note.frame, max(pitch, 0), note.frames)

    def _root(self, notes: Sequence[Note]) -> list[Note]:
        """A new chord stands on a bass: its root, where the texture has none."""
        self._is_new = False
        below = [n.pitch for n in notes if not n.frame and n.pitch < BASS_BELOW]
        if below:
            self._low = min(below)
            return []
        self._low = bass_of(self.chord, self._low, *ROOTS)
        return [self._real(Note(0, self._low, BASS_FRAMES), None)]

    def _pattern(self, phase: Phase) -> tuple[int, list[Note]]:
        """What was last played at this place of the bar, or root and fifth."""
        found = self._patterns.get(phase.span)
        if found is not None:
            return found
        root = bass_of(self.chord, None, 36, 48)
        notes = [Note(0, root, 4), Note(2, self._pad[-1] if self._pad else root, 2)]
        return self.chord, notes

    def _schedule(self, index: int, phase: Phase, note: Note, part: int) -> None:
        params, meter = self._stand.params, self._stand.meter
        if part not in self._stand.parsed.parts:
            return
        frames = meter.span_ticks // FRAME_TICKS
        begin = index * meter.span_ticks
        start = begin + onset_ticks(note, frames, params.swing)
        end = begin + end_ticks(note, frames, params.swing)
        now = self._stand.timeline.ticks_at(self._stand.now_ns)
        start = max(start, now) if note.frame == 0 else start
        loud = velocity(note, part, phase, self._loud)
        ids = self._stand.scheduler.add(
            [PlannedNote(start, max(end, start + 20), note.pitch, loud, part)]
        )
        self._waiting |= dict.fromkeys(ids, (index, note))


def _basses(notes: Sequence[Note]) -> set[Note]:
    """The lowest note of each frame, where it is low."""
    lowest: dict[int, Note] = {}
    for note in notes:
        if note.frame not in lowest or note.pitch < lowest[note.frame].pitch:
            lowest[note.frame] = note
    return {note for note in lowest.values() if note.pitch < BASS_BELOW}

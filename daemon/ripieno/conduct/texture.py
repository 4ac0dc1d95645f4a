"""The texture of an accompaniment: the notes of a span on the chord that was decided.

The thinker writes bass and keys as one piano part. Notes planned for one chord are
moved to the chord that was decided, note by note, so a late change of chord costs
nothing. If there is no plan, the last bar's pattern is played on the new chord. The
lowest note of a frame, if it is low, is the bass's.
"""

from collections.abc import Sequence
from typing import Final

from ripieno.conduct.cue import Cue, Section
from ripieno.music import chords, voicing
from ripieno.music.spans import FRAME_TICKS, Note
from ripieno.play.expression import onset_ticks
from ripieno.play.seat import Seat

BASS_BELOW: Final = 52
"""E3. The lowest note of a frame, if it is below, is the bass of a pianist's left
hand."""
BASS_FRAMES: Final = 8
"""How long a root rings that is added here."""
PATTERN_VOICES: Final = 3
KEPT_SPANS: Final = 4
"""Of how many spans the notes are kept."""


class Texture:
    """Writes and keeps the notes of the spans. Thread: one."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._lacks_root = False
        self._low: int | None = None
        self._played: dict[int, tuple[int, list[Note]]] = {}
        self._patterns: dict[int, tuple[int, list[Note]]] = {}

    def sent(self, index: int) -> tuple[int, tuple[Note, ...]]:
        """The chord and the texture that were played in a span."""
        chord, notes = self._played.get(index, (chords.NO_CHORD, []))
        ordered = sorted(notes, key=lambda note: (note.frame, note.pitch))
        return chord, tuple(ordered)

    def begin(self, cue: Cue) -> None:
        """Begin a span with its chord."""
        if cue.chord == chords.NO_CHORD:
            self._played = {cue.index: (cue.chord, [])}
            return
        oldest = cue.index - KEPT_SPANS
        self._played = {i: p for i, p in self._played.items() if i > oldest}
        self._played[cue.index] = (cue.chord, [])
        self._lacks_root = cue.is_new

    def write(
        self, cue: Cue, notes: Sequence[Note] | None, planned_for: int | None
    ) -> Section:
        """Return a section of a span, on the chord of its cue.

        Args:
            cue: of the span.
            notes: planned for the chord `planned_for`; None if there is no plan.
            planned_for: that chord.
        """
        place = cue.phase.span
        if notes is None:
            planned_for, notes = self._pattern(cue)
        elif planned_for is not None:
            is_first = not self._played[cue.index][1]
            kept = [] if is_first else self._patterns.get(place, (0, []))[1]
            self._patterns[place] = (planned_for, [*kept, *notes])
        real = [self._real(note, planned_for, cue.chord) for note in notes]
        if self._lacks_root:
            real = self._rooted(cue, real)
        self._played[cue.index][1].extend(real)
        basses = _basses(real)
        return Section(
            [note for note in real if note in basses],
            [note for note in real if note not in basses],
        )

    def change(self, cue: Cue, before: int) -> Section:
        """Move a span that has begun to another chord; return its root.

        Args:
            cue: the new one.
            before: the chord of the span so far.
        """
        _, notes = self._played[cue.index]
        moved = [self._real(note, before, cue.chord) for note in notes]
        self._played[cue.index] = (cue.chord, moved)
        self._lacks_root = False
        return Section([self._root(cue)], [])

    def close(self, cue: Cue) -> Section:
        """Return the last chord: its root and the chord above, held to its end."""
        assert cue.closing is not None
        frames = (cue.closing - cue.start_ticks) // FRAME_TICKS
        self._lacks_root = False
        root = Note(0, self._root(cue).pitch, frames)
        above = [Note(0, pitch, frames) for pitch in self._voiced(cue.chord)]
        self._played[cue.index][1].extend([root, *above])
        return Section([root], above)

    def rest(self, at_ns: int) -> None:
        """Forget the notes that have not begun: they are not played."""
        now_ticks = self._seat.timeline.ticks_at(at_ns + self._seat.reach_ns)
        span_ticks, swing = self._seat.meter.span_ticks, self._seat.params.swing
        frames = span_ticks // FRAME_TICKS
        for index, (chord, notes) in self._played.items():
            begun = [
                note
                for note in notes
                if index * span_ticks + onset_ticks(note, frames, swing) <= now_ticks
            ]
            self._played[index] = (chord, begun)

    def _real(self, note: Note, planned_for: int | None, chord: int) -> Note:
        """A planned note on another chord, within the register."""
        params, pitch = self._seat.params, note.pitch
        if planned_for is not None:
            pitch = voicing.moved(pitch, planned_for, chord)
        pitch = voicing.within(pitch, params.low, params.high)
        return Note(note.frame, pitch, note.frames)

    def _rooted(self, cue: Cue, notes: list[Note]) -> list[Note]:
        """The notes, with the root if they have no bass on the beat.

        A bass that the left hand says replaces those of the notes.
        """
        self._lacks_root = False
        low = [note for note in notes if not note.frame and note.pitch < BASS_BELOW]
        if cue.bass is not None:
            others = [note for note in notes if note not in low]
            return [self._root(cue), *others]
        if low:
            self._low = min(note.pitch for note in low)
            return notes
        return [self._root(cue), *notes]

    def _root(self, cue: Cue) -> Note:
        """The root of the chord, or the bass that the left hand says."""
        low, high = voicing.BASS_REGISTER
        if cue.bass is None:
            self._low = voicing.bass_of(cue.chord, self._low, low, high)
        else:
            aim = (low + high) // 2 if self._low is None else self._low
            pitches = range(low + (cue.bass - low) % 12, high + 1, 12)
            self._low = min(pitches, key=lambda pitch: (abs(pitch - aim), pitch))
        return self._real(Note(0, self._low, BASS_FRAMES), None, cue.chord)

    def _pattern(self, cue: Cue) -> tuple[int, list[Note]]:
        """What was last played at this place of the bar, or root and chord."""
        found = self._patterns.get(cue.phase.span)
        if found is not None:
            return found
        root = voicing.bass_of(cue.chord, None, 36, 48)
        above = self._voiced(cue.chord) or (root,)
        return cue.chord, [Note(0, root, 4), Note(2, above[-1], 2)]

    def _voiced(self, chord: int) -> tuple[int, ...]:
        """A chord in the middle register, within that of the musician."""
        params = self._seat.params
        register = voicing.common_register(
            voicing.CHORD_REGISTER, params.low, params.high
        )
        return voicing.voiced(chord, (), *register, PATTERN_VOICES)


def _basses(notes: Sequence[Note]) -> set[Note]:
    """The lowest note of each frame, where it is low."""
    lowest: dict[int, Note] = {}
    for note in notes:
        if note.frame not in lowest or note.pitch < lowest[note.frame].pitch:
            lowest[note.frame] = note
    return {note for note in lowest.values() if note.pitch < BASS_BELOW}

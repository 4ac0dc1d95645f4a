"""The texture of an accompaniment: the notes of a span on the chord that was decided.

The thinker writes bass and keys as one piano part. Notes planned for one chord are
moved to the chord that was decided, note by note, so a late change of chord costs
nothing. If there is no plan, the last bar's pattern is played on the new chord. The
bass line (`ripieno.conduct.bass_line`) replaces the low notes on the beat; other low
notes are played an octave higher. The thinker is told both.
"""

from collections.abc import Sequence
from typing import Final

from ripieno.conduct.cue import Cue
from ripieno.music import chords, voicing
from ripieno.music.spans import FRAME_TICKS, Note
from ripieno.play.expression import onset_ticks
from ripieno.play.seat import Seat

BASS_BELOW: Final = 52
"""E3. Lower notes are in the way of a bass."""
PATTERN_VOICES: Final = 3
KEPT_SPANS: Final = 4
"""Of how many spans the notes are kept."""


class Texture:
    """Writes and keeps the notes of the spans. Thread: one."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._is_first = True  # whether no section of the span was written yet
        self._played: dict[int, tuple[int, list[Note]]] = {}
        self._patterns: dict[int, tuple[int, list[Note]]] = {}

    def sent(self, index: int) -> tuple[int, tuple[Note, ...]]:
        """The chord and the texture that were played in a span."""
        chord, notes = self._played.get(index, (chords.NO_CHORD, []))
        distinct = {(note.frame, note.pitch): note for note in notes}
        return chord, tuple(distinct[place] for place in sorted(distinct))

    def begin(self, cue: Cue, bass: Sequence[Note]) -> None:
        """Begin a span with its chord and the notes of the bass line."""
        self._is_first = True
        if cue.chord == chords.NO_CHORD:
            self._played = {cue.index: (cue.chord, [])}
            return
        oldest = cue.index - KEPT_SPANS
        self._played = {i: p for i, p in self._played.items() if i > oldest}
        self._played[cue.index] = (cue.chord, [*bass])

    def write(
        self, cue: Cue, notes: Sequence[Note] | None, planned_for: int | None
    ) -> list[Note]:
        """Return notes of a span above the bass, on the chord of its cue.

        Args:
            cue: of the span.
            notes: planned for the chord `planned_for`; None if there is no plan.
            planned_for: that chord.
        """
        place = cue.phase.span
        if notes is None:
            planned_for, notes = self._pattern(cue)
        elif planned_for is not None:
            kept = [] if self._is_first else self._patterns.get(place, (0, []))[1]
            self._patterns[place] = (planned_for, [*kept, *notes])
        self._is_first = False
        real = [self._real(note, planned_for, cue.chord) for note in notes]
        above = self._above(real)
        self._played[cue.index][1].extend(above)
        return above

    def change(self, cue: Cue, before: int) -> None:
        """Move a span that has begun to another chord.

        Args:
            cue: the new one.
            before: the chord of the span so far.
        """
        _, notes = self._played[cue.index]
        moved = [self._real(note, before, cue.chord) for note in notes]
        self._played[cue.index] = (cue.chord, moved)

    def close(self, cue: Cue, frames: int) -> list[Note]:
        """Return the last chord above its bass, held for so many frames."""
        above = [Note(0, pitch, frames) for pitch in self._voiced(cue.chord)]
        self._played[cue.index][1].extend(above)
        return above

    def rest(self, at_ns: int) -> None:
        """Forget the notes that have not begun: they are not played."""
        now_ticks = self._seat.timeline.ticks_at(at_ns + self._seat.reach_ns)
        meter, swing = self._seat.meter, self._seat.params.swing
        for index, (chord, notes) in self._played.items():
            start, frames = meter.start_of(index), meter.ticks_of(index) // FRAME_TICKS
            begun = [
                note
                for note in notes
                if start + onset_ticks(note, frames, swing) <= now_ticks
            ]
            self._played[index] = (chord, begun)

    def _real(self, note: Note, planned_for: int | None, chord: int) -> Note:
        """A planned note on another chord, within the register."""
        params, pitch = self._seat.params, note.pitch
        if planned_for is not None:
            pitch = voicing.moved(pitch, planned_for, chord)
        pitch = voicing.within(pitch, params.low, params.high)
        return Note(note.frame, pitch, note.frames)

    def _above(self, notes: Sequence[Note]) -> list[Note]:
        """The notes above the bass.

        On the beat the bass replaces low notes. Off it they keep the rhythm going, an
        octave higher, if nothing else begins there.
        """
        params = self._seat.params
        low, high = voicing.common_register(
            (BASS_BELOW, params.high), params.low, params.high
        )
        above = [note for note in notes if note.pitch >= BASS_BELOW]
        taken = {0, *(note.frame for note in above)}
        for note in notes:
            if note.frame not in taken:
                pitch = voicing.within(note.pitch, low, high)
                above.append(Note(note.frame, pitch, note.frames))
                taken.add(note.frame)
        return above

    def _pattern(self, cue: Cue) -> tuple[int, list[Note]]:
        """What was last played at this place of the bar, or a note of the chord."""
        found = self._patterns.get(cue.phase.span)
        if found is not None:
            return found
        return cue.chord, [Note(2, pitch, 2) for pitch in self._voiced(cue.chord)[-1:]]

    def _voiced(self, chord: int) -> tuple[int, ...]:
        """A chord in the middle register, within that of the musician."""
        params = self._seat.params
        register = voicing.common_register(
            voicing.CHORD_REGISTER, params.low, params.high
        )
        return voicing.voiced(chord, (), *register, PATTERN_VOICES)

"""Seats that play notes of the conductor's sections: keys play those above the bass.

`Textured` schedules and ends the notes. `ripieno.roles.bass` builds on it too.
"""

from collections.abc import Callable, Sequence
from typing import Final

from ripieno.conduct.cue import Cue, Section
from ripieno.music import chords, voicing
from ripieno.music.spans import FRAME_TICKS, Note
from ripieno.play.expression import end_ticks, onset_ticks, velocity
from ripieno.play.scheduled import SHORTEST_TICKS, ScheduledNotes, distinct
from ripieno.play.scheduler import Due
from ripieno.play.seat import Seat
from ripieno.protocol import PlannedNote
from ripieno.roles.following import Following

KEYS_LOUDNESS: Final = 0.8
"""Loudness beside the human's. POP909's pianists play at 0.83 of the melody's velocity
on average."""


class Textured(Following):
    """Plays some notes of each section: those above the bass, or the bass."""

    def __init__(
        self,
        seat: Seat,
        mine: Callable[[Section], Sequence[Note]],
        loudness: float,
    ) -> None:
        """Begin silent.

        Args:
            seat: of the player.
            mine: the notes of a section that it plays.
            loudness: beside the human's.
        """
        self._seat, self._mine, self._loudness = seat, mine, loudness
        self._notes = ScheduledNotes(seat)
        self._chord = chords.NO_CHORD

    def on_cue(self, cue: Cue, now_ns: int) -> None:
        """End what does not belong to a new chord; within a span, play it on that."""
        before, self._chord = self._chord, cue.chord
        begin = self._seat.meter.start_of(cue.index)
        if cue.start_ticks > begin:
            span = begin, begin + self._seat.meter.ticks_of(cue.index)
            self._notes.move(before, cue.chord, span, now_ns)
        elif cue.is_new:
            tones = chords.pitch_classes(cue.chord)
            self._notes.cut(lambda note: note.pitch % 12 not in tones, now_ns)

    def on_section(self, cue: Cue, section: Section, now_ns: int) -> None:
        """Schedule its notes of a section; within a span they replace moved ones."""
        mine = (self._planned(cue, note, now_ns) for note in self._mine(section))
        notes = distinct(mine)
        if cue.start_ticks > self._seat.meter.start_of(cue.index):
            starts = {note.start_ticks for note in notes}
            self._notes.cancel(lambda moved: moved.start_ticks in starts)
        self._notes.add(notes, now_ns)

    def on_note_sent(self, due: Due, late_ns: int) -> None:
        """Keep a note that sounds: a change of chord may cut it."""
        del late_ns
        self._notes.on_sent(due)

    def clear_plans(self, at_ns: int) -> None:
        """Stop playing; what sounds ends."""
        self._chord = chords.NO_CHORD
        self._notes.stop(at_ns)

    def _planned(self, cue: Cue, note: Note, now_ns: int) -> PlannedNote:
        swing, meter = self._seat.params.swing, self._seat.meter
        frames = meter.ticks_of(cue.index) // FRAME_TICKS
        begin = meter.start_of(cue.index)
        start = begin + onset_ticks(note, frames, swing)
        end = begin + end_ticks(note, frames, swing)
        if note.frame == 0:
            now_ticks = self._seat.timeline.ticks_at(now_ns)
            start = max(start, cue.start_ticks, now_ticks)
        end = max(end, start + SHORTEST_TICKS)
        loud = velocity(note, self._loudness, cue.phase, cue.velocity, cue.accent)
        params = self._seat.params
        pitch = voicing.within(note.pitch, params.low, params.high)
        return PlannedNote(start, end, pitch, loud)


def keys(seat: Seat) -> Textured:
    """Return a player of the notes above the bass."""
    return Textured(seat, lambda section: section.above, KEYS_LOUDNESS)

"""A pad: it holds the chord of the cue, voiced close to its last voicing."""

from typing import Final

from ripieno.conduct.cue import Cue
from ripieno.music import voicing
from ripieno.music.spans import Note
from ripieno.play.expression import velocity
from ripieno.play.scheduled import ScheduledNotes
from ripieno.play.scheduler import Due
from ripieno.play.seat import Seat
from ripieno.protocol import PlannedNote
from ripieno.roles.following import Following

VOICES: Final = 3
AGAIN_BARS: Final = 2
"""A pad that does not change is struck again after so many bars: most instruments
fade."""
RINGS_BARS: Final = 3
"""How long a pad rings if nothing ends it."""
LOUDNESS: Final = 0.72
"""Loudness beside the human's. By ear, on a piano and a pad."""


class Pad(Following):
    """Plays `pad`; see the module."""

    def __init__(self, seat: Seat) -> None:
        self._seat, self._notes = seat, ScheduledNotes(seat)
        self._voicing: tuple[int, ...] = ()
        self._struck_bar = 0

    def on_cue(self, cue: Cue, now_ns: int) -> None:
        """Hold the chord of the cue; strike it again where it has faded."""
        if cue.is_new:
            self._notes.cut(lambda _: True, now_ns)
        since_bars = cue.phase.bar - self._struck_bar
        if cue.is_new or (cue.phase.span == 0 and since_bars >= AGAIN_BARS):
            self._strike(cue, now_ns)

    def on_note_sent(self, due: Due, late_ns: int) -> None:
        """Keep a note that sounds: the next chord ends it."""
        del late_ns
        self._notes.on_sent(due)

    def clear_plans(self, at_ns: int) -> None:
        """Stop playing; what sounds ends."""
        self._voicing = ()
        self._notes.stop(at_ns)

    def _strike(self, cue: Cue, now_ns: int) -> None:
        params, meter = self._seat.params, self._seat.meter
        self._struck_bar = cue.phase.bar
        rubs = frozenset((p + step) % 12 for p in cue.melody for step in (-1, 1))
        register = voicing.common_register(
            voicing.CHORD_REGISTER, params.low, params.high
        )
        self._voicing = voicing.voiced(
            cue.chord, self._voicing, *register, VOICES, avoid=rubs
        )
        start = max(cue.start_ticks, self._seat.timeline.ticks_at(now_ns))
        lowest = Note(0, self._voicing[0] if self._voicing else 0, 0)
        loud = velocity(lowest, LOUDNESS, cue.phase, cue.velocity)
        end = start + RINGS_BARS * meter.bar_ticks
        notes = [PlannedNote(start, end, pitch, loud) for pitch in self._voicing]
        self._notes.add(notes, now_ns)

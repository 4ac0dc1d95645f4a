"""A bass: it plays the line of the conductor, one note at a time."""

from typing import Final

from ripieno.conduct.cue import Cue, Section
from ripieno.play.seat import Seat
from ripieno.roles.textured import Textured

LOUDNESS: Final = 0.84
"""Loudness beside the human's: a little above the keys'. Chosen with the volumes, by
the levels that were measured through a sound font (decision 24)."""


class Bass(Textured):
    """Plays `bass`; see the module."""

    def __init__(self, seat: Seat) -> None:
        """Begin silent."""
        super().__init__(seat, lambda section: section.bass, LOUDNESS)

    def on_cue(self, cue: Cue, now_ns: int) -> None:
        """End the line where its chord ends, though the note may be in the new one."""
        if cue.is_new:
            self._end(now_ns)

    def on_section(self, cue: Cue, section: Section, now_ns: int) -> None:
        """Play the line's next note; it ends the one before."""
        if section.bass:
            self._end(now_ns)
            super().on_section(cue, section, now_ns)

    def _end(self, now_ns: int) -> None:
        self._notes.cut(lambda _: True, now_ns)
        self._notes.cancel(lambda _: True)

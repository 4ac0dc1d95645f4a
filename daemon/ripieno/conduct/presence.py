"""Whether the human has played long enough for a role to enter, and plays still."""

from typing import Final, NamedTuple

from ripieno.conduct.spans import Spans
from ripieno.music.timeline import TICKS_PER_BEAT
from ripieno.play.seat import Seat

RESTS_AFTER_BARS: Final = 8
"""A role rests after so many bars without a human note, unless it leads."""
LEADS: Final = 0.5
"""From this value of the parameter `lead` on, a role leads."""
LONG_AGO: Final = -(1 << 32)
"""A tick so early that the role need not listen any more."""


class Kept(NamedTuple):
    """What is kept of the human where the song stops or jumps.

    Attributes:
        at_ns: when that was.
        is_in: whether the role had listened for long enough.
        listened_ticks: for how long it had; None if the human had not entered.
        silent_ticks: how long ago the human had played last; None if the role has to
            wait for the human's next note.
    """

    at_ns: int
    is_in: bool
    listened_ticks: int | None
    silent_ticks: int | None


class Presence:
    """When the human entered, and when they played last, in ticks of the song.

    `margin_ticks` says how much less than the parameter `listen` is long enough.

    Attributes:
        entered_ticks: when the human entered; None before that.
        heard_ticks: when the human played last; None where that is not known.
    """

    def __init__(self, seat: Seat, spans: Spans, margin_ticks: int) -> None:
        self._seat, self._spans, self._margin_ticks = seat, spans, margin_ticks
        self.clear()

    def clear(self) -> None:
        """Forget that the human has played."""
        self.entered_ticks: int | None = None
        self.heard_ticks: int | None = None

    def on_note(self, heard_ticks: int, entered_ticks: int) -> None:
        """Note that the human plays; `entered_ticks` counts for the first note."""
        self.heard_ticks = heard_ticks
        if self.entered_ticks is None:
            self.entered_ticks = entered_ticks

    def is_too_short(self, index: int) -> bool:
        """Whether the human has not played for long enough before a span."""
        if self.entered_ticks is None:
            return True
        if self._seat.is_resumed:
            return False
        wanted_ticks = int(self._seat.params.listen * TICKS_PER_BEAT)
        since_ticks = self._spans.start_ticks(index) - self.entered_ticks
        return since_ticks < wanted_ticks - self._margin_ticks

    def is_over(self, index: int) -> bool:
        """Whether at a span the human has been silent for so long that a role rests."""
        if self.heard_ticks is None:
            return True
        silent_ticks = self._spans.start_ticks(index) - self.heard_ticks
        longest_ticks = RESTS_AFTER_BARS * self._seat.meter.bar_ticks
        return silent_ticks > longest_ticks and self._seat.params.lead < LEADS

    def keep(self, at_ns: int, here_ticks: int, index: int, *, waits: bool) -> Kept:
        """Return what is to be kept where the song stops, before span `index`.

        `waits` says whether the role has to wait for the human's next note.
        """
        entered, heard = self.entered_ticks, self.heard_ticks
        return Kept(
            at_ns,
            is_in=not self.is_too_short(index),
            listened_ticks=None if entered is None else here_ticks - entered,
            silent_ticks=None if heard is None or waits else here_ticks - heard,
        )

    def resume(self, kept: Kept, here_ticks: int, *, is_silence_known: bool) -> None:
        """Take over what was kept, at another place of the song."""
        if kept.is_in:
            self.entered_ticks = LONG_AGO
        elif kept.listened_ticks is not None:
            self.entered_ticks = here_ticks - kept.listened_ticks
        if kept.silent_ticks is not None and is_silence_known:
            self.heard_ticks = here_ticks - kept.silent_ticks

"""Whether the machine serves all seats in time, and the sentence where it does not."""

from typing import Final

from ripieno.protocol import FALLBACK
from ripieno.settings.status import SeatStatus, Status

ENOUGH: Final = 24
"""A seat is judged by so many of its last decisions or replies."""
MOST_LATE: Final = 0.25
"""A seat is not served if a larger share of them came without the model."""


class Service:
    """Judges the seats by their counts. It says once of each seat that it is late."""

    def __init__(self) -> None:
        self._since: dict[int, tuple[int, int]] = {}  # seat → asked, fallbacks
        self._told: set[int] = set()

    def judge(self, status: Status) -> str:
        """Return a sentence on the seats that are newly found late; empty for none."""
        late = {
            seat.name: share
            for seat in status.seats
            if (share := self._late(seat)) is not None and seat.number not in self._told
        }
        self._told |= {seat.number for seat in status.seats if seat.name in late}
        if not late:
            return ""
        return (
            f"The model was too late for {max(late.values()):.0%} of the last answers "
            f"of {', '.join(late)}; the rules stood in. This machine is too slow for "
            f"{len(status.seats)} seats with these models: remove a seat, or choose a "
            "lighter model."
        )

    def _late(self, seat: SeatStatus) -> float | None:
        """Return the share that came too late, if it is too large."""
        asked, fallbacks = self._since.setdefault(
            seat.number, (seat.asked, seat.fallbacks)
        )
        taken = seat.asked - asked
        if taken < ENOUGH:
            return None
        share = (seat.fallbacks - fallbacks) / taken
        self._since[seat.number] = seat.asked, seat.fallbacks
        has_model = seat.model not in ("", FALLBACK)
        return share if has_model and share > MOST_LATE else None

"""How long after the beat a note on the beat is awaited, by how late they come."""

from collections import deque
from typing import Final

LATEST_NS: Final = 25_000_000
"""The longest wait for a note after the beat. An ensemble begins to notice an
asynchrony at 20–30 ms (Schuett 2002)."""
EARLIEST_NS: Final = 4_000_000
"""The shortest wait for a note after the beat."""
ENOUGH: Final = 4
"""With fewer notes on the beat, the wait is `LATEST_NS`."""
RECENT: Final = 32
"""From how many of the human's last notes on a beat the wait is estimated."""
SPREADS: Final = 2.5
"""The wait in standard deviations after the mean: 99 % of the notes come before."""


class Window:
    """Learns how late a person's notes on the beat come. Cost: O(`RECENT`)."""

    def __init__(self) -> None:
        self._late_ns: deque[int] = deque(maxlen=RECENT)

    def add(self, late_ns: int) -> None:
        """Count a note that came so long after its beat; negative for before."""
        self._late_ns.append(late_ns)

    @property
    def ns(self) -> int:
        """How long a note is awaited after the beat."""
        recent = self._late_ns
        if len(recent) < ENOUGH:
            return LATEST_NS
        mean = sum(recent) / len(recent)
        spread = (sum((late - mean) ** 2 for late in recent) / len(recent)) ** 0.5
        return int(min(max(mean + SPREADS * spread, EARLIEST_NS), LATEST_NS))

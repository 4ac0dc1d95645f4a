"""How quick the thinker is, and so how early it is asked."""

from collections import deque
from typing import Final

from ripieno.conduct.tally import quantile
from ripieno.layouts.duet import STALENESS

QUICK_NS: Final = 15_000_000
"""A thinker whose answers take longer (median) is no longer asked on the beat: most
beats would wait for nothing. A few late answers do no harm, as each beat waits at most
`ripieno.conduct.conductor.PATIENCE_NS`. Judged by the 95th percentile, a machine with
25 % of its time stolen had the rules decide 31 of 46 beats."""
SLOW_SHARE: Final = 0.125
"""If the thinker takes more than this share of a span, it is asked one or more spans
ahead. A backup is asked for half a frame before its beat: an eighth of a span."""
MARGIN: Final = 1.25
"""The time allowed for a slow thinker's answer, as a multiple of the 95th percentile of
its answers."""
ANSWERS: Final = 64
"""How many response times are kept."""


class Pace:
    """The thinker's response times. Cost: a sort to read."""

    def __init__(self) -> None:
        self._response_ns: deque[int] = deque(maxlen=ANSWERS)

    def add(self, response_ns: int) -> None:
        """Count how long the first section of an answer took."""
        self._response_ns.append(response_ns)

    @property
    def is_quick(self) -> bool:
        """Whether it is worth asking on the beat."""
        return quantile(self._response_ns, 0.5) <= QUICK_NS

    def spans_ahead(self, span_ns: int, commit: int) -> int:
        """Return how many spans ahead to ask, of those that the model knows.

        Args:
            span_ns: the length of a span.
            commit: how many spans ahead chords are promised.
        """
        slow = quantile(self._response_ns, 0.95) / span_ns
        needed = -int(-slow * MARGIN // 1) if slow > SLOW_SHARE else 0
        wanted = max(commit, needed)
        return next((s for s in STALENESS if s >= wanted), STALENESS[-1])

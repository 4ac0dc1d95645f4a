"""Figures of an accompaniment, as research papers quote them.

ISR is the share of frames (sixteenths) for which the model's plan was there in time.
The staleness S of a frame is how many frames old its plan is. The weighted ISR is
Σ(32 − S)/32 over the frames with a plan, as a share of all frames: a plan that is 32
frames old counts for nothing.

Source: StreamMUSE, for ISR and its weighting.
"""

from collections import deque
from typing import Final

import msgspec

from ripieno.settings.status import Status

RECENT: Final = 4096
"""How many asynchronies are kept."""
WORTHLESS: Final = 32
"""From so many frames on a plan counts for nothing."""


class Tally:
    """Counts of one performance. Cost: O(1) to count, a sort to read a quantile.

    Attributes:
        spans: how many were decided.
    """

    def __init__(self) -> None:
        self._frames = self._planned = 0
        self.spans = self._spans_by_model = 0
        self._worth = 0.0
        self._asynchrony_ns: deque[int] = deque(maxlen=RECENT)

    def add_span(self, frames: int, staleness: int | None, *, by_model: bool) -> None:
        """Count a span that was decided.

        Args:
            frames: how many it has.
            staleness: the age of its plan in frames; None if the model had none.
            by_model: whether the model decided it, not the rules.
        """
        self.spans += 1
        self._spans_by_model += by_model
        self._frames += frames
        if staleness is not None:
            self._planned += frames
            self._worth += frames * max(0, WORTHLESS - staleness) / WORTHLESS

    def add_asynchrony(self, late_ns: int) -> None:
        """Count a note of ours that was played so long after the human's."""
        self._asynchrony_ns.append(abs(late_ns))

    def report(self, status: Status) -> Status:
        """Return the status with these figures."""
        return msgspec.structs.replace(
            status,
            asynchrony_p95_ms=self.asynchrony_p95_ms,
            isr=round(self.isr, 5),
            isr_weighted=round(self.isr_weighted, 5),
            by_model=round(self.by_model, 5),
        )

    @property
    def by_rules(self) -> int:
        """The number of spans that the rules decided."""
        return self.spans - self._spans_by_model

    @property
    def by_model(self) -> float:
        """The share of spans that the model decided; 1 before the first."""
        return self._spans_by_model / self.spans if self.spans else 1.0

    @property
    def isr(self) -> float:
        """The ISR; 1 before the first frame."""
        return self._planned / self._frames if self._frames else 1.0

    @property
    def isr_weighted(self) -> float:
        """The weighted ISR; 1 before the first frame."""
        return self._worth / self._frames if self._frames else 1.0

    @property
    def asynchrony_p95_ms(self) -> float:
        """The 95th percentile of the time between the human's onsets and ours."""
        return quantile(self._asynchrony_ns, 0.95) / 1e6


def quantile(values: deque[int], share: float) -> int:
    """Return a quantile; 0 where there are no values."""
    ordered = sorted(values) or [0]
    return ordered[int(share * (len(ordered) - 1))]

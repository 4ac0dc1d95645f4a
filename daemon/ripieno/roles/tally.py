"""How an accompaniment goes, in the figures of the field.

ISR: the share of sixteenths for which the model's own plan was there when they came.
A frame's staleness: how many frames old the plan is that it is played from. Weighted
ISR counts a plan of 32 frames as no plan: Σ(32 − S)/32 over the frames that had one,
as a share of all frames.

Source: StreamMUSE, for ISR and its weighting.
"""

from collections import deque
from typing import Final

RECENT: Final = 4096
WORTHLESS: Final = 32
"""Frames after which a plan is worth nothing."""
ANSWERS: Final = 64


class Tally:
    """Counts of one performance. Cost: O(1) a count, a sort a question."""

    def __init__(self) -> None:
        self.frames = self.planned = 0
        self.spans = self.spans_by_model = 0
        self._worth = 0.0
        self._asynchrony_ns: deque[int] = deque(maxlen=RECENT)
        self._response_ns: deque[int] = deque(maxlen=ANSWERS)

    def played(self, frames: int, staleness: int | None) -> None:
        """A span was decided.

        Args:
            frames: how many of them.
            staleness: the age of its plan in frames; None where the model had none.
        """
        self.frames += frames
        if staleness is not None:
            self.planned += frames
            self._worth += frames * max(0, WORTHLESS - staleness) / WORTHLESS

    def decided(self, *, by_model: bool) -> None:
        """A span was decided: by the model, or by the rules."""
        self.spans += 1
        self.spans_by_model += by_model

    def met(self, late_ns: int) -> None:
        """We played to an onset of the human's, so long after it."""
        self._asynchrony_ns.append(abs(late_ns))

    def answered(self, response_ns: int) -> None:
        """The thinker's first section took so long."""
        self._response_ns.append(response_ns)

    @property
    def by_model(self) -> float:
        """The share of spans that the model decided; 1 before the first."""
        return self.spans_by_model / self.spans if self.spans else 1.0

    @property
    def isr(self) -> float:
        """See the module; 1 before the first frame."""
        return self.planned / self.frames if self.frames else 1.0

    @property
    def isr_weighted(self) -> float:
        """See the module; 1 before the first frame."""
        return self._worth / self.frames if self.frames else 1.0

    @property
    def asynchrony_p95_ms(self) -> float:
        """Between the human's onsets on the beat and ours."""
        return _quantile(self._asynchrony_ns, 0.95) / 1e6

    @property
    def response_p50_ns(self) -> int:
        """How long the thinker takes as a rule; 0 before it ever answered."""
        return _quantile(self._response_ns, 0.5)

    @property
    def response_p95_ns(self) -> int:
        """What nineteen of twenty answers stay below; 0 before any answer."""
        return _quantile(self._response_ns, 0.95)


def _quantile(values: deque[int], share: float) -> int:
    ordered = sorted(values) or [0]
    return ordered[int(share * (len(ordered) - 1))]

"""What `ripieno_export.train` trains: a network, its losses, and how it is judged.

One task a family. All randomness of a step depends on (seed, step). A task has no
random state of its own, so a run that was interrupted continues bit for bit.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, TypeVar

from torch import Tensor, nn

Rows = TypeVar("Rows")


class Task(ABC):
    """What is learned.

    Attributes:
        parts: what the losses are called.
        network: what is trained; the trainer may put a wrapper around it, so losses
            must call it, not its parts, where gradients are wanted.
        share: (rank, world): which rows of a batch are this process's.
    """

    parts: ClassVar[tuple[str, ...]]
    network: nn.Module
    share: tuple[int, int] = (0, 1)

    @abstractmethod
    def losses(self, step: int) -> Tensor:
        """The batch of a step: each part's loss, shape [K]; their sum is descended."""

    @abstractmethod
    def judge(self) -> list[float]:
        """Each part on held-out music, K numbers; the lowest sum is the best.

        Called in eval mode, without gradients.
        """

    @property
    def mine(self) -> slice:
        """This process's rows of a batch: ``rows[task.mine]``."""
        rank, world = self.share
        return slice(rank, None, world)

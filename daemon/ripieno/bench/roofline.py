"""The limit of a step: what it has to read, over how fast this machine reads.

A step of batch 1 uses every weight once, so however it is computed, its bytes have to
come from memory; a model that fits into a cache may beat the limit.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from ripieno.clock import Clock, SystemClock
from ripieno.inference.lines import POSITION
from ripieno.inference.manifest import Manifest, Part

Numbers = npt.NDArray[np.float32]

READ_BYTES: Final = 256 << 20
"""Far more than any cache of today's holds."""


@dataclass(slots=True)
class Memory:
    """How fast one thread reads memory: the largest of many numbers is looked for.

    numpy does it in vector instructions and in one thread; its dot product would use
    as many threads as its library likes.
    """

    clock: Clock = field(default_factory=SystemClock)
    read_bytes: int = READ_BYTES
    gb_per_s: list[float] = field(default_factory=list)
    _held: Numbers | None = None

    def read(self) -> None:
        """Measure once; to be called between the blocks of what is compared with it."""
        numbers = self._numbers()
        before_ns = self.clock.now_ns()
        numbers.max()
        took_ns = max(1, self.clock.now_ns() - before_ns)
        self.gb_per_s.append(numbers.nbytes / took_ns)

    @property
    def typical_gb_per_s(self) -> float:
        """The median so far."""
        return float(np.median(self.gb_per_s))

    def limit_ms(self, moved_bytes: float) -> float:
        """What reading so many bytes takes at best."""
        return moved_bytes / self.typical_gb_per_s / 1e6

    def least_ms(self, moved_bytes: float) -> float:
        """The same at the fastest that was measured."""
        return moved_bytes / max(self.gb_per_s) / 1e6

    def _numbers(self) -> Numbers:
        if self._held is None:
            self._held = np.ones(self.read_bytes // 4, np.float32)
        return self._held


def cache_bytes(part: Part, rows: int) -> int:
    """What a step reads of caches of which so many rows are filled.

    A state without positions is counted whole, read and written.
    """
    tensors = {tensor.name: tensor for tensor in part.inputs}
    total = 0
    for into, _ in part.state:
        tensor = tensors[into]
        whole = int(np.prod(tensor.shape)) * np.dtype(tensor.dtype).itemsize
        total += whole * rows // tensor.shape[-2] if POSITION in tensors else 2 * whole
    return total


def whole(manifest: Manifest) -> Part:
    """A manifest's own graph, as one of its parts."""
    m = manifest
    return Part(m.inputs, m.outputs, m.state, m.sha256)

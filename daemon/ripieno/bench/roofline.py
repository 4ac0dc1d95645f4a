"""The lower bound of a step's time: its bytes divided by the memory bandwidth.

A step of batch 1 uses every weight once, so all bytes have to come from memory. A model
that fits into a cache may be faster than the bound.
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
"""Far larger than any present cache."""


@dataclass(slots=True)
class Memory:
    """The memory bandwidth of one thread, measured by a maximum over many numbers.

    numpy computes a maximum with vector instructions in one thread; a dot product might
    use more threads.
    """

    clock: Clock = field(default_factory=SystemClock)
    read_bytes: int = READ_BYTES
    gb_per_s: list[float] = field(default_factory=list)
    _held: Numbers | None = None

    def read(self) -> None:
        """Measure once; call it between the blocks of the measurements."""
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
        """Return the time to read so many bytes, by the median bandwidth."""
        return moved_bytes / self.typical_gb_per_s / 1e6

    def least_ms(self, moved_bytes: float) -> float:
        """Return the time to read so many bytes, by the largest bandwidth."""
        return moved_bytes / max(self.gb_per_s) / 1e6

    def _numbers(self) -> Numbers:
        if self._held is None:
            self._held = np.ones(self.read_bytes // 4, np.float32)
        return self._held


def cache_bytes(part: Part, rows: int) -> int:
    """Return the bytes that a step reads of caches with so many filled rows.

    A state without positions counts twice: it is read and written.
    """
    tensors = {tensor.name: tensor for tensor in part.inputs}
    total = 0
    for into, _ in part.state:
        tensor = tensors[into]
        whole = int(np.prod(tensor.shape)) * np.dtype(tensor.dtype).itemsize
        total += whole * rows // tensor.shape[-2] if POSITION in tensors else 2 * whole
    return total


def whole(manifest: Manifest) -> Part:
    """Return a manifest's main graph as one of its parts."""
    m = manifest
    return Part(m.inputs, m.outputs, m.state, m.sha256)

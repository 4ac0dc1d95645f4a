"""The only file that imports ONNX Runtime; it switches off its telemetry before."""

from typing import Any

from ripieno.telemetry import switch_off

switch_off()

import onnxruntime as ort  # noqa: E402

__all__ = ["ort", "quantizer"]


def quantizer() -> Any:  # noqa: ANN401 (ONNX Runtime has no types)
    """Return the class that stores a graph's matrices in a few bits.

    Raises:
        ImportError: the `onnx` package is not installed; only training needs it.
    """
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    return MatMulNBitsQuantizer

"""Whether ONNX Runtime is installed twice; it is not imported."""

import importlib.metadata


def both_are_installed() -> bool:
    """Whether both onnxruntime and onnxruntime-gpu are installed, which must not be."""
    names = {d.metadata["Name"] for d in importlib.metadata.distributions()}
    return {"onnxruntime", "onnxruntime-gpu"} <= names

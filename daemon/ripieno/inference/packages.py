"""Whether ONNX Runtime is installed once, as it must be; imports none of it."""

import importlib.metadata


def both_are_installed() -> bool:
    """Whether onnxruntime and onnxruntime-gpu overwrite each other here."""
    names = {d.metadata["Name"] for d in importlib.metadata.distributions()}
    return {"onnxruntime", "onnxruntime-gpu"} <= names

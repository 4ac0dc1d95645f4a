"""The module that writes the generated pages of the guide; it is in no package."""

import functools
import importlib.util
from types import ModuleType

from tests.command import ROOT


@functools.cache
def reference() -> ModuleType:
    """Load `docs/reference.py`."""
    path = ROOT / "docs" / "reference.py"
    spec = importlib.util.spec_from_file_location("reference", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

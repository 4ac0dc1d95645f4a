"""Where the harmony engine's tables are: a model folder that nobody plays with.

Not having them is no failure: the engine then knows that chord notes fit.
"""

from ripieno.errors import ModelError
from ripieno.inference.manifest import installed
from ripieno.inference.manifest import load as manifest_of
from ripieno.rules.harmony import Tables, load


def maybe_tables() -> Tables | None:
    """The first tables installed; None where there are none, or they are damaged."""
    for folder in installed():
        try:
            if manifest_of(folder).interface == "tables":
                return load(folder)
        except ModelError:
            continue
    return None

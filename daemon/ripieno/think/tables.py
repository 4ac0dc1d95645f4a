"""Where the harmony engine's tables are: a model folder that nobody plays with.

Not having them is no failure: the engine then knows that chord notes fit.
"""

from ripieno.errors import ModelError
from ripieno.think.harmony import Tables, load
from ripieno.think.manifest import installed
from ripieno.think.manifest import load as manifest_of


def maybe_tables() -> Tables | None:
    """The first tables installed; None where there are none, or they are damaged."""
    for folder in installed():
        try:
            if manifest_of(folder).interface == "tables":
                return load(folder)
        except ModelError:
            continue
    return None

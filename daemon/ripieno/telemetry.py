"""ONNX Runtime's telemetry, which is switched off in every process of ours.

From 1.29 on, importing ONNX Runtime outside Windows writes a device's identifier and a
database of events into the user's cache, and uploads them seconds later. Its own
`disable_telemetry_events` comes too late: the library must be loaded after it, and
loading writes the files. The environment variable is read while it loads.

Importing `ripieno` or `ripieno_export` calls `switch_off`, because torch and onnxscript
import ONNX Runtime too. `ripieno.inference.onnx_runtime` calls it again, before it
imports the library.
"""

import os
from pathlib import Path
from typing import Final

VARIABLE: Final = "ORT_DISABLE_TELEMETRY"
"""1, true, yes, on and y switch it off; any other value, 0 or 2, does not (1.31.1)."""
FOLDER: Final = Path("Microsoft", "DeveloperTools", ".onnxruntime")
"""Where ONNX Runtime keeps its files on Linux, in the user's cache folder."""


def switch_off() -> None:
    """Switch telemetry off in this process and in those that it starts.

    Overrides a value that the user gave: nobody turns it on by accident.
    """
    os.environ[VARIABLE] = "1"


def kept_folder() -> Path | None:
    """The folder that some program's telemetry left here; None where there is none."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(cache) / FOLDER
    return folder if folder.is_dir() else None

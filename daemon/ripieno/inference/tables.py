"""The tables of the harmony engine: a model folder without a graph.

Without them the engine only knows that chord notes fit.
"""

import struct
import zlib
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

import numpy as np

from ripieno.errors import ModelError
from ripieno.inference.interfaces import INTERFACES
from ripieno.inference.manifest import TABLES, installed
from ripieno.inference.manifest import load as manifest_of
from ripieno.rules.harmony import Tables, plain_tables

NAMES: Final = Tables.__struct_fields__
NEVER_ZERO: Final = ("prior", "on_beat", "off_beat")
"""Tables of which logarithms are taken, so that no number may be zero."""
UNREADABLE: Final = (
    OSError, EOFError, ValueError, TypeError, LookupError, RuntimeError, MemoryError,
    BadZipFile, zlib.error, struct.error,
)  # fmt: skip
"""What numpy raises when a file is damaged."""


def load(folder: Path) -> Tables:
    """Read the tables of a model folder.

    Raises:
        ModelError: they are missing or damaged.
    """
    try:
        with (folder / TABLES).open("rb") as file:
            arrays = np.load(file, allow_pickle=False)
            tables = Tables(**{name: np.asarray(arrays[name], float) for name in NAMES})
    except UNREADABLE as error:
        raise ModelError(
            f"{folder / TABLES} cannot be read ({error}); copy the folder again."
        ) from error
    plain = plain_tables()
    for name in NAMES:
        array, shape = getattr(tables, name), getattr(plain, name).shape
        if array.shape != shape:
            raise ModelError(
                f"{folder / TABLES}: {name} has the shape {array.shape}, not {shape}; "
                "copy the folder again."
            )
        is_share = (array >= 0) & (array <= 1)  # NaN is neither
        if not is_share.all() or (name in NEVER_ZERO and not array.all()):
            raise ModelError(
                f"{folder / TABLES}: {name} holds numbers that are no shares, 0 to 1; "
                "copy the folder again."
            )
    return tables


def maybe_tables() -> Tables | None:
    """Return the first tables installed; None if there are none that can be read."""
    for folder in installed():
        try:
            if not INTERFACES[manifest_of(folder).interface].graphs:
                return load(folder)
        except ModelError:
            continue
    return None

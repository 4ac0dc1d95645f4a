"""What a run leaves behind, so that it can be resumed bit for bit.

Written to a temporary name and renamed: a run that is killed while it writes keeps
its last checkpoint. Files are loaded with ``weights_only``: no code travels in them.
"""

import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch

from ripieno.errors import FileError

LAST: Final = "last.pt"
BEST: Final = "best.pt"


@dataclass(slots=True)
class Progress:
    """Where a run stands.

    Attributes:
        step: steps done.
        best: the lowest held-out nats per event so far.
        best_step: when that was.
        changes: how the recipe was changed while it ran: ``step``, and each setting's
            name with its value before and after.
    """

    step: int = 0
    best: float = float("inf")
    best_step: int = 0
    changes: list[dict[str, Any]] = field(default_factory=list)


def save(path: Path, payload: dict[str, Any]) -> None:
    """Write a checkpoint, whole or not at all."""
    temporary = path.with_suffix(".tmp")
    torch.save(payload, temporary)
    temporary.replace(path)


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint.

    Raises:
        FileError: it is not there or damaged.
    """
    try:
        payload = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        raise FileError(
            f"The checkpoint {path} cannot be read ({str(error).splitlines()[0]}); "
            "train again, or name the --run folder that holds one."
        ) from error
    return dict(payload)

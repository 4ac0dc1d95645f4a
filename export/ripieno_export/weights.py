"""The weights beside a published graph, from which training can go on: `weights.npz`.

A graph is made to be run: tables are folded, caches laid out, weights perhaps quantised
to eight bits, so its initialisers are not the network's weights. They lie beside it in
half precision: 3 MB for 1.6 million, and whatever the family is, they are read the same
way. The file names the graph that it was published with, and holds no code.
"""

import json
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from ripieno.errors import ModelError
from ripieno.inference import manifest as manifests

WEIGHTS: Final = "weights.npz"
_ABOUT: Final = "about"


def write(payload: dict[str, Any], folder: Path) -> None:
    """Write a checkpoint's weights beside the graph that was made of them.

    Args:
        payload: of the checkpoint.
        folder: of the model; its graph is there already.
    """
    about = {
        "preset": payload["preset"],
        "progress": payload["progress"],
        "graph": manifests.digest(folder / manifests.GRAPH),
    }
    arrays: dict[str, Any] = {_ABOUT: json.dumps(about)}
    arrays |= {name: _half(weight) for name, weight in payload["model"].items()}
    np.savez_compressed(folder / WEIGHTS, **arrays)


def _half(weight: torch.Tensor) -> np.ndarray[Any, np.dtype[Any]]:
    """In half precision, if all values are finite and within its range."""
    array = weight.detach().cpu().numpy()
    fits = array.dtype.kind == "f" and np.abs(array).max(initial=0.0) < 6e4
    return array.astype(np.float16) if fits else array


def read(folder: Path) -> dict[str, Any]:
    """A checkpoint's payload, from a published folder.

    Raises:
        ModelError: the folder has no weights, or they are not its graph's.
    """
    manifest = manifests.load(folder)
    path = folder / WEIGHTS
    try:
        with np.load(path) as file:
            about = json.loads(str(file[_ABOUT]))
            model = {n: _tensor(file[n]) for n in file.files if n != _ABOUT}
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"The model {manifest.name} has no readable {WEIGHTS} to go on from "
            f"({error}); publish it again with this release's ripieno-export."
        ) from error
    if about["graph"] != manifest.sha256:
        raise ModelError(
            f"{path} belongs to another graph than {manifests.GRAPH}; "
            "copy the whole model folder again."
        )
    return {"preset": about["preset"], "progress": about["progress"], "model": model}


def _tensor(array: np.ndarray[Any, np.dtype[Any]]) -> torch.Tensor:
    is_half = array.dtype == np.float16
    return torch.from_numpy(array.astype(np.float32) if is_half else array)

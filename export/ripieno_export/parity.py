"""Golden vectors: what the graph must answer, written by torch, checked by the daemon.

`golden.npz` holds N consecutive steps from a zero state:

======================  ==================  =========================================
array                   shape, dtype        meaning
======================  ==================  =========================================
``event``               (N, 4) int64        held-out events, as they are heard
``noise``               (N, 4) float32      uniform, [0, 1)
``temperature``         (N, 4) float32      0.5 … 1.5
``top_p``               (N, 4) float32      0.5 … 1
``mask_<field>``        (N, V) bool         random, at least one True
``next_event``          (N, 4) int64        what torch sampled
``logits_<field>``      (N, V) float32      unmasked, given the sampled fields before
======================  ==================  =========================================

The state starts at zero and runs on; what is sampled is not fed back. Noise that lies
within `MARGIN` of a boundary between two choices is drawn again, so that a provider
whose arithmetic differs in the last bits must still sample the same events.
"""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from ripieno.errors import ModelError
from ripieno.inference.controls import Controls
from ripieno.inference.sampling import sample
from ripieno.inference.session import Loaded
from ripieno.layouts.vocabulary import FIELDS, N_DOWN, SIZES, Event
from ripieno_export.networks.events import EventNetwork
from ripieno_export.step import CONTROLS, LOGITS, Heads
from ripieno_export.tokenize import Ints

STEPS: Final = 96
MARGIN: Final = 5e-3
SHAPING: Final = ("temperature", "top_p")
TOLERANCE: Final = 1e-4
"""On the logits; float32 sums in another order differ by some 1e-6 times their size."""

Golden = dict[str, npt.NDArray[np.generic]]


def record(network: EventNetwork, events: Ints, seed: int = 0) -> Golden:
    """Run torch's network over events.

    What is exported advances event by event; this reads all of them at once, so the
    graph's memory is checked as well.

    Args:
        network: that was exported.
        events: shape (N, 4).
        seed: of masks, temperatures and noise.
    """
    rng = np.random.default_rng(seed)
    heads = Heads(network.eval())
    with torch.no_grad():
        above = network.backbone(network.read(torch.from_numpy(events)[None]))[0]
    rows: dict[str, list[npt.NDArray[np.generic]]] = {}
    for event, known in zip(events, above, strict=True):
        controls = _controls(rng)
        for _ in range(64):
            controls["noise"] = rng.random((1, 4), np.float32)
            found = _run(heads, known[None], controls)
            if _is_clear(found, controls):
                break
        row = {"event": event[None], **controls, **found}
        for name, array in row.items():
            rows.setdefault(name, []).append(array)
    return {name: np.concatenate(arrays) for name, arrays in rows.items()}


def _controls(rng: np.random.Generator) -> Golden:
    controls: Golden = {
        "temperature": rng.uniform(0.5, 1.5, (1, 4)).astype(np.float32),
        "top_p": rng.uniform(0.5, 1.0, (1, 4)).astype(np.float32),
    }
    for name, size in zip(FIELDS, SIZES, strict=True):
        mask = rng.random((1, size)) < 0.7
        mask[0, rng.integers(size)] = True
        controls[f"mask_{name}"] = mask
    return controls


def _run(heads: Heads, above: torch.Tensor, controls: Golden) -> Golden:
    given = [torch.from_numpy(controls[name]) for name in CONTROLS]
    with torch.no_grad():
        event, logits = heads(above, given)
    outputs = {name: t.numpy() for name, t in zip(LOGITS, logits, strict=True)}
    return {"next_event": event.numpy(), **outputs}


def _is_clear(found: Golden, controls: Golden) -> bool:
    """Whether a little more or less noise would sample the same event."""
    told = found["next_event"][0]
    for field, name in enumerate(FIELDS):
        mask = controls[f"mask_{name}"][0].astype(np.bool_)
        if name == "velocity":
            fits = (np.arange(SIZES[3]) > 0) == (told[2] < N_DOWN)
            mask = mask & fits if (mask & fits).any() else fits
        logits = found[f"logits_{name}"][0].astype(np.float32)
        for noise in (-MARGIN, MARGIN):
            near = float(np.clip(controls["noise"][0, field] + noise, 0.0, 0.999))
            heat, share = (float(controls[n][0, field]) for n in SHAPING)
            if sample(logits, mask, heat, share, near) != told[field]:
                return False
    return True


def check(session: Loaded, golden: Golden) -> float:
    """Replay golden vectors through the daemon's session.

    Returns:
        The largest difference of a logit.

    Raises:
        ModelError: an event or a logit differs.
    """
    line = session.line()
    largest = 0.0
    for number in range(len(golden["event"])):
        masks = tuple(golden[f"mask_{name}"][number] for name in FIELDS)
        rest = {
            n: golden[n][number].tolist() for n in ("temperature", "top_p", "noise")
        }
        told = line.step(
            Event(*golden["event"][number].tolist()), Controls(masks, **rest)
        )
        wanted = Event(*golden["next_event"][number].tolist())
        for name, logits in zip(LOGITS, line.logits(), strict=True):
            largest = max(largest, float(np.abs(logits - golden[name][number]).max()))
        if told != wanted or largest > TOLERANCE:
            raise ModelError(
                f"Step {number} of the golden vectors gives {told} where torch gave "
                f"{wanted} (logits differ by {largest:.1e}, {TOLERANCE:.0e} is "
                "allowed); "
                "the graph is not the network: export it again."
            )
    return largest


def save(golden: Golden, path: Path) -> None:
    """Write golden vectors."""
    np.savez_compressed(path, **golden)  # type: ignore[arg-type]


def load(path: Path) -> Golden:
    """Read golden vectors."""
    with np.load(path) as file:
        return {name: file[name] for name in file.files}

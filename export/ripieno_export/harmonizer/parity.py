"""Golden vectors of the harmonizer: written by torch, replayed by the daemon's runtime.

`golden.npz` holds N consecutive onsets from a zero state:

=================  ======================  =============================================
array              shape, dtype            meaning
=================  ======================  =============================================
``melody``         (N, 1) int64            a held-out soprano
``before``         (N, 4) int64            melody, bass, tenor, alto before; some -1
``gap_s``          (N, 1) float32          seconds
``style``          (N, 1) int64            each of the styles
``bias``           (N, 3, 128) float32     random, a third of it closed
``strictness``     (N, 1) float32          0 … 8
``temperature``    (N, 3) float32          0.5 … 1.5
``top_p``          (N, 3) float32          0.5 … 1
``noise``          (N, 3) float32          uniform, [0, 1)
``voices``         (N, 3) int64            what torch answered
``logits``         (N, 3, D) float32       without bias, given the voices before
=================  ======================  =============================================

The state runs on; answers are not fed back. Noise for which a little more or less
would give other voices is drawn again.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from ripieno.errors import ModelError
from ripieno.inference.graph import Graph
from ripieno.layouts.voices import STYLES
from ripieno.minds.writer import FORBIDDEN
from ripieno_export.harmonizer.crops import Batch
from ripieno_export.harmonizer.step import INPUTS, OUTPUTS, STATE, StepModule
from ripieno_export.parity import MARGIN, TOLERANCE, Golden

STEPS: Final = 96
GIVEN: Final = tuple(n for n in INPUTS if n not in dict(STATE))
CHECKED: Final = ("voices", "logits")

State = tuple[torch.Tensor, ...]


def record(step: StepModule, batch: Batch, seed: int = 0) -> Golden:
    """Run torch's step over the onsets of a batch, crop after crop, without a reset."""
    rng = np.random.default_rng(seed)
    state: State = (torch.zeros(1, 1, step.hidden), torch.zeros(1, 24))
    rows: dict[str, list[npt.NDArray[np.generic]]] = {}
    for number in range(min(STEPS, batch.melody.size)):
        told = _told(batch, number, rng)
        found: Golden = {}
        for _ in range(64):
            told["noise"] = rng.random((1, 3), np.float32)
            found, after = _run(step, told, state)
            if _is_clear(step, told, state, found):
                break
        state = after
        for name, array in {**told, **found}.items():
            rows.setdefault(name, []).append(array)
    return {name: np.concatenate(arrays) for name, arrays in rows.items()}


def _told(batch: Batch, number: int, rng: np.random.Generator) -> Golden:
    row, place = divmod(number, batch.melody.shape[1])
    at = slice(place, place + 1)
    bias = rng.normal(0.0, 1.0, (1, 3, 128))
    bias[rng.random(bias.shape) < 1 / 3] = FORBIDDEN
    return {
        "melody": batch.melody[row : row + 1, at],
        "before": batch.before[row, at],
        "gap_s": batch.gap_s[row : row + 1, at].astype(np.float32),
        "style": rng.integers(0, len(STYLES), (1, 1)),
        "bias": bias.astype(np.float32),
        "strictness": rng.uniform(0.0, 8.0, (1, 1)).astype(np.float32),
        "temperature": rng.uniform(0.5, 1.5, (1, 3)).astype(np.float32),
        "top_p": rng.uniform(0.5, 1.0, (1, 3)).astype(np.float32),
    }


def _run(step: StepModule, told: Golden, state: State) -> tuple[Golden, State]:
    given = {n: torch.from_numpy(a) for n, a in told.items()}
    given |= {name: s for (name, _), s in zip(STATE, state, strict=True)}
    with torch.no_grad():
        out = step(*(given[name] for name in INPUTS))
    named = dict(zip(OUTPUTS, out, strict=True))
    after = tuple(named[name] for _, name in STATE)
    return {name: named[name].numpy() for name in CHECKED}, after


def _is_clear(step: StepModule, told: Golden, state: State, found: Golden) -> bool:
    """Whether a little more or less noise would give the same voices."""
    for away in (-MARGIN, MARGIN):
        noise = np.clip(told["noise"].astype(np.float32) + away, 0.0, 0.999)
        near, _ = _run(step, {**told, "noise": noise.astype(np.float32)}, state)
        if not np.array_equal(near["voices"], found["voices"]):
            return False
    return True


def check(graph: Graph, golden: Golden) -> float:
    """Replay golden vectors through a loaded graph.

    Returns:
        The largest difference of a logit.

    Raises:
        ModelError: a voice or a logit differs.
    """
    graph.reset()
    largest = 0.0
    for number in range(len(golden["melody"])):
        for name in GIVEN:
            graph.put[name][0] = golden[name][number]
        graph.run()
        away = np.abs(graph.out["logits"][0] - golden["logits"][number])
        largest = max(largest, float(away.max()))
        told, wanted = graph.out["voices"][0], golden["voices"][number]
        if not np.array_equal(told, wanted) or largest > TOLERANCE:
            raise ModelError(
                f"Step {number} of the golden vectors gives {told.tolist()} where "
                f"torch gave {wanted.tolist()} (logits differ by {largest:.1e}, "
                f"{TOLERANCE:.0e} is allowed); "
                "the graph is not the network: export it again."
            )
    return largest

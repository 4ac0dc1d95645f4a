"""Golden vectors of the phrase model: torch wrote them, the daemon's runtime replays.

`golden.npz` holds N segments that were read, and N that were written:

=================  ======================  =============================================
array              shape, dtype            meaning
=================  ======================  =============================================
``segment``        (N, S) int64            held-out phrases, what the encoder reads
``meter``          (N, 1) int64            of them
``mean``           (N, Z) float32          what torch's encoder answered
``deviation``      (N, Z) float32          likewise
``latent``         (N, Z) float32          the mean
``toward``         (N, Z) float32          normal
``distance``       (N, 1) float32          0 … 1
``moves``          (N, A) float32          -1 … 1
``before``         (N, 2) int64            a token, and the last pitch struck
``bias``           (N, S, V) float32       random, a third of the pitches closed
``noise``          (N, S) float32          uniform, [0, 1)
``temperature``    (N, 1) float32          0.5 … 1.5
``top_p``          (N, 1) float32          0.5 … 1
``tokens``         (N, S) int64            what torch's decoder wrote
``logits``         (N, S, V) float32       without bias, given the tokens before
=================  ======================  =============================================

Noise for which a little more or less would write other tokens is drawn again.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from ripieno.errors import ModelError
from ripieno.inference.graph import Graph
from ripieno.layouts.phrase import (
    ATTRIBUTES,
    FIRST_PITCH,
    HOLD,
    REST,
    STEPS,
    VOCABULARY,
    Ints,
    used,
)
from ripieno.minds.writer import FORBIDDEN, Wish, Writer
from ripieno_export.parity import TOLERANCE, Golden
from ripieno_export.phrases.crops import Batch
from ripieno_export.phrases.graphs import Decoder, Encoder

INPUTS: Final = (
    "latent", "toward", "distance", "moves", "meter", "before", "bias", "noise",
    "temperature", "top_p",
)  # fmt: skip
WRITTEN: Final = ("tokens", "logits")
CALLS: Final = 24
MARGIN: Final = 1e-3
"""On the noise; 32 steps in turn all have to be clear of a boundary."""
TRIES: Final = 200
READ: Final = ("mean", "deviation")


def record(encoder: Encoder, decoder: Decoder, batch: Batch, seed: int = 0) -> Golden:
    """Run torch's graphs over the phrases of a batch."""
    rng = np.random.default_rng(seed)
    rows: list[Golden] = []
    for number in range(min(CALLS, len(batch.tokens))):
        at = slice(number, number + 1)
        segment, meter = batch.tokens[at], batch.meter[at, None]
        with torch.no_grad():
            read = encoder(torch.from_numpy(segment), torch.from_numpy(meter))
        told = _told(read[0].numpy(), meter, rng)
        wrote = _wrote(decoder, told)
        for _ in range(TRIES):
            if _is_clear(decoder, told, wrote):
                break
            told["noise"] = rng.random((1, STEPS), np.float32)
            wrote = _wrote(decoder, told)
        known = {n: t.numpy() for n, t in zip(READ, read, strict=True)}
        rows.append({"segment": segment, **known, **told, **wrote})
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}


def _told(
    mean: npt.NDArray[np.float32], meter: Ints, rng: np.random.Generator
) -> Golden:
    bias = rng.normal(0.0, 1.0, (1, STEPS, VOCABULARY))
    closed = rng.random((1, 1, VOCABULARY)) < 1 / 3
    closed[..., [REST, HOLD]] = False
    last = rng.integers(FIRST_PITCH, VOCABULARY)
    return {
        "latent": mean,
        "toward": rng.standard_normal(mean.shape, np.float32),
        "distance": rng.random((1, 1), np.float32),
        "moves": rng.uniform(-1.0, 1.0, (1, len(ATTRIBUTES))).astype(np.float32),
        "meter": meter,
        "before": np.array([[int(rng.choice([REST, HOLD])), int(last)]]),
        "bias": np.where(closed, FORBIDDEN, bias).astype(np.float32),
        "noise": rng.random((1, STEPS), np.float32),
        "temperature": rng.uniform(0.5, 1.5, (1, 1)).astype(np.float32),
        "top_p": rng.uniform(0.5, 1.0, (1, 1)).astype(np.float32),
    }


def _wrote(decoder: Decoder, told: Golden) -> Golden:
    given = [torch.from_numpy(told[name]) for name in INPUTS]
    with torch.no_grad():
        found = decoder(*given)
    return {name: tensor.numpy() for name, tensor in zip(WRITTEN, found, strict=True)}


def _is_clear(decoder: Decoder, told: Golden, wrote: Golden) -> bool:
    """Whether a little more or less noise would write the same tokens."""
    for away in (-MARGIN, MARGIN):
        noise = np.clip(told["noise"].astype(np.float32) + away, 0.0, 0.9999)
        near = _wrote(decoder, {**told, "noise": noise.astype(np.float32)})
        if not np.array_equal(near["tokens"], wrote["tokens"]):
            return False
    return True


def check(graphs: Mapping[str, Graph], golden: Golden) -> float:
    """Replay golden vectors through loaded graphs, as the daemon drives them.

    Returns:
        The largest difference of a latent, or of a segment's last logits.

    Raises:
        ModelError: a token, a latent or a logit differs.
    """
    writer, largest = Writer(graphs), 0.0
    for number in range(len(golden["segment"])):
        meter = int(golden["meter"][number, 0])
        writer.read(golden["segment"][number], meter)
        told = writer.write(
            wish_of(golden, number),
            tuple(golden["before"][number].tolist()),
            golden["noise"][number].tolist(),
        )
        last = int(np.flatnonzero(used(meter))[-1])
        pairs = [(graphs["encode"].out[name][0], golden[name][number]) for name in READ]
        pairs.append((graphs["model"].out["logits"][0], golden["logits"][number, last]))
        for found, known in pairs:
            largest = max(largest, float(np.abs(found - known).max()))
        wanted = golden["tokens"][number]
        if not np.array_equal(told, wanted) or largest > TOLERANCE:
            raise ModelError(
                f"Call {number} of the golden vectors gives {told.tolist()} where "
                f"torch gave {wanted.tolist()} (numbers differ by {largest:.1e}, "
                f"{TOLERANCE:.0e} is allowed); "
                "the graph is not the network: export it again."
            )
    return largest


def wish_of(golden: Golden, number: int) -> Wish:
    """What a call of golden vectors asks to be written."""
    return Wish(
        latent=golden["latent"][number].astype(np.float32),
        toward=golden["toward"][number].astype(np.float32),
        distance=float(golden["distance"][number, 0]),
        turns=golden["moves"][number].tolist(),
        meter=int(golden["meter"][number, 0]),
        bias=golden["bias"][number].astype(np.float32),
        temperature=float(golden["temperature"][number, 0]),
        top_p=float(golden["top_p"][number, 0]),
    )

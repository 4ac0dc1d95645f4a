"""How well the network keeps a phrase, and figures of its latent space; in torch.

Accuracy is the share of used steps whose token is right, and the share of the steps on
which a note is struck (*onsets*: holds are easy). *Taught* (teacher forcing): the true
steps before are given. *Greedy* and *sampled*: on its own from the latent's mean alone,
taking the likeliest token, or drawing at temperature 1.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ripieno.layouts import phrase
from ripieno.layouts.phrase import (
    ATTRIBUTES,
    FIRST_PITCH,
    HOLD,
    METERS,
    REST,
    STEPS,
    VOCABULARY,
    Bools,
    Ints,
)
from ripieno.minds.moves import between
from ripieno_export.networks.phrase import PhraseVae, used_places
from ripieno_export.phrases import crops, task
from ripieno_export.phrases.crops import Batch
from ripieno_export.phrases.graphs import Decoder, Space
from ripieno_export.phrases.half import rounded
from ripieno_export.phrases.windows import Windows

COLDEST: Final = 1e-4
"""The temperature of taking the likeliest."""
PHRASES: Final = 1024
"""Held-out windows that figures are taken over, at most."""
LEARNED: Final = 6_000
"""Training windows that directions are found on."""
REACH_SD: Final = (2.0, 3.0, 3.0)
"""How far each parameter's end moves, in standard deviations of its attribute over the
music. At 1.5 for all, `offbeat` moved one phrase in two."""
FEWEST: Final = 200
"""Windows of a metre that make a covariance of 64 dimensions."""
SMALL: Final = 1e-6
USED_NATS: Final = 0.1
"""A latent dimension that carries more than this is in use."""
PAIRS: Final = 128
POINTS: Final = 9
SIZE: Final = 512
SEED: Final = 20_254

Latents = npt.NDArray[np.float32]


def measure(model: PhraseVae, windows: Windows, space: Space) -> dict[str, Any]:
    """All figures of the network."""
    chosen = sample_of(task.held_out(windows), PHRASES)
    anywhere = sample_of(task.held_out(windows, aligned=False), PHRASES)
    held, moved = crops.plain(windows, chosen), crops.plain(windows, anywhere)
    decoder = rounded(Decoder(model, space).eval())
    return {
        "phrases_held_out": len(chosen),
        "reconstruction": {
            **reconstruction(model, decoder, held),
            "from any beat": reconstruction(model, decoder, moved)["all"],
        },
        "baselines": baselines(held),
        "latent": latent_use(model, held),
        "interpolation": interpolation(model, decoder, held),
    }


def sample_of(numbers: Ints, most: int) -> Ints:
    """At most so many of them, always the same."""
    if len(numbers) <= most:
        return numbers
    rng = np.random.default_rng(SEED)
    return np.sort(rng.choice(numbers, most, replace=False))


def rows(batch: Batch, which: Bools) -> Batch:
    """Some phrases of a batch."""
    return Batch(
        batch.tokens[which], batch.meter[which], batch.before[which], batch.last[which]
    )


def _parts(batch: Batch) -> Iterator[Batch]:
    for first in range(0, len(batch.tokens), SIZE):
        at = slice(first, first + SIZE)
        yield Batch(batch.tokens[at], batch.meter[at], batch.before[at], batch.last[at])


@torch.no_grad()
def means(model: PhraseVae, batch: Batch) -> tuple[Latents, Latents]:
    """Each phrase's latent: mean and variance, both [B, Z]."""
    found = []
    for part in _parts(batch):
        mean, log_variance = model.encode(
            torch.from_numpy(part.tokens), torch.from_numpy(part.meter)
        )
        found.append((mean.numpy(), log_variance.exp().numpy()))
    mean_, variance = (np.concatenate(each) for each in zip(*found, strict=True))
    return mean_, variance


@torch.no_grad()
def written(
    decoder: Decoder,
    latents: Latents,
    meter: Ints,
    temperature: float,
) -> Ints:
    """What the decoder writes on its own, [B, S]; the noise is always the same."""
    rng = np.random.default_rng(SEED)
    found = []
    for first in range(0, len(latents), SIZE):
        latent = torch.from_numpy(latents[first : first + SIZE])
        size = len(latent)
        noise = torch.from_numpy(rng.random((size, STEPS), np.float32))
        told: tuple[Tensor, ...] = (
            latent,
            torch.zeros_like(latent),
            torch.zeros(size, 1),
            torch.zeros(size, len(ATTRIBUTES)),
            torch.from_numpy(meter[first : first + SIZE, None]),
            torch.full((size, 2), REST),
            torch.zeros(size, STEPS, VOCABULARY),
            noise,
            torch.full((size, 1), temperature),
            torch.ones(size, 1),
        )
        found.append(decoder(*told)[0].numpy())
    return np.concatenate(found)


def accuracy(found: Ints, batch: Batch) -> dict[str, float]:
    """Shares of right tokens: on used steps, on steps that strike, and of rhythm."""
    is_used = used_places().numpy()[batch.meter]
    right = found == batch.tokens
    strikes = is_used & (batch.tokens >= FIRST_PITCH)
    rhythm = np.minimum(found, FIRST_PITCH) == np.minimum(batch.tokens, FIRST_PITCH)
    return {
        "steps": round(float(right[is_used].mean()), 4),
        "onsets": round(float(right[strikes].mean()), 4),
        "rhythm": round(float(rhythm[is_used].mean()), 4),
        "whole": round(float((right | ~is_used).all(1).mean()), 4),
    }


@torch.no_grad()
def reconstruction(
    model: PhraseVae, decoder: Decoder, batch: Batch
) -> dict[str, dict[str, dict[str, float]]]:
    """Taught, greedy and sampled accuracy, of all phrases and of each metre's."""
    mean, _ = means(model, batch)
    taught = []
    splits = range(SIZE, len(mean), SIZE)
    for part, latent in zip(_parts(batch), np.array_split(mean, splits), strict=True):
        _, meter, before, last = task.tensors(part)
        logits = model.decode(torch.from_numpy(latent), meter, before, last)
        taught.append(logits.argmax(-1).numpy())
    ways = {
        "taught": np.concatenate(taught),
        "greedy": written(decoder, mean, batch.meter, COLDEST),
        "sampled": written(decoder, mean, batch.meter, 1.0),
    }
    kinds = {"all": batch.meter >= 0}
    kinds |= {name: batch.meter == number for number, name in enumerate(METERS)}
    return {
        name: {
            way: accuracy(found[which], rows(batch, which))
            for way, found in ways.items()
        }
        for name, which in kinds.items()
        if which.any()
    }


def baselines(batch: Batch) -> dict[str, dict[str, float]]:
    """Baselines: always hold; hold or rest, whichever is right, by an oracle."""
    held = np.full_like(batch.tokens, HOLD)
    either = np.where(batch.tokens == REST, REST, HOLD)
    return {
        "always hold": accuracy(held, batch),
        "hold or rest, by an oracle": accuracy(either, batch),
    }


def latent_use(model: PhraseVae, batch: Batch) -> dict[str, float]:
    """What the latent carries."""
    mean, variance = means(model, batch)
    nats = 0.5 * (mean**2 + variance - 1.0 - np.log(variance)).mean(0)
    return {
        "nats": round(float(nats.sum()), 2),
        "dimensions": model.latent,
        "used": int((nats > USED_NATS).sum()),
        "mean_deviation": round(float(np.sqrt(variance).mean()), 3),
        "mean_square": round(float((mean**2).mean()), 3),
    }


def interpolation(model: PhraseVae, decoder: Decoder, batch: Batch) -> dict[str, float]:
    """Along the great circle between two phrases: how even the steps of the way are."""
    whole = rows(batch, batch.meter == 0)
    count = min(PAIRS, len(whole.tokens) // 2)
    mean, _ = means(model, rows(whole, np.arange(len(whole.tokens)) < 2 * count))
    shares = np.linspace(0.0, 1.0, POINTS)
    ways = np.stack(
        [
            np.stack([between(mean[i], mean[count + i], share) for share in shares])
            for i in range(count)
        ]
    ).astype(np.float32)
    meter = np.zeros(count * POINTS, np.int64)
    tokens = written(decoder, ways.reshape(-1, model.latent), meter, COLDEST)
    tokens = tokens.reshape(count, POINTS, STEPS)
    change = (tokens[:, 1:] != tokens[:, :-1]).mean(-1)
    from_start = (tokens != tokens[:, :1]).mean(-1)
    rising = (np.diff(from_start, axis=1) >= 0).mean()
    return {
        "pairs": count,
        "points": POINTS,
        "whole_way": round(float(from_start[:, -1].mean()), 4),
        "mean_change": round(float(change.mean()), 4),
        "largest_change": round(float(change.max(1).mean()), 4),
        "never_nearer_again": round(float(rising), 4),
    }


def space_of(model: PhraseVae, windows: Windows) -> Space:
    """Directions of the attributes, and where each metre's latents lie.

    A direction is the regression of the latent on all attributes at once, in standard
    deviations; a knob's end is `REACH_SD` of them. New phrases are drawn from a
    Gaussian with the covariance of the latents: those that are drawn from the prior
    leap twice as often.
    """
    learned = windows.chosen("train", aligned=True)
    batch = crops.plain(windows, sample_of(learned, LEARNED))
    mean, variance = means(model, batch)
    known = phrase.attributes(batch.tokens, batch.meter)
    known = (known - known.mean(0)) / np.maximum(known.std(0), SMALL)
    slopes, *_ = np.linalg.lstsq(known, mean - mean.mean(0), rcond=None)
    centres, spreads = [], []
    for meter in range(len(METERS)):
        mine = batch.meter == meter
        if mine.sum() < FEWEST:  # too few to have a shape of their own
            mine = np.ones_like(mine)
        covariance = np.cov(mean[mine].T) + np.diag(variance[mine].mean(0) + SMALL)
        centres.append(mean[mine].mean(0))
        spreads.append(np.linalg.cholesky(covariance))
    arrays = slopes * np.array(REACH_SD)[:, None], np.stack(centres), np.stack(spreads)
    return Space(*(torch.from_numpy(array.astype(np.float32)) for array in arrays))

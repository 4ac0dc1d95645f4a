"""How much of a window the autoencoder keeps: F1 of the cells that it gives back.

Beside it a linear autoencoder (principal components) of as many numbers, and the mean
roll. The threshold of each is chosen on other held-out windows than it is measured on.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import torch

from ripieno.layouts.likeness import Rolls
from ripieno_export.likeness.linear import Linear
from ripieno_export.networks.encoder import Autoencoder

CHANNELS: Final = ("struck", "sounding")
THRESHOLDS: Final = np.arange(0.1, 0.75, 0.05)
AT_ONCE: Final = 256

Rebuild = Callable[[Rolls], Rolls]


def measured(
    model: Autoencoder, linear: Linear, choosing: Rolls, judging: Rolls
) -> dict[str, dict[str, float]]:
    """{method: {channel: F1}}, and each channel's threshold."""
    mean = choosing.mean(0)
    methods: dict[str, Rebuild] = {
        "model": by_network(model),
        "linear": linear.rebuilt,
        "mean roll": lambda rolls: np.broadcast_to(mean, rolls.shape),
    }
    found: dict[str, dict[str, float]] = {}
    for name, rebuild in methods.items():
        tried, given = rebuild(choosing), rebuild(judging)
        found[name] = {}
        for channel, label in enumerate(CHANNELS):
            at = max(
                THRESHOLDS.tolist(),
                key=_f1_at(tried[:, channel], choosing[:, channel]),
            )
            share = _f1_at(given[:, channel], judging[:, channel])(at)
            found[name] |= {label: round(share, 4), f"{label}_threshold": round(at, 2)}
    return found


def _f1_at(tried: Rolls, real: Rolls) -> Callable[[float], float]:
    return lambda threshold: f1((tried > threshold).astype(np.float32), real)


def f1(guessed: Rolls, real: Rolls) -> float:
    """The harmonic mean of precision and recall over all cells."""
    hits = float((guessed * real).sum())
    return 2 * hits / max(float(guessed.sum() + real.sum()), 1.0)


def by_network(model: Autoencoder) -> Rebuild:
    """Probabilities of each cell."""

    def rebuild(rolls: Rolls) -> Rolls:
        parts = []
        for first in range(0, len(rolls), AT_ONCE):
            part = torch.from_numpy(rolls[first : first + AT_ONCE])
            with torch.no_grad():
                parts.append(torch.sigmoid(model(part, len(part))[1]).numpy())
        return np.concatenate(parts)

    return rebuild

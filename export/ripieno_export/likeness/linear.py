"""The linear autoencoder: as many principal components as the network has numbers."""

from typing import Final

import numpy as np
import torch

from ripieno.layouts.likeness import SHAPE, Rolls
from ripieno.similarity.embeddings import Embeddings

PASSES: Final = 2
"""Power iterations of the randomised decomposition."""


class Linear:
    """Principal components of rolls.

    Args:
        rolls: to fit them to, [W, …].
        size: how many.
    """

    def __init__(self, rolls: Rolls, size: int) -> None:
        flat = torch.from_numpy(rolls.reshape(len(rolls), -1))
        torch.manual_seed(0)
        self._mean = flat.mean(0)
        self._axes = torch.svd_lowrank(flat - self._mean, q=size, niter=PASSES)[2]

    def embed(self, rolls: Rolls) -> Embeddings:
        """Unit vectors [W, D]."""
        code = self._code(rolls)
        found = torch.nn.functional.normalize(code, dim=1).numpy()
        return np.asarray(found, np.float32)

    def rebuilt(self, rolls: Rolls) -> Rolls:
        """What is left of rolls, [W, …], real numbers."""
        flat = self._code(rolls) @ self._axes.T + self._mean
        return np.asarray(flat.numpy().reshape(-1, *SHAPE), np.float32)

    def _code(self, rolls: Rolls) -> torch.Tensor:
        return (
            torch.from_numpy(rolls.reshape(len(rolls), -1)) - self._mean
        ) @ self._axes

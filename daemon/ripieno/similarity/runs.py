"""Runs of intervals: the part of likeness that needs no network.

::

    likeness = (the encoder's + weight × the cosine of runs) / (1 + weight)

A run that few pieces have counts more than one that many have (tf-idf). In the search
for the other half of a tune, runs alone find more than the encoder alone, and both
together find most (figures: the model's card). The rarity of each run and the weight of
runs are learned (`ripieno_export.likeness.weighing`) and stored in the model's folder.
"""

from pathlib import Path

import msgspec
import numpy as np

from ripieno.errors import ModelError
from ripieno.inference import manifest as manifests
from ripieno.inference.tables import UNREADABLE
from ripieno.layouts.likeness import RUNS, Floats
from ripieno.layouts.likeness import runs as counts_of


class Runs(msgspec.Struct, frozen=True):
    """How runs of intervals count in likeness.

    Attributes:
        rarity: the weight of each run, at least 0, [`RUNS`].
        weight: of all runs together; the encoder has the weight 1.
    """

    rarity: Floats
    weight: float

    def of(self, notes: Floats) -> Floats:
        """Return a piece's runs as a vector of unit length; zeros if it has none."""
        found = np.log1p(counts_of(notes)) * self.rarity
        unit: Floats = found / max(float(np.linalg.norm(found)), 1e-12)
        return unit

    def joined(self, alike: float | Floats, first: Floats, others: Floats) -> Floats:
        """Return likeness by the encoder and by runs together, −1 … 1, [...].

        For two pieces without runs it is the encoder's, so that a copy always has 1.

        Args:
            alike: likeness by the encoder, −1 … 1, [...].
            first: one piece's runs, by `of`, [`RUNS`].
            others: those of one piece or of several, [..., `RUNS`].
        """
        has_runs = first.any() | others.any(-1)
        cosine = np.where(has_runs, others @ first, alike)
        return np.asarray((alike + self.weight * cosine) / (1 + self.weight))


def load(folder: Path, manifest: manifests.Manifest) -> Runs:
    """Return the runs of a model folder whose manifest was checked.

    Raises:
        ModelError: it has none, or they are damaged.
    """
    path = folder / manifests.RUNS
    if manifest.runs is None:
        raise ModelError(
            f"The manifest of {manifest.name} names no {manifests.RUNS}, which the "
            "likeness interface needs; publish it again with this release's "
            "ripieno-export."
        )
    try:
        rarity = np.asarray(np.load(path, allow_pickle=False), np.float64)
    except UNREADABLE as error:
        raise ModelError(
            f"{path} cannot be read ({error}); copy the whole model folder again."
        ) from error
    if rarity.shape != (RUNS,) or not (np.isfinite(rarity) & (rarity >= 0)).all():
        raise ModelError(
            f"{path} does not hold {RUNS} numbers of at least 0 (its shape is "
            f"{rarity.shape}); copy the whole model folder again."
        )
    return Runs(rarity, manifest.runs.weight)

"""Mel-cepstral distance of rendered continuations from the human's; for regressions.

All are played by the daemon's built-in voice. The human's own notes a semitone higher
are rendered as well: they give the figure a scale.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from ripieno_export.evaluation.continuations import HUMAN, Continuations
from ripieno_export.evaluation.spectrum import cepstrum, distance_db
from ripieno_export.judge import sound
from ripieno_export.judge.figure import Figure, mean_of
from ripieno_export.tokenize import Floats, Notes

RENDERED: Final = 16
"""Continuations of each system that are rendered: each costs half a second."""
HIGHER: Final = "human, a semitone up"


def figures(played: Continuations) -> dict[str, dict[str, Figure]]:
    """The distance of each system's first continuations, in dB."""
    chosen = {name: notes[:RENDERED] for name, notes in played.items()}
    chosen[HIGHER] = [higher(notes) for notes in chosen[HUMAN]]
    spectra = {name: _cepstra(notes) for name, notes in chosen.items()}
    return {
        name: {"MCD, dB": mean_of(list(map(distance_db, ours, spectra[HUMAN])))}
        for name, ours in spectra.items()
    }


def _cepstra(pieces: Sequence[Notes]) -> list[Floats]:
    return [cepstrum(samples, sound.RATE_HZ) for samples in sound.heard(pieces)]


def higher(notes: Notes, semitones: int = 1) -> Notes:
    """The same notes, transposed; what leaves the keyboard stays at its end."""
    moved = notes.copy()
    moved["pitch"] = np.clip(notes["pitch"].astype(np.int64) + semitones, 0, 127)
    return moved

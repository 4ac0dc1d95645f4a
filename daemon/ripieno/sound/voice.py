"""The built-in voice: a struck, decaying tone that needs no SoundFont.

A note is a sum of harmonics. With z = exp((−d + i·2πf)·t), harmonic k is the imaginary
part of a_k·zᵏ, so higher harmonics decay faster. The sum over k is a polynomial in z,
computed with Horner's rule. The values of z are the outer product of two short tables;
an exponential for every sample takes ten times as long. A higher velocity makes a note
louder and brighter.
"""

import math
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from ripieno.sound.notes import SoundingNote

RATE_HZ: Final = 44_100
PEAK: Final = 0.89
"""−1 dBFS. A lossy codec may raise the peak."""
TAIL_S: Final = 0.25
"""Silence after the last note has died away."""

_ATTACK_S: Final = 0.004
_RELEASE_S: Final = 0.12
_SHORTEST_S: Final = 0.03
_HIGHEST_HZ: Final = 18_000.0
_MOST_GAIN: Final = 4.0
"""A soft piece is raised by at most 12 dB, so that it stays soft."""
_LEVEL: Final = 0.25
_TABLE: Final = 256

Stereo = npt.NDArray[np.float32]
"""Samples of shape (N, 2), left and right, within ±1."""


class Timbre(msgspec.Struct, frozen=True):
    """The sound of one player.

    Args:
        harmonics: the amplitude of each harmonic at velocity 127.
        decay_s: the time in which middle C falls to 1/e, if `damping` is 0.
        damping: what each harmonic, from the first on, adds to the decay rate, as a
            share of 1 / `decay_s`.
        pan: −1 is left, 1 is right.
    """

    harmonics: tuple[float, ...]
    decay_s: float
    damping: float
    pan: float


HUMAN: Final = Timbre((1.0, 0.5, 0.32, 0.2, 0.12, 0.08, 0.05), 1.1, 0.9, -0.25)
"""Round, like a small piano; a little to the left."""
MACHINE: Final = Timbre((1.0, 0.06, 0.4, 0.04, 0.22, 0.03, 0.12), 0.8, 0.6, 0.25)
"""Hollow (odd harmonics), like a plucked reed; a little to the right."""

Part = tuple[Timbre, Sequence[SoundingNote]]
"""A player's timbre and notes; the notes in any order."""


def render(parts: Sequence[Part]) -> Stereo:
    """Return the mix of some parts, from 0 s to `TAIL_S` after the last release.

    Cost: about 1 s for a minute of dense piano music; 0.4 MB a second of music.
    """
    ends = [max(n.end_s, n.start_s + _SHORTEST_S) for _, notes in parts for n in notes]
    length_s = max(ends, default=0.0) + _RELEASE_S + TAIL_S
    mix = np.zeros((math.ceil(length_s * RATE_HZ) + 1, 2), np.float32)
    for timbre, notes in parts:
        for note in notes:
            start = round(note.start_s * RATE_HZ)
            mono = _tone(note, timbre)
            mix[start : start + len(mono)] += mono[:, None] * _gains(note, timbre)
    peak = float(np.max(np.abs(mix), initial=0.0))
    if peak > 0.0:
        mix *= np.float32(min(PEAK / peak, _MOST_GAIN))
    return mix


def hertz(pitch: int) -> float:
    """Return the frequency of a pitch, in Hz; 69 is 440 Hz."""
    return 440.0 * math.exp2((pitch - 69) / 12.0)


def _tone(note: SoundingNote, timbre: Timbre) -> npt.NDArray[np.float32]:
    """Return the samples of one note, with its release, shape (N,)."""
    held_s = max(note.end_s - note.start_s, _SHORTEST_S)
    n = round((held_s + _RELEASE_S) * RATE_HZ)
    frequency_hz = hertz(note.pitch)
    decay = 1.0 / (timbre.decay_s * 2.0 ** ((60 - note.pitch) / 18.0))
    z = _powers(complex(-decay * timbre.damping, math.tau * frequency_hz) / RATE_HZ, n)
    weights = _weights(timbre, note.velocity, frequency_hz)
    total = np.full(n, weights[-1], np.complex64)
    for weight in weights[-2::-1]:
        total *= z
        total += weight
    total *= z
    body = _powers(complex(-decay / RATE_HZ), n).real
    tone: npt.NDArray[np.float32] = total.imag * body
    rise, fall = round(_ATTACK_S * RATE_HZ), round(_RELEASE_S * RATE_HZ)
    tone[:rise] *= _half_cosine(rise)
    tone[-fall:] *= _half_cosine(fall)[::-1] ** 2
    return tone * np.float32(_LEVEL * note.gain * (note.velocity / 127.0) ** 1.6)


def _powers(exponent: complex, n: int) -> npt.NDArray[np.complex64]:
    """Return exp(exponent·k) for k = 0 … n − 1, shape (n,)."""
    fine = np.exp(exponent * np.arange(_TABLE))
    coarse = np.exp(exponent * _TABLE * np.arange(-(-n // _TABLE)))
    return np.outer(coarse, fine).ravel()[:n].astype(np.complex64)


def _weights(timbre: Timbre, velocity: int, frequency_hz: float) -> list[np.float32]:
    """Return the harmonics' amplitudes, up to `_HIGHEST_HZ`; soft notes are duller."""
    audible = max(1, min(len(timbre.harmonics), int(_HIGHEST_HZ / frequency_hz)))
    dullness = 1.5 * (1.0 - velocity / 127.0)
    return [
        np.float32(strength * (k + 1) ** -dullness)
        for k, strength in enumerate(timbre.harmonics[:audible])
    ]


def _half_cosine(n: int) -> npt.NDArray[np.float32]:
    """Return a fade from 0 to 1 along half a cosine, shape (n,)."""
    return (0.5 - 0.5 * np.cos(np.linspace(0.0, math.pi, n))).astype(np.float32)


def _gains(note: SoundingNote, timbre: Timbre) -> npt.NDArray[np.float32]:
    """Return left and right gains of equal power; low notes are more to the left."""
    pan = min(max(timbre.pan + (note.pitch - 64) / 640.0, -1.0), 1.0)
    angle = (pan + 1.0) * math.pi / 4.0
    return np.array([math.cos(angle), math.sin(angle)], np.float32)

"""The built-in voice: a struck, decaying tone that needs no SoundFont.

A note is a sum of harmonics that all follow from one complex number a sample: with
z = exp((-d + i·2πf)·t), harmonic k is a_k·zᵏ, so higher ones die faster, and the sum
is a polynomial by Horner's rule. z itself is an outer product of two short tables; an
exponential for every sample would cost ten times as much. Played harder, a note is
louder and brighter.

It is no piano; a SoundFont is better (`ripieno.sound.render`). It knows no MIDI file
and no device, and needs numpy alone.
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
"""-1 dBFS: room for what a lossy codec adds."""
TAIL_S: Final = 0.25
"""Silence after the last note has died away."""

_ATTACK_S: Final = 0.004
_RELEASE_S: Final = 0.12
_SHORTEST_S: Final = 0.03
_HIGHEST_HZ: Final = 18_000.0
_MOST_GAIN: Final = 4.0
"""A soft piece is raised by 12 dB at most: it should still be soft."""
_LEVEL: Final = 0.25
_TABLE: Final = 256

Stereo = npt.NDArray[np.float32]
"""Samples of shape (N, 2), left and right, within ±1."""


class Timbre(msgspec.Struct, frozen=True):
    """How one player sounds.

    Args:
        harmonics: the strength of each harmonic at velocity 127.
        decay_s: how long the fundamental of middle C takes to fall to 1/e.
        damping: how much faster each next harmonic dies, in decays of the first.
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
"""A player's timbre and notes, the notes in any order."""


def render(parts: Sequence[Part], rate_hz: int = RATE_HZ) -> Stereo:
    """Sound some parts together.

    Returns:
        The whole piece, from 0 s to `TAIL_S` after the last release.

    Cost: about 1 s a minute of dense piano music, 0.4 MB a second of it.
    """
    ends = [max(n.end_s, n.start_s + _SHORTEST_S) for _, notes in parts for n in notes]
    length_s = max(ends, default=0.0) + _RELEASE_S + TAIL_S
    mix = np.zeros((math.ceil(length_s * rate_hz) + 1, 2), np.float32)
    for timbre, notes in parts:
        for note in notes:
            start = round(note.start_s * rate_hz)
            mono = _tone(note, timbre, rate_hz)
            mix[start : start + len(mono)] += mono[:, None] * _gains(note, timbre)
    return _levelled(mix)


def hertz(pitch: int) -> float:
    """The frequency of a pitch, in Hz; 69 is 440 Hz."""
    return 440.0 * math.exp2((pitch - 69) / 12.0)


def _tone(note: SoundingNote, timbre: Timbre, rate_hz: int) -> npt.NDArray[np.float32]:
    """One note, mono, its release included; shape (N,)."""
    held_s = max(note.end_s - note.start_s, _SHORTEST_S)
    n = round((held_s + _RELEASE_S) * rate_hz)
    frequency_hz = hertz(note.pitch)
    decay = 1.0 / (timbre.decay_s * 2.0 ** ((60 - note.pitch) / 18.0))
    z = _powers(complex(-decay * timbre.damping, math.tau * frequency_hz) / rate_hz, n)
    weights = _weights(timbre, note.velocity, frequency_hz)
    total = np.full(n, weights[-1], np.complex64)
    for weight in weights[-2::-1]:
        total *= z
        total += weight
    total *= z
    body = _powers(complex(-decay / rate_hz), n).real
    tone: npt.NDArray[np.float32] = total.imag * body
    _fade(tone, rate_hz)
    return tone * np.float32(_LEVEL * (note.velocity / 127.0) ** 1.6)


def _powers(exponent: complex, n: int) -> npt.NDArray[np.complex64]:
    """exp(exponent·k) for k = 0 … n − 1, shape (n,)."""
    fine = np.exp(exponent * np.arange(_TABLE))
    coarse = np.exp(exponent * _TABLE * np.arange(-(-n // _TABLE)))
    return np.outer(coarse, fine).ravel()[:n].astype(np.complex64)


def _weights(timbre: Timbre, velocity: int, frequency_hz: float) -> list[np.float32]:
    """Each harmonic's strength: softer is duller, and none is too high to sample."""
    audible = max(1, min(len(timbre.harmonics), int(_HIGHEST_HZ / frequency_hz)))
    dullness = 1.5 * (1.0 - velocity / 127.0)
    return [
        np.float32(strength * (k + 1) ** -dullness)
        for k, strength in enumerate(timbre.harmonics[:audible])
    ]


def _fade(tone: npt.NDArray[np.float32], rate_hz: int) -> None:
    """Half a cosine in and half a cosine out, in place: no click at either end."""
    rise, fall = round(_ATTACK_S * rate_hz), round(_RELEASE_S * rate_hz)
    tone[:rise] *= _half_cosine(rise)
    tone[-fall:] *= _half_cosine(fall)[::-1] ** 2


def _half_cosine(n: int) -> npt.NDArray[np.float32]:
    """From 0 up to 1."""
    return (0.5 - 0.5 * np.cos(np.linspace(0.0, math.pi, n))).astype(np.float32)


def _gains(note: SoundingNote, timbre: Timbre) -> npt.NDArray[np.float32]:
    """Left and right of equal power; low notes a little left, as at a piano."""
    pan = min(max(timbre.pan + (note.pitch - 64) / 640.0, -1.0), 1.0)
    angle = (pan + 1.0) * math.pi / 4.0
    return np.array([math.cos(angle), math.sin(angle)], np.float32)


def _levelled(mix: Stereo) -> Stereo:
    """Return the samples with a peak at −1 dBFS, raised by at most 12 dB."""
    peak = float(np.max(np.abs(mix), initial=0.0))
    if peak > 0.0:
        mix *= np.float32(min(PEAK / peak, _MOST_GAIN))
    return mix

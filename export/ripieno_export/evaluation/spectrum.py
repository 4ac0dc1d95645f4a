"""Mel-cepstral distance: how far apart two sounds are, in dB.

Thirteen coefficients a frame (a bank of mel filters, decibels, a cosine transform),
without the zeroth, which is loudness; frames are aligned by dynamic time warping. The
distance is the root mean square difference of the spectra that the coefficients draw.

It is a figure for regressions only: it shows that a rendering changed. It does not say
how good music is, since any two pieces have some distance.

Source: Kubichek 1993; Davis and Mermelstein 1980 for the coefficients.
"""

from typing import Any, Final

import numpy as np
import scipy.fft
import scipy.signal

from ripieno_export.tokenize import Floats

COEFFICIENTS: Final = 13
FILTERS: Final = 40
FRAME_S: Final = 0.05
STEP_S: Final = 0.025
"""Finer frames cost the square of time and tell chords apart no better."""
LOWEST_HZ: Final = 30.0
HIGHEST_HZ: Final = 8000.0
RANGE: Final = 1e-4
"""What is 80 dB below a sound's loudest is silence. Without this bound, the softest
parts would count most, and a softer copy of a sound would differ from it."""
FLOOR: Final = 1e-6
"""The least amplitude: silence is raised to it, so that its logarithm exists."""


def cepstrum(samples: Floats, rate_hz: int) -> Floats:
    """Mel-frequency cepstral coefficients 1 to 13, shape (frames, 13)."""
    size, step = round(FRAME_S * rate_hz), round(STEP_S * rate_hz)
    padded = np.pad(samples, (0, max(0, size - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::step]
    taper: Any = scipy.signal.get_window("hann", size)
    spectrum = np.abs(np.fft.rfft(frames * taper, axis=1)) * 2 / taper.sum()
    mel = spectrum @ filters(size, rate_hz).T
    mel_db = 20 * np.log10(np.maximum(mel, max(RANGE * mel.max(), FLOOR)))
    every: Any = scipy.fft.dct(mel_db, type=2, axis=1) / (2 * FILTERS)
    return np.asarray(every[:, 1 : COEFFICIENTS + 1], np.float64)


def filters(size: int, rate_hz: int) -> Floats:
    """Triangles on the mel scale, each of area one, shape (filters, bins)."""
    low_mel, high_mel = _mel(
        np.array([LOWEST_HZ, min(HIGHEST_HZ, rate_hz / 2)])
    ).tolist()
    corners = _hertz(np.linspace(low_mel, high_mel, FILTERS + 2))
    at_hz = np.fft.rfftfreq(size, 1 / rate_hz)
    low, middle, high = (corners[n : n + FILTERS, None] for n in range(3))
    rising = (at_hz - low) / (middle - low)
    falling = (high - at_hz) / (high - middle)
    bank = np.maximum(0.0, np.minimum(rising, falling))
    return np.asarray(bank / np.maximum(bank.sum(1, keepdims=True), 1e-9))


def _mel(hertz: Floats) -> Floats:
    return np.asarray(2595.0 * np.log10(1.0 + hertz / 700.0))


def _hertz(mel: Floats) -> Floats:
    return np.asarray(700.0 * (10.0 ** (mel / 2595.0) - 1.0))


def distance_db(ours: Floats, theirs: Floats) -> float:
    """The mean distance of aligned frames of two `cepstrum`s, in dB; 0 if identical.

    Raises:
        ValueError: one of them has no frame.
    """
    if not len(ours) or not len(theirs):
        raise ValueError("a sound without frames has no distance to another")
    gaps = ours[:, None, :] - theirs[None, :, :]
    # A spectrum is its cosine series: each coefficient counts on both sides of zero.
    apart = np.sqrt(2.0 * (gaps * gaps).sum(-1))
    rows, columns = aligned(apart)
    return float(apart[rows, columns].mean())


def aligned(cost: Floats) -> tuple[list[int], list[int]]:
    """The cheapest way through a matrix from corner to corner, step by step."""
    rows, columns = cost.shape
    total = np.full((rows + 1, columns + 1), np.inf)
    total[0, 0] = 0.0
    for row in range(1, rows + 1):
        # From above and across the corner at once; along the row, one by one.
        above = np.minimum(total[row - 1, 1:], total[row - 1, :-1])
        here, before = total[row], np.inf
        for column, (best, price) in enumerate(
            zip(above.tolist(), cost[row - 1].tolist(), strict=True), start=1
        ):
            before = min(best, before) + price
            here[column] = before
    return _way_back(total)


def _way_back(total: Floats) -> tuple[list[int], list[int]]:
    row, column = total.shape[0] - 1, total.shape[1] - 1
    way = [(row - 1, column - 1)]
    while (row, column) != (1, 1):
        steps = ((row - 1, column - 1), (row - 1, column), (row, column - 1))
        row, column = min(steps, key=lambda at: total[at])
        way.append((row - 1, column - 1))
    way.reverse()
    return [r for r, _ in way], [c for _, c in way]

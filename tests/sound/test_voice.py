"""The built-in voice, measured: pitch, onset, end, loudness, clicks."""

import numpy as np
import numpy.typing as npt
import pytest

from ripieno.sound.notes import SoundingNote
from ripieno.sound.voice import (
    HUMAN,
    MACHINE,
    PEAK,
    RATE_HZ,
    TAIL_S,
    Stereo,
    Timbre,
    hertz,
    render,
)

Floats = npt.NDArray[np.float64]

MS = RATE_HZ / 1000
TIMBRES = pytest.mark.parametrize("timbre", [HUMAN, MACHINE], ids=["human", "machine"])


def note(
    start_s: float = 0.0, length_s: float = 1.0, pitch: int = 60, velocity: int = 80
) -> SoundingNote:
    return SoundingNote(start_s, start_s + length_s, pitch, velocity)


def spectrum(
    samples: Stereo,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Frequencies in Hz and magnitudes, of both channels together."""
    mono = samples.sum(axis=1).astype(np.float64)
    n = 4 * len(mono)
    magnitudes: Floats = np.abs(np.fft.rfft(mono * np.hanning(len(mono)), n))
    frequencies: Floats = np.linspace(0.0, RATE_HZ / 2, len(magnitudes))
    return frequencies, magnitudes


@TIMBRES
@pytest.mark.parametrize("pitch", [21, 36, 60, 69, 84, 108, 127])
def test_the_strongest_frequency_is_the_pitch(timbre: Timbre, pitch: int) -> None:
    frequencies, magnitudes = spectrum(render([(timbre, [note(pitch=pitch)])]))
    loudest_hz = frequencies[np.argmax(magnitudes)]
    cents = 1200 * np.log2(loudest_hz / hertz(pitch))
    assert abs(cents) < (20 if pitch < 30 else 3)


@TIMBRES
@pytest.mark.parametrize("start_s", [0.0, 0.25, 1.2345])
def test_a_note_begins_within_five_milliseconds_of_its_time(
    timbre: Timbre, start_s: float
) -> None:
    loud = np.abs(render([(timbre, [note(start_s, pitch=72)])])).max(axis=1)
    onset = int(np.argmax(loud > 0.1 * loud.max()))
    assert 0 <= onset - start_s * RATE_HZ < 5 * MS
    assert not loud[: round(start_s * RATE_HZ)].any()


def test_after_the_release_there_is_silence() -> None:
    samples = render([(HUMAN, [note(length_s=0.5)])])
    assert len(samples) == pytest.approx((0.5 + 0.12 + TAIL_S) * RATE_HZ, abs=2)
    assert not samples[round(0.621 * RATE_HZ) :].any()
    assert np.abs(samples[round(0.45 * RATE_HZ) : round(0.5 * RATE_HZ)]).max() > 0.01


@TIMBRES
def test_the_peak_is_just_below_full_scale_however_dense_the_music(
    timbre: Timbre,
) -> None:
    cluster = [note(pitch=p, velocity=127) for p in range(30, 90)] * 3
    samples = render([(timbre, cluster)])
    assert np.abs(samples).max() == pytest.approx(PEAK, rel=1e-3)
    assert np.isfinite(samples).all()


def test_a_soft_piece_stays_soft() -> None:
    assert np.abs(render([(HUMAN, [note(velocity=10)])])).max() < 0.1


def test_harder_is_louder_and_brighter() -> None:
    pair = [note(0.0, 0.5, velocity=30), note(1.0, 0.5, velocity=120)]
    samples = render([(HUMAN, pair)])
    soft, hard = samples[:RATE_HZ], samples[RATE_HZ : 2 * RATE_HZ]
    assert np.abs(hard).max() > 4 * np.abs(soft).max()
    assert centroid_hz(hard) > 1.2 * centroid_hz(soft)


def centroid_hz(samples: Stereo) -> float:
    frequencies, magnitudes = spectrum(samples)
    return float((frequencies * magnitudes).sum() / magnitudes.sum())


@TIMBRES
@pytest.mark.parametrize("length_s", [0.0, 0.01, 0.137, 1.0])
def test_no_note_clicks_at_either_end(timbre: Timbre, length_s: float) -> None:
    """A click is a step: energy far above the highest harmonic."""
    samples = render([(timbre, [note(0.1, length_s, pitch=48, velocity=127)])])
    frequencies, magnitudes = spectrum(samples)
    ends = magnitudes[frequencies > 6000].max() / magnitudes.max()
    assert 20 * np.log10(ends) < -80


def test_the_human_is_left_and_the_machine_right() -> None:
    human, machine = (np.abs(render([(t, [note()])])).sum(axis=0) for t in PLAYERS)
    assert human[0] > human[1] > 0
    assert machine[1] > machine[0] > 0


PLAYERS = (HUMAN, MACHINE)


def test_the_human_and_the_machine_have_different_timbres() -> None:
    """The human's second harmonic is strong; the machine's is weak."""
    ratios = []
    for timbre in PLAYERS:
        frequencies, magnitudes = spectrum(render([(timbre, [note()])]))
        first, second = (
            magnitudes[np.argmin(np.abs(frequencies - k * hertz(60)))] for k in (1, 2)
        )
        ratios.append(second / first)
    assert ratios[0] > 4 * ratios[1]


def test_no_notes_are_silence() -> None:
    assert not render([]).any()
    assert not render([(HUMAN, [])]).any()

"""Reads and writes WAV files of 16-bit stereo PCM."""

import contextlib
import os
import wave
from pathlib import Path

import numpy as np

from ripieno.errors import FileError
from ripieno.sound.voice import RATE_HZ, Stereo


def write_wav(path: Path, samples: Stereo) -> None:
    """Write samples at `RATE_HZ`; the file appears whole or not at all.

    Args:
        path: a file there is replaced.
        samples: shape (N, 2), clipped to ±1.

    Raises:
        FileError: the file cannot be written.
    """
    beside = part_beside(path)
    pcm = np.rint(np.clip(samples, -1.0, 1.0) * 32_767.0).astype("<i2").tobytes()
    try:
        with beside.open("wb") as raw, wave.open(raw, "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(RATE_HZ)
            file.writeframes(pcm)
        beside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise FileError(f"{path} cannot be written: {error.strerror}") from error


def read_wav(path: Path) -> Stereo:
    """Return the samples of a 16-bit stereo file, shape (N, 2), within ±1.

    Raises:
        OSError, wave.Error: it cannot be read, or is not such a file.
    """
    with path.open("rb") as raw, wave.open(raw, "rb") as file:
        if (file.getnchannels(), file.getsampwidth()) != (2, 2):
            raise wave.Error("not 16-bit stereo")
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return pcm.reshape(-1, 2).astype(np.float32) / 32_768.0


def at_full_level(samples: Stereo, peak: float = 0.8) -> Stereo:
    """Return samples scaled to a peak of `peak`; silence is unchanged."""
    loudest = float(np.abs(samples).max(initial=0.0))
    return samples * np.float32(peak / loudest) if loudest else samples


def part_beside(path: Path) -> Path:
    """Return the path where a file is written before it is renamed."""
    return path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")

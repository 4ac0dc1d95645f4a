"""WAV files of 16-bit PCM, by the standard library."""

import contextlib
import os
import wave
from pathlib import Path

import numpy as np

from ripieno.audio.voice import RATE_HZ, Stereo
from ripieno.errors import FileError


def write_wav(path: Path, samples: Stereo, rate_hz: int = RATE_HZ) -> None:
    """Write stereo samples; the file appears whole or not at all.

    Args:
        path: where to; a file there is replaced.
        samples: shape (N, 2), within ±1; what is beyond is cut off.
        rate_hz: samples a second.

    Raises:
        FileError: the file cannot be written.
    """
    beside = part_beside(path)
    try:
        with beside.open("wb") as raw, wave.open(raw, "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(rate_hz)
            file.writeframes(_pcm(samples))
        beside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise FileError(f"{path} cannot be written: {error.strerror}") from error


def part_beside(path: Path) -> Path:
    """Where a file is written before it is renamed into its place."""
    return path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")


def _pcm(samples: Stereo) -> bytes:
    pcm: bytes = np.rint(np.clip(samples, -1.0, 1.0) * 32_767.0).astype("<i2").tobytes()
    return pcm

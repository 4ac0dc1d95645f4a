"""WAV files of 16-bit PCM, by the standard library."""

import contextlib
import os
import wave
from pathlib import Path

import numpy as np

from ripieno.errors import FileError
from ripieno.sound.voice import RATE_HZ, Stereo


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


def read_wav(path: Path) -> Stereo:
    """The samples of a 16-bit stereo file, shape (N, 2), within ±1.

    Raises:
        OSError, wave.Error: it cannot be read, or is not such a file.
    """
    with path.open("rb") as raw, wave.open(raw, "rb") as file:
        if (file.getnchannels(), file.getsampwidth()) != (2, 2):
            raise wave.Error("not 16-bit stereo")
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return pcm.reshape(-1, 2).astype(np.float32) / 32_768.0


def at_full_level(samples: Stereo, peak: float = 0.8) -> Stereo:
    """Return the sound with its loudest sample at `peak`; silence is unchanged."""
    loudest = float(np.abs(samples).max(initial=0.0))
    return samples * np.float32(peak / loudest) if loudest else samples


def part_beside(path: Path) -> Path:
    """Return the path where a file is written before it is renamed."""
    return path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")


def _pcm(samples: Stereo) -> bytes:
    pcm: bytes = np.rint(np.clip(samples, -1.0, 1.0) * 32_767.0).astype("<i2").tobytes()
    return pcm

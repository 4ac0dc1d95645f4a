"""Notes in seconds, written as MIDI and heard through the daemon's own voice."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from ripieno.clock import NS_PER_S
from ripieno.files.midi import Track, write_performance
from ripieno.music import messages
from ripieno.sound.render import render_wav
from ripieno.sound.voice import MACHINE, RATE_HZ
from ripieno.sound.wav import read_wav
from ripieno_export.tokenize import Notes

__all__ = ["RATE_HZ", "heard", "write_midi"]

SUSTAIN: Final = 64
SOFT: Final = 67
PEDALS: Final = {128: SUSTAIN, 129: SOFT}

Samples = npt.NDArray[np.float64]
Timed = tuple[int, bytes]


def messages_of(notes: Notes, channel: int = 0, from_s: float = 0.0) -> list[Timed]:
    """Raw messages in order of time, pedals as controllers; offs before ons."""
    timed = []
    for note in notes:
        pitch, level = int(note["pitch"]), int(note["velocity"])
        for at_s, order, value in ((note["start"], 1, level), (note["end"], 0, 0)):
            at_ns = round((float(at_s) + from_s) * NS_PER_S)
            timed.append((at_ns, order, _raw(channel, pitch, value)))
    return [(at_ns, raw) for at_ns, _, raw in sorted(timed)]


def _raw(channel: int, pitch: int, velocity: int) -> bytes:
    if pitch in PEDALS:
        return messages.control(channel, PEDALS[pitch], 127 if velocity else 0)
    if velocity:
        return messages.note_on(channel, pitch, velocity)
    return messages.note_off(channel, pitch)


def write_midi(parts: Mapping[str, tuple[Notes, float]], path: Path) -> None:
    """Write parts as tracks: by name, notes and when their time begins, in seconds.

    Raises:
        FileError: the file cannot be written.
    """
    tracks = [
        Track(name, tuple(messages_of(notes, number, from_s)), 0, number)
        for number, (name, (notes, from_s)) in enumerate(parts.items())
    ]
    write_performance(path, tracks)


def heard(pieces: Sequence[Notes]) -> list[Samples]:
    """Each piece as one channel of sound at `RATE_HZ`.

    Always the built-in voice: it is the same on every machine, a SoundFont is not.
    """
    found = []
    with tempfile.TemporaryDirectory(prefix="ripieno-heard-") as folder:
        path = Path(folder) / "heard.wav"
        for notes in pieces:
            part = (MACHINE, messages_of(notes))
            why = "all machines should hear the same"
            render_wav(path.with_suffix(".mid"), path, [part], soundfont=why)
            found.append(read_wav(path).astype(np.float64).mean(1))
    return found

"""Renders MIDI with a SoundFont and the `fluidsynth` program, if both exist."""

import contextlib
import os
import shutil
import subprocess
import wave
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from ripieno.sound.voice import RATE_HZ
from ripieno.sound.wav import at_full_level, part_beside, read_wav, write_wav

VARIABLE: Final = "RIPIENO_SOUNDFONT"
"""The environment variable that may name a SoundFont; it comes before the folders."""

_FOLDERS: Final = (
    "~/.local/share/soundfonts",
    "~/.local/share/sounds/sf2",
    "~/.local/share/sounds/sf3",
    "~/Library/Audio/Sounds/Banks",
    "/usr/local/share/soundfonts",
    "/usr/share/soundfonts",
    "/usr/share/sounds/sf2",
    "/usr/share/sounds/sf3",
)
GAIN: Final = 1.5
"""Ten notes of velocity 127 do not clip. Fonts differ by 20 dB in loudness, so the
level is set afterwards."""
_LONGEST_S: Final = 600.0
"""A SoundFont renders an hour of music in about a minute."""


class SoundFont(msgspec.Struct, frozen=True):
    """The path of `fluidsynth`, and an .sf2 or .sf3 file."""

    program: str
    font: Path

    @property
    def name(self) -> str:
        """The font's file name without its ending."""
        return self.font.stem


def find_soundfont(
    environment: Mapping[str, str] = os.environ, folders: tuple[str, ...] = _FOLDERS
) -> SoundFont | str:
    """Return the first SoundFont found, or the reason for none."""
    program = shutil.which("fluidsynth", path=environment.get("PATH"))
    if program is None:
        return "the fluidsynth program is not installed"
    if named := environment.get(VARIABLE):
        font = Path(named)
        if font.is_file():
            return SoundFont(program, font)
        return f"{VARIABLE} names {named}, which is not a file"
    for folder in folders:
        for font in sorted(Path(folder).expanduser().glob("*.sf[23]")):
            return SoundFont(program, font)
    return f"no .sf2 or .sf3 file is installed ({VARIABLE} may name one)"


def render_midi(soundfont: SoundFont, midi_path: Path, wav_path: Path) -> str:
    """Render a MIDI file; the WAV file appears whole or not at all.

    Returns:
        "" on success, else the reason for the failure.
    """
    beside = part_beside(wav_path)
    command = [soundfont.program, "-ni", "-q", "-g", str(GAIN)]
    command += ["-F", str(beside), "-r", str(RATE_HZ)]
    command += [str(soundfont.font.resolve()), str(midi_path.resolve())]
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=_LONGEST_S, check=False
        )
        if done.returncode:
            return f"fluidsynth failed with exit code {done.returncode}"
        write_wav(wav_path, at_full_level(read_wav(beside)))
    except (OSError, wave.Error, subprocess.TimeoutExpired) as error:
        return f"fluidsynth failed: {error}"
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()
    return ""

"""Renders a session as a WAV file: by a SoundFont if there is one, else our voice."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ripieno.errors import FileError
from ripieno.sound.notes import sounding_notes
from ripieno.sound.soundfont import SoundFont, find_soundfont, render_midi
from ripieno.sound.voice import Timbre, render
from ripieno.sound.wav import write_wav

LONGEST_S: Final = 3600.0
"""The built-in voice keeps the whole piece in memory: 1.3 GB an hour."""

Messages = Sequence[tuple[int, bytes]]
"""A part: (nanoseconds, raw bytes), in order of time."""


def render_wav(
    midi_path: Path,
    wav_path: Path,
    parts: Sequence[tuple[Timbre, Messages]],
    *,
    soundfont: SoundFont | str | None = None,
) -> str:
    """Render a piece, and return what rendered it.

    Args:
        midi_path: the piece, for the SoundFont.
        wav_path: a file there is replaced.
        parts: the same piece, for the built-in voice.
        soundfont: the font to use, or the reason for none; None looks for one.

    Returns:
        ``SoundFont NAME`` or ``built-in voice, because …``.

    Raises:
        FileError: the file cannot be written, or the piece is longer than an hour.
    """
    reason = find_soundfont() if soundfont is None else soundfont
    if isinstance(reason, SoundFont):
        name = reason.name
        reason = render_midi(reason, midi_path, wav_path)
        if not reason:
            return f"SoundFont {name}"
    voices = [(timbre, sounding_notes(messages)) for timbre, messages in parts]
    length_s = max((n.end_s for _, notes in voices for n in notes), default=0.0)
    if length_s > LONGEST_S:
        raise FileError(
            f"the piece lasts {length_s:.0f} s, more than {LONGEST_S:.0f} s: render a "
            "shorter part of it"
        )
    write_wav(wav_path, render(voices))
    return f"built-in voice, because {reason}"

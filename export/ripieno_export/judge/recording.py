"""A take to be heard: the melody, what a system played, what a human played.

Writes a MIDI file of three tracks with the chords as markers, and a WAV file of the
first two by the daemon's own voices. Which takes are worth hearing is a matter of their
figures: the worst and the best.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ripieno.files.midi import Track, write_performance
from ripieno.music.chords import name_of
from ripieno.sound.render import render_wav
from ripieno.sound.voice import HUMAN, MACHINE
from ripieno_export.judge.pieces import FRAMES_PER_BEAT, Ints, TestPiece
from ripieno_export.judge.take import Take, even_beats_ns, messages_of, ns_at


def write_midi(piece: TestPiece, take: Take, path: Path) -> None:
    """Write the melody, the take and the human accompaniment, with the take's chords.

    Raises:
        FileError: the file cannot be written.
    """
    beats_ns = even_beats_ns(piece)
    tracks = [
        Track("Melody", tuple(messages_of(piece.melody, beats_ns)), 0, 0),
        Track(take.system, tuple(messages_of(take.notes, beats_ns, 1)), 0, 1),
    ]
    if len(piece.accompaniment):
        theirs = tuple(messages_of(piece.accompaniment, beats_ns, 2))
        tracks.append(Track("Human accompaniment", theirs, 0, 2))
    write_performance(
        path,
        tracks,
        tempo_bpm=piece.bpm,
        time_signature=piece.meter,
        markers=_markers(take.chords, beats_ns),
    )


def write_recording(piece: TestPiece, take: Take, folder: Path) -> Path:
    """Write a take as MIDI and as WAV (without the human accompaniment).

    Returns:
        The MIDI file's path; the WAV file lies beside it.

    Raises:
        FileError: a file cannot be written.
    """
    midi_path = folder / f"{_file_name(piece, take)}.mid"
    write_midi(piece, take, midi_path)
    beats_ns = even_beats_ns(piece)
    parts = [
        (HUMAN, messages_of(piece.melody, beats_ns)),
        (MACHINE, messages_of(take.notes, beats_ns, 1)),
    ]
    # The built-in voices, never a SoundFont: that would play the file's third track.
    why = "all takes should sound alike"
    render_wav(midi_path, midi_path.with_suffix(".wav"), parts, soundfont=why)
    return midi_path


def extremes(scores: Sequence[float], count: int = 3) -> tuple[list[int], list[int]]:
    """The places of the worst and of the best scores, the most extreme first."""
    found = [n for n in np.argsort(scores).tolist() if np.isfinite(scores[n])]
    return found[:count], found[::-1][:count]


def _markers(chords: Ints, beats_ns: Ints) -> list[tuple[int, str]]:
    changes = np.flatnonzero(np.diff(chords, prepend=-2))
    times = ns_at(changes / FRAMES_PER_BEAT, beats_ns)
    names = [name_of(number) for number in chords[changes].tolist()]
    return [
        (at_ns, f"chord:{'N' if name == '-' else name}")
        for at_ns, name in zip(times.tolist(), names, strict=True)
    ]


def _file_name(piece: TestPiece, take: Take) -> str:
    words = f"{piece.corpus} {piece.name} {take.system}".lower()
    return re.sub(r"[^a-z0-9]+", "-", words).strip("-")

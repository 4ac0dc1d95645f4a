"""Notation → notes in seconds: ABC by abc2midi, MusicXML, MEI and Humdrum by partitura.

*ABC*: symusic's wheel brings the program abc2midi. It is run as a process of its own,
with a time limit, so that a tune which breaks it is refused with the program's words.
A tunebook is one piece a tune.

*MusicXML and the rest*: partitura, Apache-2.0 and alive (1.9.0; 20 MB with lxml and
xmlschema, which scipy's 113 MB are not counted in). It is untyped and takes a second to
import, so it is imported when the first such file comes. Its repeats are unfolded and
its grace notes, which have no length, left out; transposing instruments are put where
they sound, which it leaves to its caller.
"""

import io
import re
import subprocess
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import numpy as np

from ripieno_export import bounded
from ripieno_export.midi_files import ABC2MIDI, Music, beats_at, music_of
from ripieno_export.tokenize import NOTE, Floats

SCORES: Final = frozenset({".musicxml", ".xml", ".mxl", ".mei", ".krn"})
MUSICXML: Final = frozenset({".musicxml", ".xml", ".mxl"})
ZIPPED: Final = b"PK"
"""How a compressed MusicXML file begins, whatever its name ends in."""
INCLUDE: Final = "abc-include"
"""abc2midi opens the file that follows this word, whatever it is."""
SLOWEST_S: Final = 20.0
"""A tune takes 12 ms; one that takes this long is caught in a loop."""
STILL: Final = "%%MIDI chordattack 0"
"""Else abc2midi strums chords by 10 ticks a note."""
EARLY_TICKS: Final = 1
"""abc2midi starts every note a tick late and ends it on time."""
PLAIN_BPM: Final = 120.0
PLAIN_VELOCITY: Final = 80


def tunes(text: str) -> list[str]:
    """The tunes of an ABC file; the fields before the first go for all."""
    head, *rest = re.split(r"^(?=X:)", text, flags=re.MULTILINE)
    shared = [line for line in head.splitlines() if re.match(r"%%|[A-Za-z]:", line)]
    lead = "\n".join(["X:1", STILL, *shared])
    return [f"{lead}\n{tune.partition(chr(10))[2]}" for tune in rest]


def abc_music(tune: str) -> Music:
    """The notes of one ABC tune, without the chords above its staff.

    Raises:
        ValueError: abc2midi makes nothing of it, or it includes another file.
    """
    if INCLUDE in tune:
        raise ValueError("it includes another file, which is not read; paste it in")
    with tempfile.TemporaryDirectory() as place:
        made = Path(place) / "tune.mid"
        written = made.with_suffix(".abc")
        written.write_text(tune, encoding="utf-8")
        command = [str(ABC2MIDI), str(written), "-NGUI", "-silent", "-o", str(made)]
        try:
            done = subprocess.run(
                command, capture_output=True, timeout=SLOWEST_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise ValueError(f"abc2midi hangs on it ({SLOWEST_S:g} s)") from error
        if not made.is_file():
            said = (done.stdout + done.stderr).decode("utf-8", "replace")
            faults = [line for line in said.splitlines() if line.startswith("Error")]
            raise ValueError(f"abc2midi: {(faults or ['no tune'])[0]}")
        music = music_of(bounded.read(made))
    for _, notes in music.parts:
        notes["start"] = np.maximum(notes["start"] - _tick_s(music.beats), 0)
    return replace(
        music, title=_field("T", tune), composer=_field("C", tune), is_written=True
    )


def _tick_s(beats: Floats) -> float:
    return EARLY_TICKS * float(beats[1] - beats[0]) / 480


def _field(letter: str, tune: str) -> str:
    found = re.search(rf"^{letter}:\s*(.+?)\s*$", tune, re.MULTILINE)
    return found.group(1) if found else ""


def score_music(content: bytes, suffix: str) -> Music:
    """The notes of a score, with its repeats unfolded.

    Raises:
        ValueError: partitura cannot read it, or is not installed.
        zipfile.BadZipFile, zlib.error, lzma.LZMAError: it is a damaged zip.
    """
    if suffix in MUSICXML and content.startswith(ZIPPED):
        content = _unzipped(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # partitura's and its parsers' own
            return _sounding(_load(content, suffix))
    except ImportError as error:
        raise ValueError(
            "scores are read by partitura: pip install 'ripieno[export]'"
        ) from error
    except Exception as error:  # partitura raises whatever broke inside it
        first = (str(error).splitlines() or [""])[0][:120]
        raise ValueError(f"partitura: {type(error).__name__}: {first}") from error


def _unzipped(content: bytes) -> bytes:
    """The score in a compressed MusicXML file.

    Raises:
        ValueError: it holds none, or one that is too large.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        try:
            container = bounded.unpack(archive, "META-INF/container.xml")
            root = ET.fromstring(container)
        except (KeyError, ET.ParseError) as error:
            raise ValueError("it has no container.xml that can be read") from error
        found = root.find(".//{*}rootfile")
        name = found.get("full-path", "") if found is not None else ""
        if name not in archive.namelist():
            raise ValueError(f"its container.xml names no file in it ({name!r})")
        return bounded.unpack(archive, name)


def _load(content: bytes, suffix: str) -> Any:  # noqa: ANN401  # partitura is untyped
    import partitura  # type: ignore[import-untyped]

    if suffix in MUSICXML:  # from memory: a file it would unpack without a bound
        return partitura.load_musicxml(io.BytesIO(content), quiet=True)
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / f"score{suffix}"
        file.write_bytes(content)
        return partitura.load_score(str(file), quiet=True)


def _sounding(score: Any) -> Music:  # noqa: ANN401
    from partitura import score as shape

    parts = [shape.unfold_part_maximal(part) for part in score.parts]
    first = min(float(part.quarter_map(0)) for part in parts)  # a pick-up is negative
    tempos = [
        (float(part.quarter_map(mark.start.t)) - first, mark.microseconds_per_quarter)
        for part in parts
        for mark in part.iter_all(shape.Tempo)
    ]
    end = max(float(part.quarter_map(part.last_point.t)) for part in parts) - first
    plain = (0.0, 60 / PLAIN_BPM)
    known = [plain, *((at, us / 1e6) for at, us in tempos if us > 0)]
    beats = beats_at(known, int(end) + 2)
    found = [
        named
        for part in parts
        for named in _staves(part, _shift(part, shape), beats, first)
    ]
    if not found:
        raise ValueError("it has no notes")
    title = score.title or score.work_title or score.movement_title or ""
    return Music(
        found,
        (True,) * len(found),
        beats,
        str(title),
        str(score.composer or ""),
        is_written=True,
    )


def _shift(part: Any, shape: Any) -> int:  # noqa: ANN401
    """How many semitones higher a part sounds than it is written."""
    marks = list(part.iter_all(shape.Transposition))
    return int(marks[0].chromatic or 0) if marks else 0


def _staves(
    part: Any,  # noqa: ANN401
    shift: int,
    beats: Floats,
    first: float,
) -> Iterator[tuple[str, Any]]:
    rows = part.note_array(include_staff=True)
    rows = rows[rows["duration_quarter"] > 0]
    at = np.arange(len(beats))
    for staff in np.unique(rows["staff"]):
        mine = rows[rows["staff"] == staff]
        onset = mine["onset_quarter"] - first
        notes = np.zeros(len(mine), NOTE)
        notes["start"] = np.interp(onset, at, beats)
        notes["end"] = np.interp(onset + mine["duration_quarter"], at, beats)
        notes["pitch"] = np.clip(mine["pitch"] + shift, 0, 127)
        notes["velocity"] = PLAIN_VELOCITY
        yield f"{part.part_name or part.id} staff {staff}", notes


def readings(content: bytes, suffix: str) -> list[tuple[str, Callable[[], Music]]]:
    """What a file of any known format holds: one piece, or a tunebook's many.

    Returns:
        For each piece what tells it from the others of its file, and its reading, which
        raises a ValueError, or a RuntimeError for what is not a MIDI file.

    Raises:
        ValueError: it holds nothing.
    """
    if suffix == ".abc":
        text = content.decode("utf-8-sig", "replace").replace("\r\n", "\n")
        found = tunes(text)
        if not found:
            raise ValueError("no tune in it: ABC tunes begin with a line X:")
        marks = [f"#{number}" for number in range(1, len(found) + 1)]
        marks = marks if len(found) > 1 else [""]
        return [
            (mark, partial(abc_music, tune))
            for mark, tune in zip(marks, found, strict=True)
        ]
    if suffix in SCORES:
        return [("", partial(score_music, content, suffix))]
    return [("", partial(music_of, content))]

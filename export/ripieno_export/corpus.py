"""The music to learn from: zips of MIDI files, read where they lie.

A data folder holds `<group>/<source>/<source>.zip` beside a `README.md` (repository,
commit, licence) and an `INDEX.jsonl` (one piece a line). Groups 1 to 3 may be trained
on; group 4 is copyleft and group 5 is benchmarks: those are refused unless the caller
says that nothing will be published from them. A file that cannot be read is listed
with its reason, never fatal.

What is read, and as what, stands in `ripieno_export.sources`. This module knows no
crops; what it yields are notes in seconds.
"""

import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import symusic

from ripieno.errors import FileError, SettingsError
from ripieno.music.vocabulary import SOFT_PEDAL, SUSTAIN_PEDAL
from ripieno_export.sources import SELECTION, Origin, Parts, Selection, read_origin
from ripieno_export.tokenize import NOTE, Notes

SOFT_CONTROL: Final = 67


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece, or one view of it.

    Attributes:
        origin: where it comes from.
        file: its path in the source's zip.
        family: equal for pieces that must share a split (same title and composer).
        split: ``train`` or ``valid``.
        kind: ``piano``, ``melody`` or ``duet`` (track 0 a voice, the rest its piano).
        notes: by onset; ``track`` 0 is the upper hand or the voice.
    """

    origin: Origin
    file: str
    family: str
    split: str
    kind: str
    notes: Notes


@dataclass(slots=True)
class Reading:
    """What was read, and what was not and why."""

    pieces: list[Piece] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


def read(
    data: Path,
    selection: tuple[Selection, ...] = SELECTION,
    *,
    for_evaluation: bool = False,
) -> Reading:
    """Read every selected source under a data folder.

    Raises:
        SettingsError: a source's group may not be trained on.
        FileError: a source is not there.
    """
    for source in selection:
        if source.path[:1] not in "123" and not for_evaluation:
            raise SettingsError(
                f"{source.path} may not be trained on: weights are published from the "
                "groups 1 to 3 only; group 4 is copyleft and group 5 is benchmarks."
            )
    reading = Reading()
    for source in selection:
        _read_source(data / source.path, source, reading)
    return reading


def _read_source(folder: Path, source: Selection, reading: Reading) -> None:
    archive = folder / f"{folder.name}.zip"
    try:
        origin = read_origin(folder)
        with zipfile.ZipFile(archive) as file:
            lines = (folder / "INDEX.jsonl").read_text(encoding="utf-8").splitlines()
            for line in filter(None, lines):
                _read_entry(file, origin, source, json.loads(line), reading)
    except (OSError, zipfile.BadZipFile, json.JSONDecodeError) as error:
        raise FileError(
            f"The source {folder} cannot be read ({error}); "
            "--data names the folder that holds 1_pd_cc0, 2_mit_ccby and so on."
        ) from error


def _read_entry(
    file: zipfile.ZipFile,
    origin: Origin,
    source: Selection,
    entry: dict[str, Any],
    reading: Reading,
) -> None:
    name = str(entry["file"])
    if source.only not in f"/{name}" or Path(name).stem in source.skip:
        return
    try:
        parts = parts_of(file.read(name))
        views = list(source.view(parts))
    except (KeyError, ValueError, RuntimeError) as error:
        reading.refused.append((f"{origin.name}/{name}", str(error)))
        return
    family, split = family_of(entry, origin), str(entry.get("split", "train"))
    for kind, chosen in views:
        notes = merge(chosen)
        reading.pieces.append(Piece(origin, name, family, split, kind, notes))


def parts_of(midi: bytes) -> Parts:
    """The tracks of a MIDI file that have notes, in seconds.

    Raises:
        ValueError: no track has a note.
        RuntimeError: it is not a MIDI file.
    """
    read_score: Any = symusic.Score.from_midi(midi)
    score = read_score.to("second")
    parts = [(t.name, _notes_of(t)) for t in score.tracks if len(t.notes)]
    if not parts:
        raise ValueError("no notes")
    return parts


def grid_of(midi: bytes, per_beat: int) -> list[tuple[str, npt.NDArray[np.int64]]]:
    """The tracks of a MIDI file that have notes, on a grid of so many steps a beat.

    Returns:
        Names and notes [N, 4]: onset, end (at least one step later), pitch, velocity.

    Raises:
        ValueError: no track has a note.
        RuntimeError: it is not a MIDI file.
    """
    score: Any = symusic.Score.from_midi(midi)
    steps = per_beat / score.ticks_per_quarter
    parts: list[tuple[str, npt.NDArray[np.int64]]] = []
    for track in score.tracks:
        if not len(track.notes):
            continue
        columns = track.notes.numpy()
        start = np.rint(columns["time"] * steps).astype(np.int64)
        end = np.rint((columns["time"] + columns["duration"]) * steps)
        rows = [
            start,
            np.maximum(end, start + 1),
            columns["pitch"],
            columns["velocity"],
        ]
        parts.append((track.name, np.stack(rows, 1).astype(np.int64)))
    if not parts:
        raise ValueError("no notes")
    return parts


class _Track(Protocol):
    """What is read of symusic's tracks in seconds; its own stubs leave it open."""

    notes: Any
    pedals: Any
    controls: Any


def _notes_of(track: _Track) -> Notes:
    columns = track.notes.numpy()
    notes = np.zeros(len(columns["time"]), NOTE)
    notes["start"], notes["pitch"] = columns["time"], columns["pitch"]
    notes["end"] = columns["time"] + columns["duration"]
    notes["velocity"] = columns["velocity"]
    pedal = track.pedals.numpy()
    presses = list(zip(pedal["time"], pedal["time"] + pedal["duration"], strict=True))
    sustain = [(start, end, SUSTAIN_PEDAL, 127, 0) for start, end in presses]
    soft = [(start, end, SOFT_PEDAL, 127, 0) for start, end in _soft_presses(track)]
    return np.concatenate([notes, np.array(sustain + soft, NOTE)])


def _soft_presses(track: _Track) -> Iterator[tuple[float, float]]:
    down_s: float | None = None
    for control in track.controls:
        if control.number != SOFT_CONTROL:
            continue
        if control.value >= 64 and down_s is None:
            down_s = control.time
        elif control.value < 64 and down_s is not None:
            yield down_s, control.time
            down_s = None


def merge(parts: Parts) -> Notes:
    """Tracks as one array of notes, by onset; ``track`` numbers them."""
    for number, (_, notes) in enumerate(parts):
        notes["track"] = number
    notes = np.concatenate([notes for _, notes in parts])
    return notes[np.lexsort((notes["pitch"], notes["start"]))]


def family_of(entry: dict[str, Any], origin: Origin) -> str:
    """What a piece is called, letters only; numbered collections by their number."""
    if origin.name == "pop909":
        return f"pop909 {entry['id']}"
    title = str(entry.get("title") or entry.get("song") or entry["file"])
    composer = re.split(r"[\s,]", str(entry.get("composer") or ""))[0]
    letters = re.sub(r"[^a-z0-9]+", "", title.lower().removeprefix("the "))
    return f"{letters} {composer.lower()}".strip()

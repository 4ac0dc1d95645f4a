"""`ripieno similar`: ranks a folder of MIDI files by their likeness to one of them.

::

    IN.mid ─▶ notes in beats ─┬▶ windows ─▶ embeddings ─┐
                              └▶ runs of intervals ─────┤
    LIBRARY/*.mid ─▶ the same, file by file ────────────┴▶ likeness ─▶ table or JSON

Neither tempo nor transposition changes the likeness (`ripieno.layouts.likeness`). Drums
are left out. A file that cannot be read is listed with the reason.
"""

import argparse
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import rich.progress
from rich.console import Console

from ripieno.errors import FileError, ModelError, SettingsError
from ripieno.files.midi import read_performance
from ripieno.files.performance import Performance, Track
from ripieno.files.tempo_map import TempoMap
from ripieno.inference import manifest as manifests
from ripieno.inference.outputs import naming
from ripieno.layouts.likeness import BEATS, FEWEST, Floats, Rolls, in_order, phrases
from ripieno.music import messages
from ripieno.processes.interrupts import raise_interrupts
from ripieno.settings.output import say
from ripieno.settings.paths import is_file, is_folder
from ripieno.similarity.embeddings import Embeddings, Encoder, compare
from ripieno.similarity.runs import Runs
from ripieno.similarity.runs import load as load_runs

MODEL: Final = "phrase-encoder"
ENDINGS: Final = (".mid", ".midi", ".smf")
DRUMS: Final = 9
"""General MIDI's percussion channel, from 0."""


def run(arguments: argparse.Namespace) -> int:
    """Rank the files, and print a table or JSON.

    Raises:
        RipienoError: as `similar`, or `top` is below 1.
    """
    if arguments.top < 1:
        raise SettingsError(f"top is {arguments.top}; it must be at least 1.")
    raise_interrupts()
    console = Console(stderr=True)
    with rich.progress.Progress(
        console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("Comparing", total=1.0)
        found = similar(
            arguments.query,
            arguments.library,
            model=arguments.model,
            provider=arguments.provider,
            progress=lambda done: progress.update(task, completed=done),
        )
    if arguments.json:
        sys.stdout.write(f"{as_json(found, arguments.top)}\n")
        return 0
    for line in lines(found, arguments.top):
        say(line)
    return 0


class Match(msgspec.Struct, frozen=True):
    """A file of the library, and its likeness to the query.

    Attributes:
        rank: 1 is the most alike.
        likeness: of phrases and runs together; at most 1, as for a transposed copy.
        file: its path in the library.
        bar: the bar of the query, from 1, where the most similar eight beats begin.
        its_bar: the bar of the file, from 1, where they begin.
        cosine: the similarity of these eight beats.
    """

    rank: int
    likeness: float
    file: str
    bar: int
    its_bar: int
    cosine: float


class Unreadable(msgspec.Struct, frozen=True):
    """A file that was not compared, and the reason as a sentence."""

    file: str
    reason: str


class Found(msgspec.Struct, frozen=True):
    """The whole ranking, and the files that could not be ranked."""

    query: str
    model: str
    matches: tuple[Match, ...]
    unreadable: tuple[Unreadable, ...]


class _Piece(msgspec.Struct, frozen=True):
    """A file's windows, the bar in which each begins, and its runs."""

    windows: Embeddings
    bars: tuple[int, ...]
    runs: Floats


class _Ear(msgspec.Struct, frozen=True):
    """A loaded model."""

    name: str
    encoder: Encoder
    runs: Runs

    def heard(self, notes: Floats, rolls: Rolls, bars: tuple[int, ...]) -> _Piece:
        with naming(self.name):
            return _Piece(self.encoder.embed(rolls), bars, self.runs.of(notes))

    def match(self, asked: _Piece, other: _Piece, file: str) -> Match:
        found = compare(asked.windows, other.windows)
        likeness = self.runs.joined(found.likeness, asked.runs, other.runs)
        return Match(
            rank=0,
            likeness=round(float(likeness), 4),
            file=file,
            bar=asked.bars[found.here],
            its_bar=other.bars[found.there],
            cosine=round(found.cosine, 4),
        )


def similar(
    query: Path,
    library: Path,
    *,
    model: str,
    provider: str,
    progress: Callable[[float], None],
) -> Found:
    """Rank the MIDI files in a folder and its subfolders by likeness to a file.

    Args:
        query: the file; if it is in the library, it is left out there.
        library: the folder.
        model: the name of, or a path to, a model of the *likeness* interface.
        provider: ``auto``, ``cpu`` or ``cuda``.
        progress: called with the share of files that are done, 0 … 1.

    Raises:
        FileError: the query cannot be read, or no file of the library.
        ModelError: the model cannot be loaded.
    """
    files = _files_in(library, query)
    read = _read(query)
    ear = _ear(model, provider)
    asked = ear.heard(*read)
    matches: list[Match] = []
    unreadable: list[Unreadable] = []
    for number, path in enumerate(files):
        progress(number / len(files))
        shown = str(path.relative_to(library))
        try:
            matches.append(ear.match(asked, ear.heard(*_read(path)), shown))
        except FileError as error:
            unreadable.append(Unreadable(shown, str(error)))
    if not matches:
        raise FileError(
            f"None of the {len(files)} MIDI files in {library} can be compared; "
            f"the first: {unreadable[0].reason}"
        )
    matches.sort(key=lambda match: (-match.likeness, match.file))
    ranked = [msgspec.structs.replace(m, rank=n) for n, m in enumerate(matches, 1)]
    return Found(str(query), ear.name, tuple(ranked), tuple(unreadable))


def lines(found: Found, top: int) -> list[str]:
    """Return a table of the first `top` matches, and the files not compared."""
    shown = found.matches[:top]
    width = max(len(match.file) for match in shown)
    out = [f"{'rank':>4}  likeness  {'file':<{width}}  most alike"]
    out += [
        f"{match.rank:>4}  {match.likeness:>8.3f}  {match.file:<{width}}  "
        f"bar {match.bar} and its bar {match.its_bar}"
        for match in shown
    ]
    if (more := len(found.matches) - len(shown)) > 0:
        out.append(f"{more} more {'is' if more == 1 else 'are'} less alike.")
    out += [f"Passed over: {passed.reason}" for passed in found.unreadable]
    return out


def as_json(found: Found, top: int) -> str:
    """Return the first `top` matches and the files not compared, as JSON."""
    shown = msgspec.structs.replace(found, matches=found.matches[:top])
    return msgspec.json.format(msgspec.json.encode(shown), indent=2).decode()


def _ear(model: str, provider: str) -> _Ear:
    try:
        from ripieno.inference import session as sessions
    except ImportError as error:
        raise ModelError(
            f"ONNX Runtime cannot be loaded ({error}): install Ripieno again."
        ) from error
    folder = manifests.find(model)
    loaded = sessions.Loaded(folder, provider)
    manifest = loaded.manifest
    if manifest.interface != "likeness":
        raise ModelError(
            f"The model {manifest.name} compares nothing (its interface is "
            f"{manifest.interface}); use {MODEL}."
        )
    runs = load_runs(folder, manifest)
    return _Ear(manifest.name, Encoder(loaded.graphs["model"]), runs)


# ── files ─────────────────────────────────────────────────────────────────────────────


def _files_in(library: Path, query: Path) -> list[Path]:
    if not is_folder(library):
        raise FileError(f"{library} is no folder: name one that holds MIDI files.")
    itself = query.resolve()
    midi = (path for path in library.rglob("*") if path.suffix.lower() in ENDINGS)
    found = sorted(path for path in midi if is_file(path) and path.resolve() != itself)
    if not found:
        raise FileError(
            f"{library} holds no {'other ' if is_file(query) else ''}MIDI file "
            f"({', '.join(ENDINGS)}); name a folder that does."
        )
    return found


def _read(path: Path) -> tuple[Floats, Rolls, tuple[int, ...]]:
    """Return a file's notes, its windows, and the bar in which each window begins."""
    performance = read_performance(path)
    notes = notes_of(performance)
    rolls, starts = phrases(notes)
    if not len(starts):
        raise FileError(
            f"{path} has no {BEATS} beats with {FEWEST} notes, drums aside: "
            "choose a longer piece"
        )
    count = _bar_counter(performance)
    return notes, rolls, tuple(count(beat) for beat in starts.tolist())


def notes_of(performance: Performance) -> Floats:
    """Return a file's notes without drums: (onset and end in beats, pitch), [N, 3]."""
    rows = [row for track in performance.tracks for row in _notes(track, performance)]
    notes = np.array(rows, np.float64).reshape(-1, 3)
    notes[:, :2] = _beats(performance.times(), notes[:, :2])
    return in_order(notes)


def _notes(track: Track, performance: Performance) -> Iterator[tuple[int, int, int]]:
    """Yield (onset, end, pitch) in ns; an open note ends with the last message."""
    down: dict[tuple[int, int], int] = {}
    for at_ns, data in track.messages:
        if not (messages.is_note_on(data) or messages.is_note_off(data)):
            continue
        key = messages.channel_of(data), data[1]
        if (since_ns := down.pop(key, None)) is not None:
            yield since_ns, at_ns, key[1]
        if messages.is_note_on(data) and key[0] != DRUMS:
            down[key] = at_ns
    for (_, pitch), since_ns in down.items():
        yield since_ns, performance.length_ns, pitch


def _beats(times: TempoMap, at_ns: Floats) -> Floats:
    """Convert nanoseconds to beats, by the file's tempo changes."""
    starts_ns = np.array(times.starts, np.float64) * 1000 / times.ticks_per_beat
    index = np.searchsorted(starts_ns, at_ns, side="right") - 1
    per_beat_ns = np.array(times.us_per_beat, np.float64) * 1000
    begun = np.array(times.ticks, np.float64) / times.ticks_per_beat
    found: Floats = begun[index] + (at_ns - starts_ns[index]) / per_beat_ns[index]
    return found


def _bar_counter(performance: Performance) -> Callable[[float], int]:
    """Return beat → bar, from 1, by the time signatures; 4/4 before the first."""
    signatures = performance.time_signatures
    if not signatures or signatures[0][0]:
        signatures = ((0, 4, 4), *signatures)
    per_beat = performance.ticks_per_beat
    changes = [(tick / per_beat, 4 * n / d) for tick, n, d in signatures]
    bars = [1.0]
    for (at, length), (next_at, _) in pairwise(changes):
        bars.append(bars[-1] + -(-(next_at - at) // length))

    def count(beat: float) -> int:
        index = max(bisect_right(changes, beat, key=lambda c: c[0]) - 1, 0)
        at, length = changes[index]
        return int(bars[index] + max(beat - at, 0.0) // length)

    return count

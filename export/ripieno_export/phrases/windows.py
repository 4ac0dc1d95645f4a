"""Melodies, cut into two-bar windows: what the phrase model learns from.

A window begins at a bar line (*aligned*) or, as often, at another beat, because the
daemon is not told where the human's bar begins. Two bars of 2/4 or 3/8 are one of 4/4
or 6/8, a bar of 12/8 is two of 6/8; other metres are left out, and so are windows of
fewer than `FEWEST` onsets or with notes that the grid of sixteenths runs together.

Pitches are stored as they are, with the keys that they may be heard in: from the last
onsets up to the window's end, and from the window alone.
"""

import json
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ripieno.errors import FileError
from ripieno.layouts import phrase
from ripieno.layouts.phrase import BARS, PLACES, STEPS, USED, Bools, Ints
from ripieno.music import scales
from ripieno_export import bounded
from ripieno_export.duet import songs
from ripieno_export.duet.songs import REST as OTHERS
from ripieno_export.duet.songs import Grid, Song, Source
from ripieno_export.phrases.pickups import pickups
from ripieno_export.sources import Origin

SOURCES: Final = (
    # 518 and 620: misaligned hands, says the README of POP909-CL.
    Source("2_mit_ccby/pop909", "pop", "MELODY", "", "aligned/", ("518", "620")),
    Source("1_pd_cc0/openewld_clean", "auto", "MELODY"),
    Source("1_pd_cc0/openscore_lieder", "song", piano=OTHERS),
    Source("2_mit_ccby/polish_voice_piano", "song", piano=OTHERS),
    Source("3_pd_works_no_encoding_licence/oneills", "auto"),
    Source("3_pd_works_no_encoding_licence/ryans", "auto"),
)
UPBEATS: Final = "tunes.abc"
"""Where a source keeps the ABC whose upbeats its MIDI does not pad."""
BARS_OF: Final = {
    "4/4": (0, 16), "2/2": (0, 16), "2/4": (0, 8), "4/8": (0, 8),
    "3/4": (1, 12), "6/8": (2, 12), "3/8": (2, 6), "12/8": (2, 12),
}  # fmt: skip
"""Each metre as one of ours, and after how many sixteenths a window may begin anew."""
FEWEST: Final = 3
MEMORY: Final = 64
"""The onsets that a key is heard from; as the daemon's composers."""
SILENT: Final = -1
HELD: Final = -2
PARTS: Final = ("train", "valid", "test")
SEED: Final = 20_252


@dataclass(frozen=True, slots=True)
class Windows:
    """All windows.

    Attributes:
        rows: pitches struck, `SILENT` or `HELD`, shape (N, STEPS); unused places rest.
        before: the step before, and the last pitch struck or `SILENT`, shape (N, 2).
        meter: index into the metres, shape (N,).
        roots: pitch classes: heard over `MEMORY` onsets, and in the window; (N, 2).
        middle: mean pitch of the onsets, shape (N,).
        part: index into `PARTS`, shape (N,).
        aligned: which begin at a bar line, shape (N,).
        song: number of the song, shape (N,).
        sources: each source, and how many songs of it are trained on.
    """

    rows: Ints
    before: Ints
    meter: Ints
    roots: Ints
    middle: npt.NDArray[np.float64]
    part: Ints
    aligned: Bools
    song: Ints
    sources: tuple[tuple[Origin, int], ...]

    def chosen(self, part: str, *, aligned: bool | None = None) -> Ints:
        """The numbers of the windows of a part."""
        mine = self.part == PARTS.index(part)
        if aligned is not None:
            mine = mine & (self.aligned == aligned)
        return np.flatnonzero(mine)


def cut(data: Path, sources: Sequence[Source] = SOURCES) -> Windows:
    """Read the songs of some sources and cut them; each family is in one part."""
    reading = songs.read(data, sources)
    upbeats = {name: part for s in sources for name, part in _upbeats(data, s).items()}
    rng = np.random.default_rng(SEED)
    found: list[dict[str, npt.NDArray[Any]]] = []
    learned: Counter[Origin] = Counter()
    for number, song in enumerate(reading.songs):
        upbeat = upbeats.get(f"{song.origin.name}/{song.file}", 0)
        windows = _windows(song, upbeat, rng)
        if windows is None:
            continue
        count = len(windows["rows"])
        windows["part"] = np.full(count, PARTS.index(song.part))
        windows["song"] = np.full(count, number)
        found.append(windows)
        learned[song.origin] += song.part == "train"
    if not found:
        raise FileError("No song has a window of two bars; add music to --data.")
    joined = {name: np.concatenate([f[name] for f in found]) for name in found[0]}
    return Windows(**joined, sources=tuple(learned.items()))


def _upbeats(data: Path, source: Source) -> dict[str, int]:
    """The upbeat of each file of a source in sixteenths, where the MIDI has not it."""
    folder = data / source.path
    with zipfile.ZipFile(folder / f"{folder.name}.zip") as file:
        if UPBEATS not in file.namelist():
            return {}
        known = pickups(bounded.unpack(file, UPBEATS).decode("utf-8", "replace"))
    lines = (folder / "INDEX.jsonl").read_text(encoding="utf-8").splitlines()
    found: dict[str, int] = {}
    for entry in map(json.loads, filter(None, lines)):
        lengths = known.get(str(entry.get("title")), [])
        if lengths:
            length = lengths.pop(0) if len(lengths) > 1 else lengths[0]
            found[f"{folder.name}/{entry['file']}"] = round(length * phrase.CELL)
    return found


def _windows(
    song: Song, upbeat: int, rng: np.random.Generator
) -> dict[str, npt.NDArray[Any]] | None:
    known = BARS_OF.get(str(song.meter))
    if known is None:
        return None
    meter, hop = known
    line, onsets = _row(song.melody)
    length = BARS * USED[meter]
    at_bars = np.arange(upbeat % hop, len(line) - length + 1, hop)
    beat = 6 if meter == 2 else phrase.CELL
    shift = beat * rng.integers(1, max(USED[meter] // beat, 2), len(at_bars))
    shifted = at_bars + shift
    starts = np.concatenate([at_bars, shifted])
    is_bar = np.arange(len(starts)) < len(at_bars)
    is_bar &= True if hop == USED[meter] else starts % hop == upbeat % hop
    fits = starts <= len(line) - length
    starts, is_bar = starts[fits], is_bar[fits]
    if not len(starts):
        return None
    rows = np.full((len(starts), STEPS), SILENT, np.int64)
    rows[:, phrase.used(meter)] = line[starts[:, None] + np.arange(length)]
    strikes = rows >= 0
    count = strikes.sum(1)
    collided = _collisions(song.melody, starts, length)
    keep = (count >= FEWEST) & (collided * 10 <= count)
    before = np.where(starts > 0, line[np.maximum(starts - 1, 0)], SILENT)
    last = _last_struck(line, starts)
    heard = [_heard(onsets, starts, starts + length, many) for many in (MEMORY, 0)]
    whole = {
        "rows": rows,
        "before": np.stack([before, last], 1),
        "meter": np.full(len(starts), meter),
        "roots": np.stack([roots_of(counts) for counts in heard], 1),
        "middle": np.where(strikes, rows, 0).sum(1) / np.maximum(count, 1),
        "aligned": is_bar,
    }
    return {name: array[keep] for name, array in whole.items()} if keep.any() else None


def _row(melody: Grid) -> tuple[Ints, Ints]:
    """A melody as one row of steps, and its onsets (step, pitch), shape (M, 2)."""
    order = np.lexsort((melody[:, 2], melody[:, 0]))
    notes = melody[order]
    is_top = np.append(notes[1:, 0] != notes[:-1, 0], True)
    notes = notes[is_top]
    ends = np.minimum(notes[:, 1], np.append(notes[1:, 0], notes[-1, 1]))
    row = np.full(int(ends[-1]), SILENT, np.int64)
    for (start, _, pitch, _), end in zip(notes, ends, strict=True):
        row[start:end] = HELD
        row[start] = pitch
    return row, notes[:, [0, 2]]


def _collisions(melody: Grid, starts: Ints, length: int) -> Ints:
    """How many notes of each window share their step with another."""
    onsets = np.sort(melody[:, 0])
    double = onsets[1:][onsets[1:] == onsets[:-1]]
    return np.searchsorted(double, starts + length) - np.searchsorted(double, starts)


def _last_struck(line: Ints, starts: Ints) -> Ints:
    places = np.where(line >= 0, np.arange(len(line)), -1)
    latest = np.concatenate([[-1], np.maximum.accumulate(places)])[starts]
    return np.where(latest >= 0, line[np.maximum(latest, 0)], SILENT)


def _heard(onsets: Ints, starts: Ints, ends: Ints, memory: int) -> Ints:
    """Pitch classes heard up to each window's end: all in it, or the last so many."""
    classes = np.eye(12, dtype=np.int64)[onsets[:, 1] % 12]
    sums = np.concatenate([np.zeros((1, 12), np.int64), classes.cumsum(0)])
    last = np.searchsorted(onsets[:, 0], ends)
    first = np.searchsorted(onsets[:, 0], starts)
    since = np.minimum(np.maximum(last - memory, 0), first)
    return np.asarray(sums[last] - sums[since])


def roots_of(counts: Ints) -> Ints:
    """`phrase.home_of`'s root for many histograms at once; shape (N, 12) → (N,)."""
    profiles = np.array(
        [
            np.roll(profile, tonic)
            for profile in (scales.MAJOR_PROFILE, scales.MINOR_PROFILE)
            for tonic in range(12)
        ]
    )
    away = profiles - profiles.mean(1, keepdims=True)
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    best = ((counts - counts.mean(1, keepdims=True)) @ away.T).argmax(1)
    roots = np.where(best < 12, best, (best + 3) % 12)
    return np.where(counts.sum(1) >= phrase.FEWEST_FOR_A_KEY, roots, 0)


def save(windows: Windows, path: Path) -> None:
    """Write the cache."""
    arrays = {
        name: getattr(windows, name) for name in Windows.__slots__ if name != "sources"
    }
    about = [(asdict(origin), count) for origin, count in windows.sources]
    path.parent.mkdir(parents=True, exist_ok=True)
    small = {n: a.astype(np.int16) if n == "rows" else a for n, a in arrays.items()}
    np.savez(path, **small, about=json.dumps(about), layout=phrase.fingerprint())


def load(path: Path) -> Windows:
    """Read the cache.

    Raises:
        FileError: it is not there or damaged.
    """
    try:
        with np.load(path) as file:
            about = json.loads(str(file["about"]))
            names = [name for name in Windows.__slots__ if name != "sources"]
            arrays = {name: file[name] for name in names}
    except (OSError, KeyError, ValueError) as error:
        raise FileError(
            f"The cut windows {path} cannot be read ({error}); "
            "delete the file and train again."
        ) from error
    arrays["rows"] = arrays["rows"].astype(np.int64)
    sources = tuple((Origin(**origin), count) for origin, count in about)
    return Windows(**arrays, sources=sources)


def of_run(data: Path, run: Path) -> Windows:
    """The windows of a run, cut when they are first asked for."""
    cache = run / "windows.npz"
    if not cache.is_file():
        save(cut(data), cache)
    return load(cache)


assert PLACES % phrase.CELL == 0, "cells do not straddle bar lines"

"""Calls to reply to, and what the human really played next.

A call is a phrase of a piece that the event models have not learned from: of a source
that they do not know, or of what its index holds out. It ends at a phrase boundary, and
so does what the human played after it.

A boundary is an onset near the length that is looked for, after the longest interval
between onsets. In folk tunes, which run on, it lies at most a beat and a half from a
whole number of bars; elsewhere the interval before it has to be clearly long.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path
from typing import Final

import numpy as np

from ripieno.rules.keys import MAJOR, MINOR
from ripieno_export.archives import Archive, Entry, opened
from ripieno_export.corpus import TRAIN, UNREADABLE, VALID, family_of, merge
from ripieno_export.judge import kinds
from ripieno_export.judge.kinds import DEV, TEST, Source
from ripieno_export.judge.pickups import pickup_beats, tunes_of
from ripieno_export.midi_files import music_of
from ripieno_export.sources import SELECTION
from ripieno_export.tokenize import Floats, Ints, Notes, is_pedal

CHORD_S: Final = 0.05
"""Onsets nearer than this are one; as in `ripieno.hear.phrase`."""
BARS: Final = 4
PHRASE_S: Final = (3.0, 12.0)
"""The length that is looked for: bars are doubled or halved until they last so long."""
FREE_S: Final = 7.0
"""The length that is looked for where bars are not known."""
WIDELY: Final = 0.3
"""How far a boundary may lie from that length, as a share of it."""
NEARLY_BEATS: Final = 1.5
CLEARLY: Final = 1.6
"""How many times as long as the median the interval before a boundary is."""
FEWEST: Final = (6, 4)
"""Onsets of a call, and of what follows."""
MOST_A_PIECE: Final = 3


@dataclass(frozen=True, slots=True)
class Material:
    """A kind of music, for calls.

    Attributes:
        sources: where its pieces are; they take turns.
        rule: the kind of `ripieno_export.judge.kinds` that gives the part of a family;
            empty where the pieces that are held out are halved.
        is_line: whether the first track alone, or the one called MELODY, is played.
        has_beat: whether the beat is known, so that a MIDI clock can run.
        runs_on: whether phrases follow each other without a gap.
    """

    sources: tuple[Source, ...]
    rule: str = ""
    is_line: bool = True
    has_beat: bool = True
    runs_on: bool = False


_FOLK: Final = kinds.FOLK
MATERIAL: Final = {
    "folk": Material(kinds.KINDS["dance"].sources, "dance", runs_on=True),
    "pop": Material((Source("2_mit_ccby/pop909", "POP909", "aligned/"),)),
    "piano": Material(
        (
            Source("2_mit_ccby/giantmidi_sample", "GiantMIDI"),
            Source("2_mit_ccby/chopin_first_editions", "Chopin", ""),
            Source("1_pd_cc0/mutopia_pd", "Mutopia", "/keyboard/"),
            Source("2_mit_ccby/mutopia_ccby", "Mutopia", "/keyboard/"),
            Source("2_mit_ccby/polish_piano", "Polish", ""),
        ),
        is_line=False,
        has_beat=False,
    ),
    "jazz": Material(kinds.KINDS["jazz"].sources, "jazz"),
    "chorale": Material(
        (
            Source(f"{_FOLK}/bach_chorales_music21", "Bach", ""),
            Source("1_pd_cc0/openhymnal", "Hymnal"),
        ),
        "hymn",
        is_line=False,
    ),
}
LEARNED: Final = frozenset(chosen.path for chosen in SELECTION)
"""The sources that the event models have learned from."""


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A call, and what the human played next.

    Attributes:
        piece: its name.
        notes, after: seconds from the call's first onset.
        tonic, is_minor: the key of the piece.
        metre: numerator and denominator.
        beats: when felt beats fall, on the same clock; empty where they are not known.
    """

    piece: str
    notes: Notes
    after: Notes
    tonic: int
    is_minor: bool
    metre: tuple[int, int] = (4, 4)
    beats: Floats = field(default_factory=lambda: np.zeros(0))

    @property
    def length_s(self) -> float:
        """The time from the first onset to where the human went on."""
        return float(self.after["start"][0])


def read(data: Path, kind: str, part: str, count: int) -> list[Call]:
    """So many calls of a kind, or as many as there are.

    The first calls of all pieces come before the second ones.

    Args:
        data: holds `1_pd_cc0`, `2_mit_ccby` and so on.
        kind: one of `MATERIAL`.
        part: ``dev`` or ``test``.
        count: how many.

    Raises:
        FileError: a source is not there.
    """
    material = MATERIAL[kind]
    trained = _trained(data)
    rows = [
        _entries(data, source, material, part, trained) for source in material.sources
    ]
    found: list[list[Call]] = []
    for source, entry in (each for turn in zip_longest(*rows) for each in turn if each):
        with opened(data / source.path) as archive:
            found.append(_calls(archive, entry, material))
        if sum(map(bool, found)) >= count:
            break
    turns = zip_longest(*found)
    return [call for turn in turns for call in turn if call is not None][:count]


def part_of(rule: str, family: str) -> str:
    """The part of a family; see `Material.rule`."""
    if rule:
        return kinds.part_of(rule, family)
    digest = hashlib.sha256(f"replies {family}".encode()).hexdigest()
    return (DEV, TEST)[int(digest, 16) % 2]


def _trained(data: Path) -> set[str]:
    """The families that the event models have learned from, by name."""
    found = set()
    for chosen in SELECTION:
        with opened(data / chosen.path) as archive:
            for entry in archive.entries(chosen.only, chosen.skip):
                if entry.get("split", TRAIN) != VALID:
                    found.add(family_of(entry, archive.origin))
    return found


def _entries(
    data: Path, source: Source, material: Material, part: str, trained: set[str]
) -> list[tuple[Source, Entry]]:
    """The pieces of a part of a source that were not learned from, in random order."""
    with opened(data / source.path) as archive:
        rows = [
            (family_of(entry, archive.origin), entry)
            for entry in archive.entries(source.only, source.skip)
        ]
        if source.abc:
            tunes = tunes_of(archive.read(source.abc).decode("utf-8", "replace"))
            for (_, entry), tune in zip(rows, tunes, strict=True):
                entry["partial"] = pickup_beats(tune)
    chosen = [
        (hashlib.sha256(family.encode()).hexdigest(), str(entry["file"]), entry)
        for family, entry in rows
        if family not in trained
        and (source.path not in LEARNED or entry.get("split") == VALID)
        and part_of(material.rule, family) == part
    ]
    return [(source, row[2]) for row in sorted(chosen, key=lambda row: row[:2])]


def _calls(archive: Archive, entry: Entry, material: Material) -> list[Call]:
    """The calls of a piece; none if it cannot be read, or its metre changes."""
    if len(entry["ts"]) > 1 and material.has_beat:
        return []
    try:
        music = music_of(archive.read(str(entry["file"])))
    except (*UNREADABLE, KeyError):
        return []
    parts = [part for part in music.parts if part[0] != "CHORDS"]
    if material.is_line and parts:
        named = [part for part in parts if part[0].upper() == "MELODY"]
        parts = (named or parts)[:1]
    if not parts:
        return []
    notes = merge(parts)
    notes = notes[~is_pedal(notes)]
    metre = (4, 4)
    if material.has_beat and entry["ts"]:
        metre = int(entry["ts"][0][0]), int(entry["ts"][0][1])
    found = cut(notes, music.beats, metre, material)
    pickup = float(entry.get("partial") or 0.0)
    name = str(entry.get("id") or entry.get("title") or entry["file"])
    calls = []
    for first_s, middle_s, last_s in found:
        heard = _between(notes, first_s, middle_s, first_s)
        after = _between(notes, middle_s, last_s, first_s)
        local = np.concatenate([heard, after])
        tonic, is_minor = key_of(notes if material.has_beat else local)
        beats = felt_beats(music.beats, metre, first_s, pickup)
        call = Call(name, heard, after, tonic, is_minor, metre, beats)
        calls.append(call if material.has_beat else replace(call, beats=beats[:0]))
    return calls


def cut(
    notes: Notes, beats: Floats, metre: tuple[int, int], material: Material
) -> list[tuple[float, float, float]]:
    """Where calls begin and end, and where what follows ends; in seconds.

    Args:
        notes: a piece, in seconds.
        beats: when its quarter notes fall, in seconds.
        metre: numerator and denominator.
        material: how its phrases are found.
    """
    at_s = onsets(notes)
    found: list[tuple[float, float, float]] = []
    if len(at_s) < sum(FEWEST) or len(beats) < 2:
        return found
    quarter_s = float(np.median(np.diff(beats)))
    length_s = BARS * metre[0] * 4 / metre[1] * quarter_s
    while length_s < PHRASE_S[0]:
        length_s *= 2
    while length_s > PHRASE_S[1]:
        length_s /= 2
    length_s = length_s if material.has_beat else FREE_S
    ends = np.append(at_s, float(notes["end"].max()) + quarter_s)
    first = 0
    while len(found) < MOST_A_PIECE and first < len(at_s) - sum(FEWEST):
        middle = _boundary(ends, first, length_s, quarter_s, material)
        last = middle and _boundary(
            ends, middle, ends[middle] - ends[first], quarter_s, material
        )
        if not middle or not last:
            first += 1 if not middle else middle - first
            if material.runs_on:
                break
            continue
        found.append((float(ends[first]), float(ends[middle]), float(ends[last])))
        first = last
    return found


def _boundary(
    ends: Floats,
    first: int,
    length_s: float,
    quarter_s: float,
    material: Material,
    *,
    is_clear: bool = True,
) -> int:
    """The onset before which a phrase ends that begins at one; 0 for none.

    With `is_clear`, the interval before it has to be clearly long.
    """
    aim_s = ends[first] + length_s
    wide_s = NEARLY_BEATS * quarter_s if material.runs_on else WIDELY * length_s
    low = int(np.searchsorted(ends, aim_s - wide_s - 1e-3))
    low = max(low, first + FEWEST[1])
    high = int(np.searchsorted(ends, aim_s + wide_s + 1e-3))
    if low >= high:
        return 0
    before_s = ends[low:high] - ends[low - 1 : high - 1]
    usual_s = float(np.median(np.diff(ends[first:high])))
    away = np.abs(ends[low:high] - aim_s) / quarter_s
    worth = before_s / usual_s - (0.5 if material.runs_on else 0.1) * away
    place = int(np.argmax(worth))
    needs = CLEARLY if is_clear and not material.runs_on else 0.0
    return low + place if before_s[place] >= needs * usual_s else 0


def phrase_of(notes: Notes, length_s: float) -> Notes:
    """The first phrase of notes that go on, about so long, by the rule for the human's.

    Args:
        notes: by onset, in seconds.
        length_s: the length that is looked for.
    """
    ends = onsets(notes)
    if not len(ends):
        return notes
    free = Material((), has_beat=False)
    usual_s = float(np.median(np.diff(ends))) if len(ends) > 1 else 1.0
    last = _boundary(ends, 0, length_s, 2 * usual_s, free, is_clear=False)
    end_s = ends[last] if last else ends[0] + length_s
    return _between(notes, float(ends[0]), float(end_s), 0.0)


def onsets(notes: Notes) -> Floats:
    """Onsets in seconds, rising; those that are nearly together count once."""
    at_s = np.unique(notes["start"].astype(np.float64))
    apart = np.diff(at_s, prepend=-1.0) >= CHORD_S
    return np.asarray(at_s[apart])


def key_of(notes: Notes) -> tuple[int, bool]:
    """The tonic, and whether it is minor: the likeliest key of all notes by length."""
    weights = np.zeros(12)
    lengths = np.minimum(notes["end"] - notes["start"], 2.0)
    np.add.at(weights, notes["pitch"] % 12, lengths)
    scores = [
        float(weights @ np.log(np.maximum(np.roll(profile, tonic), 0.004)))
        for profile in (MAJOR, MINOR)
        for tonic in range(12)
    ]
    best = int(np.argmax(scores))
    return best % 12, best >= 12


def felt_beats(
    beats: Floats, metre: tuple[int, int], first_s: float, pickup: float = 0.0
) -> Floats:
    """When felt beats fall, from four or five before an instant on; it is 0.

    Beyond the piece they go on at its first and last tempo. The first bar begins
    `pickup` quarter notes after the piece.
    """
    before = beats[0] - np.arange(16, 0, -1) * (beats[1] - beats[0])
    after = beats[-1] + np.arange(1, 65) * (beats[-1] - beats[-2])
    quarters = np.concatenate([before, beats, after])
    felt = 1.5 if metre[1] == 8 and metre[0] % 3 == 0 else 1.0
    count = np.arange(len(quarters)) - 16
    places = np.arange(-12, len(beats) + 60, felt) + pickup % felt
    felt_s = np.interp(places, count, quarters) - first_s
    return np.asarray(felt_s[max(int(np.searchsorted(felt_s, 0.0)) - 4, 0) :])


def _between(notes: Notes, from_s: float, to_s: float, zero_s: float) -> Notes:
    """The notes that begin in a span; they have ended when it has."""
    edge_s = CHORD_S / 2
    inside = (notes["start"] >= from_s - edge_s) & (notes["start"] < to_s - edge_s)
    kept = notes[inside].copy()
    kept["end"] = np.minimum(kept["end"], to_s) - zero_s
    kept["start"] -= zero_s
    return kept


def places(given: Sequence[Call]) -> Iterator[Ints]:
    """For each piece, the places of its calls."""
    names = np.array([call.piece for call in given])
    for name in dict.fromkeys(names.tolist()):
        yield np.flatnonzero(names == name)

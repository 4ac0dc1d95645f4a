"""Judges the loop: its bars beside real ones and beside bars made by simple rules.

Judged on songs of the split's test part, which neither training nor the choice of the
weights has seen, and as the daemon plays: in patterns of four bars. Each bar but the
first is given the bar before it and the first bar's number of notes. What the daemon
does to bars afterwards is left out: a root where a bar begins without a bass, the
limits, and silence on a beat without a chord. They are compared with:

* *moved bars*: real bars of other songs, drawn by chance, moved to the chords as the
  daemon moves notes;
* *triads*: a root and a triad on every beat.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from ripieno.layouts import pattern
from ripieno.layouts.pattern import ONSET, SOUND, STEPS_IN_BEAT
from ripieno.music.chords import NO_CHORD
from ripieno.music.spans import Note
from ripieno.music.voicing import bass_of, moved, voiced
from ripieno_export.duet.songs import Song
from ripieno_export.loops import figures
from ripieno_export.loops.bars import Bars, Bools, Rows, bars_of
from ripieno_export.loops.task import JUDGED_AT_ONCE, noise, tones_of
from ripieno_export.networks.loop import Generator, sounding

PATTERN: Final = 4
"""Bars of a pattern: the daemon's default."""
PLACES: Final = 16
"""The most frequent chords of a bar, of which same-chord diversity is taken."""
LEAST: Final = 16
"""The least number of real bars that a chord must have to be among these."""
SAME: Final = 64
NOTES_ASKED: Final = (5, 9, 11, 14, 16, 22)
"""A density of each class."""
TRIAD: Final = (50, 69)
ROOTS: Final = (36, 50)


def judge(model: Generator, songs: list[Song]) -> dict[str, Any]:
    """All figures of a card."""
    held_out = bars_of([song for song in songs if song.part == "test"])
    others = bars_of([song for song in songs if song.part == "valid"])
    chance = np.random.default_rng(0)
    made, raw = in_patterns(model, held_out, chance)
    sets = {
        "real bars": held_out.rolls,
        "loop-gan": made,
        "moved bars": moved_bars(others, held_out, chance),
        "triads": triads(held_out),
    }
    tones = tones_of(torch.from_numpy(held_out.told))
    measured = {name: figures.figures(rolls, tones) for name, rolls in sets.items()}
    real = measured["real bars"]
    apart = {name: figures.gaps(own, real) for name, own in measured.items()}
    rows = {name: plain(own) for name, own in measured.items()}
    rows["loop-gan"]["one_step_raw"] = fragments(raw)
    rows["real bars"]["one_step_raw"] = fragments(held_out.rolls[:, [ONSET, SOUND]])
    return {
        "songs_held_out": len(np.unique(held_out.songs)),
        "bars_held_out": len(held_out),
        "bars": rows,
        "apart": {n: {k: round(v, 4) for k, v in a.items()} for n, a in apart.items()},
        "same_chords": same_chords(model, held_out, chance),
        "rhythm_kept": rhythm_kept(made, held_out),
        "notes_asked": notes_asked(model, held_out, chance),
    }


def plain(measured: figures.Figures) -> dict[str, Any]:
    """Figures that are single numbers."""
    return {k: round(v, 4) for k, v in measured.items() if isinstance(v, float)}


def quads(bars: Bars) -> Rows:
    """The numbers of bars in their patterns: [N, PATTERN]; rests of songs are left."""
    rows = []
    for song in np.unique(bars.songs):
        own = np.flatnonzero(bars.songs == song)
        rows.append(own[: len(own) // PATTERN * PATTERN].reshape(-1, PATTERN))
    return np.concatenate(rows)


@torch.no_grad()
def in_patterns(
    model: Generator, bars: Bars, chance: np.random.Generator
) -> tuple[Bools, Bools]:
    """Bars as the network writes them. The daemon plays the first one of each pattern.

    Each after the first of a pattern is told the bar before it and how many notes the
    first has; bars that are left over at the end of a song begin a pattern each.

    Returns:
        Rolls, and what the network wrote before holds without an onset were dropped.
    """
    made = np.zeros_like(bars.rolls)
    raw = np.zeros_like(bars.rolls)
    rows = [*quads(bars).T, _left(bars)]
    drawn = noise(chance, len(rows[0]))
    for place, row in enumerate(rows):
        if not len(row):
            continue
        is_new = place in {0, PATTERN}
        before, crowd = np.zeros_like(bars.rolls[row]), np.zeros(len(row))
        if not is_new:
            before = _seen_from(bars, rows[place - 1], row, made)
            crowd = made[rows[0], ONSET].sum((1, 2))
        own = noise(chance, len(row)) if place == PATTERN else drawn
        made[row], raw[row] = run(model, bars, row, own, before, crowd)
    return made, raw


@torch.no_grad()
def run(  # what one bar needs
    model: Generator, bars: Bars, rows: Rows, drawn: torch.Tensor, before: Bools,
    notes: npt.ArrayLike = 0.0,
) -> tuple[Bools, Bools]:  # fmt: skip
    """Bars to the chords of some rows; the same raw."""
    is_told = [bool(bar.any()) for bar in before[:, ONSET]]
    crowds = np.broadcast_to(notes, len(rows)).tolist()
    both = zip(crowds, is_told, strict=True)
    manner = np.stack([pattern.manner_input(n or None, has_before=b) for n, b in both])
    chords = torch.from_numpy(bars.told[rows])
    told = (
        chords,
        torch.from_numpy(before.astype(np.float32)),
        torch.from_numpy(manner),
    )
    made, raw = [], []
    for start in range(0, len(rows), JUDGED_AT_ONCE):
        part = slice(start, start + JUDGED_AT_ONCE)
        inputs = drawn[part], *(each[part] for each in told)
        logits = model.logits(*inputs) > 0
        onsets, holds = logits.float().unbind(1)
        made.append(torch.stack([onsets, sounding(onsets, holds)], 1).numpy() > 0)
        raw.append(torch.stack([logits[:, ONSET], logits.any(1)], 1).numpy())
    return np.concatenate(made), np.concatenate(raw)


def fragments(raw: Bools) -> float:
    """The share of one-step notes where a hold without an onset is a note, too."""
    sound = raw[:, SOUND]
    began = sound.copy()
    began[:, 1:] &= ~sound[:, :-1]
    whole = np.stack([raw[:, ONSET] | began, sound], 1)
    lengths = figures.lengths_of(whole)
    return round(figures.share(lengths[1], lengths.sum()), 4)


def moved_bars(others: Bars, held_out: Bars, chance: np.random.Generator) -> Bools:
    """Real bars by chance, each note moved from its own chord to the one wanted."""
    drawn = chance.integers(len(others), size=len(held_out))
    rolls = np.zeros_like(held_out.rolls)
    for place, number in enumerate(drawn.tolist()):
        had, wanted = others.chords[number].tolist(), held_out.chords[place].tolist()
        notes = pattern.notes_of(others.rolls[number], pattern.shift_of(had))
        rolls[place] = pattern.roll_of(
            [_moved(note, had, wanted) for note in notes], pattern.shift_of(wanted)
        )
    return rolls


def triads(bars: Bars) -> Bools:
    """A root and a triad on every beat."""
    rolls = np.zeros_like(bars.rolls)
    for place, chords in enumerate(bars.chords.tolist()):
        notes: list[Note] = []
        for beat, chord in enumerate(chords):
            if chord == NO_CHORD:
                continue
            pitches = (bass_of(chord, None, *ROOTS), *voiced(chord, (), *TRIAD, 3))
            notes += [Note(beat * STEPS_IN_BEAT, p, STEPS_IN_BEAT) for p in pitches]
        rolls[place] = pattern.roll_of(notes, pattern.shift_of(chords))
    return rolls


def same_chords(
    model: Generator, bars: Bars, chance: np.random.Generator
) -> dict[str, float]:
    """The distance of bars with the same chords: real bars, and bars of other noise."""
    told = bars.told.reshape(len(bars), -1)
    _, first, kind, counts = np.unique(
        told, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.argsort(-counts)[:PLACES]
    frequent = [k for k in order if counts[k] >= LEAST] or [order[0]]
    real, made = [], []
    for each in frequent:
        real.append(figures.distance(bars.rolls[kind == each][:, ONSET]))
        rows = np.full(SAME, first[each])
        before = np.zeros((SAME, *bars.rolls.shape[1:]), np.bool_)
        rolls, _ = run(model, bars, rows, noise(chance, SAME), before)
        made.append(figures.distance(rolls[:, ONSET]))
    return {
        "conditions": len(frequent),
        "real": round(float(np.mean(real)), 4),
        "made": round(float(np.mean(made)), 4),
        "made_least": round(float(np.min(made)), 4),
    }


def rhythm_kept(made: Bools, bars: Bars) -> dict[str, float]:
    """How alike the rhythms of neighbouring bars are.

    In made bars: within a pattern, and where a new one begins. In real music:
    neighbours, and bars of different songs.
    """
    rows = quads(bars)
    onsets, real = made[:, ONSET], bars.rolls[:, ONSET]
    ends = rows[:-1][bars.songs[rows[:-1, 0]] == bars.songs[rows[1:, 0]]]
    starts = rows[1:][bars.songs[rows[:-1, 0]] == bars.songs[rows[1:, 0]]]
    strangers = np.random.default_rng(0).permutation(len(bars))
    return {
        "in a pattern": _kept(onsets, rows[:, 1:], rows[:, :-1]),
        "to the next pattern": _kept(onsets, starts[:, 0], ends[:, -1]),
        "real neighbours": _kept(real, rows[:, 1:], rows[:, :-1]),
        "real strangers": _kept(real, np.arange(len(bars)), strangers),
    }


def notes_asked(
    model: Generator, bars: Bars, chance: np.random.Generator
) -> dict[str, float]:
    """The notes a bar that are made, for each number that is requested."""
    rows = np.arange(min(len(bars), JUDGED_AT_ONCE))
    before = np.zeros((len(rows), *bars.rolls.shape[1:]), np.bool_)
    found = {}
    for asked in NOTES_ASKED:
        made, _ = run(model, bars, rows, noise(chance, len(rows)), before, asked)
        found[str(asked)] = round(float(made[:, ONSET].sum((1, 2)).mean()), 2)
    return found


def _left(bars: Bars) -> Rows:
    return np.setdiff1d(np.arange(len(bars)), quads(bars).ravel())


def _seen_from(bars: Bars, before: Rows, rows: Rows, made: Bools) -> Bools:
    """Bars made for some rows, in the pitch rows of the bars after them."""
    both = zip(before.tolist(), rows.tolist(), strict=True)
    seen = [
        pattern.roll_of(
            pattern.notes_of(made[last], int(bars.shifts[last])), int(bars.shifts[row])
        )
        for last, row in both
    ]
    return np.stack(seen)


def _moved(note: Note, had: list[int], wanted: list[int]) -> Note:
    beat = note.frame // STEPS_IN_BEAT
    pitch = moved(note.pitch, had[beat], wanted[beat])
    return Note(note.frame, pitch, note.frames)


def _kept(onsets: Bools, ones: Rows, others: Rows) -> float:
    one, two = onsets[np.ravel(ones)], onsets[np.ravel(others)]
    return round(figures.rhythm_kept(one, two), 4)

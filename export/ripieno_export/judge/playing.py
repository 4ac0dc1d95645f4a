"""Figures of the notes: bass, ending, filling, memory of form, dynamics, doubling.

Each figure is of one accompaniment of one piece; NaN where it has none.
Source of the definitions: the table of what a listener hears, measured on version 0.1.
"""

from typing import Final

import numpy as np

from ripieno.music.chords import NO_CHORD
from ripieno_export.judge.harmonic import FIFTH, is_home, share
from ripieno_export.judge.heard import (
    Heard,
    chords_of_beats,
    melody_line,
    offset_of,
    roots,
)
from ripieno_export.judge.pieces import FRAMES_PER_BEAT, Bools, Floats, Ints, Notes

STEP: Final = 2
FOURTH: Final = 5
"""Semitones."""
SHORT_BEATS: Final = 0.5
TOLERANCE_BEATS: Final = 0.005
"""Of lengths: a file's ticks."""
LONG_REST_BARS: Final = 4
RANDOM_PAIRS: Final = 200
POSITIONS: Final = 16
NAN: Final = float("nan")

# ── bass ──────────────────────────────────────────────────────────────────────────────


def bass_on_root(heard: Heard) -> float:
    """Of the downbeats with a bass, the share on which it is its own chord's root."""
    return _on_root(heard, heard.beats)


def bass_on_reference(heard: Heard) -> float:
    """Of the downbeats with a bass, the share on the root of the reference's chord."""
    return _on_root(heard, chords_of_beats(heard.piece, heard.piece.chords))


def _on_root(heard: Heard, chords: Ints) -> float:
    sounding = np.full(heard.piece.frames, -1)
    for note in heard.bass:
        sounding[note["start"] : note["end"]] = note["pitch"]
    first, last = heard.window
    beats = np.arange(first, last)
    beats = beats[heard.is_downbeat(beats)]
    frames = beats * heard.piece.span_frames + offset_of(heard.piece)
    pitch, chord = sounding[frames], chords[beats]
    known = (pitch >= 0) & (chord != NO_CHORD)
    return share(pitch[known] % 12 == roots(chord[known]))


def bass_off_beat(heard: Heard) -> float:
    """Of the bass notes, the share more than a sixteenth away from a felt beat."""
    bass, span = heard.within(heard.bass), heard.piece.span_frames
    at = bass["at_beats"] * FRAMES_PER_BEAT - offset_of(heard.piece)
    away = np.abs(at / span - np.rint(at / span)) * span
    return share(away > 1.05)


def bass_short(heard: Heard) -> float:
    """Of the bass notes, the share shorter than half a beat, by exact lengths.

    A detached eighth is short: as such the aim was measured.
    """
    return share(heard.within(heard.bass)["long_beats"] < SHORT_BEATS - TOLERANCE_BEATS)


def bass_stepwise(heard: Heard) -> float:
    """Of the bass's moves to another pitch, the share of at most two semitones."""
    moves = np.abs(np.diff(heard.within(heard.bass)["pitch"].astype(np.int64)))
    return share(moves[moves > 0] <= STEP)


# ── the end, and long rests ───────────────────────────────────────────────────────────


def _everything(heard: Heard) -> Notes:
    return np.concatenate([heard.texture, heard.pad])


def beats_after(heard: Heard) -> float:
    """Beats (quarter notes) for which it sounds after the melody's last note."""
    notes = _everything(heard)
    if not len(notes):
        return NAN
    return max(int(notes["end"].max()) - heard.end, 0) / FRAMES_PER_BEAT


def stops_within(heard: Heard, bars: int) -> float:
    """Whether it is silent so many bars after the melody's last note, 1 or 0."""
    bars_after = beats_after(heard) * FRAMES_PER_BEAT / heard.piece.bar_frames
    return NAN if np.isnan(bars_after) else float(bars_after <= bars)


def closes(heard: Heard) -> float:
    """Whether its last chord is I or vi, reached from V or IV (i: v or iv), 1 or 0."""
    chords = heard.beats[heard.beats != NO_CHORD]
    others = chords[:-1][chords[:-1] != chords[-1:]]
    if not len(others):
        return NAN
    step = (roots(others[-1]) - roots(chords[-1])) % 12
    return float(is_home(heard.piece, int(chords[-1])) and step in (FOURTH, FIFTH))


def ends(heard: Heard) -> float:
    """Whether it stops within four bars with such a cadence, 1 or 0."""
    return stops_within(heard, 4) * closes(heard)


def plays_through_rests(heard: Heard) -> float:
    """Of the melody's inner rests of four bars or more, the share played through.

    A rest is played through if a note begins in every two bars of it.
    """
    melody, bar = heard.piece.melody, heard.piece.bar_frames
    ends = np.maximum.accumulate(melody["end"])[:-1]
    starts = melody["start"][1:]
    is_rest = (starts - ends >= LONG_REST_BARS * bar) & (ends >= heard.frames[0])
    onsets = np.unique(_everything(heard)["start"])
    return share(
        np.array(
            [
                _largest_gap(onsets, first, last) <= 2 * bar
                for first, last in zip(ends[is_rest], starts[is_rest], strict=True)
            ],
            np.bool_,
        )
    )


def _largest_gap(onsets: Ints, first: int, last: int) -> int:
    inside = onsets[(onsets > first) & (onsets < last)]
    return int(np.diff([first, *inside, last]).max())


# ── filling, form ─────────────────────────────────────────────────────────────────────


def filling(heard: Heard) -> float:
    """Texture notes per felt beat where the melody rests, divided by where it sounds.

    It rests in a felt beat of which no sixteenth sounds.
    """
    span, (first, last) = heard.piece.span_frames, heard.frames
    length = (last - first) // span * span
    is_rest = melody_line(heard.piece)[first : first + length] < 0
    starts = heard.within(heard.texture)["start"] - first
    starts = np.bincount(starts[starts < length], minlength=length)
    resting = is_rest.reshape(-1, span).all(axis=1)
    notes = starts.reshape(-1, span).sum(axis=1)
    if resting.sum() * span < heard.piece.bar_frames or not notes[~resting].any():
        return NAN
    return float(notes[resting].mean() / notes[~resting].mean())


def returning(heard: Heard) -> float:
    """Similarity of texture in bars under an exactly returning melody bar.

    The mean Jaccard index of the onset positions in the bar, in sixteenths; each bar
    is compared with the last one that had its melody.
    """
    bars, grid = _bars(heard)
    known: dict[bytes, int] = {}
    found = []
    for number, melody in enumerate(bars):
        if melody in known:
            found.append(_jaccard(grid[known[melody]], grid[number]))
        if melody:
            known[melody] = number
    return _mean(found)


def random_bars(heard: Heard) -> float:
    """The same similarity of bars that are drawn at random, from a fixed seed."""
    grid = _bars(heard)[1]
    if len(grid) < 2:
        return NAN
    pairs = np.random.default_rng(0).integers(len(grid), size=(RANDOM_PAIRS, 2))
    return _mean([_jaccard(grid[a], grid[b]) for a, b in pairs.tolist() if a != b])


def memory(heard: Heard) -> float:
    """How much more alike returning bars are than random ones."""
    return returning(heard) - random_bars(heard)


def _mean(values: list[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else NAN


def _jaccard(one: Bools, other: Bools) -> float:
    either = (one | other).sum()
    return float((one & other).sum() / either) if either else NAN


def _bars(heard: Heard) -> tuple[list[bytes], Bools]:
    """Each whole bar's melody as bytes (empty for a rest), and its texture's onsets."""
    piece, size = heard.piece, heard.piece.bar_frames
    begin = piece.pickup % size
    first = -(-(heard.frames[0] - begin) // size)
    last = (heard.frames[1] - begin) // size
    melody, count = piece.melody, max(last - first, 0)
    bars: list[bytes] = []
    for bar in range(first, last):
        start = begin + bar * size
        inside = melody[(melody["start"] >= start) & (melody["start"] < start + size)]
        rows = np.column_stack(
            [inside["start"] - start, inside["end"] - start, inside["pitch"]]
        )
        bars.append(rows.tobytes())
    grid = np.zeros((count, size), np.bool_)
    place = heard.texture["start"] - begin - first * size
    place = place[(place >= 0) & (place < count * size)]
    grid[place // size, place % size] = True
    return bars, grid


# ── dynamics, doubling ────────────────────────────────────────────────────────────────


def velocity_spread(heard: Heard) -> float:
    """The standard deviation of the texture's velocities."""
    played = heard.within(heard.texture)["velocity"]
    return float(played.std()) if len(played) > 1 else NAN


def follows_soloist(heard: Heard) -> float:
    """Correlation of the texture's mean velocity in a bar with the melody's."""
    ours = _loudness(heard, heard.texture)
    theirs = _loudness(heard, heard.piece.melody)
    both = np.isfinite(ours) & np.isfinite(theirs)
    return _correlation(ours[both], theirs[both])


def arc(heard: Heard) -> float:
    """Correlation of the texture's mean velocity in a bar with the bar before's."""
    means = _loudness(heard, heard.texture)
    both = np.isfinite(means[1:]) & np.isfinite(means[:-1])
    return _correlation(means[1:][both], means[:-1][both])


def _loudness(heard: Heard, notes: Notes) -> Floats:
    """The mean velocity of the notes that begin in each bar; NaN in empty bars."""
    size, first, last = heard.piece.bar_frames, *heard.frames
    inside = heard.within(notes)
    bars = (inside["start"] - heard.piece.pickup % size) // size
    low = (first - heard.piece.pickup % size) // size
    count = (last - first) // size + 2
    sums = np.bincount(bars - low, inside["velocity"], count)
    numbers = np.bincount(bars - low, minlength=count)
    return np.where(numbers > 0, sums / np.maximum(numbers, 1), np.nan)


def _correlation(one: Floats, other: Floats) -> float:
    if len(one) < 8 or one.std() < 1e-9 or other.std() < 1e-9:
        return NAN
    return float(np.corrcoef(one, other)[0, 1])


def doubling(heard: Heard) -> float:
    """Of the texture's notes, the share whose pitch the pad sounds at their onset."""
    if not len(heard.pad):
        return NAN
    sounding = np.zeros((heard.piece.frames + 1, 128), np.bool_)
    for note in heard.pad:
        sounding[note["start"] : note["end"], note["pitch"]] = True
    played = heard.within(heard.texture)
    return share(sounding[played["start"], played["pitch"]])


def notes_per_bar(heard: Heard) -> float:
    """Texture notes in a bar."""
    first, last = heard.frames
    bars = (last - first) / heard.piece.bar_frames
    return len(heard.within(heard.texture)) / bars if bars else NAN

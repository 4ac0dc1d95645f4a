"""Figures of harmony, felt beat by felt beat: rhythm, cadences, colour.

Each figure is of one accompaniment of one piece; NaN where it has none.
Source of the definitions: the table of what a listener hears, measured on version 0.1.
"""

from typing import Final

import numpy as np

from ripieno.music.chords import COLOURED, NO_CHORD, QUALITIES, SHAPES, SUFFIXES
from ripieno_export.judge.fit import histogram
from ripieno_export.judge.heard import Heard, beat_of, chords_of_beats, roots
from ripieno_export.judge.pieces import TONES, Bools, Ints, TestPiece, counts

GAP_BEATS: Final = 0.9
LONG_BEATS: Final = 2.4
"""A melody note ends a phrase before such a gap, or if it is so long: felt beats."""
FIFTH: Final = 7
RELATIVE: Final = 9

_MAJOR: Final = np.array([0, 2, 4, 5, 7, 9, 11])
_IS_COLOURED: Final = np.array([suffix in COLOURED for suffix in SUFFIXES])
_IS_DOMINANT: Final = np.array([4 in shape for shape in SHAPES.values()])


def share(hits: Bools) -> float:
    """The share of hits; NaN of none."""
    return float(hits.mean()) if len(hits) else float("nan")


def one_beat(heard: Heard) -> float:
    """Of the chords, the share that lasts one felt beat."""
    return share(heard.runs[:, 2] == 1)


def on_beat_one(heard: Heard) -> float:
    """Of the changes of chord, the share on a downbeat."""
    return share(heard.is_downbeat(heard.changes[:, 2]))


def changes_per_bar(heard: Heard) -> float:
    """Changes of chord in a bar."""
    first, last = heard.window
    bars = (last - first) * heard.piece.span_frames / heard.piece.bar_frames
    return len(heard.changes) / bars if bars and len(heard.runs) else float("nan")


def root_agreement(heard: Heard) -> float:
    """The share of felt beats whose chord has the reference's root."""
    theirs = chords_of_beats(heard.piece, heard.piece.chords)
    first, last = heard.window
    ours, theirs = heard.beats[first:last], theirs[first:last]
    both = (ours != NO_CHORD) & (theirs != NO_CHORD)
    return share(roots(ours[both]) == roots(theirs[both]))


def descending_fifths(heard: Heard) -> float:
    """Of the changes of chord, the share whose root falls by a fifth."""
    return share(_falls(heard.changes[:, 0], heard.changes[:, 1]))


def _falls(before: Ints, after: Ints) -> Bools:
    return np.asarray((roots(before) - roots(after)) % 12 == FIFTH)


def phrase_ends(piece: TestPiece) -> Ints:
    """Onset frames of the melody notes that end phrases.

    A note ends a phrase before a gap of 0.9 felt beats or more, if it lasts 2.4 felt
    beats or more, or if it is the last.
    """
    starts, place = np.unique(piece.melody["start"], return_index=True)
    ends = np.maximum.reduceat(piece.melody["end"], place)
    gaps = np.append(starts[1:] - ends[:-1], np.iinfo(np.int32).max)
    span = piece.span_frames
    is_end = (gaps >= GAP_BEATS * span) | (ends - starts >= LONG_BEATS * span)
    return np.asarray(starts[is_end], np.int64)


def authentic(heard: Heard) -> float:
    """Phrase ends V–I: the share of phrase ends that close with an authentic cadence.

    The chord there is a fifth below the preceding chord, which has a major third.
    """
    runs = heard.runs
    beats = beat_of(heard.piece, phrase_ends(heard.piece))
    place = np.searchsorted(runs[:, 1], beats, "right") - 1
    place = place[place >= 1]
    before, after = runs[place - 1, 0], runs[place, 0]
    return share(_falls(before, after) & _IS_DOMINANT[before % QUALITIES])


def last_on_tonic(heard: Heard) -> float:
    """Whether I or vi is below the melody's last note, 1 or 0."""
    last = int(beat_of(heard.piece, phrase_ends(heard.piece)[-1:])[0])
    chord = heard.beats[last]
    if chord == NO_CHORD:
        return float("nan")
    return float(is_home(heard.piece, int(chord)))


def is_home(piece: TestPiece, chord: int) -> bool:
    """Whether a chord is I or vi of the piece's major key (i or III of its minor)."""
    step = (chord // QUALITIES - signature_of(piece)) % 12
    return step in (0, RELATIVE)


def signature_of(piece: TestPiece) -> int:
    """The tonic of the major scale that has most of the music's pitch classes.

    The melody and the reference's chords count alike; where no chords are known, the
    accompaniment's notes.
    Source: with it, people end on I or vi in .69 of 35 pop songs, .83 of 60 jazz tunes
    and .85 of 20 dances; with the melody alone in .51, .60 and .70.
    """
    known = piece.chords[piece.chords != NO_CHORD]
    chords = TONES[known].sum(axis=0).astype(np.float64)
    if not len(known):
        chords = counts(piece.accompaniment, piece.frames).sum(axis=0)
    weights = histogram(piece)
    weights = weights / max(weights.sum(), 1) + chords / max(chords.sum(), 1)
    return int(np.argmax([weights[(_MAJOR + tonic) % 12].sum() for tonic in range(12)]))


def coloured(heard: Heard) -> float:
    """Of the chords, the share of sevenths and suspensions.

    A chord whose pad sounds a seventh, or a fourth instead of the third, counts too.
    """
    runs = heard.runs
    if not len(runs):
        return float("nan")
    is_named = _IS_COLOURED[runs[:, 0] % QUALITIES]
    span = heard.piece.span_frames
    pads = counts(heard.pad, heard.piece.frames)
    first = heard.frames[0] - heard.window[0] * span
    is_voiced = [
        _is_voiced(pads[first + beat * span : first + (beat + long) * span], chord)
        for chord, beat, long in runs.tolist()
    ]
    return share(is_named | np.array(is_voiced))


def _is_voiced(
    pad: np.ndarray[tuple[int, int], np.dtype[np.float64]], chord: int
) -> bool:
    """Whether a pad colours a chord for at least half of its time."""
    if not len(pad):
        return False
    steps = np.roll((pad > 0).mean(axis=0) >= 0.5, -(chord // QUALITIES))
    has_third = steps[3] or steps[4]
    return bool(steps[10] or steps[11] or (not has_third and (steps[5] or steps[2])))

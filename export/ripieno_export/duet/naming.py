"""Estimates chords from the notes of a piano and a voice, by Viterbi over spans.

A span's notes vote for a chord by how long they sound; notes outside it vote against;
its lowest note votes for its root. A change of chord has a cost, which is lower on a
downbeat. This is good enough for learning textures, where only what the hands do with a
chord is learned.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from ripieno.music import chords
from ripieno_export.duet.songs import Frames, Song

Floats = npt.NDArray[np.float64]

OUTSIDE: Final = -1.2
BASS: Final = 0.6
CHANGE: Final = 0.35
CHANGE_OFF_DOWNBEAT: Final = 0.35
SEVENTH: Final = -0.12
"""The cost of a fourth chord tone: most piano chords are triads."""
RARE: Final = {"sus4": -0.2, "sus2": -0.25, "6": -0.25, "aug": -0.3, "maj7": -0.1}


def _tones() -> Floats:
    table = np.full((chords.N_CHORDS, 12), OUTSIDE)
    for number in range(chords.N_CHORDS):
        table[number, list(chords.pitch_classes(number))] = 1.0
    return table


TONES: Final = _tones()
BIAS: Final = np.array(
    [
        RARE.get(suffix, 0.0) + SEVENTH * (len(steps) > 3)
        for suffix, steps in chords.SHAPES.items()
    ]
    * 12
)


def named(song: Song) -> Frames:
    """Chords per frame, one a span; `NO_CHORD` where the piano is silent for long."""
    votes, basses = _votes(song)
    total = votes.sum(1, keepdims=True)
    shares = votes / np.maximum(total, 1e-9)
    scores = shares @ TONES.T + BIAS
    roots = np.arange(chords.N_CHORDS) // chords.QUALITIES
    scores += BASS * (basses[:, None] == roots)
    scores[total[:, 0] == 0] = 0.0
    path = _best(scores, song)
    path[total[:, 0] == 0] = chords.NO_CHORD
    row = np.full(len(song.chords), chords.NO_CHORD)
    row[: len(path) * song.span] = np.repeat(path, song.span)
    return row


def _votes(song: Song) -> tuple[Floats, Frames]:
    """How long each pitch class sounds in each span, and the lowest note's class."""
    frames = len(song.chords)
    sounding = np.zeros((frames + 64, 12))
    lowest = np.full(frames + 64, 128)
    for onset, end, pitch, _ in np.concatenate([song.piano, song.melody]):
        last = min(end, onset + 16)
        sounding[onset:last, pitch % 12] += 1.0
        lowest[onset:last] = np.minimum(lowest[onset:last], pitch)
    spans = song.spans
    shape = (spans, song.span)
    votes = sounding[: spans * song.span].reshape(*shape, 12).sum(1)
    low = lowest[: spans * song.span].reshape(shape).min(1)
    return votes, np.where(low < 128, low % 12, -1)


def _best(scores: Floats, song: Song) -> Frames:
    """The best path; a change costs the same whatever it changes to."""
    spans_in_bar = max(song.meter.bar_ticks // song.meter.span_ticks, 1)
    best, back = scores[0].copy(), np.zeros((len(scores), scores.shape[1]), int)
    for at in range(1, len(scores)):
        cost = CHANGE + CHANGE_OFF_DOWNBEAT * (at % spans_in_bar != 0)
        jump = int(best.argmax())
        stay = best >= best[jump] - cost
        back[at] = np.where(stay, np.arange(len(best)), jump)
        best = np.where(stay, best, best[jump] - cost) + scores[at]
    path = np.zeros(len(scores), int)
    path[-1] = best.argmax()
    for at in range(len(scores) - 1, 0, -1):
        path[at - 1] = back[at, path[at]]
    return path

"""Songs made by the tests of the duet: walks over their own triads."""

import numpy as np
from tests.export.tiny import ORIGIN

from ripieno.music import chords
from ripieno.music.chords import NO_CHORD
from ripieno.music.meter import Meter
from ripieno.music.spans import FRAME_TICKS
from ripieno_export.duet import packing, songs
from ripieno_export.duet.packing import Tokens
from ripieno_export.duet.songs import Song

MAJOR = (0, 2, 4, 5, 7, 9, 11)


def song(seed: int, meter: str = "4/4", bars: int = 16, *, part: str = "train") -> Song:
    """A walk in C over its own triads; rests, rolled chords, a bass; silent bar 3."""
    chance, measure = np.random.default_rng(seed), Meter.parse(meter)
    span = measure.span_ticks // FRAME_TICKS
    frames = bars * measure.bar_ticks // FRAME_TICKS
    named = [chords.named(n) for n in ("C", "Am7", "F", "G7", "Dm", "Bdim", "Bb6")]
    row = np.repeat(chance.choice(named, frames // span), span)
    row[2 * frames // bars : 3 * frames // bars] = NO_CHORD
    melody, at = [], 0
    while at < frames - 4:
        length = int(chance.choice((1, 2, 3, 4, 8)))
        pitch = 60 + 12 * int(chance.integers(2)) + int(chance.choice(MAJOR))
        if chance.random() < 0.8:
            melody.append((at, min(at + length, frames), pitch, 80))
        at += length
    piano = [
        (int(at), int(at + chance.integers(1, 20)), int(pitch), 60)
        for at in sorted(set(chance.integers(0, frames - 1, 4 * bars)))
        for pitch in sorted(set(chance.integers(30, 100, chance.integers(1, 5))))
    ]
    return Song(
        ORIGIN, f"{seed}.mid", f"x {seed}", part, "pop", measure, 100.0,
        songs.sorted_notes([np.array(melody)]), songs.sorted_notes([np.array(piano)]),
        row,
    )  # fmt: skip


MADE = [song(1), song(2, "3/4"), song(3, "6/8"), song(4, "2/4", 20)]


def tokens_of(piece: Song) -> Tokens:
    tokens = packing.tokens_of(piece)
    assert tokens is not None
    return tokens

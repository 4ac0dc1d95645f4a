"""The tables of the rules for harmony, counted from songs with chords in seconds."""

from collections.abc import Iterable

import numpy as np

from ripieno.music.chords import NO_CHORD, QUALITIES
from ripieno.rules.harmony import Tables
from ripieno_export.duet.packing import heard, phase_at
from ripieno_export.duet.songs import Song


def count(songs: Iterable[Song]) -> Tables:
    """Count chords, changes and notes; every count starts above zero."""
    prior = np.ones(QUALITIES)
    changes = np.ones((7, 12, 2))
    moves = np.full((QUALITIES, 12, QUALITIES), 0.05)
    on_beat, off_beat = np.ones((QUALITIES, 12)), np.ones((QUALITIES, 12))
    for song in songs:
        beats = song.chords[: song.spans * song.span : song.span]
        for index, (chord, span) in enumerate(zip(beats, heard(song), strict=True)):
            if chord == NO_CHORD:
                continue
            root, quality = divmod(int(chord), QUALITIES)
            prior[quality] += 1
            for frame, pitches in enumerate(span.sounding):
                if frame == 0 and not span.struck[0]:
                    continue
                table = off_beat if frame else on_beat
                for pitch in pitches if frame else span.struck[0]:
                    table[quality, (pitch - root) % 12] += 1
            before = int(beats[index - 1]) if index else NO_CHORD
            if before == NO_CHORD:
                continue
            phase = phase_at(song, index)
            place = min(phase.spans, 6), min(phase.span, 11)
            changes[(*place, int(before != chord))] += 1
            if before != chord:
                old_root, old_quality = divmod(before, QUALITIES)
                moves[old_quality, (root - old_root) % 12, quality] += 1
    moves[range(QUALITIES), 0, range(QUALITIES)] = 0.0
    return Tables(
        prior=prior / prior.sum(),
        changes=changes[..., 1] / changes.sum(-1),
        moves=moves / moves.sum((1, 2), keepdims=True),
        on_beat=on_beat / on_beat.sum(1, keepdims=True),
        off_beat=off_beat / off_beat.sum(1, keepdims=True),
    )

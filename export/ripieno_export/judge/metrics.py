"""All figures of a system on a corpus, by name.

A figure that a song lacks (Nottingham's tunes have block chords, no texture) is left
out of the mean; one that no song has is NaN. Sixty songs take about a second.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ripieno_export.judge import (
    fit,
    originality,
    progression,
    punctuality,
    rhythm,
    texture,
)
from ripieno_export.judge.figure import Figure, mean_of, quantile_of
from ripieno_export.judge.pieces import Ints, TestPiece, line
from ripieno_export.judge.take import Take

Figures = Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The figures of one system.

    Attributes:
        system: what a table calls it.
        corpus: what it was judged on.
        condition: tier and latency: ``T3, no latency``.
        figures: by name.
    """

    system: str
    corpus: str
    condition: str
    figures: Figures


def judge(
    pieces: Sequence[TestPiece],
    takes: Sequence[Take],
    *,
    condition: str = "",
    trained: originality.Index | None = None,
    seed: int = 0,
) -> Sheet:
    """All figures of one system on the songs of one corpus.

    Args:
        pieces: the songs.
        takes: the system's answers, in the same order.
        condition: what a table says about it.
        trained: the runs of the training music; None leaves originality out.
        seed: of the listening gain's other songs.

    Raises:
        ValueError: a take is not as long as its piece, or there is none.
    """
    if not pieces or len(pieces) != len(takes):
        raise ValueError(f"{len(takes)} takes of {len(pieces)} pieces")
    for piece, take in zip(pieces, takes, strict=True):
        if len(take.chords) != piece.frames:
            raise ValueError(
                f"the take of {piece.name} has {len(take.chords)} frames of chords, "
                f"the piece {piece.frames}"
            )
    figures = {
        **_harmony(pieces, [take.chords for take in takes], seed),
        **_texture(pieces, takes),
        **punctuality.figures(takes),
    }
    if trained is not None:
        runs = trained.longest_runs([originality.words(t.notes) for t in takes])
        played = [
            r if len(t.notes) else np.nan for r, t in zip(runs, takes, strict=True)
        ]
        figures["copied p90"] = quantile_of(played, 0.9)
    return Sheet(takes[0].system, pieces[0].corpus, condition, figures)


def _harmony(
    pieces: Sequence[TestPiece], chords: Sequence[Ints], seed: int
) -> dict[str, Figure]:
    melodies = [line(piece.melody, piece.frames) for piece in pieces]
    pairs = list(zip(chords, melodies, strict=True))
    return {
        "NIC": mean_of([fit.note_in_chord(c, m) for c, m in pairs]),
        "LG": mean_of(fit.listening_gains(pieces, chords, seed)),
        "classes/chord": mean_of(
            [progression.pitch_classes_per_chord(c) for c in chords]
        ),
        "chord entropy": mean_of([progression.chord_entropy(c) for c in chords]),
        "chord beats": mean_of([progression.mean_length_beats(c) for c in chords]),
        "length entropy": progression.length_entropy(pieces, chords),
        "silence": mean_of(
            [progression.silence(p, c) for p, c in zip(pieces, chords, strict=True)]
        ),
        "onset EMD": rhythm.onset_interval_distance(pieces, chords),
    }


def _texture(pieces: Sequence[TestPiece], takes: Sequence[Take]) -> dict[str, Figure]:
    pairs = list(zip(pieces, takes, strict=True))
    ours = [texture.features(take.notes, piece) for piece, take in pairs]
    theirs = [texture.features(piece.accompaniment, piece) for piece in pieces]
    return {
        "PC2": mean_of([fit.pair_consonance(p, t) for p, t in pairs]),
        "beat JSD": mean_of([rhythm.beat_divergence(p, t) for p, t in pairs]),
        "pooled JSD": rhythm.pooled_beat_divergence(pieces, takes),
        "notes ratio": mean_of([rhythm.notes_per_bar_ratio(p, t) for p, t in pairs]),
        "notes/bar": texture.band(ours, "notes a bar"),
        "groove": texture.band(ours, "groove"),
        "class entropy": texture.band(ours, "pitch-class entropy"),
        "OA": texture.overlap_share(ours, theirs),
    }

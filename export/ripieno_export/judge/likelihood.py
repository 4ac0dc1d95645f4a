"""T1: how likely the held-out music is, teacher-forced, through the published graphs.

*Harmony*: nats a span of the human chord, when the newest human note is δ spans old.
*Texture*: nats a token of the human piano on the human chords, unasked: density,
thickness and style are left to the music. Texture knows no staleness.

Graphs are driven as the daemon drives them; only a model folder is needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ripieno.inference.session import Graph, Loaded
from ripieno.layouts import duet
from ripieno.music.chords import NO_CHORD
from ripieno.music.meter import Meter
from ripieno_export.duet.packing import (
    COLUMNS,
    contexts,
    phase_at,
    spans_of,
    tokens_of,
)
from ripieno_export.duet.songs import Song
from ripieno_export.judge.figure import Figure, mean_of
from ripieno_export.judge.pieces import Floats, Notes, TestPiece
from ripieno_export.sources import Origin

HARMONY: Final = "harmony"
TEXTURE: Final = "model"
UNASKED: Final = ("density", "voices", "style")
NOWHERE: Final = Origin("", "", "", "")


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Nats of the held-out music.

    Attributes:
        corpus: which.
        harmony: by staleness in spans, nats a span.
        texture: nats a token: pitch or end of frame, and length.
    """

    corpus: str
    harmony: dict[int, Figure]
    texture: Figure


def judge(corpus: str, pieces: Sequence[TestPiece], folder: Path) -> Likelihood | None:
    """The likelihood of a corpus's pieces; None where the model has no such graphs.

    Raises:
        ModelError: the model cannot be loaded.
    """
    graphs = Loaded(folder, "cpu").graphs
    if not {HARMONY, TEXTURE} <= set(graphs):
        return None
    songs = [song_of(piece) for piece in pieces]
    return Likelihood(
        corpus,
        {
            age: mean_of([harmony_nats(graphs[HARMONY], song, age) for song in songs])
            for age in duet.STALENESS
        },
        mean_of([texture_nats(graphs[TEXTURE], song) for song in songs]),
    )


def song_of(piece: TestPiece) -> Song:
    """A piece as training sees songs; its pickup is filled up to a bar with rests."""
    lead = -piece.pickup % piece.bar_frames
    return Song(
        origin=NOWHERE,
        file=piece.name,
        family=piece.family,
        part="test",
        style="auto",
        meter=Meter(*piece.meter),
        bpm=piece.bpm,
        melody=_grid(piece.melody, lead),
        piano=_grid(piece.accompaniment, lead),
        chords=np.concatenate([np.full(lead, NO_CHORD), piece.chords]),
    )


def _grid(notes: Notes, lead: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    columns = [notes["start"] + lead, notes["end"] + lead]
    columns += [notes["pitch"], notes["velocity"]]
    return np.stack(columns, axis=1).astype(np.int64)


def harmony_nats(graph: Graph, song: Song, staleness: int) -> float:
    """Nats a span over those whose chord is known; NaN where none is."""
    if song.spans < 1:
        return float("nan")
    spans = spans_of(song)
    graph.reset()
    nats = []
    for index, chord in enumerate(spans.chords.tolist()):
        heard = index - staleness
        rows = spans.rows[heard] if heard >= 0 else np.zeros_like(spans.rows[0])
        graph.put["rows"][0] = rows
        phase = phase_at(song, index)
        graph.put["scalars"][0] = duet.scalars(rows, phase, staleness)
        graph.run()
        if chord != NO_CHORD:
            nats.append(_nats(graph.out["logits"][0], chord))
    return float(np.mean(nats)) if nats else float("nan")


def texture_nats(graph: Graph, song: Song) -> float:
    """Nats a token; NaN where the song has no piano.

    A mask forces each token to what was played, so that the logits of its length are
    conditional on the truth.
    """
    tokens = tokens_of(song)
    if tokens is None:
        return float("nan")
    columns = tokens.columns.copy()
    columns[:, [COLUMNS.index(name) for name in UNASKED]] = 0
    given = contexts(columns, tokens.sounding)
    graph.reset()
    put, before, nats = graph.put, (duet.NEXT, 0), 0.0
    for (token, length), context in zip(columns[:, :2].tolist(), given, strict=True):
        put["token"][0], put["length"][0] = before
        put["context"][0] = context
        put["mask"][0] = np.arange(duet.TOKENS) == token
        graph.run()
        nats += _nats(graph.out["logits"][0], token)
        if token != duet.NEXT:
            nats += _nats(graph.out["length_logits"][0], length)
        before = (token, length)
    return nats / len(columns)


def _nats(logits: Floats, told: int) -> float:
    scores = np.asarray(logits, np.float64)
    scores = scores - scores.max()
    return float(np.log(np.exp(scores).sum()) - scores[told])

"""The harmonizer judged: likelihood of what was written, and quality of what it writes.

*Led by the truth* (teacher forcing), it is given the chord that was written before.
*Led by itself* (free-running), it is given its own answer, as in playing. What it
writes is judged through the mind, and the exported graph, that the daemon runs: its
voices and those of rules, and of the people who wrote the held-out pieces, are put to
the same figures (`leading`).
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import numpy as np
import torch

from ripieno.clock import NS_PER_S
from ripieno.inference.graph import Graph
from ripieno.layouts.voices import LONGEST_GAP_S, NOBODY, STYLES, VOICES
from ripieno.minds.harmonizer import Harmonizer, Manner
from ripieno.music.sources import MACHINE
from ripieno.protocol import Played
from ripieno_export.harmonizer import crops, leading, rules, task
from ripieno_export.harmonizer.chorales import Chorale
from ripieno_export.harmonizer.leading import Harmony
from ripieno_export.harmonizer.network import Harmonies
from ripieno_export.tokenize import Ints

Figures = dict[str, Any]
DRAWS: Final = 3
"""How often every held-out melody is harmonized, each time with other noise."""


def evaluate(
    model: Harmonies, graph: Graph, held_out: Sequence[Chorale], manner: Manner
) -> Figures:
    """All figures on held-out chorales and hymns."""
    judged = [piece for piece in held_out if piece.style != crops.MOTET]
    human = [Harmony(piece.melody, piece.voices) for piece in judged]
    written = [
        harmonized(graph, piece, manner, seed)
        for seed in range(DRAWS)
        for piece in judged
    ]
    free = _unruled(manner)
    unruled = [harmonized(graph, piece, free, 0) for piece in judged]
    by_rule: dict[str, Callable[[Ints], Ints]] = {
        "thirds": lambda melody: rules.in_parallel(melody, "thirds"),
        "fauxbourdon": lambda melody: rules.in_parallel(melody, "fauxbourdon"),
        "nearest triad": rules.nearest_triads,
    }
    found: Figures = {
        "pieces_held_out": len(judged),
        "onsets_held_out": int(sum(len(piece.melody) for piece in judged)),
        "nats": likelihood(model, held_out),
        "writing": {
            "human": leading.figures(human),
            "model": leading.figures(written) | {"exact": exact(written, human)},
            "model, no rule": leading.figures(unruled)
            | {"exact": exact(unruled, human)},
        },
    }
    for name, rule in by_rule.items():
        ruled = [Harmony(piece.melody, rule(piece.melody)) for piece in judged]
        scored = leading.figures(ruled) | {"exact": exact(ruled, human)}
        found["writing"][name] = scored
    return found


def _unruled(manner: Manner) -> Manner:
    """The same manner without a price on parallels."""
    return msgspec.structs.replace(manner, strictness=0.0)


def likelihood(model: Harmonies, held_out: Sequence[Chorale]) -> Figures:
    """Nats and the share of first guesses that are right, per voice."""
    batches = task.held_out_batches(held_out)
    true, own = task.validate(model, batches)
    guessed: list[list[float]] = [[] for _ in VOICES]
    for batch in batches:
        *inputs, told = batch.tensors(model.device)
        with torch.no_grad():
            scores = model(*inputs, told)
        for voice, score in enumerate(scores):
            is_known = torch.from_numpy(batch.voices[..., voice] != NOBODY)
            hit = (score.argmax(-1) == told[..., voice])[is_known]
            guessed[voice] += hit.float().tolist()
    return {
        "led by the truth": _per_voice(true.tolist()),
        "led by itself": _per_voice(own.tolist()),
        "first guess": {
            name: round(float(np.mean(hits)), 4)
            for name, hits in zip(VOICES, guessed, strict=True)
        },
    }


def _per_voice(nats: list[float]) -> dict[str, float]:
    each = {name: round(n, 4) for name, n in zip(VOICES, nats, strict=True)}
    return {"total": round(sum(nats), 4), **each}


def exact(pieces: Sequence[Harmony], human: Sequence[Harmony]) -> float:
    """The share of voices that are just what was written, over all draws."""
    hits = [
        (piece.voices == human[i % len(human)].voices)[
            human[i % len(human)].voices != NOBODY
        ]
        for i, piece in enumerate(pieces)
    ]
    return round(float(np.concatenate(hits).mean()), 4)


def harmonized(graph: Graph, piece: Chorale, manner: Manner, seed: int) -> Harmony:
    """A piece's melody, harmonized as in a performance at the held-out tempo."""
    styled = msgspec.structs.replace(manner, style=STYLES[piece.style])
    gaps_s = np.minimum(piece.gaps * crops.HELD_OUT_S, LONGEST_GAP_S)
    mind = Harmonizer(graph, styled, seed=seed)
    return Harmony(piece.melody, performed(mind, piece.melody, gaps_s))


def performed(mind: Harmonizer, melody: Ints, gaps_s: "np.ndarray[Any, Any]") -> Ints:
    """What a mind answers to a melody, shape (N, 3), bass, tenor, alto."""
    at_ns, rows = 0, []
    sounding: tuple[int, ...] = ()
    for pitch, gap_s in zip(melody.tolist(), gaps_s.tolist(), strict=True):
        at_ns += int(gap_s * NS_PER_S)
        voices = mind.voices(pitch, at_ns)
        for voice in set(sounding):
            mind.played(Played(at_ns, MACHINE, voice, 0))
        for voice in set(voices):
            mind.played(Played(at_ns, MACHINE, voice, 64))
        sounding = voices
        rows.append(mind.chord)
    return np.array(rows, np.int64)

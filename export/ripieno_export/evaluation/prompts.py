"""Held-out music, cut in two: what a system hears, and what the human played then.

A prompt is `PROMPT_S` seconds of a held-out piece, all of it the human's. It is cut at
an onset, where every system is asked to go on; what the human really played from there
is the reference. Pieces are drawn from a fixed seed and lie apart in the corpus, so
that two views of one song are not both drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ripieno.layouts.vocabulary import N_PITCHES
from ripieno_export.augment import HELD_OUT
from ripieno_export.dataset import KINDS, Crops, Packed
from ripieno_export.tokenize import Notes, detokenize

PROMPT_S: Final = 10.0
SPAN_S: Final = 8.0
"""Four bars at 120 bpm: one window of `ripieno_export.judge.texture`."""
EVENTS: Final = 768
"""A crop this long holds a prompt and its continuation, but in the densest music."""
FEWEST: Final = 8
"""Notes that a prompt and its continuation must have at least, each."""
APART: Final = 4
"""Places in the corpus between two pieces: a song has up to three views."""
SEED: Final = 20_260


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """A piece of held-out music that stops at an onset.

    Attributes:
        piece: its number in the corpus.
        kind: as in `ripieno_export.dataset.KINDS`.
        heard: what was played until then, pedals among it; seconds from its start.
        cut_s: when the next note falls.
        real: what the human played from there, without pedals; seconds from the cut.
    """

    piece: int
    kind: str
    heard: Notes
    cut_s: float
    real: Notes


def draw(packed: Packed, count: int) -> list[Prompt]:
    """So many prompts, or as many as there are; in the order of the corpus."""
    crops = Crops(packed, EVENTS, held_out=True)
    order = np.random.default_rng(SEED).permutation(np.flatnonzero(packed.held_out))
    found: dict[int, Prompt] = {}
    for piece in order.tolist():
        if len(found) == count:
            break
        if any(abs(piece - other) < APART for other in found):
            continue
        rng = np.random.default_rng([SEED, piece])
        notes, _ = detokenize(crops.crop(piece, rng, HELD_OUT))
        prompt = cut(notes, piece, KINDS[packed.kind[piece]])
        if prompt is not None:
            found[piece] = prompt
    return [found[piece] for piece in sorted(found)]


def cut(notes: Notes, piece: int, kind: str) -> Prompt | None:
    """A prompt of these notes, or None where they are too few or too short."""
    late = np.flatnonzero((notes["start"] >= PROMPT_S) & (notes["pitch"] < N_PITCHES))
    if not len(late):
        return None
    cut_s = float(notes["start"][late[0]])
    if notes["start"][-1] < cut_s + SPAN_S:
        return None
    heard, real = notes[notes["start"] < cut_s].copy(), window(notes, cut_s)
    heard["end"] = np.minimum(heard["end"], cut_s)
    is_enough = min(int((heard["pitch"] < N_PITCHES).sum()), len(real)) >= FEWEST
    return Prompt(piece, kind, heard, cut_s, real) if is_enough else None


def window(notes: Notes, from_s: float) -> Notes:
    """The notes (no pedals) that begin in the span from a moment on, counted from it.

    All have ended when the span has.
    """
    start = notes["start"].astype(np.float64)
    inside = (start >= from_s) & (start < from_s + SPAN_S)
    kept = notes[inside & (notes["pitch"] < N_PITCHES)].copy()
    kept["start"] -= from_s
    kept["end"] = np.minimum(kept["end"] - from_s, SPAN_S)
    return kept


def others(prompts: Sequence[Prompt]) -> list[Notes]:
    """For each prompt what the human played in another piece of its kind.

    If it is the only one of its kind, a piece of another kind is used.
    """
    found = []
    for number, prompt in enumerate(prompts):
        after = [*prompts[number + 1 :], *prompts[:number]]
        alike = [other for other in after if other.kind == prompt.kind] or after
        found.append(alike[0].real if alike else prompt.real[:0])
    return found

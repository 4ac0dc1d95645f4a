"""The table of interfaces: how the graphs of each family of models are driven.

A row names the tensors that the daemon writes and reads, the layout that the model was
trained on, and the mind that plays by it. Adding a family takes a layout, a mind and a
row; `tests/minds/test_adding_a_family.py` does it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from ripieno.inference.lines import LOGITS, MASKS, SAMPLED
from ripieno.layouts import duet, likeness, pattern, phrase, vocabulary, voices
from ripieno.layouts.vocabulary import FIELDS, SIZES
from ripieno.music.chords import N_CHORDS

Tensors = dict[str, str]
"""Name → dtype and sizes, as text. A letter stands for a size that is the same wherever
it appears in one model."""

_SAMPLING: Final[Tensors] = dict.fromkeys(SAMPLED, f"float32 1 {len(FIELDS)}")
_MASKS: Final[Tensors] = {
    name: f"bool 1 {size}" for name, size in zip(MASKS, SIZES, strict=True)
}
_LOGITS: Final[Tensors] = {
    name: f"float32 1 {size}" for name, size in zip(LOGITS, SIZES, strict=True)
}
_ROLL: Final = f"float32 1 2 {pattern.STEPS} {pattern.ROWS}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """How the graphs of a family are driven.

    Attributes:
        name: as in manifests.
        fingerprint: of the layout; a model with another one is refused.
        graphs: graph → the inputs that the daemon writes, and the outputs that it
            reads; none for tables.
        plays: ``module:name`` of the function that makes a mind from a loaded model;
            None if the models play no role.
        is_stepped: whether one run of ``model`` advances by one event; then `Loaded`
            has lines.
    """

    name: str
    fingerprint: Callable[[], str]
    graphs: Mapping[str, tuple[Tensors, Tensors]] = field(default_factory=dict)
    plays: str | None = None
    is_stepped: bool = False


INTERFACES: Final[dict[str, Interface]] = {
    interface.name: interface
    for interface in (
        Interface(
            name="step",
            fingerprint=vocabulary.fingerprint,
            graphs={
                "model": (
                    {"event": "int64 1 4", **_SAMPLING, **_MASKS},
                    {"next_event": "int64 1 4", **_LOGITS},
                )
            },
            plays="ripieno.minds.composer:from_model",
            is_stepped=True,
        ),
        Interface(
            name="duet",
            fingerprint=duet.fingerprint,
            graphs={
                "model": (
                    {
                        "token": "int64 1",
                        "length": "int64 1",
                        "context": f"float32 1 {duet.CONTEXT}",
                        "mask": f"bool 1 {duet.TOKENS}",
                        "noise": "float32 1 2",
                        "temperature": "float32 1",
                        "top_p": "float32 1",
                    },
                    {"next_token": "int64 1", "next_length": "int64 1"},
                ),
                "harmony": (
                    {
                        "rows": f"float32 1 {duet.CLASS_ROWS} 12",
                        "scalars": f"float32 1 {duet.SCALARS}",
                        "before": "int64 1",
                        "lasted": "int64 1",
                    },
                    {
                        "logits": f"float32 1 {N_CHORDS}",
                        "fresh": f"float32 1 {N_CHORDS}",
                    },
                ),
            },
            plays="ripieno.minds.duet:from_model",
        ),
        Interface(
            name="voices",
            fingerprint=voices.fingerprint,
            graphs={
                "model": (
                    {
                        "melody": "int64 1 1",
                        "before": "int64 1 4",
                        "gap_s": "float32 1 1",
                        "style": "int64 1 1",
                        "bias": "float32 1 3 128",
                        "strictness": "float32 1 1",
                        **dict.fromkeys(SAMPLED, "float32 1 3"),
                    },
                    {"voices": "int64 1 3"},
                ),
            },
            plays="ripieno.minds.harmonizer:from_model",
        ),
        Interface(
            name="phrase",
            fingerprint=phrase.fingerprint,
            graphs={
                "encode": (
                    {"tokens": f"int64 1 {phrase.STEPS}", "meter": "int64 1 1"},
                    {"mean": "float32 1 Z"},
                ),
                "conduct": (
                    {
                        "latent": "float32 1 Z",
                        "noise": "float32 1 Z",
                        "distance": "float32 1 1",
                        "moves": f"float32 1 {len(phrase.ATTRIBUTES)}",
                        "meter": "int64 1 1",
                    },
                    {
                        "cues": f"float32 1 {phrase.STEPS} D",
                        "begun": f"float32 1 {phrase.BARS} H",
                    },
                ),
                "model": (
                    {
                        "cue": "float32 1 D",
                        "before": "int64 1 2",
                        "state": "float32 1 H",
                    },
                    {"logits": f"float32 1 {phrase.VOCABULARY}"},
                ),
            },
            plays="ripieno.minds.variations:from_model",
        ),
        Interface(
            name="pattern",
            fingerprint=pattern.fingerprint,
            graphs={
                "model": (
                    {
                        "noise": f"float32 1 {pattern.NOISE}",
                        "chords": f"float32 1 {pattern.BEATS} {pattern.CHORD}",
                        "before": _ROLL,
                        "manner": f"float32 1 {pattern.MANNER}",
                    },
                    {"roll": _ROLL, "logits": _ROLL},
                )
            },
            plays="ripieno.minds.patterns:from_model",
        ),
        Interface(
            name="likeness",
            fingerprint=likeness.fingerprint,
            graphs={
                "model": (
                    {"roll": f"float32 B {' '.join(map(str, likeness.SHAPE))}"},
                    {"embedding": "float32 B D"},
                )
            },
        ),
        Interface(name="tables", fingerprint=duet.fingerprint),
    )
}

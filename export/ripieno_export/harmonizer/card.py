"""The harmonizer's model card: written from what was measured.

This module only makes text; it measures nothing and reads no file.
"""

from typing import Any, Final

from ripieno.inference.manifest import Manifest
from ripieno.layouts.voices import VOICES
from ripieno.minds.harmonizer import Manner
from ripieno_export.card import (
    MACHINE,
    bullets,
    changes,
    data_table,
    made_again,
    table,
    wrap,
)
from ripieno_export.harmonizer.recipe import Options
from ripieno_export.licences import sentence
from ripieno_export.preset import Preset

COLUMNS: Final = {
    "chords": "chords",
    "parallels": "parallels",
    "still_bass": "still bass",
    "motion_bass": "bass moves",
    "motion_tenor": "tenor moves",
    "motion_alto": "alto moves",
    "outside": "outside",
    "out_of_range": "out of range",
    "crossings": "crossings",
    "exact": "exact",
}
LED: Final = {"led by the truth": "teacher forcing", "led by itself": "free-running"}
"""Name in the figures → label on the card."""
WRITING: Final = (
    "*Chords*: the share of onsets that are triads or seventh chords; the fifth may be "
    "missing.",
    "*Parallels*: parallel fifths and octaves in 100 moves, over all pairs of voices.",
    "*Still bass*: the share of moves of the melody under which the bass stays.",
    "*Moves*: how far a voice moves, in semitones, on average.",
    "*Outside*: the share of voices outside the scale of the whole melody.",
    "*Exact*: the share of voices that are as written.",
)
LIMITS: Final = (
    "It knows no beat and no words. It answers a note before the next one exists, so "
    "it cannot prepare a cadence.",
    "Every note-on gets a chord. In a fast tune it changes the chord more often than a "
    "person would. The gain for staying (see *Using it*) reduces this.",
    "Its first chord is a guess, since a single note may be any degree of any scale.",
    "Its style is that of Lutheran chorales and English hymns. It harmonizes a blues "
    "like a hymn.",
    "It harmonizes one melody note at a time. The notes of a chord are harmonized in "
    "the order in which they arrive.",
)
THANKS: Final = (
    "They were trained on Bach's chorales and on hymns in the public domain, some of "
    "whose encodings carry no licence of their own (the music21 corpus, JSB "
    "Chorales), on the Open Hymnal, and on music under CC BY 4.0 whose maker is named "
    "with thanks: the Fryderyk Chopin Institute (Polish Music Heritage in Open Access, "
    "polishscores.org)."
)


def card(manifest: Manifest, preset: Preset, figures: dict[str, Any]) -> str:
    """The card of a harmonizer, in Markdown.

    Args:
        manifest: of the finished folder.
        preset: the recipe, as the checkpoint holds it.
        figures: what `publish` found.
    """
    parts = [
        _head(manifest, preset, figures),
        _use(manifest.name),
        _likelihood(figures),
        _writing(figures),
        _answer(figures["step_ms"]),
        _data(manifest, preset),
        f"## Licence\n\n{wrap(f'{sentence(manifest.licence)} {THANKS}')}",
        f"## Limits\n\n{bullets(LIMITS)}",
        _again(manifest, preset, figures),
    ]
    return "\n\n".join(parts) + "\n"


def _head(manifest: Manifest, preset: Preset, figures: dict[str, Any]) -> str:
    what = (
        "A GRU that adds three voices below a melody note at once. It chooses the "
        "bass, then the tenor, then the alto; each choice depends on those before it. "
        "Its inputs are the melody with its timing, the chord that really sounded "
        "before, and how much of each pitch class has been heard. Pitches are relative "
        "to the note that was just struck, so the model is the same in every key. It "
        f"has {preset.hidden} units and {manifest.parameters / 1e6:.2f} million "
        f"parameters. `model.onnx` is {figures['bytes'] / 1e6:.1f} MB, float32, "
        "batch 1. It was made for Ripieno's `harmonize` role."
    )
    layout = (
        "Its inputs and outputs are those of `ripieno.minds.harmonizer`; the "
        f"fingerprint is `{manifest.fingerprint}`."
    )
    return f"# {manifest.name}\n\n{wrap(what)}\n\n{wrap(layout)}"


def _data(manifest: Manifest, preset: Preset) -> str:
    options = preset.options_as(Options)
    how = (
        "The data has one row for each onset of the soprano, with the voices that "
        "sound then. What these voices do before the next onset is left out. Tunes "
        "that share a fifth of their interval 10-grams are one family, in any key and "
        "edition. A family is held out as a whole. Each crop is transposed by up to 5 "
        "semitones, and its tempo is random. "
        f"At {options.corrupted:.0%} of the onsets, the chord before is falsified. In "
        f"{options.own:.0%} of the crops, the chords before are the network's own "
        f"answers; at {options.leash:.0%} of the onsets of such a crop, the true chord "
        "replaces them. "
        f"{options.motets:.0%} of the crops are motets."
    )
    return f"## Music it was trained on\n\n{data_table(manifest)}\n\n{wrap(how)}"


def _likelihood(figures: dict[str, Any]) -> str:
    nats = figures["nats"]
    names = ("total", *VOICES)
    rows = [
        [f"nats, {label}", *(f"{nats[by][name]:.3f}" for name in names)]
        for by, label in LED.items()
    ]
    guess = [f"{nats['first guess'][name]:.1%}" for name in VOICES]
    rows.append(["first guess right", "", *guess])
    text = (
        f"Nats per onset on {figures['onsets_held_out']:,} onsets of "
        f"{figures['pieces_held_out']} chorales and hymns whose tunes were not used in "
        "training; lower is better. Each voice is predicted with those before it "
        "known. Where the model is free-running, the chord before is its own, and what "
        "was written does not have to follow from that chord."
    )
    shown = table(["", *names], rows)
    return f"## How well it predicts held-out music\n\n{wrap(text)}\n\n{shown}"


def _writing(figures: dict[str, Any]) -> str:
    rows = [
        [name, *(_shown(key, row.get(key)) for key in COLUMNS)]
        for name, row in figures["writing"].items()
    ]
    text = (
        "The same melodies, harmonized by the exported graph in the daemon's mind, "
        "free-running. *No rule* is the model without the cost of parallels. Thirds, "
        "fauxbourdon (the fallback) and nearest triad are rules that are given the "
        "key."
    )
    shown = table(["", *COLUMNS.values()], rows)
    return f"## How it writes\n\n{wrap(text)}\n\n{bullets(WRITING)}\n\n{shown}"


def _shown(key: str, value: float | None) -> str:
    if value is None:
        return ""
    is_count = key == "parallels" or key.startswith("motion")
    return f"{value:.2f}" if is_count else f"{value:.1%}"


def _answer(step_ms: dict[str, dict[str, float]]) -> str:
    graph, answer = step_ms["graph"], step_ms["answer"]
    return "## An answer\n\n" + wrap(
        f"A run of the graph takes {graph['p50']:.3f} ms at the median and "
        f"{graph['p99']:.3f} ms at the 99th percentile. An answer of the mind takes "
        f"{answer['p50']:.3f} and {answer['p99']:.3f} ms. Measured on {MACHINE}, batch "
        "1, sampling included. Other work ran on the machine; the figures are those of "
        "the quietest of twelve bursts."
    )


def _use(name: str) -> str:
    manner = Manner()
    pairs = zip(VOICES, manner.temperature, manner.top_p, strict=True)
    rows = [[voice, str(heat), str(share)] for voice, heat, share in pairs]
    shown = table(["sampling defaults", "temperature", "top-p"], rows)
    rest = (
        f"Parallel fifths and octaves cost {manner.strictness} nats. A voice that "
        f"stays on its pitch gains {manner.inertia} nats. It gains {manner.hurry} nats "
        "more for each time that the gap since the last note is halved, from 0.4 s "
        "down."
    )
    command = f"    ripieno play --role harmonize --model {name}"
    return f"## Using it\n\n{command}\n\n{shown}\n\n{wrap(rest)}"


def _again(manifest: Manifest, preset: Preset, figures: dict[str, Any]) -> str:
    return made_again(
        manifest.name,
        f"These weights are of step {figures['progress']['best_step']} of "
        f"{preset.steps}, the best on held-out pieces."
        f"{changes(figures['progress'])}",
    )

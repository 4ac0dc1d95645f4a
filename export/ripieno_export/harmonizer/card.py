"""The harmonizer's model card: written from what was measured.

This module only makes text; it measures nothing and reads no file.
"""

from typing import Any, Final

from ripieno.inference.manifest import Manifest
from ripieno.layouts.voices import VOICES
from ripieno.minds.harmonizer import Manner
from ripieno_export.card import changes, data_table, table, wrap
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
LIMITS: Final = (
    "It knows no beat, no words and no cadence to come: it answers a note before the "
    "next one exists, so it cannot prepare a close that it does not foresee.",
    "Every key-down gets a chord. Under a fast tune it changes harmony more often than "
    "a person would; `hurry` counters that.",
    "Its first chord is a guess at the key: a lone note is any degree of any scale.",
    "Its taste is that of the Lutheran chorale and the English hymn. It harmonizes a "
    "blues as a hymn.",
    "One melody note at a time: of a chord that the human plays it harmonizes the "
    "notes as they come.",
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
        _data(manifest, preset),
        _likelihood(figures),
        _writing(figures),
        _answer(figures["step_ms"]),
        _use(),
        "## Limits\n\n" + "\n".join(wrap(line, "- ") for line in LIMITS),
        f"## Licence\n\n{wrap(f'{sentence(manifest.licence)} {THANKS}')}",
        _again(manifest, preset, figures),
    ]
    return "\n\n".join(parts) + "\n"


def _head(manifest: Manifest, preset: Preset, figures: dict[str, Any]) -> str:
    what = (
        "A GRU that answers a melody note with three voices below it, at once: bass, "
        "then tenor, then alto, each knowing those before it. It hears the melody in "
        "time, the chord that really sounded before, and what has been heard of each "
        "pitch class; all is relative to the note just struck, so every key is one. "
        f"It has {preset.hidden} units, {manifest.parameters / 1e6:.2f} million "
        f"parameters; `model.onnx` is {figures['bytes'] / 1e6:.1f} MB, float32, "
        "batch 1. It was made for Ripieno's `harmonize` role."
    )
    layout = (
        "Its inputs and outputs are those of `ripieno.minds.harmonizer`, fingerprint "
        f"`{manifest.fingerprint}`."
    )
    return f"# {manifest.name}\n\n{wrap(what)}\n\n{wrap(layout)}"


def _data(manifest: Manifest, preset: Preset) -> str:
    options = preset.options_as(Options)
    how = (
        "One row per onset of the soprano, with the voices that sound then; what they "
        "do before the next onset is left out. Tunes that share a fifth of their "
        "interval 10-grams are one family, in every key and edition, and a family is "
        "held out whole. A crop moves by ±5 semitones and has a tempo of its own; "
        f"{options.corrupted:.0%} of the onsets remember a falsified chord, and "
        f"{options.own:.0%} of the crops are led from the network's own answers, which "
        f"the true chord corrects at {options.leash:.0%} of the onsets. "
        f"{options.motets:.0%} of the crops are motets."
    )
    return f"## Music it was trained on\n\n{data_table(manifest)}\n\n{wrap(how)}"


def _likelihood(figures: dict[str, Any]) -> str:
    nats = figures["nats"]
    names = ("total", *VOICES)
    rows = [
        [f"nats, {by}", *(f"{nats[by][name]:.3f}" for name in names)]
        for by in ("led by the truth", "led by itself")
    ]
    guess = [f"{nats['first guess'][name]:.1%}" for name in VOICES]
    rows.append(["first guess right", "", *guess])
    text = (
        f"{figures['onsets_held_out']:,} onsets of {figures['pieces_held_out']} "
        "chorales and hymns whose tunes it never saw; nats per onset, each voice given "
        "those before it; lower is better. Led by itself, the chord before is its own, "
        "and what was written no longer need follow from it."
    )
    shown = table(["", *names], rows)
    return f"## How well it predicts held-out music\n\n{wrap(text)}\n\n{shown}"


def _writing(figures: dict[str, Any]) -> str:
    rows = [
        [name, *(_shown(key, row.get(key)) for key in COLUMNS)]
        for name, row in figures["writing"].items()
    ]
    text = (
        "The same melodies, harmonized live through the exported graph and the "
        "daemon's mind, led by its own answers. Chords: triads and sevenths, the fifth "
        "may be missing. Parallels: fifths and octaves per 100 moves, over all pairs "
        "of voices. Still bass: moves of the melody under which the bass stays. Moves: "
        "mean semitones. Outside: voices out of the scale of the whole melody. Exact: "
        "voices just as written. `no rule`: without the price on parallels. "
        "Thirds, fauxbourdon (the plain fallback) and nearest triad are rules that "
        "were told the key."
    )
    shown = table(["", *COLUMNS.values()], rows)
    return f"## How it writes\n\n{wrap(text)}\n\n{shown}"


def _shown(key: str, value: float | None) -> str:
    if value is None:
        return ""
    is_count = key == "parallels" or key.startswith("motion")
    return f"{value:.2f}" if is_count else f"{value:.1%}"


def _answer(step_ms: dict[str, dict[str, float]]) -> str:
    graph, answer = step_ms["graph"], step_ms["answer"]
    return "## An answer\n\n" + wrap(
        f"The graph runs {graph['p50']:.3f} ms at the median and {graph['p99']:.3f} ms "
        f"at the 99th of a hundred; with the mind around it, {answer['p50']:.3f} and "
        f"{answer['p99']:.3f} ms: one thread of a shared two-core AMD EPYC (Zen 4), "
        "batch 1, sampling included; the quietest of twelve bursts, as other work ran "
        "beside it."
    )


def _use() -> str:
    manner = Manner()
    pairs = zip(VOICES, manner.temperature, manner.top_p, strict=True)
    rows = [[voice, str(heat), str(share)] for voice, heat, share in pairs]
    shown = table(["sampling defaults", "temperature", "top-p"], rows)
    rest = (
        f"Parallel fifths and octaves cost {manner.strictness} nats; staying on its "
        f"pitch earns a voice {manner.inertia} nats, and {manner.hurry} more for every "
        "halving of the time since the last note below 0.4 s."
    )
    return f"## Using it\n\n{shown}\n\n{wrap(rest)}"


def _again(manifest: Manifest, preset: Preset, figures: dict[str, Any]) -> str:
    ends = wrap(
        f"These weights are of step {figures['progress']['best_step']} of "
        f"{preset.steps}, the best on held-out pieces."
        f"{changes(figures['progress'])} All figures are in "
        "`figures.json`; `golden.npz` is replayed by the daemon's tests."
    )
    command = f"    ripieno-export make {manifest.name} --data DIR"
    return f"## Making it again\n\n{command}\n\n{ends}"

"""The phrase model's card: written from what was measured.

This module only makes text; it measures nothing and reads no file.
"""

from typing import Any, Final

from ripieno.inference.manifest import Manifest
from ripieno.layouts.phrase import ATTRIBUTES
from ripieno.minds.variations import TEMPERATURE, TOP_P
from ripieno_export.card import changes, data_table, table, wrap
from ripieno_export.licences import sentence
from ripieno_export.phrases.task import Options
from ripieno_export.preset import Preset

LIMITS: Final = (
    "One voice: of a chord it hears the highest note, and it answers with single "
    "notes.",
    "A grid of sixteenths: triplets and swing are rounded to it, and so is a free "
    "rhythm; grace notes are lost.",
    "It was trained on two bars. A longer phrase is varied two bars at a time, all "
    "moved the same way; what ties them together is the phrase itself, so at a great "
    "distance a long variation wanders.",
    "Nobody tells it where a bar begins: it takes the phrase's first note for a "
    "downbeat. Half of its training windows begin at some other beat, and its figures "
    "for them stand beside the others.",
    "3/4 is recognised by a phrase's length in beats, 6/8 by its onsets; where either "
    "is heard wrongly, accents of a variation fall in the wrong places. Bars of 9/8, "
    "5/4 and other metres are heard as one of the three.",
    "Its taste is that of Irish fiddle tunes, art songs, old popular songs and Chinese "
    "pop.",
)
THANKS: Final = (
    "They were trained on melodies of POP909 (MIT; the songs are their composers'), of "
    "the OpenScore Lieder Corpus (CC0), of OpenEWLD's songs in the public domain, of "
    "O'Neill's and Ryan's collections (public-domain tunes whose encodings carry no "
    "licence of their own), and on music under CC BY 4.0 whose maker is named with "
    "thanks: the Fryderyk Chopin Institute (Polish Music Heritage in Open Access, "
    "polishscores.org)."
)


def card(manifest: Manifest, preset: Preset, figures: dict[str, Any]) -> str:
    """The card of a phrase model, in Markdown.

    Args:
        manifest: of the finished folder.
        preset: as the checkpoint holds it.
        figures: what `publish` found.
    """
    parts = [
        _head(manifest, preset, figures),
        _data(manifest, preset, figures),
        _kept(figures),
        _latent(figures),
        _distances(figures),
        _knobs(figures),
        _use(figures),
        "## Limits\n\n" + "\n".join(wrap(line, "- ") for line in LIMITS),
        f"## Licence\n\n{wrap(f'{sentence(manifest.licence)} {THANKS}')}",
        _again(manifest, preset, figures),
    ]
    return "\n\n".join(parts) + "\n"


def _head(manifest: Manifest, preset: Preset, figures: dict[str, Any]) -> str:
    options = preset.options_as(Options)
    what = (
        "A variational autoencoder over two bars of melody on a grid of sixteenths. A "
        "bidirectional GRU reads a phrase quarter by quarter into "
        f"{options.latent} numbers; from them a conductor GRU makes a cue for every "
        "quarter, and a GRU that begins anew at every bar writes the sixteenths. "
        "Pitches count from the root of the key that is heard, so every key is one. It "
        f"has {preset.hidden} units and {manifest.parameters / 1e6:.2f} million "
        f"parameters; its three graphs are {figures['bytes'] / 1e6:.1f} MB: weights "
        "stored as float16, computed in float32, batch 1. It was made for Ripieno's "
        "`vary` role."
    )
    layout = (
        "`encode.onnx` is roll → latent; `conduct.onnx` and, step by step, "
        "`model.onnx` are (latent, conditions) → roll. The directions of the knobs are "
        "constants of `conduct.onnx`. "
        "The layout is that of `ripieno.layouts.phrase`, fingerprint "
        f"`{manifest.fingerprint}`."
    )
    return f"# {manifest.name}\n\n{wrap(what)}\n\n{wrap(layout)}"


def _data(manifest: Manifest, preset: Preset, figures: dict[str, Any]) -> str:
    options = preset.options_as(Options)
    drawn = data_table(manifest, "melodies")
    how = (
        f"{figures['windows_trained_on']:,} windows of two bars, half of them from bar "
        "lines and half from another beat. Bars of 2/4 and 3/8 count as half a bar of "
        "4/4 and 6/8, of 12/8 as two of 6/8; in 3/4 and 6/8 a bar uses twelve of its "
        "sixteen places; other metres are left out. Upbeats of the fiddle tunes come "
        "from their ABC. Tunes of held-out families, and tunes that share a quarter of "
        "their interval 16-grams with them, are not trained on. A fifth of the windows "
        "is moved by an octave, and one in seven by any interval; the key is heard "
        "from the last notes alone, as it is when playing. "
        f"{options.dropped:.0%} of what the decoder is told of its own past is hidden "
        f"and {options.falsified:.0%} is wrong."
    )
    return f"## Music it was trained on\n\n{drawn}\n\n{wrap(how)}"


def _kept(figures: dict[str, Any]) -> str:
    kept, plain = figures["reconstruction"], figures["baselines"]
    rows = [
        [f"{where}, {how}", *_shares(found)]
        for where, ways in kept.items()
        for how, found in ways.items()
    ]
    rows += [[f"baseline: {name}", *_shares(found)] for name, found in plain.items()]
    text = (
        f"{figures['phrases_held_out']:,} two-bar windows at bar lines of tunes that "
        "it never saw, and that chose nothing. *Taught*: each step told the true ones "
        "before. *Greedy*, *sampled*: it writes on its own from the latent's mean, the "
        "likeliest token, or at temperature 1. Steps: sixteenths whose token is right; "
        "onsets: those that strike a note; rhythm: rest, hold or strike, whatever the "
        "pitch; whole: phrases without a slip."
    )
    drawn = table(["", "steps", "onsets", "rhythm", "whole"], rows)
    return f"## How well it keeps a phrase\n\n{wrap(text)}\n\n{drawn}"


def _shares(found: dict[str, float]) -> list[str]:
    return [f"{found[name]:.1%}" for name in ("steps", "onsets", "rhythm", "whole")]


def _latent(figures: dict[str, Any]) -> str:
    latent, way = figures["latent"], figures["interpolation"]
    text = (
        f"A held-out phrase takes {latent['nats']:.1f} nats (KL divergence from the "
        f"prior); {latent['used']} of {latent['dimensions']} dimensions carry more "
        "than a tenth of one. The mean posterior deviation is "
        f"{latent['mean_deviation']:.2f}, and the means' mean square "
        f"{latent['mean_square']:.2f}. On the great circle between "
        f"two phrases ({way['pairs']} pairs, {way['points']} points, greedy), "
        f"{way['whole_way']:.0%} of the steps change in all, {way['mean_change']:.0%} "
        f"from point to point, {way['largest_change']:.0%} at the largest of the eight "
        f"steps; {way['never_nearer_again']:.0%} of the steps lead no nearer to the "
        "start again."
    )
    return f"## Its latent space\n\n{wrap(text)}"


def _distances(figures: dict[str, Any]) -> str:
    names = (
        "different", "onsets_kept", "unchanged", "onsets_a_bar",
        "mean_interval", "repeated", "leaps", "on_the_beat",
    )  # fmt: skip
    rows = [
        [name, *(_figure(key, found.get(key)) for key in names)]
        for name, found in figures["distances"].items()
    ]
    text = (
        f"{figures['phrases_played']} held-out phrases in 4/4, played to the daemon's "
        "own mind at 120 beats a minute and varied at each distance through the "
        "exported graphs. Different: steps; onsets kept: at their place and pitch; "
        "interval: "
        "semitones; leaps: of more than a fifth. *Human* is what was played."
    )
    drawn = table(
        ["distance", "different", "onsets kept", "unchanged", "onsets a bar",
         "interval", "repeated", "leaps", "on the beat"],
        rows,
    )  # fmt: skip
    blends = table(
        ["blend", "like the phrase", "like the one before"],
        [
            [name, *(f"{value:.1%}" for value in found.values())]
            for name, found in figures["blends"].items()
        ],
    )
    more = (
        "`blend` at distance 0, with the phrase of another tune played before: the "
        "share of steps that are as in either."
    )
    return f"## Distance\n\n{wrap(text)}\n\n{drawn}\n\n{wrap(more)}\n\n{blends}"


def _figure(key: str, value: float | None) -> str:
    if value is None:
        return ""
    is_count = key in {"onsets_a_bar", "mean_interval"}
    return f"{value:.2f}" if is_count else f"{value:.1%}"


def _knobs(figures: dict[str, Any]) -> str:
    rows = [
        [
            name,
            *(f"{found[each]:+.2f}" for each in ATTRIBUTES),
            f"{found['right_way']:.0%}" if "right_way" in found else "",
        ]
        for name, found in figures["knobs"].items()
    ]
    rows[0] = [rows[0][0], *(cell.removeprefix("+") for cell in rows[0][1:])]
    text = (
        "The same phrases at distance 0 with one knob turned: the mean change of "
        "onsets a bar (fill), of the mean pitch in semitones (rise), and of the share "
        "of onsets on no beat (offbeat), and how many phrases moved the right way. "
        "*Human*: what was played. Directions are the regression of the latent on all "
        "three attributes, over training music."
    )
    drawn = table(["knob", *ATTRIBUTES, "right way"], rows)
    return f"## Knobs\n\n{wrap(text)}\n\n{drawn}"


def _use(figures: dict[str, Any]) -> str:
    answer = figures["answer_ms"]
    text = (
        f"Sampling defaults: temperature {TEMPERATURE}, top-p {TOP_P}. A whole plan of "
        f"two bars takes {answer['p50']:.1f} ms at the median and {answer['p99']:.1f} "
        f"at the 99th of a hundred, the fastest {answer['min']:.1f}: one thread of a "
        "shared two-core AMD EPYC, with much other work beside it."
    )
    return f"## Using it\n\n{wrap(text)}"


def _again(manifest: Manifest, preset: Preset, figures: dict[str, Any]) -> str:
    ends = wrap(
        f"These weights are of step {figures['progress']['best_step']} of "
        f"{preset.steps}, the best on the held-out tunes that choose (every other one "
        "of the validation split; the figures are of the rest)."
        f"{changes(figures['progress'])} All figures are in "
        "`figures.json`; `golden.npz` is replayed by the daemon's tests."
    )
    command = f"    ripieno-export make {manifest.name} --data DIR"
    return f"## Making it again\n\n{command}\n\n{ends}"

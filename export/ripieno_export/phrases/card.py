"""The phrase model's card: written from what was measured.

This module only makes text; it measures nothing and reads no file.
"""

from typing import Any, Final

from ripieno.inference.manifest import Manifest
from ripieno.layouts.phrase import ATTRIBUTES
from ripieno.minds.variations import TEMPERATURE, TOP_P
from ripieno_export.card import (
    bullets,
    changes,
    data_table,
    made_again,
    table,
    wrap,
)
from ripieno_export.licences import sentence
from ripieno_export.phrases.task import Options
from ripieno_export.preset import Preset

LIMITS: Final = (
    "It knows one voice. Of a chord it hears the highest note, and it answers with "
    "single notes.",
    "It works on a grid of sixteenths. Triplets, swing and free rhythm are rounded to "
    "this grid, and grace notes are lost.",
    "It was trained on two bars. A longer phrase is varied two bars at a time, each "
    "time in the same direction. Nothing but the phrase itself connects these parts. "
    "So at a large distance a long variation loses its connection.",
    "It is not told where a bar begins, and takes the first note of the phrase for a "
    "downbeat. Half of its training windows begin at another beat; the rows *from any "
    "beat* are the figures for such windows.",
    "It recognises 3/4 by a phrase's length in beats, and 6/8 by its onsets. If this "
    "goes wrong, accents of a variation fall in the wrong places. Bars of 9/8, 5/4 and "
    "other meters are heard as one of the three.",
    "Its style is that of Irish fiddle tunes, art songs, old popular songs and Chinese "
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


WAYS: Final = {"taught": "teacher forcing"}
"""Name in the figures → label on the card."""


def card(manifest: Manifest, preset: Preset, figures: dict[str, Any]) -> str:
    """The card of a phrase model, in Markdown.

    Args:
        manifest: of the finished folder.
        preset: as the checkpoint holds it.
        figures: what `publish` found.
    """
    parts = [
        _head(manifest, preset, figures),
        _use(manifest.name, figures),
        _kept(figures),
        _latent(figures),
        _distances(figures),
        _knobs(figures),
        _data(manifest, preset, figures),
        f"## Licence\n\n{wrap(f'{sentence(manifest.licence)} {THANKS}')}",
        f"## Limits\n\n{bullets(LIMITS)}",
        _again(manifest, preset, figures),
    ]
    return "\n\n".join(parts) + "\n"


def _head(manifest: Manifest, preset: Preset, figures: dict[str, Any]) -> str:
    options = preset.options_as(Options)
    what = (
        "A variational autoencoder for two bars of melody on a grid of sixteenths. A "
        "bidirectional GRU reads a phrase quarter by quarter and encodes it as "
        f"{options.latent} numbers, the latent. From the latent, a second GRU (the "
        "conductor) makes one vector for each quarter. From these vectors, a third GRU "
        "writes the sixteenths; its state is reset at every bar. Pitches are relative "
        "to the root of the key that is heard, so the model is the same in every key. "
        f"It has {preset.hidden} units and {manifest.parameters / 1e6:.2f} million "
        f"parameters. Its three graphs are {figures['bytes'] / 1e6:.1f} MB. Weights "
        "are stored as float16, and computation is in float32, batch 1. It was made "
        "for Ripieno's `vary` role."
    )
    layout = (
        "`encode.onnx` maps a roll to a latent. `conduct.onnx` and then `model.onnx`, "
        "step by step, map a latent and conditions to a roll. The directions of the "
        "parameters `fill`, `rise` and `offbeat` are constants of `conduct.onnx`. The "
        "layout is that of `ripieno.layouts.phrase`; its fingerprint is "
        f"`{manifest.fingerprint}`."
    )
    return f"# {manifest.name}\n\n{wrap(what)}\n\n{wrap(layout)}"


def _data(manifest: Manifest, preset: Preset, figures: dict[str, Any]) -> str:
    options = preset.options_as(Options)
    drawn = data_table(manifest, "melodies")
    how = (
        f"It was trained on {figures['windows_trained_on']:,} windows of two bars. "
        "Half of them begin at a bar line and half at another beat. A bar of 2/4 or "
        "3/8 counts as half a bar of 4/4 or 6/8, and a bar of 12/8 as two of 6/8. In "
        "3/4 and 6/8 a bar uses twelve of its sixteen places. Other meters are left "
        "out. Upbeats of the fiddle tunes come from their ABC. Tunes of held-out "
        "families, and tunes that share a quarter of their interval 16-grams with "
        "them, were not used in training. One window in five is moved by an octave, "
        "and one in seven by any interval. The key is estimated from the last notes "
        "alone, as in playing. Of the decoder's past tokens, "
        f"{options.dropped:.0%} are hidden from it and {options.falsified:.0%} are "
        "replaced by wrong ones."
    )
    return f"## Music it was trained on\n\n{drawn}\n\n{wrap(how)}"


def _kept(figures: dict[str, Any]) -> str:
    kept, plain = figures["reconstruction"], figures["baselines"]
    rows = [
        [f"{where}, {WAYS.get(how, how)}", *_shares(found)]
        for where, ways in kept.items()
        for how, found in ways.items()
    ]
    rows += [[f"baseline: {name}", *_shares(found)] for name, found in plain.items()]
    text = (
        f"Measured on {figures['phrases_held_out']:,} two-bar windows at bar lines, of "
        "tunes that were used neither in training nor for choices. With *teacher "
        "forcing*, the true steps before are given. *Greedy* and *sampled* are "
        "free-running from the mean of the latent: with the likeliest token, or at "
        "temperature 1. *Steps* is the share of sixteenths whose token is right, and "
        "*onsets* the share of those on which a note begins. *Rhythm* ignores the "
        "pitch: rest, hold or onset. *Whole* is the share of phrases without an error."
    )
    drawn = table(["", "steps", "onsets", "rhythm", "whole"], rows)
    return f"## How well it keeps a phrase\n\n{wrap(text)}\n\n{drawn}"


def _shares(found: dict[str, float]) -> list[str]:
    return [f"{found[name]:.1%}" for name in ("steps", "onsets", "rhythm", "whole")]


def _latent(figures: dict[str, Any]) -> str:
    latent, way = figures["latent"], figures["interpolation"]
    text = (
        f"A held-out phrase takes {latent['nats']:.1f} nats (KL divergence from the "
        f"prior). {latent['used']} of {latent['dimensions']} dimensions carry more "
        "than 0.1 nats. The mean deviation of the posterior is "
        f"{latent['mean_deviation']:.2f}, and the mean square of its means is "
        f"{latent['mean_square']:.2f}. Interpolation was measured on the great circle "
        f"between two phrases ({way['pairs']} pairs, {way['points']} points, greedy). "
        f"From end to end, {way['whole_way']:.0%} of the sixteenths change. From point "
        f"to point, {way['mean_change']:.0%} change on average, and "
        f"{way['largest_change']:.0%} where the change is largest. In "
        f"{way['never_nearer_again']:.0%} of the cases, the next point is not nearer "
        "to the start than the one before."
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
        f"{figures['phrases_played']} held-out phrases in 4/4 were played to the "
        "daemon's mind at 120 beats a minute, and varied by the exported graphs. "
        "*Different* is the share of sixteenths that differ. *Onsets kept* have the "
        "same place and pitch. *Unchanged* is the share of phrases that are the same. "
        "*Interval* is the mean, in semitones. *Leaps* are larger than a fifth. "
        "*Human* is what was played."
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
        "For `blend`, a phrase of another tune was played before, and the distance is "
        "0. The table shows the share of sixteenths that are as in each of the two "
        "phrases."
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
        "The same phrases at distance 0, with one parameter changed. The columns are "
        "the mean change of onsets a bar (fill), of the mean pitch in semitones (rise) "
        "and of the share of onsets off the beat (offbeat), and the share of phrases "
        "that moved the right way. *Human* is what was played. The directions are the "
        "regression of the latent on all three attributes, on training music."
    )
    drawn = table(["parameter", *ATTRIBUTES, "right way"], rows)
    return f"## Parameters\n\n{wrap(text)}\n\n{drawn}"


def _use(name: str, figures: dict[str, Any]) -> str:
    answer = figures["answer_ms"]
    text = (
        f"Sampling defaults: temperature {TEMPERATURE}, top-p {TOP_P}. A whole plan of "
        f"two bars takes {answer['p50']:.1f} ms at the median, {answer['p99']:.1f} ms "
        f"at the 99th percentile, and {answer['min']:.1f} ms at best, on one thread of "
        "a shared two-core AMD EPYC. Much other work ran on the machine."
    )
    command = f"    ripieno play --role vary --model {name}"
    return f"## Using it\n\n{command}\n\n{wrap(text)}"


def _again(manifest: Manifest, preset: Preset, figures: dict[str, Any]) -> str:
    return made_again(
        manifest.name,
        f"These weights are of step {figures['progress']['best_step']} of "
        f"{preset.steps}. They were the best on every other tune of the validation "
        "set; the figures are of the other tunes."
        f"{changes(figures['progress'])}",
    )

"""The loop's model card: written from what was measured.

This module only makes text; it measures nothing and reads no file.
"""

from typing import Any, Final

from ripieno.inference.manifest import Manifest
from ripieno_export.card import (
    MACHINE,
    POP909,
    bullets,
    changes,
    data_table,
    history,
    made_again,
    table,
    wrap,
)
from ripieno_export.licences import sentence
from ripieno_export.loops.leaning import QUALIFIED

COLUMNS: Final = {
    "notes": "notes a bar",
    "classes": "pitch classes a bar",
    "chord_tones": "chord tones",
    "empty": "empty bars",
    "qualified": "longer than a sixteenth",
    "distance": "distance",
}
APART: Final = {
    "at": "where notes begin",
    "lengths": "how long they are",
    "rows": "how high",
    "chords": "how many at once",
}
SHARES: Final = ("chord_tones", "empty", "qualified")
DAEMON: Final = (
    "The model follows a requested number of notes only a little. So where the "
    "parameter `busy` is set, the daemon takes that many of the likeliest onsets. "
    "Where a bar begins without a bass, the daemon adds the chord's root."
)
LIMITS: Final = (
    "It learned from pop ballads in 4/4, arranged for piano; no waltz and no jig was "
    "among them. A bar of 3/4 is the first three beats of a bar of 4/4. A dotted beat "
    "is three quarters of half a bar.",
    "It knows a bar and the one before it. Form comes from the parameter `bars`, the "
    "chart and the human.",
    "No note is held over a bar line.",
    "It has not learned dynamics. A rule sets how loud a note is, from its place in "
    "the bar.",
)


def card(manifest: Manifest, figures: dict[str, Any]) -> str:
    """The card of a loop, in Markdown.

    Args:
        manifest: of the finished folder.
        figures: what `publish` found.
    """
    parts = [
        _head(manifest, figures),
        f"## Using it\n\n    ripieno play --role loop --model {manifest.name}",
        _bars(figures),
        _fragments(figures),
        _patterns(figures),
        _speed(figures["bar_ms"]),
        _data(manifest, figures),
        f"## Licence\n\n{wrap(f'{sentence(manifest.licence)} {POP909}')}",
        f"## Limits\n\n{bullets(LIMITS)}",
        _again(manifest, figures),
    ]
    return "\n\n".join(parts) + "\n"


def _head(manifest: Manifest, figures: dict[str, Any]) -> str:
    what = (
        "A generative adversarial network that makes a bar of accompaniment from "
        "noise, the chords of its four beats, and the bar before. The noise selects "
        "the pattern: under other chords, the same noise gives the same pattern on "
        "those chords. Generator and critic are convolutional. In training, an encoder "
        "finds the noise of real bars, and the generator has to reproduce the bars "
        "from it. A straight-through estimator makes the bars binary inside the "
        "network. A note sounds only if it begins with an onset. Pitches are relative "
        "to the root, so the model is the same in every key. It has "
        f"{manifest.parameters / 1e6:.2f} million parameters. `model.onnx` is "
        f"{figures['bytes'] / 1e6:.1f} MB, float32, batch 1. It was made for Ripieno's "
        "`loop` role."
    )
    layout = (
        "Its inputs and outputs are those of `ripieno.layouts.pattern`; its "
        f"fingerprint is `{manifest.fingerprint}`."
    )
    return f"# {manifest.name}\n\n{wrap(what)}\n\n{wrap(layout)}"


def _data(manifest: Manifest, figures: dict[str, Any]) -> str:
    options = figures["recipe"]["options"]
    how = (
        "It learned from bars of the piano in 4/4, on a grid of sixteenths, with the "
        "chords that people wrote. Songs whose chords change at other places than bar "
        "lines are left out, because their bar lines are wrong. Empty bars are left "
        "out, and so are songs that share a quarter of their melody with held-out "
        f"ones. {options['alone']:.0%} of the bars were shown without the bar before, "
        f"and {options['free']:.0%} without their density."
    )
    return f"## Music it was trained on\n\n{data_table(manifest)}\n\n{wrap(how)}"


def _bars(figures: dict[str, Any]) -> str:
    rows = [
        [name, *(_shown(key, own[key]) for key in COLUMNS)]
        for name, own in figures["bars"].items()
    ]
    apart = [
        [name, *(f"{own[key]:.3f}" for key in APART)]
        for name, own in figures["apart"].items()
        if name != "real bars"
    ]
    text = (
        f"Measured on {figures['bars_held_out']:,} bars of "
        f"{figures['songs_held_out']} songs that were used neither in training nor to "
        "choose the weights. The bars were made as the daemon makes them, in patterns "
        "of four. In a pattern, each bar after the first is given the bar before and "
        "the first bar's number of notes. What the daemon does to bars afterwards is "
        "left out: it adds no bass, applies no limit and silences no beat. *Moved "
        "bars* are real bars of other songs, drawn at random, with each note moved to "
        "the chord as the daemon moves notes. *Triads* are a root and a triad on every "
        "beat. *Distance* is the share of notes that two bars of the set do not have "
        "in common."
    )
    differ = "How far each distribution is from that of real bars, in bits:"
    return "\n\n".join(
        [
            "## Its bars beside real ones",
            wrap(text),
            table(["", *COLUMNS.values()], rows),
            wrap(differ),
            table(["", *APART.values()], apart),
        ]
    )


def _fragments(figures: dict[str, Any]) -> str:
    """How short its notes are, and how that was bounded."""
    made, real = (figures["bars"][name] for name in ("loop-gan", "real bars"))
    bound = (
        "MuseGAN counts how many notes are qualified, that is, long enough. Its bound, "
        "a 32nd, cannot fail on this grid, whose shortest note is a sixteenth. Here, "
        "only notes longer than a sixteenth are qualified: "
        f"{made['qualified']:.1%} of the model's notes and {real['qualified']:.1%} of "
        "the real ones. If holds without an onset, which the network also writes, "
        f"counted as notes, it would be {1 - made['one_step_raw']:.1%}. Such holds are "
        "silent in the output of the graph."
    )
    tried = figures["holds_tried"]
    holds = {name: own for name, own in tried.items() if name != "real bars"}
    nearest = min(holds, key=lambda name: holds[name]["lengths"])
    rule = (
        f"A constant, {figures['hold']}, is added to the logits of all holds before "
        "they become binary. It is the smallest constant of the table with which "
        f"{QUALIFIED:.0%} of the notes of validation bars are longer than a sixteenth "
        "(if none is enough, it is the largest). By the distance of the lengths alone, "
        f"{nearest} would be best."
    )
    rows = [
        ["longer than a sixteenth", *(f"{t['qualified']:.1%}" for t in tried.values())],
        [
            "distance of lengths from real bars, bits",
            *(f"{t['lengths']:.3f}" for t in tried.values()),
        ],
        ["notes a bar", *(f"{t['notes']:.2f}" for t in tried.values())],
    ]
    return "\n\n".join(
        [
            "## Fragments, the known fault of this family",
            wrap(bound),
            wrap(rule),
            table(["validation bars, by constant", *tried], rows),
        ]
    )


def _patterns(figures: dict[str, Any]) -> str:
    same, kept = figures["same_chords"], figures["rhythm_kept"]
    diversity = (
        f"For each of {same['conditions']} frequent sequences of chords, bars were "
        f"made from different noise. Their mean distance is {same['made']:.2f}, and at "
        f"least {same['made_least']:.2f} for each sequence. For real bars on the same "
        f"chords it is {same['real']:.2f}."
    )
    rhythm = (
        f"Neighbouring bars of a pattern share {kept['in a pattern']:.0%} of the steps "
        "on which a note begins. Where a new pattern begins, it is "
        f"{kept['to the next pattern']:.0%}. Neighbouring bars of real songs share "
        f"{kept['real neighbours']:.0%}, and bars of different songs "
        f"{kept['real strangers']:.0%}. The table shows how many notes are made where "
        "a number is requested."
    )
    asked = figures["notes_asked"]
    head = ["notes requested", *asked]
    row = ["notes made", *(f"{made:.1f}" for made in asked.values())]
    return "\n\n".join(
        [
            "## Patterns",
            wrap(diversity),
            wrap(rhythm),
            table(head, [row]),
            wrap(DAEMON),
        ]
    )


def _speed(bar_ms: dict[str, float]) -> str:
    return "## A bar\n\n" + wrap(
        f"A run of the graph takes {bar_ms['p50']:.2f} ms at the median and "
        f"{bar_ms['p99']:.2f} ms at the 99th percentile, on {MACHINE}, batch 1. Other "
        "work ran on the machine; the figures are those of the quietest of forty "
        "bursts."
    )


def _again(manifest: Manifest, figures: dict[str, Any]) -> str:
    progress = figures["progress"]
    return made_again(
        manifest.name,
        f"These weights are of step {progress['best_step']} of "
        f"{figures['recipe']['steps']}. They were chosen by how far bars for held-out "
        "chords are from real ones (`ripieno_export.loops.task`), not by the critic. "
        f"The constant that is added to the logits of onsets, {figures['lean']}, was "
        f"chosen in the same way.{changes(progress)}{history(figures)}",
    )


def _shown(key: str, value: float) -> str:
    return f"{value:.1%}" if key in SHARES else f"{value:.2f}"

"""The card of a tuned model: written from what was measured; it names no file.

This module only makes text; it measures nothing and reads no file.
"""

from collections.abc import Mapping
from typing import Any, Final

from ripieno.inference.manifest import Manifest
from ripieno.layouts.vocabulary import FIELDS
from ripieno_export.card import bullets, data_table, table, wrap
from ripieno_export.licences import sentence
from ripieno_export.originality import COPIED, PROMPT_S, SPAN_S, Copying

LIMITS: Final = (
    "Early stopping used the player's held-out tunes, so the figures after tuning are "
    "a little optimistic.",
    "It was tuned on very little music. It has the limits of its base model, too; see "
    "the card of that model.",
)


def card(manifest: Manifest, base: Manifest, figures: dict[str, Any]) -> str:
    """The card, in Markdown.

    Args:
        manifest: of the finished folder.
        base: of the model that was tuned.
        figures: of the finished folder; ``tuned`` holds what is told here.
    """
    tuned = figures["tuned"]
    parts = [
        f"# {manifest.name}",
        wrap(
            f"{base.name}, tuned on {tuned['files']} files of one player "
            f"({tuned['tunes']} tunes, {tuned['tunes_held_out']} of them held out). It "
            f"took {tuned['steps']} steps and {tuned['minutes']:.1f} minutes; the "
            f"weights are of step {tuned['best_step']}, the best on the player's "
            f"held-out tunes. The highest learning rate was {tuned['learning_rate']:g}"
            + (
                f"; {tuned['mixed']:.0%} of every step was"
                if tuned["mixed"]
                else "; none was"
            )
            + " music that the base model knew before."
        ),
        "## Using it",
        f"    ripieno play --model {manifest.name}",
        "## Has it learned the player?",
        wrap(
            "Nats per event on fixed held-out crops; lower is better. Each field is "
            "predicted with the fields before it known."
        ),
        _nats(tuned),
        "## Or copied them?",
        *_copies(tuned),
        "## A step",
        wrap(
            f"A step takes {figures['step_ms']['p50']:.3f} ms at the median, batch 1, "
            "on the machine where it was tuned."
        ),
        "## Music",
        wrap(
            "The base model learned from the sources below. The "
            f"{tuned['files']} files are the player's own, and are not published."
        ),
        data_table(base),
        "## Licence",
        wrap(
            f"{sentence(manifest.licence)} The weights of the base model are under "
            f"{base.licence}; the thanks and caveats of its card hold here, too. Where "
            "the player's files state no licence, the player decides about what they "
            "add."
        ),
        "## Limits",
        bullets(LIMITS),
    ]
    return "\n\n".join(parts) + "\n"


def _nats(tuned: Mapping[str, Any]) -> str:
    rows = [
        _row(f"{whose}, {when}", values)
        for whose, key in (("player", "player"), ("corpus", "general"))
        for when, values in zip(("before", "after"), tuned.get(key) or (), strict=False)
    ]
    return table(["held-out music of the", "total", *FIELDS], rows)


def _row(label: str, values: list[float]) -> list[str]:
    return [label, f"{sum(values):.3f}", *(f"{value:.3f}" for value in values)]


def _copies(tuned: Mapping[str, Any]) -> list[str]:
    found = {name: Copying(**values) for name, values in tuned["originality"].items()}
    count = next(iter(found.values())).continuations
    if not count:
        return [wrap("The held-out tunes are too short to be continued: not measured.")]
    rows = [
        [
            name,
            f"{c.longest_median:.0f}",
            f"{c.longest_p90:.0f}",
            f"{c.copies:.1%}",
            f"{c.timed_copies:.1%}",
        ]
        for name, c in found.items()
    ]
    head = [
        "shared with the tuning files",
        "longest run, median",
        "p90",
        f"{COPIED} notes, intervals",
        f"{COPIED} notes, intervals and lengths",
    ]
    how = (
        f"{count} prompts of {PROMPT_S:g} s from the player's held-out tunes were "
        f"continued for {SPAN_S:g} s each. Equally many notes of each continuation are "
        "judged. A run is consecutive notes of the top line with the same intervals "
        "and lengths."
    )
    return [wrap(how), table(head, rows)]

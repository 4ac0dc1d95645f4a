"""The card of a model in fewer bits: what it costs and saves, beside the whole one.

This module only makes text; it measures nothing and reads no file.
"""

from typing import Any, Final

from ripieno.music.vocabulary import FIELDS
from ripieno.think.manifest import Manifest
from ripieno_export.card import copying, data_table, table, wrap
from ripieno_export.licences import sentence

WHAT: Final = {
    8: (
        "its large matrices are stored in eight bits, sixteen weights to a scale, and "
        "multiplied in integers. It is meant for a CPU."
    ),
    16: (
        "its backbone and its state are in half precision, and what samples is not. It "
        "is meant for a GPU."
    ),
}


def card(light: Manifest, whole: Manifest, bits: int, figures: dict[str, Any]) -> str:
    """The card, in Markdown.

    Args:
        light: of the finished folder.
        whole: the manifest of the model in float32.
        bits: 8 or 16.
        figures: what `quantize` found.
    """
    head = (
        f"`{whole.name}` in {bits} bits: {WHAT[bits]} It was not trained again; what "
        f"it is, and where it fails, stands in the card of `{whole.name}`. Its events "
        "are of `ripieno.music.vocabulary`, fingerprint "
        f"`{light.fingerprint}`."
    )
    parts = (
        f"# {light.name}",
        wrap(head),
        "## What it costs, and what it saves",
        _beside(light, whole, figures),
        *_told(whole, figures),
        copying(light.name, figures),
        "## Using it",
        f"    ripieno play --model {light.name}",
        "## Music it was trained on",
        data_table(light),
        "## Licence",
        wrap(f"{sentence(light.licence)} The same holds for `{whole.name}`."),
        "## Making it again",
        f"    ripieno-export quantize {whole.name} --bits {bits} --data DIR",
    )
    return "\n\n".join(parts) + "\n"


def _beside(light: Manifest, whole: Manifest, figures: dict[str, Any]) -> str:
    pairs = (("float32", whole.name), ("lighter", light.name))
    rows = []
    for key, name in pairs:
        nats, taken = figures["nats"][key], figures["step_ms"][key]
        each = (f"{nats[field]:.4f}" for field in ("total", *FIELDS))
        times = (f"{taken['p50']:.3f}", f"{taken['p99']:.3f}")
        rows.append([name, f"{figures['bytes'][key] / 1e6:.1f}", *times, *each])
    head = ["", "MB", "step, ms", "99th of 100", "nats an event", *FIELDS]
    return table(head, rows)


def _told(whole: Manifest, figures: dict[str, Any]) -> tuple[str, str, str]:
    golden = figures["golden"]
    return (
        wrap(
            f"{figures['events']:,} events of {figures['crops']} fixed held-out crops, "
            "both graphs driven by the daemon's session: it costs "
            f"{figures['nats_lost']:+.4f} nats an event (standard error "
            f"{figures['nats_lost_standard_error']:.4f}). Of the golden vectors, which "
            "are sampled under random masks with the same noise, "
            f"{golden['agreement']:.0%} of the events are the same; a logit differs by "
            f"{golden['largest_difference']:.3f} at most."
        ),
        wrap(
            "Steps were taken in turns with the other model: one thread of a shared "
            "two-core AMD EPYC (Zen 4), batch 1, sampling included."
        ),
        wrap(
            f"The crops are of the held-out pieces on which weights and sampling of "
            f"`{whole.name}` were chosen, and which its card's figures are of."
        ),
    )

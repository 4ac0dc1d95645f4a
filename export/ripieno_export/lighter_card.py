"""The card of a model in fewer bits: what it costs and saves, beside the whole one.

This module only makes text; it measures nothing and reads no file.
"""

from typing import Any, Final

from ripieno.inference.manifest import Manifest
from ripieno.layouts.vocabulary import FIELDS
from ripieno_export.card import MACHINE, copying, data_table, table, wrap
from ripieno_export.licences import sentence

WHAT: Final = {
    8: (
        "Its large matrices are stored in eight bits, with one scale for sixteen "
        "weights, and are multiplied as integers. It is meant for a CPU."
    ),
    16: (
        "Its backbone and its state are in half precision; sampling is in float32. It "
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
        f"This is `{whole.name}` in {bits} bits. {WHAT[bits]} It was not trained "
        f"again. The card of `{whole.name}` says what it is and what its limits are. "
        "`ripieno.layouts.vocabulary` defines its events; the fingerprint is "
        f"`{light.fingerprint}`."
    )
    parts = (
        f"# {light.name}",
        wrap(head),
        "## Using it",
        f"    ripieno play --model {light.name}",
        "## What it costs, and what it saves",
        _beside(light, whole, figures),
        *_told(whole, figures),
        copying(light.name, figures),
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
    head = ["", "MB", "step p50, ms", "step p99, ms", "nats an event", *FIELDS]
    return table(head, rows)


def _told(whole: Manifest, figures: dict[str, Any]) -> tuple[str, str, str]:
    golden = figures["golden"]
    return (
        wrap(
            "Both graphs were run in the daemon's session, on "
            f"{figures['events']:,} events of {figures['crops']} fixed held-out crops. "
            f"Fewer bits cost {figures['nats_lost']:+.4f} nats an event (standard "
            f"error {figures['nats_lost_standard_error']:.4f}). With the random masks "
            "and the noise of the golden vectors, both models give the same event in "
            f"{golden['agreement']:.0%} of the cases. Logits differ by "
            f"{golden['largest_difference']:.3f} at most."
        ),
        wrap(
            f"The times were taken with both models in turns, on {MACHINE}. Batch 1, "
            "sampling included."
        ),
        wrap(
            f"The crops are of the held-out pieces on which weights and sampling of "
            f"`{whole.name}` were chosen. The figures of its card are of the same "
            "pieces."
        ),
    )

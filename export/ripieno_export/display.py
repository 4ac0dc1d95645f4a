"""What a run shows while it lasts: one line, rewritten on a terminal, kept in a log."""

import sys
from collections.abc import Sequence
from typing import Final

from ripieno.music.vocabulary import FIELDS
from ripieno_export.preset import Preset

EVERY: Final = 20
"""Steps between lines where the output is a file."""


def say(line: str) -> None:
    """A line of its own."""
    sys.stdout.write(f"\n{line}\n" if sys.stdout.isatty() else f"{line}\n")
    sys.stdout.flush()


def step(
    preset: Preset,
    number: int,
    nats: Sequence[float],
    step_s: float,
    names: Sequence[str] = FIELDS,
) -> None:
    """How a run is doing.

    Args:
        preset: the recipe.
        number: steps done.
        nats: of the last batch, one per field.
        step_s: the mean time of a step since this process began.
        names: of the fields.
    """
    if not sys.stdout.isatty() and number % EVERY and number != 1:
        return
    rate = preset.batch * preset.events / max(step_s, 1e-9)
    left_min = (preset.steps - number) * step_s / 60
    line = (
        f"step {number}/{preset.steps}  {per_field(nats, names)}  "
        f"{rate:.0f} events/s  {left_min:.0f} min left"
    )
    sys.stdout.write(f"\r{line}" if sys.stdout.isatty() else f"{line}\n")
    sys.stdout.flush()


def per_field(nats: Sequence[float], names: Sequence[str] = FIELDS) -> str:
    """The sum, and each field's share."""
    fields = " ".join(f"{n} {v:.3f}" for n, v in zip(names, nats, strict=True))
    return f"{sum(nats):.4f} ({fields})"

"""What a run shows while it lasts: a line, rewritten on a terminal, and curves.

The curves are TensorBoard's: ``tensorboard --logdir RUN``.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from torch.utils.tensorboard.writer import SummaryWriter

from ripieno_export.preset import Preset

EVERY: Final = 20
"""Steps between lines where the output is a file, and between points of a curve."""


def say(line: str) -> None:
    """A line of its own."""
    sys.stdout.write(f"\n{line}\n" if sys.stdout.isatty() else f"{line}\n")
    sys.stdout.flush()


class Display:
    """How a run is doing.

    Args:
        preset: the recipe.
        parts: what its losses are called.
        run: where the curves go.
        begun_step: points of an interrupted run's curves after this step are hidden.
        is_on: False for every process but the first.
    """

    def __init__(
        self,
        preset: Preset,
        parts: Sequence[str],
        run: Path,
        begun_step: int = 0,
        *,
        is_on: bool = True,
    ) -> None:
        self._preset, self._parts = preset, parts
        self._curves: SummaryWriter | None = None
        if is_on:
            past = begun_step + 1 if begun_step else None
            self._curves = SummaryWriter(str(run / "curves"), purge_step=past)

    def step(self, number: int, losses: Sequence[float], step_s: float) -> None:
        """A step is done.

        Args:
            number: steps done.
            losses: of its batch, one per part.
            step_s: the mean time of a step since this process began.
        """
        at = number % EVERY == 0 or number == 1
        if self._curves is None or (not at and not sys.stdout.isatty()):
            return
        preset = self._preset
        rate = preset.batch * preset.events / max(step_s, 1e-9)
        left_min = (preset.steps - number) * step_s / 60
        line = (
            f"step {number}/{preset.steps}  {per_part(losses, self._parts)}  "
            f"{rate:.0f} events/s  {left_min:.0f} min left"
        )
        sys.stdout.write(f"\r{line}" if sys.stdout.isatty() else f"{line}\n")
        sys.stdout.flush()
        if at:
            self._curves.add_scalar("events a second", rate, number)
            self._draw("train", number, losses)

    def judged(self, number: int, found: Sequence[float]) -> None:
        """Held-out music was judged."""
        if self._curves is not None:
            say(f"held out, step {number}: {per_part(found, self._parts)}")
            self._draw("held out", number, found)

    def close(self) -> None:
        """Write what is left of the curves."""
        if self._curves is not None:
            self._curves.close()

    def _draw(self, side: str, number: int, values: Sequence[float]) -> None:
        assert self._curves is not None, "only the first process draws"
        for part, value in zip(self._parts, values, strict=True):
            self._curves.add_scalar(f"{side}/{part}", value, number)
        self._curves.add_scalar(f"{side}/all", sum(values), number)


def per_part(values: Sequence[float], parts: Sequence[str]) -> str:
    """The sum, and each part's share."""
    each = " ".join(f"{n} {v:.3f}" for n, v in zip(parts, values, strict=True))
    return f"{sum(values):.4f} ({each})"

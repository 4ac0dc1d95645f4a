"""A run's learning curves, out of its TensorBoard files.

The only file of the evaluation that reads TensorBoard.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ripieno_export.tokenize import Floats

FOLDER: Final = "curves"
SIDES: Final = ("train/all", "held out/all")

Curves = dict[str, tuple[Floats, Floats]]
"""Steps and values by name. Steps rise; of a repeated step the last value is kept."""


def read(run: Path) -> Curves:
    """The curves of a run; none where it kept none."""
    folder = run / FOLDER
    if not folder.is_dir():
        return {}
    kept: Any = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    kept.Reload()
    found: Curves = {}
    for name in SIDES:
        if name in kept.Tags()["scalars"]:
            points = {event.step: event.value for event in kept.Scalars(name)}
            steps = np.array(sorted(points), np.float64)
            found[name] = steps, np.array([points[step] for step in sorted(points)])
    return found

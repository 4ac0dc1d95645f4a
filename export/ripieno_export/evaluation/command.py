"""`ripieno-export evaluate NAME`: everything that is measured of an event model.

::

    ripieno-export evaluate event-gru --data DIR --run RUN            a checkpoint
    ripieno-export evaluate event-gru --data DIR --model models/event-gru
                                                                      as published

Both are judged on the same held-out crops and prompts.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ripieno.errors import SettingsError
from ripieno.inference import manifest as manifests
from ripieno_export import event_task
from ripieno_export.evaluation import curves, protocol, report, subject
from ripieno_export.evaluation.memory import JUDGED
from ripieno_export.evaluation.protocol import FULL, QUICK, Say, Size

FEWEST_LONG: Final = 2 * JUDGED


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for.

    Attributes:
        data: the folder of sources.
        run: where the packed corpus lies, and the checkpoint if no model is named.
        model: a published folder, or None for the run's checkpoint.
        out: where the report goes.
        size: how much is measured.
    """

    data: Path
    run: Path
    model: Path | None
    out: Path
    size: Size


def wish_of(options: argparse.Namespace, run: Path) -> Wish:
    """What the flags ask for.

    Raises:
        SettingsError: a number is too small.
    """
    size = QUICK if options.quick else FULL
    given = {
        "crops": (options.crops, 1),
        "baseline_crops": (options.baseline_crops, 1),
        "long_events": (options.long, FEWEST_LONG),
        "continuations": (options.continuations, 4),
    }
    for name, (value, least) in given.items():
        if value is not None and value < least:
            flag = {"long_events": "long"}.get(name, name).replace("_", "-")
            raise SettingsError(f"--{flag} is {value}; it must be at least {least}.")
    changes = {name: value for name, (value, _) in given.items() if value is not None}
    return Wish(
        data=options.data,
        run=run,
        model=manifests.find(options.model) if options.model else None,
        out=options.output,
        size=replace(size, **changes),
    )


def run(wish: Wish, say: Say) -> None:
    """Judge, and write the report.

    Raises:
        FileError: the corpus, the checkpoint or the report cannot be read or written.
        ModelError: the folder is no event model that runs here.
        SettingsError: the checkpoint's family reads no events.
    """
    report.begin(wish.out)
    judged = subject.of(wish.run, wish.model)
    packed = event_task.packed(wish.data, wish.run)
    found = protocol.judge(judged, packed, wish.size, say)
    report.write(found, curves.read(wish.run), wish.out)
    say(f"The report is in {wish.out}: figures.md, figures.json, pictures, takes/.")

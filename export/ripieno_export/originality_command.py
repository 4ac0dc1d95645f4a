"""`ripieno-export originality MODEL --data DIR`: does it copy what it learned?"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

from ripieno.errors import FileError, SettingsError
from ripieno.inference import manifest as manifests
from ripieno_export import event_task, originality
from ripieno_export.display import say
from ripieno_export.originality import COPIED, Copying


def run(options: argparse.Namespace) -> None:
    """Judge, and say what was found.

    Raises:
        SettingsError: fewer than one prompt is asked for.
        ModelError: the model cannot be run.
        FileError: the data cannot be read, or has no held-out piece long enough.
    """
    if options.prompts < 1:
        raise SettingsError(f"--prompts is {options.prompts}; it must be at least 1.")
    folder = manifests.find(options.model)
    run_folder = options.run or Path("runs") / folder.name
    packed = event_task.packed(options.data, run_folder)
    found = originality.judge(folder, packed, options.prompts)
    if not all(copying.continuations for copying in found.values()):
        raise FileError(
            f"No continuation of held-out music in {options.data} has {COPIED} notes; "
            "longer pieces are needed to find a copy."
        )
    for text in table(found):
        say(text)
    if options.output is not None:
        figures = originality.as_figures(found)
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")


def table(found: Mapping[str, Copying]) -> list[str]:
    """The figures in Markdown."""
    count = next(iter(found.values())).continuations
    lines = [
        f"{count} continuations of held-out music; a copy is {COPIED} consecutive "
        "notes of the top line that stand in what was learned.",
        "",
        "| | notes judged | copies, intervals | copies, intervals and lengths | "
        "longest run, median | p90 |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {name} | {c.notes:.0f} | {c.copies:.1%} | {c.timed_copies:.1%} | "
        f"{c.longest_median:.0f} | {c.longest_p90:.0f} |"
        for name, c in found.items()
    ]
    return lines

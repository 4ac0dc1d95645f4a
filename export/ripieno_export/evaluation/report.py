"""What was found, as a folder: figures for machines and people, pictures, MIDI files.

    figures.json    everything but the matrices, errors beside means
    figures.md      the same as tables, with the pictures
    confusion.npz   the confusion matrices, a row what was played
    *.png           the pictures
    takes/          a few continuations: the prompt, and what each system made of it

All is measured before the first file is written; files from before are replaced.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from ripieno.errors import FileError
from ripieno_export.evaluation import classes, curves, likeness, memory, plots, tables
from ripieno_export.evaluation.continuations import HUMAN, MARKOV, MODEL
from ripieno_export.evaluation.protocol import Findings
from ripieno_export.judge import sound
from ripieno_export.tokenize import Floats, Ints, Notes

TAKES: Final = 6
"""So many prompts' continuations are written as MIDI, evenly chosen."""


def begin(out: Path) -> None:
    """Make the folder, before minutes of work whose result could not be written.

    Raises:
        FileError: it cannot be made.
    """
    try:
        (out / "takes").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(out, error) from error


def _unwritable(out: Path, error: OSError) -> FileError:
    return FileError(
        f"{out} cannot be written ({error.strerror}): name another --output"
    )


def write(found: Findings, learned: curves.Curves, out: Path) -> None:
    """Write into a folder that `begin` has made.

    Raises:
        FileError: it cannot be written.
    """
    try:
        pictures = draw(found, learned, out)
        figures = as_figures(found)
        text = json.dumps(figures, indent=2, ensure_ascii=False)
        (out / "figures.json").write_text(text + "\n", encoding="utf-8")
        markdown = tables.as_markdown(figures, pictures)
        (out / "figures.md").write_text(markdown, encoding="utf-8")
        np.savez_compressed(out / "confusion.npz", **_named(found.matrices))
    except OSError as error:
        raise _unwritable(out, error) from error
    _write_takes(found, out / "takes")


def _named(matrices: Mapping[str, Ints]) -> dict[str, Any]:
    return {name.replace(" ", "_"): counts for name, counts in matrices.items()}


def as_figures(found: Findings) -> dict[str, Any]:
    """Everything as JSON values; what is not a number is null."""
    figures: dict[str, Any] = {
        "model": found.subject.name,
        "judged": found.subject.how,
        "parameters": found.subject.parameters,
        "likelihood": found.likelihood,
        "heads": classes.as_figures(found.matrices),
        "memory": memory.as_figures(found.memory.places, found.memory.heard),
        "prompts": len(found.given),
        "overlap_ceiling": found.ceiling,
        "continuations": {
            measure: {
                system: {
                    name: {"mean": f.mean, "error": f.error, "songs": f.songs}
                    for name, f in row.items()
                }
                for system, row in table.items()
            }
            for measure, table in found.tables.items()
        },
    }
    return dict(_finite(figures))


def _finite(value: Any) -> Any:  # noqa: ANN401  (a JSON value)
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value


def draw(found: Findings, learned: curves.Curves, out: Path) -> dict[str, str]:
    """Draw every picture that there is something for.

    Returns:
        By file name, what it shows.
    """
    drawn: dict[str, str] = {}
    for name, counts in found.matrices.items():
        if counts.any():
            file = f"confusion-{name.replace(' ', '-')}.png"
            plots.confusion(name, counts, out / file)
            drawn[file] = f"What the {name} head confuses"
    name = found.subject.name
    if len(found.memory.places):
        plots.by_place({name: found.memory.places}, out / "by-place.png")
        plots.by_heard({name: found.memory.heard}, out / "by-heard.png")
        drawn["by-place.png"] = "Likelihood by place in the crop"
        drawn["by-heard.png"] = "The same events after hearing more and more"
    shown = (HUMAN, MODEL, MARKOV)
    rows = {system: _windows(found.played[system]) for system in shown}
    if all(len(windows) for windows in rows.values()):
        plots.overlaps(rows, out / "overlap.png")
        drawn["overlap.png"] = "Ten features of continuations"
    if learned:
        plots.learning(learned, out / "learning.png")
        drawn["learning.png"] = "What the run learned"
    return drawn


def _windows(pieces: Sequence[Notes]) -> Floats:
    return np.concatenate([likeness.features(notes) for notes in pieces])


def _write_takes(found: Findings, folder: Path) -> None:
    count = min(TAKES, len(found.given))
    for place in np.linspace(0, len(found.given) - 1, count).astype(int).tolist():
        prompt = found.given[place]
        for system, pieces in found.played.items():
            parts = {
                "prompt": (prompt.heard, 0.0),
                system: (pieces[place], prompt.cut_s),
            }
            words = f"{place:02}-{prompt.kind}-{system}".replace(",", "").replace(
                " ", "-"
            )
            sound.write_midi(parts, folder / f"{words}.mid")

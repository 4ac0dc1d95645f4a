"""What tests of the training side are given: a tiny recipe, sources of a few files."""

import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import mido

from ripieno_export.preset import Preset
from ripieno_export.sources import Origin

TINY: Final = Preset(
    name="tiny",
    hidden=16,
    events=32,
    batch=4,
    steps=6,
    warmup=2,
    matmul="highest",
    threads=1,
    save_every=3,
    valid_every=3,
    valid_crops=4,
)
"""An event model that learns for a moment."""
ORIGIN: Final = Origin("x", "PD", "https://example.org/x", "0123")
README: Final = """# {name}

- Source repository: https://example.org/{name}
- Commit: 0123456789abcdef (2020-01-01)
- Licence: CC0
"""


def source(
    data: Path,
    path: str,
    files: Mapping[str, bytes],
    index: Iterable[Mapping[str, Any]],
) -> None:
    """A source folder as the shared data has it."""
    folder = data / path
    folder.mkdir(parents=True)
    (folder / "README.md").write_text(README.format(name=folder.name))
    (folder / "INDEX.jsonl").write_text("\n".join(map(json.dumps, index)))
    with zipfile.ZipFile(folder / f"{folder.name}.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def bytes_of(file: mido.MidiFile) -> bytes:
    """A MIDI file as it would lie on a disk."""
    whole = io.BytesIO()
    file.save(file=whole)
    return whole.getvalue()

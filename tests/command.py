"""Runs `ripieno` as a process and checks its one-sentence errors."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ripieno.files.midi import Track, write_performance
from ripieno.music import messages

ROOT = Path(__file__).parents[1]
MODELS = ROOT / "models"
PATIENCE_S = 60.0
S = 1_000_000_000


def ripieno(
    *arguments: object, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run the command and wait for its end."""
    return subprocess.run(
        [sys.executable, "-m", "ripieno", *map(str, arguments)],
        env={**os.environ, **(env or {})},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def assert_sentence(
    done: "subprocess.CompletedProcess[str]", exit_code: int, *words: object
) -> None:
    """It failed as documented: one line for people, the code, and these words."""
    lines = done.stderr.splitlines()
    assert done.returncode == exit_code, done.stderr
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("ripieno: ")
    for word in words:
        assert str(word) in lines[0]
    assert "Traceback" not in done.stdout


def write_tune(path: Path, phrases: int = 1, every_s: float = 8.0) -> Path:
    """A human's part: phrases of five notes, and silence to be answered in."""
    played: list[tuple[int, bytes]] = []
    for phrase in range(phrases):
        for place, pitch in enumerate((60, 62, 64, 65, 67)):
            at_s = 1.0 + phrase * every_s + 0.25 * place
            key = pitch + phrase * 5 % 12
            played.append((int(at_s * S), messages.note_on(0, key, 70)))
            played.append((int((at_s + 0.2) * S), messages.note_off(0, key)))
    write_performance(path, [Track("Piano", tuple(played))])
    return path


def copy_model(folder: Path, name: str = "event-gru", **changes: Any) -> Path:
    """A model folder of the test's own, with entries of its manifest changed."""
    copy = folder / name
    shutil.copytree(MODELS / name, copy)
    rewrite_manifest(copy, **changes)
    return copy


def rewrite_manifest(model: Path, **changes: Any) -> None:
    """Change entries of a manifest."""
    path = model / "manifest.json"
    entries = json.loads(path.read_text())
    path.write_text(json.dumps({**entries, **changes}))


def break_library(folder: Path, name: str, error: str) -> dict[str, str]:
    """An environment in which importing a library fails, as a broken install does.

    Args:
        folder: where to put the stand-in.
        name: the module.
        error: the statement that its import ends with.
    """
    (folder / f"{name}.py").write_text(f"raise {error}\n")
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return {"PYTHONPATH": path.rstrip(os.pathsep)}

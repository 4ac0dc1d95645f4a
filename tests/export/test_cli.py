"""The command line of training: start-up time and known recipes."""

import subprocess
import sys

import pytest

from ripieno_export import cli, flags

HEAVY = {
    "torch", "scipy", "matplotlib", "lightning_fabric", "tensorboard", "sympy", "onnx",
    "onnxruntime", "symusic", "partitura", "numpy",
}  # fmt: skip
COMMANDS = [command[0] for command in cli.COMMANDS]


@pytest.mark.parametrize("arguments", [[], *([name] for name in COMMANDS)])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom ripieno_export.cli import main\n"
        f"try:\n    main({[*arguments, '--help']})\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("usage: ")
    assert not {name.split(".")[0] for name in done.stderr.split()} & HEAVY


@pytest.mark.torch
def test_help_names_what_can_be_made() -> None:
    for library in ("torch", "symusic", "lightning_fabric", "scipy"):
        pytest.importorskip(library)
    from ripieno_export.making import MAKERS

    assert set(flags.PRESETS) == set(MAKERS)

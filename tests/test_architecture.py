"""The import contract, the sizes of files and functions, and banned calls."""

import ast
import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.command import ROOT

DAEMON = ROOT / "daemon" / "ripieno"
EXPORT = ROOT / "export" / "ripieno_export"
MOST_LINES = 400
MOST_FUNCTION_LINES = 60

HOMES = {
    "onnxruntime": ["daemon/ripieno/inference/onnx_runtime.py"],
    "rtmidi": ["daemon/ripieno/ports/rtmidi_port.py"],
    "jack": ["daemon/ripieno/ports/jack_server.py"],
    "sounddevice": ["daemon/ripieno/sound/devices.py"],
    "mido": ["daemon/ripieno/files/midi.py"],
    "symusic": ["export/ripieno_export/midi_files.py"],
    "partitura": ["export/ripieno_export/notation.py"],
    "matplotlib": [
        "export/ripieno_export/judge/plots.py",
        "export/ripieno_export/judge/rolls.py",
        "export/ripieno_export/evaluation/plots.py",
    ],
    "torch": ["export/ripieno_export/"],
    "time": ["daemon/ripieno/clock.py"],
}
"""The one file, or the one package, in which each heavy or dangerous library lives."""

CLOCKS = {"sleep", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"}


def files(*folders):
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


@functools.cache
def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def name_of(path):
    return path.relative_to(ROOT).as_posix()


@functools.cache
def imports(path):
    """The top-level packages that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)} imports relatively"
            found.add(str(node.module).split(".")[0])
    return found


def functions(path):
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree(path)) if isinstance(node, kinds)]


def test_there_is_something_to_look_at():
    assert len(files(DAEMON)) > 40
    assert len(files(EXPORT)) > 10


def test_the_import_contracts_hold():
    pytest.importorskip("importlinter")
    code = "import sys; from importlinter.cli import lint_imports as lint;"
    done = subprocess.run(
        [sys.executable, "-c", code + "sys.exit(lint())"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken" in done.stdout


@pytest.mark.parametrize("library", HOMES)
def test_each_library_is_imported_where_it_belongs(library):
    users = [name_of(p) for p in files(DAEMON, EXPORT) if library in imports(p)]
    strangers = [u for u in users if not u.startswith(tuple(HOMES[library]))]
    assert users
    assert not strangers


def test_only_one_file_imports_onnx_runtime_and_no_subprocess_does():
    """That file switches telemetry off first. ruff finds imports only, not strings."""
    statement = re.compile(r"\b(import|from)[ ]+onnxruntime\b")
    sources = files(DAEMON, EXPORT, ROOT / "tests", ROOT / "benchmarks")
    users = [name_of(p) for p in sources if statement.search(p.read_text("utf-8"))]
    assert users == HOMES["onnxruntime"]


def test_the_daemon_knows_nothing_of_training():
    for path in files(DAEMON):
        assert not imports(path) & {"torch", "ripieno_export", "onnx"}, name_of(path)


def test_only_the_clock_reads_time_or_waits_on_it():
    for path in files(DAEMON, EXPORT):
        if name_of(path) in HOMES["time"]:
            continue
        assert not imports(path) & {"datetime", "asyncio", "sched"}, name_of(path)
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Attribute):
                assert node.attr not in CLOCKS, f"{name_of(path)}:{node.lineno}"


def test_nothing_is_imported_by_a_name_made_at_run_time():
    for path in files(DAEMON, EXPORT):
        text = path.read_text(encoding="utf-8")
        assert "import_module" not in text, name_of(path)
        assert "__import__" not in text, name_of(path)


def test_every_module_says_what_it_is():
    for path in files(DAEMON, EXPORT):
        first_line = (ast.get_docstring(tree(path)) or "").partition("\n")[0]
        assert len(first_line) > 10, name_of(path)


def test_no_file_of_the_daemon_is_too_long_to_read():
    lines = {name_of(p): len(p.read_text().splitlines()) for p in files(DAEMON)}
    assert {name: n for name, n in lines.items() if n > MOST_LINES} == {}


def test_no_function_is_too_long_to_read():
    lines = {
        f"{name_of(path)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in files(DAEMON, EXPORT)
        for node in functions(path)
    }
    too_long = {name: n for name, n in lines.items() if n > MOST_FUNCTION_LINES}
    assert too_long == {}


def test_only_the_command_line_and_its_output_print():
    for path in files(DAEMON, EXPORT):
        if path.name in ("cli.py", "output.py"):
            continue
        for node in ast.walk(tree(path)):
            is_print = isinstance(node, ast.Name) and node.id == "print"
            assert not is_print, name_of(path)


def test_no_folder_of_ours_shadows_another_package():
    for folder in ("daemon", "export", "models", "benchmarks"):
        assert not (ROOT / folder / "__init__.py").exists()


@pytest.mark.parametrize("package", [DAEMON, EXPORT], ids=lambda path: path.name)
def test_every_folder_with_code_is_a_package(package: Path):
    for path in files(package):
        assert (path.parent / "__init__.py").is_file(), name_of(path)
    assert (package / "py.typed").is_file()

"""ONNX Runtime's telemetry stays off: no file in the user's home, no host looked up.

Each process has a home of its own and asks for telemetry by the variable, as a user
might; ours overrides that. The environment is bare, because ONNX Runtime sends nothing
where a variable of a CI service is set: with those these tests could not fail.

The files are written while the library loads; the first look-up comes some nine
seconds later (1.31.1), so the demo is what is watched by strace.
"""

import os
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from benchmarks.peers import Peer, started
from rich.console import Console
from tests.command import MODELS, PATIENCE_S, ROOT, write_tune
from tests.jack_fixture import Missing

from ripieno.telemetry import VARIABLE

LIBRARY = "onnxruntime"
LIGHTER = f"""
import onnx
from ripieno_export.lighter import in_eight_bits
in_eight_bits(onnx.load({str(MODELS / "event-gru" / "model.onnx")!r}))
"""
CONNECT = (
    "import socket; socket.socket(type=socket.SOCK_DGRAM).connect(('127.0.0.1', 9))"
)
CONNECT_IN_CHILD = (
    f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CONNECT!r}])"
)
TELL = f"import json, os; print(json.dumps({{'said': os.environ.get({VARIABLE!r})}}))"
COMMANDS = {
    "doctor": ["-m", "ripieno", "doctor"],
    "render": ["-m", "ripieno", "render", "tune.mid", "-o", "out.mid"],
    "a peer of the benchmarks": [
        str(ROOT / "benchmarks" / "peer_programs" / "naive_step.py")
    ],
    "the tests' own work": ["-c", "import tests.ratios"],
    "another library's import": ["-c", f"import ripieno, {LIBRARY}"],
    "another library's import in training": ["-c", f"import ripieno_export, {LIBRARY}"],
    "ripieno-export's graphs in 8 bits": ["-c", LIGHTER],
}
NEEDS_TRAINING = {"ripieno-export's graphs in 8 bits"}

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(sys.platform != "linux", reason="where Linux keeps the files"),
]


@pytest.fixture
def home(tmp_path):
    """An empty folder for the processes' home."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def run(home, *command):
    """Run a command in a home that enables telemetry; return what it imported."""
    env = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "PYTHONPROFILEIMPORTTIME": "1",
        VARIABLE: "0",
    }
    return subprocess.run(
        command, env=env, cwd=home.parent, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip


def files(home):
    """All files in a home folder."""
    return [p.relative_to(home).as_posix() for p in home.rglob("*") if p.is_file()]


def calls(trace):
    """The system calls that reach beyond this machine's own sockets."""
    return [line for line in trace.read_text().splitlines() if "AF_INET" in line]


def strace(trace):
    """The command that writes the network calls of a process and its children."""
    if shutil.which("strace") is None:
        Missing("strace is not installed").skip_or_fail()
    return ["strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=%network", "-o", trace]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_process_that_loads_onnx_runtime_writes_nothing_at_home(home, name):
    if name in NEEDS_TRAINING:
        pytest.importorskip("onnx")
    write_tune(home.parent / "tune.mid")
    done = run(home, sys.executable, *COMMANDS[name])
    assert f" {LIBRARY}\n" in done.stderr, done.stderr[-2000:]
    assert files(home) == []


@pytest.mark.slow
@pytest.mark.realtime
def test_the_daemon_looks_no_host_up_and_writes_nothing_at_home(home, tmp_path):
    trace = tmp_path / "trace"
    demo = ["-m", "ripieno", "demo", "--phrases", "1", "--seed", "1", "-o", "duet"]
    done = run(home, *strace(trace), sys.executable, *demo)
    assert done.returncode == 0, done.stdout
    assert f" {LIBRARY}\n" in done.stderr
    assert calls(trace) == []
    assert files(home) == []


def test_a_connection_that_a_child_opens_is_seen(home, tmp_path):
    trace = tmp_path / "trace"
    run(home, *strace(trace), sys.executable, "-c", CONNECT_IN_CHILD)
    assert any("connect(" in line for line in calls(trace))


def test_a_peer_in_another_python_has_telemetry_off(tmp_path):
    (tmp_path / "peer.py").write_text(TELL)
    peer = Peer("peer", "tells what it was given", "peer", is_ours=False)
    asked = started(peer, tmp_path, Path(sys.executable), Console(file=StringIO()))
    asked.close()
    assert asked.about == {"said": "1"}

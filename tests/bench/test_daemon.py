"""Commands of `bench` to a daemon that has already ended."""

import os
import subprocess
import sys

import pytest

from ripieno.bench.daemon import NAME_IN, NAME_OUT, Daemon
from ripieno.ipc import notes, presence
from ripieno.ipc.block import Block
from ripieno.ipc.presence import Presence
from ripieno.settings.config import Settings
from ripieno.settings.params import Params


@pytest.fixture
def runtime(tmp_path, monkeypatch):
    """A place for presences of our own."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def gone(runtime, tmp_path):
    """One that plays no more, where no other plays."""
    assert not list(runtime.iterdir())
    return Daemon(Settings(name_in=NAME_IN, name_out=NAME_OUT), 1, tmp_path)


def test_a_change_without_a_daemon_is_not_taken(gone):
    assert not gone.change(("role=loop",))


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
def test_a_change_that_finds_no_file_is_not_taken_and_no_error(gone, runtime):
    """As when a daemon ends between being found and being told (Ctrl-C reaches it)."""
    (runtime / "ripieno").mkdir()
    (runtime / "ripieno").chmod(0o777)
    assert not gone.change(("role=loop",))


CHANGE = """
import sys
from pathlib import Path
from ripieno.bench.daemon import NAME_IN, NAME_OUT, Daemon
from ripieno.settings.config import Settings
gone = Daemon(Settings(name_in=NAME_IN, name_out=NAME_OUT), 1, Path(sys.argv[1]))
print(gone.change(("role=loop",)))
"""


@pytest.mark.realtime
def test_a_change_does_not_reach_the_musicians_own_daemon(runtime):
    block = Block()
    presence.announce(Presence(os.getpid(), block.name, "Ripieno In", "Ripieno Out"))
    assert block.shown.write(notes.encode_shown(notes.Shown(Params())))
    command = [sys.executable, "-c", CHANGE, str(runtime)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    unread = block.ring("knobs").read()
    block.close()
    assert (done.stdout, done.stderr) == ("False\n", "")
    assert not unread

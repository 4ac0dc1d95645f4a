"""Changes that the soak asks of a daemon that has already ended."""

import os
import subprocess
import sys

import pytest
from benchmarks.soak import changed
from tests.command import ROOT

from ripieno.ipc import notes, presence
from ripieno.ipc.block import Block
from ripieno.ipc.presence import Presence
from ripieno.settings.ensemble import Ensemble


@pytest.fixture
def runtime(tmp_path, monkeypatch):
    """A place for presences of our own."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


def test_a_change_without_a_daemon_is_not_taken(runtime):
    assert not list(runtime.iterdir())
    assert not changed(("role=loop",))


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
def test_a_change_that_finds_no_file_is_not_taken_and_no_error(runtime):
    """As when a daemon ends between being found and being told (Ctrl-C reaches it)."""
    (runtime / "ripieno").mkdir()
    (runtime / "ripieno").chmod(0o777)
    assert not changed(("role=loop",))


CHANGE = """
from benchmarks.soak import changed
print(changed(("role=loop",)))
"""


@pytest.mark.realtime
@pytest.mark.usefixtures("runtime")
def test_a_change_does_not_reach_the_musicians_own_daemon():
    block = Block()
    presence.announce(Presence(os.getpid(), block.name, "Ripieno In", "Ripieno Out"))
    assert block.shown.write(notes.encode_shown(notes.Shown(Ensemble())))
    command = [sys.executable, "-c", CHANGE]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT
    )
    unread = block.ring("knobs").read()
    block.close()
    assert (done.stdout, done.stderr) == ("False\n", "")
    assert not unread

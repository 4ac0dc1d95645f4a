"""The status of a daemon, read from another process."""

import os
import subprocess
import sys

import msgspec
import pytest

from ripieno.ipc import notes, presence
from ripieno.ipc.block import Block
from ripieno.ipc.presence import Presence
from ripieno.settings.status import Status

pytestmark = pytest.mark.realtime

LOOK = """
import msgspec, sys
from ripieno.commands.set import status_of
sys.stdout.buffer.write(msgspec.json.encode(status_of("Ripieno In")))
"""


def seen():
    """The status as another process sees it."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return msgspec.json.decode(done.stdout, type=Status | None)


@pytest.fixture
def block(tmp_path, monkeypatch):
    """A daemon's, that has only begun."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    made = Block()
    presence.announce(Presence(os.getpid(), made.name, "Ripieno In", "Ripieno Out"))
    yield made
    made.close()


def test_a_new_daemon_has_no_status_and_later_the_last_one_is_read(block):
    assert seen() is None
    for turns in (1, 2):
        block.status.write(notes.encode_status(Status(role="loop", turns=turns)))
    assert seen() == Status(role="loop", turns=2)


def test_many_chords_to_come_find_room(block):
    chords = tuple((f"{bar}.1", "F#m7b5/C#") for bar in range(200))
    assert block.status.write(notes.encode_status(Status(tentative=chords)))

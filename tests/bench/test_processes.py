"""The processes of a daemon are told apart, also after a replacement."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ripieno.bench.processes import Family, memory_mib

pytestmark = [
    pytest.mark.realtime,
    pytest.mark.skipif(
        not Path("/proc/self/maps").exists(),
        reason="this system tells nothing of processes",
    ),
]

SHOWN = "from ripieno.ipc.naming import show_name; show_name('{}'); "
THINKER = SHOWN.format("thinker") + "print(flush=True); input()"
BRIDGE = SHOWN.format("in") + "print(flush=True); input()"
PLAYER = f"""
import subprocess, sys
from ripieno.ipc.naming import show_name
show_name("standby")
bridge = [sys.executable, "-c", {BRIDGE!r}]
pipe = subprocess.PIPE
bridge = subprocess.Popen(bridge, stdin=pipe, stdout=pipe)
bridge.stdout.readline()
print(flush=True)
input()
show_name("player")
print(flush=True)
input()
"""
NEW = "print(flush=True); input()"
"""One that has loaded nothing yet."""


@pytest.fixture
def start():
    """Starts a child of this process, and waits until it has loaded what it loads."""
    started = []

    def begin(code):
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "\n"
        return process

    yield begin
    for process in started:
        end(process)


def end(process):
    process.kill()
    process.communicate()


def test_a_process_that_replaces_a_dead_one_has_its_name(start):
    family = Family(os.getpid())
    thinker, player = start(THINKER), start(PLAYER)
    assert family.look()[player.pid] == "standby"
    player.stdin.write("\n")
    player.stdin.flush()
    assert player.stdout.readline() == "\n"
    first = family.look()
    assert first[os.getpid()] == "supervisor"
    assert (first[thinker.pid], first[player.pid]) == ("thinker", "player")
    assert "in port of player" in first.values()

    end(thinker)
    second = start(THINKER)
    found = family.look()
    assert thinker.pid not in found
    assert found[player.pid] == "player"
    assert found[second.pid] == "thinker, started again"

    end(second)
    third = start(THINKER)
    assert family.look()[third.pid] == "thinker, started again 2 times"


def test_a_process_that_has_just_begun_is_shown_as_starting(start):
    young = start(NEW)
    assert Family(os.getpid()).look()[young.pid] == "starting"


def test_a_process_holds_some_memory_and_none_that_is_not_there():
    assert memory_mib(os.getpid()) > 1
    assert memory_mib(1 << 30) == 0.0
    assert Family(1 << 30).look() == {}

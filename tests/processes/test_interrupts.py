"""Ctrl-C during start-up gives no traceback and the exit code of a Ctrl-C.

A terminal sends SIGINT to every process of the group. This test does so too, at many
instants after Python has started.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.command import PATIENCE_S

from ripieno.processes import interrupts
from ripieno.processes.interrupts import CtrlC, children_are_spared

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups"),
]

STARTED = b"!"
PROGRAM = """
import os, sys
announce = int(sys.argv.pop(1))

class Announcer:
    def find_spec(self, name, path, target=None):
        if name == "ripieno.commands.cli":
            os.write(announce, b"!")

sys.meta_path.insert(0, Announcer())
from ripieno.__main__ import main
sys.exit(main())
"""
"""What the installed command does. It announces its first import: what comes before
that is Python's own start-up, in which no code of ours can answer a signal."""
STOPPED, INTERRUPTED, KILLED = 0, 130, -signal.SIGINT
"""A shell shows both of the last two as 130."""
NO_JACK = {"JACK_DEFAULT_SERVER": "ripieno-nobody-has-this-name"}
LAST_S = 2.0


def interrupted(after_s, *arguments, env=NO_JACK):
    """`ripieno` in a group of its own, which gets SIGINT so long after it began."""
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(writer), *arguments],
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=(writer,),
        process_group=0,
        text=True,
    )
    os.close(writer)
    assert os.read(reader, 1) == STARTED
    os.close(reader)
    threading.Event().wait(after_s)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, out, err


def instants(number, every=15):
    """So many, evenly over the start-up, from its very first moment on.

    Every fifteenth is for the quick run as well.
    """
    return [
        pytest.param(
            round(LAST_S * k / number, 3), marks=[pytest.mark.slow] * bool(k % every)
        )
        for k in range(number)
    ]


def signals_blocked(pid):
    """Whether a process never receives SIGINT, as the kernel has it."""
    status = Path(f"/proc/{pid}/status").read_text()
    masks = dict(line.split(":\t") for line in status.splitlines())
    return bool(int(masks["SigBlk"], 16) >> (signal.SIGINT - 1) & 1)


def assert_quiet(found):
    code, out, err = found
    assert err == ""
    assert "Traceback" not in out
    assert code in (STOPPED, INTERRUPTED, KILLED)
    if code == STOPPED:
        assert out.endswith("Stopped; every note is released.\n")


@pytest.mark.parametrize("after_s", instants(30))
def test_ctrl_c_while_play_starts_is_quiet(after_s):
    assert_quiet(interrupted(after_s, "play", "--backend", "jack"))


@pytest.mark.parametrize("after_s", instants(30))
def test_ctrl_c_while_the_demo_starts_is_quiet(after_s, tmp_path):
    found = interrupted(after_s, "demo", "-o", str(tmp_path / "duet"))
    assert_quiet(found)
    assert found[0] != STOPPED


@pytest.mark.jack
@pytest.mark.parametrize("after_s", [0.5, 1.0, 1.5, 2.0, 2.5])
@pytest.mark.slow
def test_ctrl_c_while_play_opens_its_ports_on_jack_is_quiet(after_s, jack):
    found = interrupted(after_s, "play", "--backend", "jack", env=jack.env)
    assert_quiet(found)
    jack.wait_until_gone("Ripieno In:Ripieno In", "Ripieno Out:Ripieno Out")


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_child_is_born_without_sigint_and_its_parent_still_gets_one():
    code = "import sys; sys.stdin.read()"
    with children_are_spared():
        child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    assert signals_blocked(child.pid)
    assert not signals_blocked(os.getpid())
    child.communicate()


def test_a_ctrl_c_while_a_child_is_started_is_raised_afterwards():
    spared = children_are_spared()
    spared.__enter__()
    signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        spared.__exit__(None, None, None)


def test_a_ctrl_c_that_native_code_swallowed_is_raised_in_the_next_turn():
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        interrupts.raise_interrupts()
        interrupts.raise_lost_interrupt()  # none was
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            interrupts.raise_lost_interrupt()
    finally:
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_is_raised_by_the_next_check_and_only_once():
    with CtrlC() as ctrl_c:
        ctrl_c.check()
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            ctrl_c.check()
        ctrl_c.check()


def test_the_handler_of_before_is_back_afterwards():
    before = signal.getsignal(signal.SIGINT)
    with CtrlC():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before

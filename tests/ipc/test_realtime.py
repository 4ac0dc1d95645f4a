"""Real-time priority is taken where allowed and not inherited by children."""

import os
import subprocess
import sys

import pytest

from ripieno.ipc import realtime

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_getscheduler"), reason="this system has no SCHED_FIFO"
)

IS_ROOT = hasattr(os, "getuid") and os.getuid() == 0
SHOW = "import os; print(os.sched_getscheduler(0), os.sched_getparam(0).sched_priority)"
IN_CHILD = f"""
import subprocess, sys
from ripieno.ipc import realtime
granted = realtime.set_fifo(realtime.THINKER)
{SHOW}
print(granted, flush=True)
subprocess.run([sys.executable, "-c", {SHOW!r}])
realtime.set_normal()
{SHOW}
"""


def test_realtime_priority_is_taken_not_inherited_and_given_back():
    done = subprocess.run(
        [sys.executable, "-c", IN_CHILD], capture_output=True, text=True, check=True
    )
    now, granted, child, after = done.stdout.splitlines()
    reset = os.SCHED_RESET_ON_FORK
    if granted == "True":
        fifo = {f"{os.SCHED_FIFO | reset} 20", f"{os.SCHED_FIFO} 20"}
        assert now in fifo
    assert child == f"{os.SCHED_OTHER} 0"
    assert after.split()[0] in {str(os.SCHED_OTHER), str(os.SCHED_OTHER | reset)}
    assert after.split()[1] == "0"


def test_the_player_has_a_higher_priority_than_the_thinker():
    assert realtime.PLAYER > realtime.THINKER


@pytest.mark.skipif(not IS_ROOT, reason="only root may become another user")
def test_a_user_without_privileges_can_give_up_realtime_priority():
    code = f"""
import os
from ripieno.ipc import realtime
print(realtime.set_fifo(realtime.THINKER))
os.setuid(65534)
realtime.set_normal()
{SHOW}
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    _, after = done.stdout.splitlines()
    assert int(after.split()[0]) & ~os.SCHED_RESET_ON_FORK == os.SCHED_OTHER

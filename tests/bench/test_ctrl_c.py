"""`Stop` notes a Ctrl-C, and the next check raises it."""

import signal

import pytest

from ripieno.bench.ctrl_c import CtrlC


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

"""`recorded_interrupts` records a Ctrl-C, and the next check raises it."""

import signal

import pytest

from ripieno.bench.guest import recorded_interrupts


def test_ctrl_c_is_raised_by_the_next_check_and_only_once():
    with recorded_interrupts() as check:
        check()
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            check()
        check()


def test_the_handler_of_before_is_back_afterwards():
    before = signal.getsignal(signal.SIGINT)
    with recorded_interrupts():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before

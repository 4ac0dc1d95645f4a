"""A slot shows the latest whole value or the one before it."""

from hypothesis import given
from hypothesis import strategies as st

from ripieno.ipc.slot import Slot


def slot(size=256):
    return Slot(memoryview(bytearray(size)))


def test_an_empty_slot_shows_nothing():
    assert slot().read() is None


def test_zeros_are_no_value():
    memory = bytearray(256)
    shown = Slot(memoryview(memory))
    memory[0] = 1  # something was shown, and is being written over
    assert shown.read() is None


@given(st.lists(st.binary(max_size=100), min_size=1))
def test_a_slot_shows_its_latest_value_at_every_read(values):
    shown = slot()
    for value in values:
        assert shown.write(value)
        assert shown.read() == value
        assert shown.read() == value


def test_a_value_that_is_too_long_is_refused_and_the_last_one_stays():
    shown = slot()
    shown.write(b"short")
    assert not shown.write(bytes(1000))
    assert shown.read() == b"short"


def test_a_writer_that_dies_in_the_middle_leaves_the_value_before():
    memory = bytearray(256)
    shown = Slot(memoryview(memory))
    shown.write(b"first")
    counted = bytes(memory[:8])
    shown.write(b"second")
    memory[:8] = counted
    assert shown.read() == b"first"


def test_a_damaged_value_is_not_shown():
    memory = bytearray(256)
    shown = Slot(memoryview(memory))
    shown.write(b"value")
    memory[memory.index(b"value")] ^= 1
    assert shown.read() is None

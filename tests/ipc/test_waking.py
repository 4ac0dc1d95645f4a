"""A bell wakes a waiting process and never blocks its caller."""

import multiprocessing
import sys

import pytest

from ripieno.clock import NS_PER_S, SystemClock
from ripieno.ipc.ring import HEADER_BYTES, Ring
from ripieno.ipc.waking import Bell, Bells, RungRing, new_bells

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows cannot wait for a pipe"
)


def answer(bells: Bells) -> None:
    """Ring back as soon as it rings."""
    if Bell(bells.to_thinker.waits).wait(30 * NS_PER_S):
        Bell(bells.to_player.rings).ring()


def test_a_waiting_process_is_woken_and_can_wake_its_waker():
    bells = new_bells()
    process = multiprocessing.get_context("spawn").Process(target=answer, args=(bells,))
    process.start()
    Bell(bells.to_thinker.rings).ring()
    assert Bell(bells.to_player.waits).wait(30 * NS_PER_S)
    process.join()
    assert process.exitcode == 0


def test_many_wakeups_before_a_wait_wake_once_and_never_block():
    pair = new_bells().to_player
    waits, rings = Bell(pair.waits), Bell(pair.rings)
    for _ in range(3_000):
        rings.ring()
    assert waits.wait(0)
    assert not waits.wait(0)
    for _ in range(200_000):  # more than a pipe holds
        rings.ring()
    assert waits.wait(0)


def test_waiting_ends_when_the_time_is_over():
    clock = SystemClock()
    began_ns = clock.now_ns()
    assert not Bell(new_bells().to_player.waits).wait(20_000_000)
    assert clock.now_ns() - began_ns >= 20_000_000


def test_a_ring_with_a_bell_wakes_its_reader_at_every_record_even_when_full():
    pair = new_bells().to_player
    waits = Bell(pair.waits)
    records = RungRing(Ring(memoryview(bytearray(HEADER_BYTES + 32))), Bell(pair.rings))
    assert records.write(b"0123456789")
    assert waits.wait(0)
    assert not records.write(b"0123456789")
    assert waits.wait(0)

import multiprocessing
import re
import struct
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripieno.ipc.block import RING_BYTES, SIZE, WORDS, Block
from ripieno.ipc.ring import _HEAD, _TAIL, HEADER_BYTES, Ring


def ring(size=64):
    memory = bytearray(HEADER_BYTES + size)
    return Ring(memoryview(memory)), memory


@given(st.lists(st.one_of(st.binary(max_size=40), st.none()), max_size=80))
def test_records_come_out_as_they_went_in_or_are_refused(stream):
    a_ring, _ = ring()
    waiting: list[bytes] = []
    for payload in stream:
        if payload is None:
            assert a_ring.read() == waiting
            waiting = []
        elif a_ring.write(payload):
            waiting.append(payload)
        else:
            used = sum(8 + len(other) for other in waiting)
            assert used + 8 + len(payload) > 64
    assert a_ring.read() == waiting


def test_a_full_ring_refuses_and_loses_nothing():
    a_ring, _ = ring()
    assert a_ring.write(b"x" * 50)
    assert not a_ring.write(b"y" * 10)
    assert a_ring.read() == [b"x" * 50]
    assert a_ring.write(b"y" * 10)


def test_a_bounded_read_leaves_the_rest_in_order():
    a_ring, _ = ring(256)
    for number in range(7):
        a_ring.write(bytes([number]))
    assert a_ring.read(3) == [b"\0", b"\1", b"\2"]
    assert len(a_ring.read(3)) == 3
    assert a_ring.read(3) == [b"\6"]


def test_a_record_whose_data_has_not_arrived_is_read_later():
    a_ring, memory = ring()
    a_ring.write(b"note")
    at = HEADER_BYTES + 8
    memory[at] ^= 0xFF
    assert a_ring.read() == []
    memory[at] ^= 0xFF
    assert a_ring.read() == [b"note"]


def test_zeros_are_no_record():
    a_ring, memory = ring()
    struct.pack_into("<Q", memory, 0, 40)  # as a processor may show it: the head first
    assert a_ring.read() == []
    struct.pack_into("<Q", memory, 0, 0)
    assert a_ring.write(b"note")
    assert a_ring.read() == [b"note"]


def test_bytes_of_the_last_lap_are_no_record():
    a_ring, memory = ring(64)
    for _ in range(4):
        assert a_ring.write(b"eight by")
        assert a_ring.read() == [b"eight by"]
    struct.pack_into("<Q", memory, 0, 80)  # the head is shown, the data not yet
    assert a_ring.read() == []


def test_a_writer_that_dies_within_a_record_leaves_nothing():
    a_ring, memory = ring()
    struct.pack_into("<II", memory, HEADER_BYTES, 4, 0)
    assert a_ring.read() == []


def _store_over_and_over(name):
    block = Block(name)
    for _ in range(300_000):
        block.ring("to_thinker").skip()
    block.close()


def test_a_reader_never_sees_a_half_stored_count():
    spawn = multiprocessing.get_context("spawn")
    block = Block()
    ring = block.ring("to_thinker")
    assert ring.write(bytes(1000))
    ring.skip()
    reader = spawn.Process(target=_store_over_and_over, args=(block.name,))
    reader.start()
    seen = set()
    while reader.is_alive():
        seen |= {ring._counts[_TAIL] for _ in range(100)}
    reader.join()
    assert (seen, reader.exitcode) == ({ring._counts[_HEAD]}, 0)
    block.close()


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux' /proc")
def test_a_block_is_in_memory_before_it_is_used():
    def shared_kib():
        status = Path("/proc/self/status").read_text()
        return int(re.findall(r"RssShmem:\s+(\d+)", status)[0])

    before = shared_kib()
    ours = Block()
    made = shared_kib()
    theirs = Block(ours.name)
    attached = shared_kib()
    theirs.close()
    ours.close()
    assert made - before >= SIZE // 1024
    assert attached - made >= SIZE // 1024


def test_two_ends_of_a_block_see_one_memory():
    ours = Block()
    theirs = Block(ours.name)
    try:
        for name in RING_BYTES:
            assert ours.ring(name).write(name.encode())
            assert theirs.ring(name).read() == [name.encode()]
        for value, name in enumerate(WORDS, start=1):
            theirs.set_word(name, value)
        assert [ours.word(name) for name in WORDS] == [*range(1, 1 + len(WORDS))]
        theirs.ledger[0] = 9
        assert ours.ledger[0] == 9
    finally:
        theirs.close()
        ours.close()

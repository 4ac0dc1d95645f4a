"""The byte parser gives canonical messages for any stream and never raises."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripieno.ports.parser import LONGEST_SYSEX_BYTES, Parser

data_bytes = st.integers(0, 0x7F)
channels = st.integers(0, 15)


def message(kind: int, n_data: int) -> st.SearchStrategy[bytes]:
    return st.builds(
        lambda channel, data: bytes((kind << 4 | channel, *data)),
        channels,
        st.lists(data_bytes, min_size=n_data, max_size=n_data),
    )


two = [message(kind, 2) for kind in (0x8, 0x9, 0xA, 0xB, 0xE)]
one = [message(kind, 1) for kind in (0xC, 0xD)]
common = st.sampled_from([b"\xf1\x05", b"\xf2\x01\x02", b"\xf3\x07", b"\xf6"])
sysex = st.lists(data_bytes, max_size=40).map(lambda d: b"\xf0" + bytes(d) + b"\xf7")
channel_messages = st.one_of(*two, *one)
messages = st.one_of(channel_messages, common, sysex)
real_time = st.sampled_from([b"\xf8", b"\xfa", b"\xfb", b"\xfc", b"\xfe", b"\xff"])


@given(st.lists(messages))
def test_complete_messages_pass_unchanged(sent: list[bytes]) -> None:
    assert Parser().feed(b"".join(sent)) == sent


@given(st.binary(max_size=300), st.lists(st.integers(0, 300)))
def test_any_split_of_any_stream_gives_the_same_messages(
    stream: bytes, cuts: list[int]
) -> None:
    parser, parts = Parser(), [0, *sorted(cuts), len(stream)]
    split = [
        message
        for start, end in pairwise(parts)
        for message in parser.feed(stream[start:end])
    ]
    assert split == Parser().feed(stream)


@given(st.binary(max_size=300))
def test_what_comes_out_of_any_bytes_is_canonical(stream: bytes) -> None:
    for out in Parser().feed(stream):
        assert out[0] >= 0x80
        assert Parser().feed(out) == [out]


@given(
    st.lists(messages, min_size=1), st.lists(st.tuples(st.integers(0, 999), real_time))
)
def test_clock_bytes_anywhere_lose_nothing(
    sent: list[bytes], clocks: list[tuple[int, bytes]]
) -> None:
    stream = bytearray(b"".join(sent))
    for place, clock in clocks:
        at = place % (len(stream) + 1)
        stream[at:at] = clock
    out = Parser().feed(bytes(stream))
    assert [m for m in out if m[0] < 0xF8] == sent
    assert len(out) == len(sent) + len(clocks)


@given(st.lists(channel_messages, min_size=1))
def test_running_status_means_the_same_as_every_status_written_out(
    sent: list[bytes],
) -> None:
    stream, status = b"", -1
    for m in sent:
        stream += m[1:] if m[0] == status else m
        status = m[0]
    assert Parser().feed(stream) == sent


CASES = {
    "a clock byte inside a note comes first": ("90 3c f8 40", ["f8", "903c40"]),
    "a clock byte inside sysex comes first": ("f0 7e f8 01 f7", ["f8", "f07e01f7"]),
    "a truncated note is dropped": ("90 3c 80 3c 00", ["803c00"]),
    "a truncated sysex is dropped": ("f0 7e 01 90 3c 40", ["903c40"]),
    "system common cancels running status": ("90 3c 40 f6 3e 40", ["903c40", "f6"]),
    "a lone end of sysex is dropped": ("f7 90 3c 40", ["903c40"]),
    "sysex cancels running status": ("90 3c 40 f0 f7 3e 40", ["903c40", "f0f7"]),
    "undefined statuses are dropped": ("f4 f5 f9 fd 90 3c 40", ["903c40"]),
    "F4 cancels running status": ("90 3c 40 f4 3e 40", ["903c40"]),
    "F9 disturbs nothing": ("90 f9 3c fd 40", ["903c40"]),
    "data without a status is dropped": ("3c 40 c0 05", ["c005"]),
    "running status after a program change": ("c0 05 06", ["c005", "c006"]),
}


@pytest.mark.parametrize(("stream", "expected"), CASES.values(), ids=CASES)
def test_the_rules_of_the_specification(stream: str, expected: list[str]) -> None:
    assert [m.hex() for m in Parser().feed(bytes.fromhex(stream))] == expected


def test_a_sysex_beyond_the_bound_is_dropped_up_to_its_end() -> None:
    fits = b"\xf0" + bytes(LONGEST_SYSEX_BYTES - 2) + b"\xf7"
    too_long = b"\xf0" + bytes(LONGEST_SYSEX_BYTES - 1) + b"\xf7"
    parser = Parser()
    assert parser.feed(too_long + fits) == [fits]
    assert parser.feed(b"\xf0" + bytes(300_000)) == []
    assert len(parser._message) <= LONGEST_SYSEX_BYTES
    assert parser.feed(b"\xf7\x90\x3c\x40") == [b"\x90\x3c\x40"]

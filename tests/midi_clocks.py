"""MIDI clocks of a perfect master, and transports that have heard them."""

from tests.inputs import CLOCK, MS, START, S

from ripieno.music.timeline import Timeline
from ripieno.sync.transport import Transport

PERIOD_128_NS, PERIOD_512_NS = 2_666_667, 10_666_667
AT_120 = Timeline(beat_ns=500_000_000)


def clock_times(bpm, count, from_ns=S):
    """`count` perfect clocks."""
    return [from_ns + round(n * 60e9 / (24 * bpm)) for n in range(count)]


def hear_all(transport, times):
    for at_ns in times:
        assert transport.hear(at_ns, CLOCK)


def followed(bpm=120, count=97, start=START):
    """A transport that has followed perfect clocks from Start on; and the last one."""
    transport, times = Transport(AT_120), clock_times(bpm, count)
    if start:
        transport.hear(times[0] - MS, start)
    hear_all(transport, times)
    return transport, times[-1]

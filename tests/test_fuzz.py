"""A million events of the worst that a cable can carry, in simulated time."""

import random
import resource
from collections import Counter

import pytest

from ripieno.engine import Engine
from ripieno.midi.parser import Parser
from ripieno.music import messages
from ripieno.params import Params
from ripieno.simulation import Simulation
from ripieno.testing import READY, ScriptedModel
from ripieno.think.composer import Composer
from ripieno.think.controls import Controls

EVENTS = 1_000_000
FLAT_BYTES = 8 * 2**20
REST = b"\xfe"
"""Active sensing, after which we wait long enough for a reply."""


def byte_stream(chance, events):
    """Chunks of bytes, one event each; running status and all that spoils it."""
    held = 0
    for number in range(events):
        if number % 500 == 499:  # both hands leave the keyboard, on every channel
            for channel in range(16):
                yield b"".join(bytes((0x80 | channel, p, 0)) for p in range(128))
            yield REST
        kind = chance.random()
        channel, pitch = chance.randrange(16), chance.randrange(128)
        if kind < 0.42:
            yield bytes((0x90 | channel, pitch, chance.randrange(128)))
        elif kind < 0.62:
            yield bytes((0x80 | channel, pitch, 64))
        elif kind < 0.72:
            yield bytes((pitch, chance.randrange(128)))  # running status
        elif kind < 0.78:  # a clock inside a note
            yield bytes((0x90, 0xF8, pitch, 0xFE, 70))
        elif kind < 0.83:
            yield bytes((0xB0 | channel, 64, chance.choice((0, 127))))
        elif kind < 0.86:
            yield bytes((0xC0 | channel, pitch))
        elif kind < 0.88:
            yield b"\xf0" + bytes(chance.randrange(128) for _ in range(9)) + b"\xf7"
        elif kind < 0.93:
            yield bytes(chance.randrange(256) for _ in range(chance.randrange(1, 6)))
        elif kind < 0.94:  # all the keys of a keyboard at once
            held = (held + 1) % 128
            yield b"".join(bytes((0x90, p, 1 + held)) for p in range(0, 128, 4))
        elif kind < 0.95:
            yield bytes((0xB0 | channel, 123, 0))
        else:
            yield bytes((0xE0 | channel, pitch, pitch))


@pytest.mark.parametrize(
    ("role", "thru", "events"),
    [("answer", True, EVENTS), ("continue", False, EVENTS // 5)],
)
def test_a_million_fuzzed_events_leave_nothing_sounding(role, thru, events):
    chance, parser = random.Random(7), Parser()
    engine = Engine(Params(role=role, thru=thru), start_ns=0, seed=1)
    played = Simulation(engine, Composer(ScriptedModel(), Controls()), ready=READY)
    ons, offs = Counter(), Counter()
    at_ns, before = 0, 0
    for number, chunk in enumerate(byte_stream(chance, events)):
        at_ns += chance.choice((0, 0, 1_000_000, 40_000_000, 900_000_000))
        at_ns += 8_000_000_000 if chunk is REST else 0
        played.play([(at_ns, data) for data in parser.feed(chunk)])
        for _, send in played.sent:
            data = send.data
            if messages.is_note_on(data):
                ons[data[0] & 15, data[1]] += 1
            elif messages.is_note_off(data):
                offs[data[0] & 15, data[1]] += 1
        played.sent.clear()
        if number == events // 4:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    played.stop()
    for _, send in played.sent:
        if messages.is_note_off(send.data):
            offs[send.data[0] & 15, send.data[1]] += 1
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    assert ons == offs
    assert sum(ons.values()) > events // 100
    assert grown < FLAT_BYTES
    assert engine.status().malformed == 0

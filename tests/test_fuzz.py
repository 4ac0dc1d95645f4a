"""A million random events in simulated time leave no note hanging."""

import multiprocessing
import os
import random
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

import pytest

from ripieno.bench.processes import memory_mib
from ripieno.engine import Engine
from ripieno.inference.controls import Controls
from ripieno.minds.composer import Composer
from ripieno.music import messages
from ripieno.ports.parser import Parser
from ripieno.settings.beginning import Beginning
from ripieno.settings.params import Params
from ripieno.simulation import Simulation
from ripieno.testing import READY, ScriptedModel

EVENTS = 1_000_000
FLAT_MIB = 8.0
REST = b"\xfe"
"""Active sensing, after which we wait long enough for a reply."""


def anything(chance):
    """One event of any kind, as it would arrive on a cable."""
    channel, pitch = chance.randrange(16), chance.randrange(128)
    value = chance.randrange(128)
    kinds = (
        (42, bytes((0x90 | channel, pitch, value))),
        (20, bytes((0x80 | channel, pitch, 64))),
        (10, bytes((pitch, value))),  # running status
        (6, bytes((0x90, 0xF8, pitch, 0xFE, 70))),  # a clock inside a note
        (5, bytes((0xB0 | channel, 64, chance.choice((0, 127))))),
        (3, bytes((0xC0 | channel, pitch))),
        (2, bytes((0xF0, *(chance.randrange(128) for _ in range(9)), 0xF7))),
        (5, chance.randbytes(chance.randrange(1, 6))),
        (1, b"".join(bytes((0x90, p, 1 + value % 127)) for p in range(128))),
        (1, bytes((0xB0 | channel, 123, 0))),
        (5, bytes((0xE0 | channel, pitch, pitch))),
    )
    weights, events = zip(*kinds, strict=True)
    return chance.choices(events, weights)[0]


def byte_stream(chance, events):
    """Random events; every 500 events all keys are released."""
    for number in range(events):
        yield anything(chance)
        if number % 500 == 499:
            for channel in range(16):
                yield b"".join(bytes((0x80 | channel, p, 0)) for p in range(128))
            yield REST


class Played(NamedTuple):
    """How a fuzzed performance went.

    Attributes:
        ons: how many notes began.
        hanging: notes with more ons than offs, or fewer.
        malformed: messages that reached the engine damaged.
        grown_mib: this process, over the last three quarters of the events.
    """

    ons: int
    hanging: int
    malformed: int
    grown_mib: float


def played(role, thru, events):
    """Play so many events, in a process that does nothing else."""
    chance, parser = random.Random(7), Parser()
    engine = Engine(Beginning(Params(role=role, thru=thru), seed=1))
    simulation = Simulation(engine, Composer(ScriptedModel(), Controls()), ready=READY)
    ons: Counter[tuple[int, int]] = Counter()
    offs: Counter[tuple[int, int]] = Counter()
    at_ns, before_mib = 0, 0.0
    for number, chunk in enumerate(byte_stream(chance, events)):
        at_ns += chance.choice((0, 0, 1_000_000, 40_000_000, 900_000_000))
        at_ns += 8_000_000_000 if chunk is REST else 0
        simulation.play([(at_ns, data) for data in parser.feed(chunk)])
        count(simulation.sent, ons, offs)
        if number == events // 4:
            before_mib = memory_mib(os.getpid())
    simulation.stop()
    count(simulation.sent, ons, offs)
    grown_mib = memory_mib(os.getpid()) - before_mib
    hanging = sum(abs(ons[key] - offs[key]) for key in ons | offs)
    return Played(sum(ons.values()), hanging, engine.status().malformed, grown_mib)


def count(sent, ons, offs):
    """Count the note-ons and note-offs sent, and clear the list."""
    for _, send in sent:
        key = messages.channel_of(send.data), send.data[1]
        if messages.is_note_on(send.data):
            ons[key] += 1
        elif messages.is_note_off(send.data):
            offs[key] += 1
    sent.clear()


THOROUGH = [
    ("answer", True, EVENTS // 5),
    ("continue", False, EVENTS // 5),
    ("harmonize", True, EVENTS // 50),
    ("accompany", False, EVENTS // 50),
]
QUICK = [
    ("answer", True, EVENTS // 200),
    ("continue", False, EVENTS // 200),
    ("harmonize", True, EVENTS // 1000),
    ("accompany", False, EVENTS // 1000),
]


@pytest.mark.parametrize(
    ("role", "thru", "events"),
    [
        *QUICK,
        *(pytest.param(*case, marks=pytest.mark.slow) for case in THOROUGH),
        pytest.param("answer", True, EVENTS, marks=pytest.mark.long),  # five minutes
    ],
)
def test_fuzzed_events_leave_nothing_sounding(role, thru, events):
    alone = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=alone) as pool:
        found = pool.submit(played, role, thru, events).result()
    assert found.hanging == 0
    assert found.ons > events // 100
    assert found.grown_mib < FLAT_MIB
    assert found.malformed == 0

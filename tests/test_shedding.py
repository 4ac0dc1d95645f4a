"""A thinker without processor time changes to the lighter model and back.

The test runs in real time with the real models. It stops the thinker process and
continues it a dozen times a second, which simulates an overloaded machine.
"""

import multiprocessing
import os
import signal
import sys
from itertools import pairwise
from typing import NamedTuple

import pytest
from rich.console import Console
from tests.outputs import unbalanced

from ripieno.clock import SystemClock
from ripieno.commands.demo_stage import embedded
from ripieno.music import messages
from ripieno.settings.config import Settings
from ripieno.settings.params import Params

S = 1_000_000_000
MS = 1_000_000
PITCHES = (60, 64, 67, 65, 64, 62, 60, 64)
GAP_NS = 250 * MS
REST_S = 4.0
"""After a phrase: for the reply, and for a heavy model to be tried."""
STARVED, MOST_AFTER = 3, 9
CYCLE_NS, RUNS_NS = 80 * MS, 2 * MS

pytestmark = [
    pytest.mark.realtime,
    pytest.mark.skipif(
        not hasattr(signal, "SIGSTOP") or sys.platform == "darwin",
        reason="stops a process as POSIX does",
    ),
]


class Sent(NamedTuple):
    at_ns: int
    data: bytes


class Musician:
    """Plays phrases to the daemon on a stage, and starves its thinker meanwhile."""

    def __init__(self, stage, pid):
        self._stage, self._pid = stage, pid
        self._clock = SystemClock()
        self.is_starved = False
        self.sent: list[Sent] = []

    def plays(self):
        """A phrase, and a while for the reply; the status after it."""
        start_ns = self._clock.now_ns()
        script = []
        for place, pitch in enumerate(PITCHES):
            at_ns = start_ns + place * GAP_NS
            script.append((at_ns, messages.note_on(0, pitch, 70)))
            script.append((at_ns + 200 * MS, messages.note_off(0, pitch)))
        until_ns = start_ns + len(PITCHES) * GAP_NS + int(REST_S * S)
        while (now_ns := self._clock.now_ns()) < until_ns:
            self._starve(now_ns)
            while script and script[0][0] <= now_ns:
                self._stage.send(script.pop(0)[1])
            self.sent += [Sent(now_ns, data) for data in self._stage.turn()]
            self._clock.wait_until(min(self._stage.wake_ns(now_ns), now_ns + MS))
        self.lets_go()
        return self._stage.status()

    def _starve(self, now_ns):
        if self.is_starved:
            runs = now_ns % CYCLE_NS < RUNS_NS
            os.kill(self._pid, signal.SIGCONT if runs else signal.SIGSTOP)

    def lets_go(self):
        os.kill(self._pid, signal.SIGCONT)


@pytest.fixture
def musician():
    settings = Settings(
        model="event-transformer", provider="cpu", play=Params(role="answer")
    )
    before = set(multiprocessing.active_children())
    with embedded(settings, 1, Console(quiet=True)) as stage:
        (thinker,) = set(multiprocessing.active_children()) - before
        assert thinker.pid is not None
        musician = Musician(stage, thinker.pid)
        yield musician
        musician.lets_go()


@pytest.mark.slow
def test_a_starved_thinker_sheds_its_load_and_climbs_when_it_is_fed(musician):
    first = musician.plays()
    assert (first.turns, first.model) == (1, "event-transformer")
    musician.is_starved = True
    for _ in range(STARVED):
        starved = musician.plays()
    assert starved.shed >= 1
    assert starved.turns == 1 + STARVED
    musician.is_starved = False
    for _ in range(MOST_AFTER):
        fed = musician.plays()
        if fed.climbed and fed.model == "event-transformer":
            break
    assert fed.climbed >= 1
    assert fed.model == "event-transformer"
    assert not unbalanced(data for _, data in musician.sent)
    ons_ns = [at_ns for at_ns, data in musician.sent if messages.is_note_on(data)]
    within = [b - a for a, b in pairwise(ons_ns) if b - a < REST_S * S - S]
    figures = (
        f"\nshed {fed.shed}, climbed {fed.climbed}, fallbacks {fed.fallbacks}, "
        f"ready {fed.ready}/{fed.turns}, wait p99 {fed.wait_p99_ms:.0f} ms, "
        f"longest gap within a reply {max(within) / S:.2f} s\n"
    )
    sys.stdout.write(figures)
    assert max(within) < 2.0 * S

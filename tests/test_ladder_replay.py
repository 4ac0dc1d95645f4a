"""The journal of a performance in which the model changes twice."""

import pytest
from tests.journaled import Performance

from ripieno.commands.replay import replay
from ripieno.files import journal
from ripieno.inference.controls import Controls
from ripieno.inference.manifest import for_role
from ripieno.inference.session import Loaded
from ripieno.minds.composer import Composer
from ripieno.minds.ladder import Ladder, Rung
from ripieno.minds.minds import Minds
from ripieno.processes.loading import wake
from ripieno.processes.thinker import Thinker
from ripieno.protocol import Plan, Ready

MS = 1_000_000
NEVER = 1 << 40
LONG = (60, 62, 64, 65, 67, 69, 71, 72) * 3


class SlowLine:
    """A line of which every step takes a while, on the clock that it is given."""

    def __init__(self, line, machine):
        self.line, self._machine = line, machine
        self.reset, self.idle = line.reset, line.idle

    def follow(self, other):
        self.line.follow(other.line)

    def step(self, event, controls):
        self._machine.lose_time()
        return self.line.step(event, controls)


class SlowModel:
    """A model on a machine that may be too slow for it."""

    def __init__(self, session, machine):
        self._session, self._machine = session, machine

    def line(self):
        return SlowLine(self._session.line(), self._machine)


class Laddered(Performance):
    """The Transformer over the GRU, on a machine that can be made slow.

    Attributes:
        step_ns: what a step of the heavy model takes there; the light one takes none.
    """

    step_ns = 0

    def lose_time(self):
        self.clock.wait_until(self.clock.now_ns() + self.step_ns)

    def new_thinker(self):
        to_player, to_thinker, _ = self._rings
        heavy, light = (
            for_role("answer", name) for name in ("event-transformer", "event-gru")
        )
        _, self.ready = wake(heavy, "cpu")
        session, sampling = Loaded(heavy, "cpu"), heavy.manifest.sampling
        controls = Controls(temperature=sampling.temperature, top_p=sampling.top_p)
        slow = Composer(SlowModel(session, self), controls)
        mind, ready = wake(light, "cpu")
        assert isinstance(mind, Composer)
        ladder = Ladder(
            [Rung(slow, self.ready), Rung(mind, ready)],
            now_ns=self.clock.now_ns,
            is_news=lambda: not to_thinker.is_empty,
        )
        self._minds = Minds(lambda _: (ladder, self.ready))
        self._minds.load("answer")
        to_thinker.skip()
        self._thinker = Thinker(self._minds, to_thinker, to_player)

    def plays_long_and_is_slowed_within_the_reply(self):
        self.play(*LONG, silence_s=0.1)
        self._every_ms = NEVER  # the first section is there; the next ones are not
        while self.player.status().turn != "machine":
            self.run(0.02)
        self.step_ns, self._every_ms = 800 * MS, 1
        self.run(10.0)
        self.step_ns = 0


@pytest.fixture(scope="module")
def take(tmp_path_factory):
    """A journal with two sheds, both within a reply, and both ways back up."""
    path = tmp_path_factory.mktemp("ladder") / "journal.jsonl"
    live = Laddered(path)
    live.play(60, 62, 64, 65)
    live.plays_long_and_is_slowed_within_the_reply()
    live.play(60, 64, 67, 72, 67)
    live.plays_long_and_is_slowed_within_the_reply()
    live.run(10.0)
    live.play(60, 62, 64, 65, 67)
    live.end()
    return path, live.player.status()


def test_falls_and_returns_are_counted_and_the_playing_model_is_shown(take):
    _, status = take
    assert status.shed == 2
    assert status.climbed == 2
    assert status.model == "event-transformer"
    assert status.turns == 5
    assert status.sounding == 0


def test_each_change_of_model_happens_within_a_reply(take):
    by_revision, within = {}, []
    for entry in journal.read(take[0]):
        message = entry.message if isinstance(entry, journal.Thought) else None
        if isinstance(message, Plan):
            by_revision[message.revision] = message.section
        elif isinstance(message, Ready) and message.shift < 0:
            within.append(by_revision.get(message.since, -1))
    assert len(within) == 2
    assert min(within) >= 0


@pytest.mark.slow
def test_a_journal_with_two_models_replays_bit_for_bit(take):
    found = replay(take[0])
    assert found.differing == 0, found.first
    assert found.plans > 12
    assert found.differing_plans == 0

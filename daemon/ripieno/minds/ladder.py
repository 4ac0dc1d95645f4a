"""Models for the same roles, from best to lightest; the best one that keeps up plays.

Every rung receives everything, in order: the one that plays at once, the others in idle
time, or at the latest when they take over. So a rung that takes over has heard the
same, and begins where the other stopped. What it plays depends on what was heard and
which sections there were, not on when it took over. A rung with too many messages to
catch up with forgets the oldest half.

*Down, at once.* A section that will not be there in time is stopped, and the rung below
makes it, with the same number. This happens as early as that rung has needed lately.
The rung above answers again from the next Ask on, unless too many of its answers were
late: then it is *down*, and is tried in idle time. *Up* again after enough good tries
in a row, at an Ask, never within a reply. Below the last rung the player composes.

A model that does not work is given up, as long as there is another one.

A `Ready` says when another rung takes over, before its first section.
"""

import contextlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from ripieno.errors import OutputError
from ripieno.inference.outputs import unusable
from ripieno.minds.backlog import MOST_MESSAGES, Backlog
from ripieno.minds.composer import Composer
from ripieno.protocol import Ask, Plan, Played, Ready, Reset, ToPlayer, ToThinker

NS_PER_MS: Final = 1_000_000
RECENT: Final = 20
LATEST: Final = 3
"""How many of the last times count in full: a machine may have just become slow."""
MOST_LATE: Final = 1
"""How many of the last 20 answers may be late. With more, their 95th percentile exceeds
the time there was. Source: StreamMUSE, RT95 against the interval."""
LIGHT_NS: Final = 40 * NS_PER_MS
"""What the rung below is taken to need for a section before it is measured: the GRU
takes 10 to 40 ms on a busy core."""
HANDED_NS: Final = 20 * NS_PER_MS
"""How long before its first note a section is due: ports that are exact to the frame
get notes two periods ahead."""
SPARE: Final = 2
"""A try is good if it takes at most half of the time there was: a rung that is only
just fast enough would soon be down again."""
FEWEST_GOOD: Final = 3
MOST_GOOD: Final = 24
"""How many good tries in a row lead up: three at first, twice as many after every fall,
so that a machine at its limit does not go up and down; at most half a minute of
them."""
TRY_EVERY_NS: Final = 1_000 * NS_PER_MS
"""How often a rung is tried. A try takes 10 to 100 ms: some percent of a core."""


class Pace:
    """Whether a rung keeps up, by the time it took and the time there was. Pure."""

    def __init__(self) -> None:
        self._late: deque[bool] = deque(maxlen=RECENT)
        self._took_ns: deque[int] = deque(maxlen=RECENT)
        self._good, self._wanted = 0, FEWEST_GOOD
        self.is_down = False

    @property
    def usual_ns(self) -> int:
        """The time that a section nearly always keeps to, and the last ones did."""
        took_ns = list(self._took_ns) or [LIGHT_NS]
        ordered = sorted(took_ns)
        return max(ordered[int(0.95 * (len(ordered) - 1))], *took_ns[-LATEST:])

    def took(self, took_ns: int) -> None:
        """Count a section."""
        self._took_ns.append(took_ns)

    def answered(self, *, late: bool) -> None:
        """Count an answer; too many late ones lead down."""
        self._late.append(late)
        if not self.is_down and sum(self._late) > MOST_LATE:
            self.is_down, self._good = True, 0
            self._late.clear()

    def tried(self, took_ns: int, budget_ns: int) -> None:
        """Count a try; enough good ones in a row lead up."""
        self._good = self._good + 1 if took_ns * SPARE <= budget_ns else 0
        if self._good >= self._wanted:
            self.is_down, self._good = False, 0
            self._wanted = min(2 * self._wanted, MOST_GOOD)


class Rung:
    """A composer, its `Ready`, its pace and its backlog."""

    def __init__(self, mind: Composer, ready: Ready) -> None:
        self.mind, self.ready = mind, ready
        self.pace, self.backlog = Pace(), Backlog(mind)


class Ladder:
    """Rungs as one mind. Thread: one."""

    hears: Final = (Played,)

    def __init__(
        self,
        rungs: Sequence[Rung],
        *,
        now_ns: Callable[[], int],
        is_news: Callable[[], bool],
    ) -> None:
        """Begin on the uppermost rung.

        Args:
            rungs: from best to lightest; one at least, and all of the same roles.
            now_ns: the time, on the clock of the Asks' timelines.
            is_news: whether there is a message from the player that was not read.
        """
        self._rungs = list(rungs)
        self._now_ns, self._is_news = now_ns, is_news
        self._at = 0
        self.rests = True
        self._news: deque[Ready] = deque()
        self._plans: list[Plan] = []
        self._ask: Ask | None = None
        self._asked_ns = self._try_at_ns = self._began_ns = 0
        self._checked_ns = self._step_ns = 0  # when a step ended, the longest lately

    @property
    def _playing(self) -> Rung:
        return self._rungs[self._at]

    @property
    def _others(self) -> list[Rung]:
        return [rung for rung in self._rungs if rung is not self._playing]

    def receive(self, message: ToThinker) -> None:
        """Pass a message to the rung that plays, and keep it for the others."""
        if isinstance(message, Ask) and message.vary is None:
            self._asked(message)
        elif not isinstance(message, Played | Reset):
            return
        for rung in self._others:
            if len(rung.backlog) >= MOST_MESSAGES:
                rung.backlog.forget_older_half()
            rung.backlog.add(message)
        with self._without_if_it_fails(self._playing) as playing:
            playing.mind.receive(message)

    def _asked(self, ask: Ask) -> None:
        """Choose who answers: the same rung for more of a plan, else the best one."""
        now_ns = self._now_ns()
        if self._ask is None or ask.revision != self._ask.revision:
            up = [n for n, rung in enumerate(self._rungs) if not rung.pace.is_down]
            self._move(up[0] if up else len(self._rungs) - 1, ask.revision)
            self._plans.clear()
            self._asked_ns = self._began_ns = now_ns
        elif self._playing.mind.wanted is None:
            self._began_ns = now_ns
        self._ask = ask

    def answer(self) -> ToPlayer | None:
        """Return who plays, if that has changed, or the next section, if wanted."""
        if self._news:
            return self._news.popleft()
        mind = self._playing.mind
        if (ask := mind.wanted) is None:
            self.rests = not self._idle()
            return None
        # A section is due when the one before it ends.
        ticks = self._plans[-1].until_ticks if self._plans else ask.start_ticks
        due_ns = ask.timeline.ns_at(ticks) - HANDED_NS
        self._checked_ns, self._step_ns = self._now_ns(), 0
        said = None
        with self._without_if_it_fails(self._playing):
            said = mind.answer(lambda: self._is_news() or self._is_hopeless(due_ns))
        now_ns = self._now_ns()
        if self._playing.mind is not mind:
            return self._news.popleft()
        if said is not None:
            self._playing.pace.took(now_ns - self._began_ns)
            if not said.section:
                self._playing.pace.answered(late=now_ns > due_ns)
            self._plans.append(said)
            self._began_ns = now_ns
            return said
        if self._is_hopeless(due_ns) and not self._is_news():
            self._shed(ask)
            return self._news.popleft()
        return None

    def _is_hopeless(self, due_ns: int) -> bool:
        """Whether after one more step even the rung below would be late."""
        if self._at + 1 == len(self._rungs):
            return False
        now_ns = self._now_ns()
        self._step_ns = max(self._step_ns, now_ns - self._checked_ns)
        self._checked_ns = now_ns
        light = self._rungs[self._at + 1].pace
        return now_ns + self._step_ns + light.usual_ns >= due_ns

    def _shed(self, ask: Ask) -> None:
        """Let the rung below go on from here."""
        slow = self._playing
        slow.pace.answered(late=True)
        slow.mind.drop()
        self._move(self._at + 1, ask.revision)
        with self._without_if_it_fails(self._playing) as lighter:
            lighter.mind.take_over(ask, self._plans)
        self._began_ns = self._now_ns()

    @contextlib.contextmanager
    def _without_if_it_fails(self, rung: Rung) -> Iterator[Rung]:
        """Give up a rung whose model does not work, as long as there is another one.

        Raises:
            OutputError: it was the last one.
        """
        try:
            yield rung
        except OutputError as error:
            if len(self._rungs) == 1:
                raise
            self._give_up(rung, error)

    def _give_up(self, failed: Rung, error: OutputError) -> None:
        """Go on without a rung; the next lighter one takes its place."""
        ask, at = failed.mind.wanted, self._rungs.index(failed)
        del self._rungs[at]
        if at != self._at:
            self._at -= at < self._at
            return
        self._at = min(at, len(self._rungs) - 1)
        revision = self._ask.revision if self._ask is not None else 0
        why = str(unusable(failed.ready.model, error))
        self._introduce(ask, shift=-1, since=revision, why=why)

    def _move(self, to: int, revision: int) -> None:
        if to != self._at:
            shift = -1 if to > self._at else 1
            self._at = to
            self._introduce(shift=shift, since=revision)

    def _introduce(self, ask: Ask | None = None, **news: object) -> None:
        """Say who plays now; let it catch up, and go on with what was asked for."""
        self._news.append(msgspec.structs.replace(self._playing.ready, **news))
        with self._without_if_it_fails(self._playing) as playing:
            playing.backlog.deliver_all()
            if ask is not None:
                playing.mind.take_over(ask, self._plans)

    def _idle(self) -> bool:
        """Do one step of background work, or a try; return whether there was a step."""
        for rung in list(self._rungs):
            with self._without_if_it_fails(rung):
                if rung is not self._playing and rung.backlog.deliver():
                    return True
        for rung in list(self._rungs):
            with self._without_if_it_fails(rung):
                if rung.mind.idle():
                    return True
        if self._ask is not None and self._others and not self._playing.mind.is_open:
            self._try(self._ask)
        return False

    def _try(self, ask: Ask) -> None:
        """If it is due, measure how long the rung above, else below, takes to answer.

        News ends the try, and it does not count.
        """
        if (began_ns := self._now_ns()) < self._try_at_ns:
            return
        rung, made = self._rungs[self._at - 1 if self._at else 1], None
        with self._without_if_it_fails(rung):
            rung.mind.drop()
            rung.mind.take_over(ask, ())
            made = rung.mind.answer(self._is_news)
            rung.mind.drop()
        now_ns = self._now_ns()
        self._try_at_ns, took_ns = now_ns + TRY_EVERY_NS, now_ns - began_ns
        if made is not None:
            rung.pace.took(took_ns)
            if rung.pace.is_down:
                there_ns = ask.timeline.ns_at(ask.start_ticks) - self._asked_ns
                rung.pace.tried(took_ns, there_ns)

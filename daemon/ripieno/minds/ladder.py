"""Models from best to lightest, for the same roles: the quickest enough one plays.

Everything is told to all rungs, in order: to the one that plays at once, to the others
in idle time, or at the latest when they are wanted (a rung that is `MOST_UNTOLD`
messages behind forgets the oldest half). So whoever takes over has heard the same, and
begins where the other one began: what it plays depends on what was heard and on which
sections there were, not on when it took over.

*Down, at once*: a section that would not be there when it is due is left where it is,
and the rung below makes it, with the same number: early enough for as long as that one
has needed lately. The rung above answers again from the next Ask on, unless too many of
its answers came late: then it stays *down*, and is tried on scratch in idle time. *Up*
again after enough good tries in a row, at an Ask, never within a reply. Below the last
rung is the player's own composer, which needs nobody here.

Whenever another rung plays from now on, a `Ready` says so before its first section.

Knows composers by their interface only. Reads no clock: it is given one to ask.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

import msgspec

from ripieno.minds.backlog import MOST_MESSAGES, Backlog, Receiver
from ripieno.protocol import Ask, Plan, Played, Ready, Reset, ToPlayer, ToThinker

NS_PER_MS: Final = 1_000_000
RECENT: Final = 20
LATEST: Final = 3
"""A machine that has just become slow is slow now, whatever it was before."""
MOST_LATE: Final = 1
"""Of the last 20 answers one may be late: more, and their 95th percentile is beyond
what there was time for (StreamMUSE's rule: RT95 against the interval)."""
LIGHT_NS: Final = 40 * NS_PER_MS
"""How long the rung below takes for a section, before that was ever measured: the GRU
takes 10 to 40 ms on a busy core."""
HANDED_NS: Final = 20 * NS_PER_MS
"""A section is due so long before its first note: ports that are exact to the frame
are given notes two periods ahead."""
SPARE: Final = 2
"""A try is good where it takes half of the time that there was: what has only just
time enough would be down again soon."""
FEWEST_GOOD: Final = 3
MOST_GOOD: Final = 24
"""Good tries in a row before it goes up: three, twice as many after every fall, so that
a machine at its limit does not go up and down; at most half a minute of them."""
TRY_EVERY_NS: Final = 1_000 * NS_PER_MS
"""A try takes 10 to 100 ms of a core: some percent of it."""


class Composing(Receiver, Protocol):
    """What a rung does; `ripieno.minds.composer.Composer` does it."""

    @property
    def wanted(self) -> Ask | None:
        """The Ask of which there is a section still to make."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether it may have to go on with a plan."""
        ...

    def section(self, is_news: Callable[[], bool] = ...) -> Plan | None:
        """The next section, or None where there is none, or news came first."""
        ...

    def take_over(self, ask: Ask, plans: Sequence[Plan]) -> None:
        """Go on with a plan that another one began."""
        ...

    def drop(self) -> None:
        """The plan in the making is not wanted."""
        ...

    def idle(self) -> bool:
        """Do a bit of what would have to be done later; whether there was any."""
        ...


class Rung(NamedTuple):
    """A composer, and how it introduces itself."""

    mind: Composing
    ready: Ready


class Pace:
    """Whether a rung keeps up, from how long it took and what time there was. Pure."""

    def __init__(self) -> None:
        self._late: deque[bool] = deque(maxlen=RECENT)
        self._took_ns: deque[int] = deque(maxlen=RECENT)
        self._good, self._wanted = 0, FEWEST_GOOD
        self.is_down = False

    @property
    def usual_ns(self) -> int:
        """How long a section takes at most: nearly always, and as things are now."""
        took_ns = list(self._took_ns) or [LIGHT_NS]
        ordered = sorted(took_ns)
        return max(ordered[int(0.95 * (len(ordered) - 1))], *took_ns[-LATEST:])

    def took(self, took_ns: int) -> None:
        """A section was made."""
        self._took_ns.append(took_ns)

    def answered(self, *, late: bool) -> None:
        """An answer was there in time, or was not; too many that were not: down."""
        self._late.append(late)
        if not self.is_down and sum(self._late) > MOST_LATE:
            self.is_down, self._good = True, 0
            self._late.clear()

    def tried(self, took_ns: int, budget_ns: int) -> None:
        """It was tried on scratch; enough good ones in a row: up."""
        self._good = self._good + 1 if took_ns * SPARE <= budget_ns else 0
        if self._good >= self._wanted:
            self.is_down, self._good = False, 0
            self._wanted = min(2 * self._wanted, MOST_GOOD)


class _Place:
    """A rung, how it keeps up, and what it has not been told yet."""

    def __init__(self, rung: Rung) -> None:
        self.mind, self.ready = rung
        self.pace = Pace()
        self.backlog = Backlog(self.mind)


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
            is_news: whether the player has said something that nobody has heard.
        """
        self._places = [_Place(rung) for rung in rungs]
        self._now_ns, self._is_news = now_ns, is_news
        self._at = 0
        self.rests = True
        self._news: deque[Ready] = deque()
        self._plans: list[Plan] = []
        self._ask: Ask | None = None
        self._asked_ns = self._try_at_ns = self._began_ns = 0
        self._checked_ns = self._step_ns = 0  # when a step ended, the longest lately

    @property
    def _playing(self) -> _Place:
        return self._places[self._at]

    @property
    def _others(self) -> list[_Place]:
        return [place for place in self._places if place is not self._playing]

    # ── in ────────────────────────────────────────────────────────────────────────

    def receive(self, message: ToThinker) -> None:
        """Pass a message to the rung that plays, and keep it for the others."""
        if isinstance(message, Ask) and message.vary is None:
            self._asked(message)
        elif not isinstance(message, Played | Reset):
            return
        self._playing.mind.receive(message)
        for place in self._others:
            if len(place.backlog) >= MOST_MESSAGES:
                place.backlog.forget_older_half()
            place.backlog.add(message)

    def _asked(self, ask: Ask) -> None:
        """Whoever made a part of it makes the rest; a new one is the best one's."""
        now_ns = self._now_ns()
        if self._ask is None or ask.revision != self._ask.revision:
            best = next(
                (n for n, p in enumerate(self._places) if not p.pace.is_down), -1
            )
            self._move(best % len(self._places), ask.revision)
            self._plans.clear()
            self._asked_ns = self._began_ns = now_ns
        elif self._playing.mind.wanted is None:
            self._began_ns = now_ns
        self._ask = ask

    # ── out ───────────────────────────────────────────────────────────────────────

    def answer(self) -> ToPlayer | None:
        """Who plays now, if that has changed; the next section, if one is wanted."""
        if self._news:
            return self._news.popleft()
        mind = self._playing.mind
        if (ask := mind.wanted) is None:
            self.rests = not self._idle()
            return None
        due_ns = self._due_ns(ask)
        self._checked_ns, self._step_ns = self._now_ns(), 0
        said = mind.section(lambda: self._is_news() or self._is_hopeless(due_ns))
        now_ns = self._now_ns()
        if said is not None:
            self._count(said, now_ns, due_ns)
            return said
        if self._is_hopeless(due_ns) and not self._is_news():
            self._shed(ask)
            return self._news.popleft()
        return None

    def _due_ns(self, ask: Ask) -> int:
        """When the next section has to be there."""
        ticks = self._plans[-1].until_ticks if self._plans else ask.start_ticks
        return ask.timeline.ns_at(ticks) - HANDED_NS

    def _is_hopeless(self, due_ns: int) -> bool:
        """Whether after one step more not even the rung below would be in time."""
        if self._at + 1 == len(self._places):
            return False
        now_ns = self._now_ns()
        self._step_ns = max(self._step_ns, now_ns - self._checked_ns)
        self._checked_ns = now_ns
        light = self._places[self._at + 1].pace
        return now_ns + self._step_ns + light.usual_ns >= due_ns

    def _count(self, said: Plan, now_ns: int, due_ns: int) -> None:
        pace = self._playing.pace
        pace.took(now_ns - self._began_ns)
        if not said.section:
            pace.answered(late=now_ns > due_ns)
        self._plans.append(said)
        self._began_ns = now_ns

    def _shed(self, ask: Ask) -> None:
        """The rung below goes on from here."""
        slow = self._playing
        slow.pace.answered(late=True)
        slow.mind.drop()
        self._move(self._at + 1, ask.revision)
        self._playing.mind.take_over(ask, self._plans)
        self._began_ns = self._now_ns()

    def _move(self, to: int, revision: int) -> None:
        if to == self._at:
            return
        shift = -1 if to > self._at else 1
        self._at = to
        while self._playing.backlog.deliver():
            pass
        ready = self._playing.ready
        self._news.append(msgspec.structs.replace(ready, shift=shift, since=revision))

    # ── in idle time ──────────────────────────────────────────────────────────────

    def _idle(self) -> bool:
        """One step of what can wait, else a try; whether there was such a step."""
        for place in self._places:
            if place is not self._playing and place.backlog.deliver():
                return True
        if any(place.mind.idle() for place in self._places):
            return True
        self._maybe_try()
        return False

    def _maybe_try(self) -> None:
        """Try the next rung where that is due, and no plan is open."""
        if self._ask is None or not self._others or self._playing.mind.is_open:
            return
        if self._now_ns() >= self._try_at_ns:
            self._try(self._ask)

    def _try(self, ask: Ask) -> None:
        """How long would the next rung above, or below, take for an answer?

        News ends it: it says nothing then.
        """
        place, began_ns = self._places[self._at - 1 if self._at else 1], self._now_ns()
        place.mind.drop()
        place.mind.take_over(ask, ())
        made = place.mind.section(self._is_news)
        place.mind.drop()
        now_ns = self._now_ns()
        self._try_at_ns = now_ns + TRY_EVERY_NS
        if made is None:
            return
        place.pace.took(now_ns - began_ns)
        if place.pace.is_down:
            budget_ns = ask.timeline.ns_at(ask.start_ticks) - self._asked_ns
            place.pace.tried(now_ns - began_ns, budget_ns)

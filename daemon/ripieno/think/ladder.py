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

A rung whose model does not work is given up, as long as there is another one.

Whenever another rung plays from now on, a `Ready` says so before its first section.

Knows composers by their interface only. Reads no clock: it is given one to ask.
"""

import contextlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol

import msgspec

from ripieno.errors import OutputError
from ripieno.music.plan import Ask, Plan, Played, Ready, Reset, ToPlayer, ToThinker
from ripieno.think.outputs import unusable

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
MOST_UNTOLD: Final = 8192
"""Messages that a rung may have to be told: some minutes of dense playing. One that is
further behind forgets what was before."""


class Composing(Protocol):
    """What a rung does; `ripieno.think.composer.Composer` does it."""

    @property
    def wanted(self) -> Ask | None:
        """The Ask of which there is a section still to make."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether it may have to go on with a plan."""
        ...

    def told(self, message: ToThinker) -> None:
        """The player said something."""
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
        self._untold: deque[ToThinker] = deque()

    def told(self, message: ToThinker) -> None:
        """It will have to know; everything before a Reset it need not."""
        if isinstance(message, Reset):
            self._untold.clear()
        if len(self._untold) >= MOST_UNTOLD:
            newest = list(self._untold)[MOST_UNTOLD // 2 :]
            self._untold = deque([Reset(), *newest])
        self._untold.append(message)

    def catch_up(self, most: int | None = None) -> bool:
        """Tell it what it does not know; whether there was anything."""
        count = len(self._untold) if most is None else min(most, len(self._untold))
        for _ in range(count):
            self.mind.told(self._untold.popleft())
        return bool(count)


class Ladder:
    """Rungs as one mind. Thread: one."""

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

    def told(self, message: ToThinker) -> None:
        """The player said something."""
        if isinstance(message, Ask) and message.vary is None:
            self._asked(message)
        elif not isinstance(message, Played | Reset):
            return
        for place in self._others:
            place.told(message)
        with self._without_if_it_fails(self._playing) as playing:
            playing.mind.told(message)

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
        said = None
        with self._without_if_it_fails(self._playing):
            said = mind.section(lambda: self._is_news() or self._is_hopeless(due_ns))
        now_ns = self._now_ns()
        if self._playing.mind is not mind:
            return self._news.popleft()
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
        with self._without_if_it_fails(self._playing) as lighter:
            lighter.mind.take_over(ask, self._plans)
        self._began_ns = self._now_ns()

    @contextlib.contextmanager
    def _without_if_it_fails(self, place: _Place) -> Iterator[_Place]:
        """Give up a rung whose model does not work, as long as there is another one.

        Raises:
            OutputError: it was the last one.
        """
        try:
            yield place
        except OutputError as error:
            if len(self._places) == 1:
                raise
            self._give_up(place, error)

    def _give_up(self, failed: _Place, error: OutputError) -> None:
        """Go on without a rung; the next lighter one takes its place."""
        plays, playing = self._at, self._playing
        ask = failed.mind.wanted
        place = self._places.index(failed)
        del self._places[place]
        if failed is not playing:
            self._at -= place < plays
            return
        self._at = min(place, len(self._places) - 1)
        revision = self._ask.revision if self._ask is not None else 0
        why = str(unusable(failed.ready.model, error))
        ready = msgspec.structs.replace(
            self._playing.ready, shift=-1, since=revision, why=why
        )
        self._news.append(ready)
        with self._without_if_it_fails(self._playing) as heir:
            heir.catch_up()
            if ask is not None:
                heir.mind.take_over(ask, self._plans)

    def _move(self, to: int, revision: int) -> None:
        if to == self._at:
            return
        shift = -1 if to > self._at else 1
        self._at = to
        ready = self._playing.ready
        self._news.append(msgspec.structs.replace(ready, shift=shift, since=revision))
        with self._without_if_it_fails(self._playing) as playing:
            playing.catch_up()

    # ── in idle time ──────────────────────────────────────────────────────────────

    def _idle(self) -> bool:
        """One step of what can wait, else a try; whether there was such a step."""
        for place in list(self._places):
            with self._without_if_it_fails(place):
                if place is not self._playing and place.catch_up(1):
                    return True
        for place in list(self._places):
            with self._without_if_it_fails(place):
                if place.mind.idle():
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
        made = None
        with self._without_if_it_fails(place):
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

"""The minds of a thinker: one for each seat, served by urgency.

A `Reset` says which role a seat plays. It gives the seat a mind that plays that role:
one that is there and that no seat has, or a new one. A `Reset` without a role leaves
the seat's mind to other seats. Each mind has a backlog of messages and works it off in
order.

The most urgent mind is served first: a key to harmonize, then a beat to decide, then
other asks by when their answers are due, then minds that only have messages to catch up
with. Between two messages `Minds` looks for news, so an urgent ask waits at most for
the model step in progress.

A model that cannot be loaded or used is not tried again; the player receives a `Ready`
of the fallback.
"""

import contextlib
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, Protocol, runtime_checkable

from ripieno.errors import ModelError, OutputError
from ripieno.inference.outputs import unusable
from ripieno.minds.backlog import MOST_MESSAGES, Backlog, Receiver
from ripieno.protocol import (
    EVERYONE,
    FALLBACK,
    Ask,
    Decide,
    Letter,
    Ready,
    Reply,
    Reset,
    Sing,
    ToPlayer,
    ToThinker,
)
from ripieno.settings.roles import asked_of

_URGENCY: Final[dict[type[ToThinker], int]] = {Sing: 0, Decide: 1}
"""The rank of asks that are answered at once, or within the beat."""
_LATER: Final = 2
_IDLE: Final = 3


class Mind(Receiver, Protocol):
    """What answers asks; `ripieno.minds.composer.Composer` is one."""

    def answer(self) -> ToPlayer | None:
        """Return the next part of the answer; None when it is complete."""
        ...


class ModelMind(Mind, Protocol):
    """A mind that plays by a model; `Minds` serves several."""

    @property
    def hears(self) -> tuple[type[ToThinker], ...]:
        """The types of message that it needs beside its asks and `Reset`."""
        ...


@runtime_checkable
class Busy(Protocol):
    """A mind with background work, of which each call of `answer` may do a piece."""

    @property
    def rests(self) -> bool:
        """Whether there is no background work left."""
        ...


Loaded = tuple[ModelMind, Ready]


class _Served(Backlog):
    """A mind, what it plays, its backlog and how urgent its answer is.

    Attributes:
        mind, ready: the mind, and how it introduced itself.
        urgency: the rank of what it was asked, and when the answer is due.
    """

    def __init__(self, mind: ModelMind, ready: Ready) -> None:
        super().__init__(mind)
        self.mind, self.ready = mind, ready
        self.urgency = _IDLE, 0

    @property
    def rank(self) -> int:
        return self.urgency[0]

    def add(self, message: ToThinker) -> None:
        """Append a message; an ask makes the mind more urgent, a `Reset` idle."""
        if isinstance(message, Reset):
            self.rest()
        elif asked_of(message) is not None:
            rank = _URGENCY.get(type(message), _LATER)
            self.urgency = min(self.urgency, (rank, _due(message)))
        super().add(message)

    def rest(self) -> None:
        """Note that nothing is asked of the mind any more."""
        self.urgency = _IDLE, 0


def _due(message: ToThinker) -> int:
    """Return when an answer is due, to compare asks of one rank; 0 for at once."""
    if isinstance(message, Ask):
        return message.timeline.ns_at(message.start_ticks)
    return 0


class Minds:
    """The minds of a thinker. Thread: one.

    Attributes:
        was_interrupted: whether the last `answer` ended early.
    """

    def __init__(
        self,
        wake: Callable[[str], Loaded],
        show: Callable[[Ready], None] = lambda _: None,
        is_interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        """Begin without any mind.

        Args:
            wake: makes a mind for a role, and loads its model where it is not loaded;
                may raise ModelError.
            show: is called with a `Ready` of the fallback when a role loses its model.
            is_interrupted: whether `answer` should return to its caller soon, because
                there is news for it or other work; asked after every message.
        """
        self._wake, self._show, self._is_interrupted = wake, show, is_interrupted
        self._spare: list[_Served] = []
        self._served: dict[int, tuple[str, _Served]] = {}  # seat → its role, its mind
        self._missing: set[str] = set()
        self._news: deque[Reply] = deque()
        self.was_interrupted = False

    def load(self, role: str) -> Ready:
        """Load a mind for a role now, for the first seat that plays it.

        Raises:
            ModelError: there is no model for it, or it cannot be loaded.
        """
        mind, ready = self._wake(role)
        self._spare.append(_Served(mind, ready))
        return ready

    def load_all(self, roles: Iterable[str]) -> None:
        """Load a mind for each of these roles, so that a change of role takes no time.

        A role whose model cannot be loaded is tried again when it is asked for.
        """
        for role in roles:
            if not any(role in each.ready.roles for each in self._all()):
                with contextlib.suppress(ModelError):
                    self._news.append(Reply(EVERYONE, self.load(role)))

    def receive(self, letter: Letter) -> None:
        """Put a message into the backlog of the mind of its seat, if it needs it.

        Cost: O(1), unless a model is loaded or the backlog is full.
        """
        seat, message = letter.seat, letter.message
        role, served = self._served.get(seat, ("", None))
        if isinstance(message, Reset) and role != message.role:
            self._seat(seat, message.role)
            role, served = self._served.get(seat, ("", None))
        if served is None:
            return  # the player tells all that is needed after the `Ready`
        asked = asked_of(message)
        is_reset = isinstance(message, Reset)
        if is_reset or asked == role or isinstance(message, served.mind.hears):
            served.add(message)
            if len(served) > MOST_MESSAGES:
                self._deliver_one(seat, served)

    def answer(self) -> Reply | None:
        """Return the next message for the player, of the most urgent mind that has one.

        Returns:
            None when no mind has more to send, or when `is_interrupted` ended the
            call early: `was_interrupted` says which.
        """
        self.was_interrupted = False
        if self._news:
            return self._news.popleft()
        waiting = [(served.urgency, seat) for seat, (_, served) in self._served.items()]
        for _, seat in sorted(waiting):
            _, served = self._served[seat]
            if (said := self._answer_of(seat, served)) is not None:
                return said
            if served.rank >= _LATER and self._is_interrupted():
                self.was_interrupted = True
                return None
            served.rest()
        return None

    @property
    def is_urgent(self) -> bool:
        """Whether an answer is due at once or within the beat."""
        return any(served.rank < _LATER for _, served in self._served.values())

    @property
    def rests(self) -> bool:
        """Whether no mind has background work left."""
        minds = [served.mind for _, served in self._served.values()]
        return all(mind.rests for mind in minds if isinstance(mind, Busy))

    # ── seats ─────────────────────────────────────────────────────────────────────

    def _seat(self, seat: int, role: str) -> None:
        """Give a seat a mind that plays a role; none if the role is empty."""
        if (had := self._served.pop(seat, None)) is not None:
            had[1].rest()
            self._spare.append(had[1])
        if not role:
            return
        found = next((each for each in self._spare if role in each.ready.roles), None)
        if found is not None:
            self._spare.remove(found)
            self._served[seat] = role, found
        elif role not in self._missing:
            self._load_for(seat, role)

    def _load_for(self, seat: int, role: str) -> None:
        try:
            mind, ready = self._wake(role)
        except ModelError as error:
            self._news.append(self._without((role,), str(error)))
        else:
            self._served[seat] = role, _Served(mind, ready)
            self._news.append(Reply(seat, ready))

    def _answer_of(self, seat: int, served: _Served) -> Reply | None:
        """Deliver what a mind has yet to receive; return its answer."""
        try:
            while served.deliver():
                if served.rank >= _LATER and self._is_interrupted():
                    return None
            said = served.mind.answer()
        except OutputError as error:
            return self._drop(seat, served, error)
        return None if said is None else Reply(seat, said)

    def _deliver_one(self, seat: int, served: _Served) -> None:
        try:
            served.deliver()
        except OutputError as error:
            self._news.append(self._drop(seat, served, error))

    def _drop(self, seat: int, failed: _Served, error: OutputError) -> Reply:
        """Go on without a mind whose model does not work; return the news of it."""
        del self._served[seat]
        return self._without(
            failed.ready.roles, str(unusable(failed.ready.model, error))
        )

    def _without(self, roles: tuple[str, ...], why: str) -> Reply:
        """Return the news that no model plays these roles any more."""
        self._missing.update(roles)
        ready = Ready(FALLBACK, "", FALLBACK, why, roles, shift=-1)
        self._show(ready)
        return Reply(EVERYONE, ready)

    def _all(self) -> list[_Served]:
        return [*self._spare, *(served for _, served in self._served.values())]

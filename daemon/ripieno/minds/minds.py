"""All minds of a thinker, served as one, so that the role may change at any time.

An ask goes to the mind of its role, a `Reset` to every mind, any other message to the
minds that name its type in `hears`. Each mind has a backlog and works it off in order.

The most urgent mind is served first: a key to harmonize, then a beat to decide, then
other asks, then minds that only have messages to catch up with. Between two messages
`Minds` looks for news, so an urgent ask waits at most for the model step in progress.

A `Reset` names no role. It may go to every mind because the player sends one whenever
it enters a role, before it tells the history again: what a mind knew before is never
used.

An ask for a role without a mind loads its model, which then introduces itself with a
`Ready`. A model that cannot be loaded or used is not tried again; the player receives a
`Ready` of the fallback.
"""

import contextlib
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, Protocol, runtime_checkable

from ripieno.errors import ModelError, OutputError
from ripieno.inference.outputs import unusable
from ripieno.minds.backlog import MOST_MESSAGES, Backlog, Receiver
from ripieno.protocol import FALLBACK, Decide, Ready, Reset, Sing, ToPlayer, ToThinker
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


class _Served(Backlog):
    """A mind, its model's name, its backlog and the rank of what it was asked."""

    def __init__(self, mind: ModelMind, model: str) -> None:
        super().__init__(mind)
        self.mind, self.model = mind, model
        self.rank = _IDLE

    def add(self, message: ToThinker) -> None:
        """Append a message; an ask makes the mind more urgent, a `Reset` idle."""
        if isinstance(message, Reset):
            self.rank = _IDLE
        elif asked_of(message) is not None:
            self.rank = min(self.rank, _URGENCY.get(type(message), _LATER))
        super().add(message)


class Minds:
    """The minds of a thinker. Thread: one."""

    def __init__(
        self,
        wake: Callable[[str], tuple[ModelMind, Ready]],
        show: Callable[[Ready], None] = lambda _: None,
        is_interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        """Begin without any mind.

        Args:
            wake: loads the mind for a role; may raise ModelError.
            show: is called with a `Ready` of the fallback when a role loses its model.
            is_interrupted: whether `answer` should return to its caller soon, because
                there is news for it or other work; asked after every message.
        """
        self._wake, self._show, self._is_interrupted = wake, show, is_interrupted
        self._served: dict[str, _Served] = {}  # by role
        self._missing: set[str] = set()
        self._news: deque[Ready] = deque()
        self.was_interrupted = False

    def load(self, role: str) -> Ready:
        """Load the mind for a role now.

        Raises:
            ModelError: there is no model for it, or it cannot be loaded.
        """
        mind, ready = self._wake(role)
        self._served |= dict.fromkeys(ready.roles, _Served(mind, ready.model))
        return ready

    def load_all(self, roles: Iterable[str]) -> None:
        """Load the minds of these roles, so that a change of role takes no time.

        A role whose model cannot be loaded is tried again when it is asked for.
        """
        for role in roles:
            if role not in self._served:
                with contextlib.suppress(ModelError):
                    self._news.append(self.load(role))

    def receive(self, message: ToThinker) -> None:
        """Put a message into the backlog of each mind that needs it.

        An ask for a role without a mind loads the model; the ask itself is dropped, as
        the player asks again after the `Ready`.

        Cost: O(minds), unless a model is loaded or a backlog is full.
        """
        role = asked_of(message)
        if role is None:
            is_reset = isinstance(message, Reset)
            needing = [
                served
                for served in self._distinct()
                if is_reset or isinstance(message, served.mind.hears)
            ]
        elif role in self._served:
            needing = [self._served[role]]
        else:
            if role not in self._missing:
                self._try_to_load(role)
            return
        for served in needing:
            served.add(message)
            if len(served) > MOST_MESSAGES:
                self._deliver_one(served)

    def answer(self) -> ToPlayer | None:
        """Return the next message for the player, of the most urgent mind that has one.

        Returns:
            None when no mind has more to send, or when `is_interrupted` ended the
            call early: `was_interrupted` says which.
        """
        self.was_interrupted = False
        if self._news:
            return self._news.popleft()
        for served in sorted(self._distinct(), key=lambda each: each.rank):
            if (said := self._answer_of(served)) is not None:
                return said
            if served.rank >= _LATER and self._is_interrupted():
                self.was_interrupted = True
                return None
            served.rank = _IDLE
        return None

    @property
    def is_urgent(self) -> bool:
        """Whether an answer is due at once or within the beat."""
        return any(served.rank < _LATER for served in self._served.values())

    @property
    def rests(self) -> bool:
        """Whether no mind has background work left."""
        minds = [served.mind for served in self._distinct()]
        return all(mind.rests for mind in minds if isinstance(mind, Busy))

    def _answer_of(self, served: _Served) -> ToPlayer | None:
        """Deliver what a mind has yet to receive; return its answer."""
        try:
            while served.deliver():
                if served.rank >= _LATER and self._is_interrupted():
                    return None
            return served.mind.answer()
        except OutputError as error:
            return self._drop(served, error)

    def _deliver_one(self, served: _Served) -> None:
        try:
            served.deliver()
        except OutputError as error:
            self._news.append(self._drop(served, error))

    def _try_to_load(self, role: str) -> None:
        try:
            self._news.append(self.load(role))
        except ModelError as error:
            self._news.append(self._without((role,), str(error)))

    def _drop(self, failed: _Served, error: OutputError) -> Ready:
        """Go on without a mind whose model does not work; return the news of it."""
        roles = tuple(r for r, served in self._served.items() if served is failed)
        self._served = {r: s for r, s in self._served.items() if s is not failed}
        return self._without(roles, str(unusable(failed.model, error)))

    def _without(self, roles: tuple[str, ...], why: str) -> Ready:
        """Return the news that no model plays these roles any more."""
        self._missing.update(roles)
        ready = Ready(FALLBACK, "", FALLBACK, why, roles, shift=-1)
        self._show(ready)
        return ready

    def _distinct(self) -> list[_Served]:
        return list(dict.fromkeys(self._served.values()))

"""One mind a role, so that a musician may change the role while playing.

A message goes to every mind that is there; each takes what is its business. An ask that
none can answer loads the one that can, which then introduces itself. A model that
cannot be loaded, or whose outputs cannot be used, is not tried again: the player is
told so by a `Ready` of the fallback, and plays on by its own means.

Knows minds by their interface only.
"""

import contextlib
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, Protocol, runtime_checkable

from ripieno.errors import ModelError, OutputError
from ripieno.inference.outputs import unusable
from ripieno.protocol import FALLBACK, Decide, Ready, Sing, ToPlayer, ToThinker
from ripieno.settings.roles import asked_of

_URGENT: Final = (Decide, Sing)
"""Asks that are answered within the beat, or at once."""


class Mind(Protocol):
    """What answers asks; a composer is one."""

    def told(self, message: ToThinker) -> None:
        """The player said something."""
        ...

    def answer(self) -> ToPlayer | None:
        """The next thing to say, or None when all is said."""
        ...


@runtime_checkable
class Busy(Protocol):
    """A mind that does work which can wait, a piece each time it has nothing to say."""

    @property
    def rests(self) -> bool:
        """Whether there is no such work left."""
        ...


class Minds:
    """All minds of a thinker, as one. Thread: one."""

    def __init__(
        self,
        wake: Callable[[str], tuple[Mind, Ready]],
        show: Callable[[Ready], None] = lambda _: None,
    ) -> None:
        """Begin without any.

        Args:
            wake: loads the mind for a role; may raise ModelError.
            show: is told when a role has lost its model.
        """
        self._wake, self._show = wake, show
        self._names: dict[str, str] = {}  # of the models, by role
        self._minds: dict[str, Mind] = {}
        self._missing: set[str] = set()
        self._news: deque[Ready] = deque()

    def load(self, role: str) -> Ready:
        """Load the mind for a role now.

        Raises:
            ModelError: it cannot be had.
        """
        mind, ready = self._wake(role)
        for each in ready.roles:
            self._minds[each] = mind
            self._names[each] = ready.model
        return ready

    def load_all(self, roles: Iterable[str]) -> None:
        """Load whoever else plays one of these, so that a change of role costs nothing.

        What cannot be loaded is tried again when it is asked for.
        """
        for role in roles:
            if role not in self._minds:
                with contextlib.suppress(ModelError):
                    self._news.append(self.load(role))

    def told(self, message: ToThinker) -> None:
        """To whoever is concerned; an ask for nobody wakes somebody."""
        role = asked_of(message)
        if role is not None and role not in self._minds and role not in self._missing:
            self._try_to_load(role)
            return  # the player is told who is there, and asks again
        for mind in self._distinct():
            try:
                mind.told(message)
            except OutputError as error:
                self._news.append(self._drop(mind, error))

    def is_urgent(self, message: ToThinker) -> bool:
        """Whether a message wants an answer within the beat, from a mind that is there.

        It takes some ms. Other answers take longer: a phrase, or a model to be loaded.
        """
        return isinstance(message, _URGENT) and asked_of(message) in self._minds

    def answer(self) -> ToPlayer | None:
        """News first; then what any of them has to say."""
        if self._news:
            return self._news.popleft()
        for mind in self._distinct():
            try:
                said = mind.answer()
            except OutputError as error:
                said = self._drop(mind, error)
            if said is not None:
                return said
        return None

    @property
    def rests(self) -> bool:
        """Whether none of them has work left that can wait."""
        return all(m.rests for m in self._distinct() if isinstance(m, Busy))

    def _try_to_load(self, role: str) -> None:
        try:
            self._news.append(self.load(role))
        except ModelError as error:
            self._news.append(self._without((role,), str(error)))

    def _drop(self, failed: Mind, error: OutputError) -> Ready:
        """Go on without a mind whose model does not work; what the player is told."""
        roles = tuple(role for role, mind in self._minds.items() if mind is failed)
        for role in roles:
            del self._minds[role]
        return self._without(roles, str(unusable(self._names[roles[0]], error)))

    def _without(self, roles: tuple[str, ...], why: str) -> Ready:
        """No model plays these roles any more."""
        self._missing.update(roles)
        ready = Ready(FALLBACK, "", FALLBACK, why, roles, shift=-1)
        self._show(ready)
        return ready

    def _distinct(self) -> list[Mind]:
        return list({id(mind): mind for mind in self._minds.values()}.values())

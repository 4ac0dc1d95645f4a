"""The engine in simulated time: the shell of `render` and of the tests.

Time jumps from one event to the next: an input, the arrival of a plan, the engine's own
next instant. Five minutes of music take under a second plus the model's time. A model's
latency can be simulated: its plans arrive that much later.

An Ask that is only foreseen is planned at the latest moment, when its plan would be
needed. Live it is planned at once, by a core that would be idle.

It knows no device, file or process.
"""

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator

from ripieno.engine import Effect, Engine, Send, Tell
from ripieno.minds.minds import Mind, Minds
from ripieno.music.sources import HUMAN
from ripieno.protocol import (
    CONDUCTOR,
    Ask,
    Letter,
    Played,
    Ready,
    Reply,
    ToPlayer,
    ToThinker,
)
from ripieno.settings.roles import asked_of


def tell(mind: Mind, message: ToThinker) -> Iterator[ToPlayer]:
    """Pass a message to a mind; yield all its answers."""
    mind.receive(message)
    while (said := mind.answer()) is not None:
        yield said


class Alone:
    """One mind for all seats: it answers the seat that asked last."""

    def __init__(self, mind: Mind) -> None:
        self._mind, self._seat = mind, CONDUCTOR

    def receive(self, letter: Letter) -> None:
        """Take a message, whichever seat it is of."""
        if asked_of(letter.message) is not None:
            self._seat = letter.seat
        self._mind.receive(letter.message)

    def answer(self) -> Reply | None:
        """Return the next answer."""
        said = self._mind.answer()
        return None if said is None else Reply(self._seat, said)


class Simulation:
    """One performance in simulated time."""

    def __init__(
        self,
        engine: Engine,
        mind: Mind | Minds | None,
        *,
        ready: Ready | None = None,
        latency_ns: Callable[[], int] = lambda: 0,
    ) -> None:
        """Join an engine and a mind, or several (None: one that never answers).

        Args:
            engine: whose start is where time begins, usually 0.
            mind: answers what the engine asks. One mind answers every seat.
            ready: how the mind introduces itself at the beginning; None for not at all.
            latency_ns: how long each section takes from the Ask to its arrival.
        """
        self.engine = engine
        self.now_ns = 0
        self.sent: list[tuple[int, Send]] = []
        self._thinker: Minds | Alone | None = None
        if mind is not None:
            self._thinker = mind if isinstance(mind, Minds) else Alone(mind)
        self._latency_ns = latency_ns
        self._arriving: list[tuple[int, int, Reply]] = []
        self._order = itertools.count()
        self._guesses: dict[int, tuple[int, Letter]] = {}  # and when its plan arrives
        if ready is not None:
            engine.thought(0, ready)

    def play(self, inputs: Iterable[tuple[int, bytes]]) -> None:
        """Feed messages at their times, with all that happens up to the last."""
        for at_ns, data in inputs:
            self.run_until(at_ns)
            self.engine.heard(at_ns, data)
            self._advance()

    def run_until(self, end_ns: int) -> None:
        """Let time pass up to and including an instant."""
        while (next_ns := self._next_ns()) is not None and next_ns <= end_ns:
            self.now_ns = max(self.now_ns, next_ns)
            while self._arriving and self._arriving[0][0] <= self.now_ns:
                reply = heapq.heappop(self._arriving)[2]
                self.engine.thought(self.now_ns, reply.message, reply.seat)
            self._think_ahead()
            self._advance()
        self.now_ns = max(self.now_ns, end_ns)

    def stop(self) -> None:
        """Release everything, as a daemon does when it ends."""
        self._hand_over(self.engine.release(self.now_ns))

    def _next_ns(self) -> int | None:
        times = [self._arriving[0][0]] if self._arriving else []
        own_ns = self.engine.next_ns()
        return min(times + ([] if own_ns is None else [own_ns]), default=None)

    def _advance(self) -> None:
        self._hand_over(self.engine.advance(self.now_ns))

    def _hand_over(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Send):
                self.sent.append((self.now_ns, effect))
            else:
                self._tell(effect)
        self.engine.settle()

    def _tell(self, effect: Tell) -> None:
        message, seat, earliest_ns = effect.message, effect.seat, 0
        letter = Letter(seat, message)
        if isinstance(message, Ask) and message.foreseen:
            self._guesses[seat] = self.now_ns + self._latency_ns(), letter
            return
        guess = self._guesses.pop(seat, None)
        is_void = isinstance(message, Played) and message.source == HUMAN
        if guess is not None and not is_void and self._thinker is not None:
            earliest_ns, before = guess
            self._thinker.receive(before)
        for said in self._said(letter):
            at_ns = earliest_ns or self.now_ns + self._latency_ns()
            at_ns, earliest_ns = max(at_ns, self.now_ns), 0
            heapq.heappush(self._arriving, (at_ns, next(self._order), said))

    def _said(self, letter: Letter) -> Iterator[Reply]:
        """Pass a message to the thinker; yield all its answers."""
        if self._thinker is not None:
            self._thinker.receive(letter)
            while (said := self._thinker.answer()) is not None:
                yield said

    def _think_ahead(self) -> None:
        """Plan what is foreseen, if that plan would have arrived by now."""
        for seat, (at_ns, letter) in list(self._guesses.items()):
            if at_ns <= self.now_ns:
                del self._guesses[seat]
                for said in self._said(letter):
                    self.engine.thought(self.now_ns, said.message, said.seat)

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

from ripieno.engine import Engine, Send, Tell
from ripieno.minds.minds import Mind
from ripieno.music.sources import HUMAN
from ripieno.protocol import Ask, Played, Ready, ToPlayer, ToThinker


def tell(mind: Mind, message: ToThinker) -> Iterator[ToPlayer]:
    """Pass a message to a mind; yield all its answers."""
    mind.receive(message)
    while (said := mind.answer()) is not None:
        yield said


class Simulation:
    """One performance in simulated time."""

    def __init__(
        self,
        engine: Engine,
        mind: Mind | None,
        *,
        ready: Ready | None = None,
        latency_ns: Callable[[], int] = lambda: 0,
    ) -> None:
        """Join an engine and a mind (None: a thinker that never answers).

        Args:
            engine: whose start is where time begins, usually 0.
            mind: answers what the engine asks.
            ready: how the mind introduces itself at the beginning; None for not at all.
            latency_ns: how long each section takes from the Ask to its arrival.
        """
        self.engine = engine
        self.now_ns = 0
        self.sent: list[tuple[int, Send]] = []
        self._mind, self._latency_ns = mind, latency_ns
        self._arriving: list[tuple[int, int, ToPlayer]] = []
        self._order = itertools.count()
        self._guess: tuple[int, Ask] | None = None  # and when its plan arrives
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
                self.engine.thought(self.now_ns, heapq.heappop(self._arriving)[2])
            self._think_ahead()
            self._advance()
        self.now_ns = max(self.now_ns, end_ns)

    def stop(self) -> None:
        """Release everything, as a daemon does when it ends."""
        self.engine.release(self.now_ns)
        self._advance()

    def _next_ns(self) -> int | None:
        times = [self._arriving[0][0]] if self._arriving else []
        own_ns = self.engine.next_ns()
        return min(times + ([] if own_ns is None else [own_ns]), default=None)

    def _advance(self) -> None:
        for effect in self.engine.advance(self.now_ns):
            if isinstance(effect, Send):
                self.sent.append((self.now_ns, effect))
            else:
                self._tell(effect)
        self.engine.settle()

    def _tell(self, effect: Tell) -> None:
        if self._mind is None:
            return
        message, earliest_ns = effect.message, 0
        if isinstance(message, Ask) and message.foreseen:
            self._guess = self.now_ns + self._latency_ns(), message
            return
        if isinstance(message, Played) and message.source == HUMAN:
            self._guess = None
        elif self._guess is not None:
            earliest_ns, guess = self._guess
            self._guess = None
            self._mind.receive(guess)
        for said in tell(self._mind, message):
            at_ns = earliest_ns or self.now_ns + self._latency_ns()
            at_ns, earliest_ns = max(at_ns, self.now_ns), 0
            heapq.heappush(self._arriving, (at_ns, next(self._order), said))

    def _think_ahead(self) -> None:
        """Plan what is foreseen, if that plan would have arrived by now."""
        if self._mind is None or self._guess is None or self._guess[0] > self.now_ns:
            return
        guess, self._guess = self._guess[1], None
        for said in tell(self._mind, guess):
            self.engine.thought(self.now_ns, said)

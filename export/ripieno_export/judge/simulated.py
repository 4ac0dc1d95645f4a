"""The product in simulated time: a piece → a take, by the real engine and mind.

How long the thinker takes is drawn from a *trace* of response times, so that a
performance is repeated bit for bit on any machine; the trace itself is measured live.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from ripieno.engine import Engine
from ripieno.inference.manifest import for_role
from ripieno.inference.tables import maybe_tables
from ripieno.minds.minds import Mind
from ripieno.processes.loading import wake
from ripieno.protocol import Beat, Comp, Decide, Ready, ToPlayer, ToThinker
from ripieno.rules.harmony import Tables
from ripieno.settings.beginning import Beginning
from ripieno.settings.params import Params, check
from ripieno.simulation import Simulation
from ripieno_export.judge.answer import Answer, Spans, answer_of, named
from ripieno_export.judge.human import Human, Performance, perform
from ripieno_export.judge.pieces import (
    FRAMES_PER_BEAT,
    Ints,
    TestPiece,
    excerpt,
    from_the_melody,
)
from ripieno_export.judge.take import Take, Timed

ROLE: Final = "accompany"


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Response times of a thinker, in nanoseconds from being asked.

    Attributes:
        ahead: of spans that were asked for before their beat: a row an answer, its
            first and its last section; shape (N, 2).
        on_beat: of spans that were decided again on the beat; shape (N, 2).
    """

    ahead: Ints
    on_beat: Ints

    def plus(self, more_ns: int) -> "Trace":
        """The same thinker, that much slower."""
        return Trace(self.ahead + more_ns, self.on_beat + more_ns)


def constant(ahead_ns: int, on_beat_ns: int | None = None) -> Trace:
    """A thinker that always takes as long."""
    again_ns = ahead_ns if on_beat_ns is None else on_beat_ns
    return Trace(np.full((1, 2), ahead_ns), np.full((1, 2), again_ns))


AT_ONCE: Final = constant(0)


@dataclass(frozen=True, slots=True, eq=False)
class Players:
    """Who thinks: loaded once, for many performances.

    Attributes:
        mind: None for the rules for harmony in the player alone.
        ready: how the mind introduces itself.
        tables: the tables of the rules for harmony.
    """

    mind: Mind | None
    ready: Ready | None
    tables: Tables | None


def players(model: str = "", *, alone: bool = False) -> Players:
    """Load the model that plays the role, or nobody.

    Args:
        model: a name or a folder; the first one installed if empty.
        alone: the rules for harmony without any model.

    Raises:
        ModelError: the model cannot be had.
    """
    if alone:
        return Players(None, None, maybe_tables())
    mind, ready = wake(for_role(ROLE, model), "cpu")
    return Players(mind, ready, maybe_tables())


def folder_of(model: str = "") -> Path:
    """The folder of the model that plays the role.

    Raises:
        ModelError: the model cannot be had.
    """
    return for_role(ROLE, model).folder


def params_for(piece: TestPiece, human: Human, **overrides: object) -> Params:
    """The product's defaults, in a piece's meter and tempo.

    Raises:
        SettingsError: the product cannot play so.
    """
    bpm = round(human.bpm or piece.bpm, 3)
    meter = "{}/{}".format(*piece.meter)
    params = Params(role="accompany", bpm=bpm, meter=meter)
    return check(msgspec.structs.replace(params, **overrides))


@dataclass(slots=True, eq=False)
class Product:
    """A system: the product in simulated time. See `baselines.System`.

    Attributes:
        name: what a table calls it.
        players: who thinks.
        trace: how long that takes.
        human: who plays; the same performance for every product.
        overrides: parameters other than the product's defaults.
        seed: what chance starts from.
    """

    name: str
    players: Players
    trace: Trace = AT_ONCE
    human: Human = field(default_factory=Human)
    overrides: dict[str, object] = field(default_factory=dict)
    seed: int = 1

    def __call__(self, piece: TestPiece) -> Take:
        """What is judged."""
        return self.answer(piece).take

    def answer(self, piece: TestPiece) -> Answer:
        """All that came back."""
        params = params_for(piece, self.human, **self.overrides)
        performance = perform(piece, self.human)
        run = Run(params, self.players, self.trace, self.seed)
        run.play(performance)
        answer = answer_of(piece, performance, params, run.sent, run.spans, run.status)
        return named(answer, self.name)


class Run:
    """One performance in simulated time.

    Attributes:
        params: how it plays.
        spans: what the engine said that it played.
        told, said: what engine and mind said to each other.
        status: the engine's figures, when the human stopped.
    """

    def __init__(
        self, params: Params, players: Players, trace: Trace, seed: int
    ) -> None:
        """Prepare; see `Product`."""
        self.params, self._mind = params, _Watched(players.mind, trace, seed)
        engine = Engine(Beginning(params, seed=seed), tables=players.tables)
        self._simulation = Simulation(
            engine, self._mind, ready=players.ready, latency_ns=self._mind.latency_ns
        )
        self.spans, self.told = self._mind.spans, self._mind.heard
        self.said = self._mind.said
        self.status = engine.status()

    def play(self, performance: Performance) -> None:
        """Let a performance come in, and stop after it."""
        *before, (end_ns, stop) = performance.messages
        self._simulation.play(before)
        self._simulation.run_until(end_ns - 1)
        self.status = self._simulation.engine.status()
        self._simulation.play([(end_ns, stop)])
        self._simulation.stop()

    @property
    def sent(self) -> list[Timed]:
        """What went out, by time, with the release at the end."""
        return [(at_ns, sent.data) for at_ns, sent in self._simulation.sent]

    @property
    def due(self) -> list[Timed]:
        """What went out, in that order, with when each message was due."""
        return [(sent.due_ns, sent.data) for _, sent in self._simulation.sent]


class _Watched:
    """A mind that takes as long as a trace says; what it was told is written down."""

    def __init__(self, mind: Mind | None, trace: Trace, seed: int) -> None:
        self.spans = Spans()
        self.heard: list[ToThinker] = []
        self.said: list[ToPlayer] = []
        self._mind, self._trace = mind, trace
        self._chance = np.random.default_rng(seed)
        self._index: int | None = None
        self._takes_ns, self._latency_ns = (0, 0), 0

    def receive(self, message: ToThinker) -> None:
        """See `ripieno.minds.minds.Mind`."""
        self.heard.append(message)
        if isinstance(message, Beat):
            self.spans.add(message)
        if isinstance(message, Decide):
            is_again = message.index == self._index
            rows = self._trace.on_beat if is_again else self._trace.ahead
            first, last = rows[self._chance.integers(len(rows))].tolist()
            self._index, self._takes_ns = message.index, (first, max(first, last))
        if self._mind is not None:
            self._mind.receive(message)

    def answer(self) -> ToPlayer | None:
        """See `ripieno.minds.minds.Mind`."""
        said = None if self._mind is None else self._mind.answer()
        if said is not None:
            self.said.append(said)
        if isinstance(said, Comp):
            self._latency_ns = self._takes_ns[min(said.section, 1)]
        return said

    def latency_ns(self) -> int:
        """How long the answer that was just given took."""
        return self._latency_ns


def first_beats(piece: TestPiece, beats: float) -> TestPiece:
    """A piece from the bar of its first note, for so many beats at most, whole bars."""
    begun = from_the_melody(piece)
    bar, pickup = begun.bar_frames, begun.pickup % begun.bar_frames
    last = int(beats * FRAMES_PER_BEAT) // bar * bar + pickup
    return excerpt(begun, 0, min(begun.frames, max(last, bar)))

"""The engine without a clock: `render` a file, `replay` a journal.

Both drive the very engine and composer that play live. `render` lets simulated time
pass from note to note, as fast as the model can think. `replay` hands a journal's
inputs to a fresh engine at their own instants and compares what comes out with what
came out then, bit for bit; where the model is at hand, its plans are made again.
"""

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from ripieno import params
from ripieno.clock import NS_PER_S
from ripieno.config import Settings
from ripieno.engine import Effect, Engine, Send, Tell
from ripieno.errors import FileError, ModelError, SettingsError
from ripieno.midi import journal
from ripieno.midi.files import (
    Performance,
    Track,
    check_target,
    read_performance,
    write_performance,
)
from ripieno.music.plan import Comp, Plan, Ready, Reset, ToPlayer, Voices
from ripieno.play.ledger import SIZE, Ledger
from ripieno.simulation import Mind, Simulation, tell
from ripieno.status import Status
from ripieno.think.manifest import for_role, installed, load
from ripieno.think.tables import maybe_tables
from ripieno.thinker import wake

Progress = Callable[[float], None]
"""Is told how much is done, 0 to 1."""


def render(
    source: Path,
    target: Path,
    settings: Settings,
    *,
    seed: int,
    tail_s: float,
    progress: Progress,
) -> Status:
    """Let the machine play along with a file, offline.

    Args:
        source: the human's part.
        target: where the duet goes: the file's own tracks, and one called Ripieno.
        settings: model, provider and how to play.
        seed: what chance starts from.
        tail_s: how long to play on after the file's end.
        progress: is told how far it is.

    Returns:
        How it went.

    Raises:
        FileError: the source cannot be read, or the target cannot be written.
        ModelError: the model cannot be loaded.
    """
    human = read_performance(source)
    check_target(target)
    mind, ready = wake(for_role(settings.play.role, settings.model), settings.provider)
    engine = Engine(settings.play, start_ns=0, seed=seed, tables=maybe_tables())
    simulation = Simulation(engine, mind, ready=ready)
    whole_ns = human.length_ns + int(tail_s * NS_PER_S)

    def inputs() -> Iterator[tuple[int, bytes]]:
        for at_ns, data in human.messages:
            progress(at_ns / whole_ns)
            yield at_ns, data

    simulation.play(inputs())
    while simulation.now_ns < whole_ns:
        simulation.run_until(min(simulation.now_ns + NS_PER_S, whole_ns))
        progress(simulation.now_ns / whole_ns)
    simulation.stop()
    machine = tuple((at_ns, sent.data) for at_ns, sent in simulation.sent)
    _write(target, human, machine, settings.play.channel - 1)
    return engine.status()


def _write(
    target: Path,
    human: Performance,
    machine: tuple[tuple[int, bytes], ...],
    channel: int,
) -> None:
    tempos = [
        (tick * 480 // human.ticks_per_beat, us_per_beat)
        for tick, us_per_beat in human.tempos
    ]
    _, numerator, denominator = (human.time_signatures or ((0, 4, 4),))[0]
    write_performance(
        target,
        [*human.tracks, Track("Ripieno", machine, program=0, channel=channel)],
        tempos=tempos,
        time_signature=(numerator, denominator),
    )


class Replayed(msgspec.Struct):
    """What `replay` found.

    Attributes:
        inputs: messages heard and plans received.
        outputs: messages sent and told.
        differing: outputs that came out otherwise, or not at all, or in excess.
        plans, differing_plans: sections made again, and those that came out otherwise.
        why_no_plans: why the model's plans were not made again; empty if they were.
        first: the first difference, in words.
    """

    inputs: int = 0
    outputs: int = 0
    differing: int = 0
    plans: int = 0
    differing_plans: int = 0
    why_no_plans: str = ""
    first: str = ""

    def differ(self, at_ns: int, then: object, now: object) -> None:
        """Count a difference."""
        self.differing += 1
        if not self.first:
            self.first = f"at {at_ns} ns: then {then}, now {now}"


def replay(path: Path) -> Replayed:
    """Play a journal again and compare.

    Raises:
        FileError: it cannot be read, or is damaged.
    """
    try:
        return _replay(path)
    except (ValueError, IndexError, OverflowError, SettingsError) as error:
        raise FileError(
            f"{path} is damaged: it says what no performance can do ({error})."
        ) from error


def _replay(path: Path) -> Replayed:
    found = Replayed()
    engine: Engine | None = None
    mind = _Again(found)
    expected: list[Effect] = []
    produced: list[Effect] = []
    at_ns = 0
    for entry in journal.read(path):
        if isinstance(entry, journal.Sent):
            expected.append(Send(entry.due_ns, entry.data))
            continue
        if isinstance(entry, journal.Told):
            expected.append(Tell(entry.message))
            continue
        _compare(found, at_ns, expected, produced)
        mind.told(produced)
        expected, produced = [], []
        if isinstance(entry, journal.Header):
            engine = _engine(entry, path)
        elif engine is None:
            raise FileError(f"{path} has no header before its first entry.")
        else:
            at_ns = entry.at_ns
            produced = _feed(engine, entry, mind, found)
    _compare(found, at_ns, expected, produced)
    mind.told(produced)
    return found


def _engine(header: journal.Header, path: Path) -> Engine:
    params.check(header.params)
    memory = None
    if header.adopted:
        try:
            memory = bytearray(zlib.decompress(header.adopted))
        except zlib.error as error:
            raise FileError(
                f"{path}: a header's ledger is damaged ({error})."
            ) from error
        if len(memory) != SIZE:
            raise FileError(f"{path}: a header's ledger has {len(memory)} bytes.")
    return Engine(
        header.params,
        start_ns=header.start_ns,
        seed=header.seed,
        epoch=header.epoch,
        ledger=Ledger(memory),
        tables=maybe_tables(),
    )


def _feed(
    engine: Engine, entry: journal.Entry, mind: "_Again", found: Replayed
) -> list[Effect]:
    """Hand one entry to the engine; what came out, if it was a tick."""
    if isinstance(entry, journal.Tick):
        produced = engine.advance(entry.at_ns)
        engine.settle()
        return produced
    if isinstance(entry, journal.Released):
        engine.release(entry.at_ns)
    elif isinstance(entry, journal.Heard):
        found.inputs += 1
        engine.heard(entry.at_ns, entry.data)
    elif isinstance(entry, journal.Thought):
        found.inputs += 1
        engine.thought(entry.at_ns, entry.message)
        mind.thought(entry.message)
    return []


def _compare(
    found: Replayed, at_ns: int, then: list[Effect], now: list[Effect]
) -> None:
    found.outputs += len(then)
    for index in range(max(len(then), len(now))):
        old = then[index] if index < len(then) else None
        new = now[index] if index < len(now) else None
        if old != new:
            found.differ(at_ns, old, new)


class _Again:
    """Makes the model's plans again, from what it was told then."""

    def __init__(self, found: Replayed) -> None:
        self._found = found
        self._mind: Mind | None = None
        self._made: dict[tuple[int, int], ToPlayer] = {}
        found.why_no_plans = "no thinker introduced itself"

    def thought(self, message: ToPlayer) -> None:
        """Compare a section of then with the one made now; meet a thinker."""
        if isinstance(message, Ready):
            self._mind, self._found.why_no_plans = _find(message)
            return
        if self._mind is None:
            return
        self._found.plans += 1
        made = self._made.pop(_name(message), None)
        self._found.differing_plans += made != message

    def told(self, effects: list[Effect]) -> None:
        """Tell the model what the engine told it then, in the same order."""
        for effect in effects:
            if self._mind is None or not isinstance(effect, Tell):
                continue
            if isinstance(effect.message, Reset):
                self._made.clear()
            for said in tell(self._mind, effect.message):
                if not isinstance(said, Ready):
                    self._made[_name(said)] = said


def _name(said: Plan | Comp | Voices) -> tuple[int, int]:
    """What an answer is the same by, then and now."""
    return said.revision, 0 if isinstance(said, Voices) else said.section


def _find(ready: Ready) -> tuple[Mind | None, str]:
    """The very model that played then, on the CPU, if it is installed."""
    for folder in installed():
        try:
            if load(folder).sha256 == ready.sha256:
                return wake(folder, "cpu")[0], ""
        except ModelError:
            continue
    return None, f"the model {ready.model} ({ready.sha256[:12]}…) is not installed"

"""`ripieno replay`: plays a journal again, and compares what comes out.

A new engine gets the journal's inputs at their times. Its outputs are compared with
those in the journal, bit for bit. Where the model is installed, its plans are made
again and compared as well.

After missing entries the engine's state is unknown, so nothing is compared until
another player begins.
"""

import argparse
import contextlib
import itertools
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from ripieno.clock import NS_PER_S
from ripieno.engine import Effect, Engine, Send, Tell
from ripieno.errors import FileError, ModelError, OutputError, SettingsError
from ripieno.files import journal
from ripieno.inference.manifest import installed, read
from ripieno.inference.tables import maybe_tables
from ripieno.minds.composer import Composer
from ripieno.minds.minds import Mind
from ripieno.play.ledger import SIZE, Ledger
from ripieno.processes.loading import wake
from ripieno.protocol import (
    EVERYONE,
    Ask,
    Comp,
    Letter,
    Plan,
    Ready,
    Reset,
    ToPlayer,
    ToThinker,
    Voices,
)
from ripieno.settings import ensemble as ensembles
from ripieno.settings.controllers import check_controls
from ripieno.settings.output import say
from ripieno.settings.roles import asked_of
from ripieno.simulation import tell

INPUTS: Final = (journal.Heard, journal.Turned, journal.Thought)
"""The entries that are inputs of the engine."""


def run(arguments: argparse.Namespace) -> int:
    """Print what differs; the exit code is 1 where something does.

    Raises:
        FileError: as `replay`.
    """
    found = replay(arguments.journal)
    same = "all as then" if not found.differing else f"{found.differing} differ"
    say(f"{found.inputs} inputs, {found.outputs} outputs: {same}.")
    if found.why_no_plans:
        say(f"The model's plans were not made again: {found.why_no_plans}.")
    else:
        same = f"{plans} differ" if (plans := found.differing_plans) else "all as then"
        say(f"{found.plans} plan sections made again: {same}.")
    if found.first:
        say(f"First difference {found.first}.")
    for gap in found.gaps:
        say(f"Not compared {gap}.")
    return 1 if found.differing or found.differing_plans or found.gaps else 0


class Gap(msgspec.Struct):
    """A part of a journal that cannot be compared.

    Attributes:
        from_s, until_s: from the last entry before the loss to the next player's start,
            in seconds since the journal began; None where no other player began.
        lost: how many entries are missing in it.
    """

    from_s: float
    until_s: float | None = None
    lost: int = 0

    def __str__(self) -> str:
        until = "" if self.until_s is None else f" until {self.until_s:.3f} s"
        return f"from {self.from_s:.3f} s on{until}: entries are missing ({self.lost})"


class Replayed(msgspec.Struct):
    """What `replay` found.

    Attributes:
        inputs: messages heard and plans received, in what was compared.
        outputs: messages sent and told, likewise.
        differing: outputs that differ, are missing or are additional.
        plans, differing_plans: sections made again, and those that differ.
        why_no_plans: why the model's plans were not made again; empty if they were.
        first: the first difference, in words.
        gaps: the parts that could not be compared.
    """

    inputs: int = 0
    outputs: int = 0
    differing: int = 0
    plans: int = 0
    differing_plans: int = 0
    why_no_plans: str = ""
    first: str = ""
    gaps: list[Gap] = msgspec.field(default_factory=list)

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
    again = _Performance()
    try:
        for entry in journal.read(path):
            again.take(entry)
        again.compare()
    except (ValueError, IndexError, OverflowError, SettingsError) as error:
        raise FileError(
            f"{path} is damaged: it says what no performance can do ({error})."
        ) from error
    return again.found


class _Performance:
    """The engine and the models that play a journal again, entry by entry."""

    def __init__(self) -> None:
        self.found = Replayed()
        self._minds = _Minds(self.found)
        self._engine: Engine | None = None  # None where its state is unknown
        self._begin_ns = self._at_ns = 0
        self._expected: list[Effect] = []
        self._produced: list[Effect] = []
        self._told: list[Letter] = []

    def take(self, entry: journal.Entry) -> None:
        """Play one entry."""
        if isinstance(entry, journal.Header):
            self._begin(entry)
        elif isinstance(entry, journal.Lost):
            self._lose(entry.count)
        elif self._engine is None:
            return
        elif isinstance(entry, journal.Sent):
            self._expected.append(Send(entry.due_ns, entry.data, entry.seat))
        elif isinstance(entry, journal.Told):
            self._expected.append(Tell(entry.message, entry.seat))
            if entry.reached:
                self._told.append(Letter(entry.seat, entry.message))
        else:
            self.compare()
            self._at_ns = entry.at_ns
            self._produced = fed(self._engine, entry)
            self.found.inputs += isinstance(entry, INPUTS)
            if isinstance(entry, journal.Thought):
                self._minds.thought(entry.message, entry.seat)

    def compare(self) -> None:
        """Compare what came out since the last entry that was played."""
        _compare(self.found, self._at_ns, self._expected, self._produced)
        for letter in self._told:
            self._minds.of(letter.seat).told(letter.message)
        self._expected, self._produced, self._told = [], [], []

    def _begin(self, header: journal.Header) -> None:
        self.compare()
        if self._engine is None and self.found.gaps:
            self.found.gaps[-1].until_s = self._s(header.start_ns)
        elif self._engine is None:
            self._begin_ns = header.start_ns
        self._engine, self._at_ns = engine_of(header), header.start_ns

    def _lose(self, count: int) -> None:
        """Handle missing entries; they may be outputs of the last instant."""
        if self._engine is not None:
            del self._produced[len(self._expected) :]
            self.compare()
            self._engine = None
            self.found.gaps.append(Gap(self._s(self._at_ns)))
        self.found.gaps[-1].lost += count

    def _s(self, at_ns: int) -> float:
        """Return a time as seconds since the journal began."""
        return (at_ns - self._begin_ns) / NS_PER_S


def engine_of(header: journal.Header) -> Engine:
    """Return an engine in the state that a header describes.

    Raises:
        SettingsError: the header's parameters are invalid.
        ValueError: the header's ledger is damaged.
    """
    checked = ensembles.check(header.ensemble)
    check_controls(header.controls, seats=checked.seated())
    ensembles.check_programs(checked, header.programs)
    memory = None
    if header.adopted:
        unpacking = zlib.decompressobj()
        try:
            memory = bytearray(unpacking.decompress(header.adopted, SIZE + 1))
        except zlib.error as error:
            raise ValueError(f"a header's ledger: {error}") from error
        if len(memory) != SIZE or not unpacking.eof:
            raise ValueError(f"a header's ledger does not have {SIZE} bytes")
    return Engine(header, ledger=Ledger(memory), tables=maybe_tables())


def fed(engine: Engine, entry: journal.Entry) -> list[Effect]:
    """Give one entry of a journal to an engine; return what comes out.

    Raises:
        SettingsError: the entry's parameters are invalid.
    """
    if isinstance(entry, journal.Tick | journal.Released):
        is_tick = isinstance(entry, journal.Tick)
        produced = (engine.advance if is_tick else engine.release)(entry.at_ns)
        engine.settle()
        return produced
    if isinstance(entry, journal.Heard):
        engine.heard(entry.at_ns, entry.data)
    elif isinstance(entry, journal.Missed):
        engine.may_have_missed(entry.at_ns)
    elif isinstance(entry, journal.Connected):
        engine.connected(entry.at_ns)
    elif isinstance(entry, journal.Turned):
        engine.turned(entry.at_ns, ensembles.check(entry.ensemble))
    elif isinstance(entry, journal.Thought):
        engine.thought(entry.at_ns, entry.message, entry.seat)
    return []


def _compare(
    found: Replayed, at_ns: int, then: list[Effect], now: list[Effect]
) -> None:
    found.outputs += len(then)
    for old, new in itertools.zip_longest(then, now):
        if old != new:
            found.differ(at_ns, old, new)


class _Minds:
    """The minds of then, one for each seat."""

    def __init__(self, found: Replayed) -> None:
        self._found = found
        self._ready: list[tuple[int, Ready]] = []
        self._by_seat: dict[int, _Again] = {}
        found.why_no_plans = "no thinker introduced itself"

    def thought(self, message: ToPlayer, seat: int) -> None:
        """Compare a section of then with the one made now; meet a thinker."""
        if not isinstance(message, Ready):
            self.of(seat).thought(message)
            return
        if not self._ready:
            self._found.why_no_plans = ""
        self._ready.append((seat, message))
        for number, again in self._by_seat.items():
            if seat in (EVERYONE, number):
                again.met(message)

    def of(self, seat: int) -> "_Again":
        """Return what makes the plans of a seat again."""
        if seat not in self._by_seat:
            again = self._by_seat[seat] = _Again(self._found)
            for number, ready in self._ready:
                if number in (EVERYONE, seat):
                    again.met(ready)
        return self._by_seat[seat]


class _Again:
    """Makes the plans of one seat again, from what its mind was told then.

    A model is loaded when it is first asked, and then told all that there was since the
    last Reset. Where another one took over, for a while, it goes on with the plan that
    was in the making then.
    """

    def __init__(self, found: Replayed) -> None:
        self._found = found
        self._ready: dict[str, Ready] = {}  # by role
        self._minds: dict[str, Mind] = {}  # by role; of those that were asked
        self._made: dict[tuple[int, int], ToPlayer] = {}
        self._told: list[ToThinker] = []  # since the last Reset
        self._plans: list[Plan] = []  # that were received of the latest Ask

    def thought(self, message: Plan | Comp | Voices) -> None:
        """Compare a section of then with the one made now."""
        if isinstance(message, Plan):
            if self._plans and self._plans[0].revision != message.revision:
                self._plans.clear()
            self._plans.append(message)
        if self._found.why_no_plans:
            return
        self._found.plans += 1
        made = self._made.pop(_name(message), None)
        self._found.differing_plans += made != message

    def told(self, message: ToThinker) -> None:
        """Tell the mind what the engine told it then."""
        if isinstance(message, Reset):
            self._made.clear()
            self._told.clear()
        if (role := asked_of(message)) is not None:
            self._wake(role)
        self._told.append(message)
        for mind in {id(mind): mind for mind in self._minds.values()}.values():
            self._keep(mind, message)

    def met(self, ready: Ready) -> None:
        """Meet a thinker, or a mind that plays otherwise from now on."""
        for role in ready.roles:
            self._ready[role] = ready
            self._minds.pop(role, None)
        if ready.shift:
            self._shift(ready)

    def _wake(self, role: str) -> None:
        """Load who plays a role, and tell it what it would have heard by now."""
        ready = self._ready.get(role)
        if role in self._minds or ready is None or ready.is_fallback:
            return
        mind, why = _find(ready)
        self._found.why_no_plans = self._found.why_no_plans or why
        if mind is None:
            return
        self._minds |= dict.fromkeys(ready.roles, mind)
        with self._without_if_it_fails(mind):
            for message in self._told:
                mind.receive(message)

    def _shift(self, ready: Ready) -> None:
        """Another model makes the plans from an Ask on, or what is left of that one."""
        places = [
            place
            for place, message in enumerate(self._told)
            if isinstance(message, Ask) and message.revision == ready.since
        ]
        at = places[-1] if places else len(self._told)
        later, self._told = self._told[at:], self._told[:at]
        self._wake(ready.roles[0])
        mind = self._minds.get(ready.roles[0])
        if isinstance(mind, Composer) and later and isinstance(later[0], Ask):
            plans = [plan for plan in self._plans if plan.revision == ready.since]
            with self._without_if_it_fails(mind):
                mind.take_over(later[0], plans)
            mind = self._minds.get(ready.roles[0])
        for message in later:
            self._told.append(message)
            if mind is not None:
                self._keep(mind, message)

    def _keep(self, mind: Mind, message: ToThinker) -> None:
        """Tell one model; what it says is what is compared."""
        with self._without_if_it_fails(mind):
            for said in tell(mind, message):
                if not isinstance(said, Ready):
                    self._made[_name(said)] = said

    @contextlib.contextmanager
    def _without_if_it_fails(self, mind: Mind) -> Iterator[None]:
        """Drop a mind whose model does not work, as the thinker does."""
        try:
            yield
        except OutputError:
            self._minds = {r: m for r, m in self._minds.items() if m is not mind}


def _name(said: Plan | Comp | Voices) -> tuple[int, int]:
    """Return what identifies an answer, then and now."""
    return said.revision, 0 if isinstance(said, Voices) else said.section


def _find(ready: Ready) -> tuple[Mind | None, str]:
    """Load the model that played then, on the CPU, if it is installed."""
    for folder in installed():
        try:
            model = read(folder)
            if model.manifest.sha256 == ready.sha256:
                return wake(model, "cpu")[0], ""
        except ModelError:
            continue
    return None, f"the model {ready.model} ({ready.sha256[:12]}…) is not installed"

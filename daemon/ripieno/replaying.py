"""A journal, played again.

Its inputs are handed to a fresh engine at their own instants, and what comes out is
compared with what came out then, bit for bit. Where the model is at hand, its plans are
made again, and compared as well.
"""

import zlib
from pathlib import Path
from typing import Final

import msgspec

from ripieno import params
from ripieno.engine import Effect, Engine, Resumed, Send, Tell
from ripieno.errors import FileError, ModelError, SettingsError
from ripieno.knobs import by_number, check_controls
from ripieno.midi import journal
from ripieno.music.plan import (
    Ask,
    Comp,
    Plan,
    Ready,
    Reset,
    ToPlayer,
    ToThinker,
    Voices,
)
from ripieno.play.ledger import SIZE, Ledger
from ripieno.simulation import tell
from ripieno.think.composer import Composer
from ripieno.think.manifest import installed, load
from ripieno.think.minds import Mind, asked_of
from ripieno.think.tables import maybe_tables
from ripieno.waking import wake

INPUTS: Final = (journal.Heard, journal.Turned, journal.Thought)
"""What went into the engine."""


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
            engine = engine_of(entry)
        elif engine is None:
            raise FileError(f"{path} has no header before its first entry.")
        else:
            at_ns = entry.at_ns
            produced = fed(engine, entry)
            found.inputs += isinstance(entry, INPUTS)
            if isinstance(entry, journal.Thought):
                mind.thought(entry.message)
    _compare(found, at_ns, expected, produced)
    mind.told(produced)
    return found


def engine_of(header: journal.Header) -> Engine:
    """An engine as it was when a journal, or a later player's part of it, began.

    Raises:
        SettingsError: it was to play by what cannot be played by.
        ValueError: the ledger that it took over is damaged.
    """
    params.check(header.params)
    check_controls(header.controls)
    memory = None
    if header.adopted:
        unpacking = zlib.decompressobj()
        try:
            memory = bytearray(unpacking.decompress(header.adopted, SIZE + 1))
        except zlib.error as error:
            raise ValueError(f"a header's ledger: {error}") from error
        if len(memory) != SIZE or not unpacking.eof:
            raise ValueError(f"a header's ledger does not have {SIZE} bytes")
    engine = Engine(
        header.params,
        start_ns=header.start_ns,
        seed=header.seed,
        resumes=Resumed(header.epoch, header.timeline) if header.epoch else None,
        ledger=Ledger(memory),
        tables=maybe_tables(),
    )
    engine.controls = by_number(header.controls)
    engine.reach_ns, engine.answer_ns = header.reach_ns, header.answer_ns
    return engine


def fed(engine: Engine, entry: journal.Entry) -> list[Effect]:
    """Hand one entry of a journal to an engine; what came out, if it was a tick.

    Raises:
        SettingsError: it was turned to what cannot be played by.
    """
    if isinstance(entry, journal.Tick):
        produced = engine.advance(entry.at_ns)
        engine.settle()
        return produced
    if isinstance(entry, journal.Released):
        engine.release(entry.at_ns)
    elif isinstance(entry, journal.Heard):
        engine.heard(entry.at_ns, entry.data)
    elif isinstance(entry, journal.Missed):
        engine.may_have_missed(entry.at_ns)
    elif isinstance(entry, journal.Turned):
        engine.turned(entry.at_ns, params.check(entry.params))
    elif isinstance(entry, journal.Thought):
        engine.thought(entry.at_ns, entry.message)
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
    """Makes the models' plans again, from what they were told then.

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
        found.why_no_plans = "no thinker introduced itself"

    def thought(self, message: ToPlayer) -> None:
        """Compare a section of then with the one made now; meet a thinker."""
        if isinstance(message, Ready):
            self._met(message)
            return
        if isinstance(message, Plan):
            if self._plans and self._plans[0].revision != message.revision:
                self._plans.clear()
            self._plans.append(message)
        if self._found.why_no_plans:
            return
        self._found.plans += 1
        made = self._made.pop(_name(message), None)
        self._found.differing_plans += made != message

    def told(self, effects: list[Effect]) -> None:
        """Tell the models what the engine told them then, in the same order."""
        for effect in effects:
            if isinstance(effect, Tell):
                if isinstance(effect.message, Reset):
                    self._made.clear()
                    self._told.clear()
                if (role := asked_of(effect.message)) is not None:
                    self._wake(role)
                self._told.append(effect.message)
                self._tell(effect.message)

    def _met(self, ready: Ready) -> None:
        if not self._ready:
            self._found.why_no_plans = ""
        for role in ready.roles:
            self._ready[role] = ready
            self._minds.pop(role, None)
        if ready.shift:
            self._shift(ready)

    def _wake(self, role: str) -> None:
        """Load who plays a role, and tell it what it would have heard by now."""
        ready = self._ready.get(role)
        if role in self._minds or ready is None:
            return
        mind, why = _find(ready)
        self._found.why_no_plans = self._found.why_no_plans or why
        if mind is None:
            return
        self._minds |= dict.fromkeys(ready.roles, mind)
        for message in self._told:
            mind.told(message)

    def _tell(self, message: ToThinker) -> None:
        for mind in {id(mind): mind for mind in self._minds.values()}.values():
            self._keep(mind, message)

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
            mind.take_over(later[0], plans)
        for message in later:
            self._told.append(message)
            if mind is not None:
                self._keep(mind, message)

    def _keep(self, mind: Mind, message: ToThinker) -> None:
        """Tell one model; what it says is what is compared."""
        for said in tell(mind, message):
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

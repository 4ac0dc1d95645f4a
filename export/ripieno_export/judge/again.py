"""Runs a journal's inputs through a fresh engine, and compares the outputs bit for bit.

The status of a live daemon is shown on its terminal only; the engine that is fed the
same inputs at the same instants arrives at the very same figures.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ripieno.commands.replay import engine_of, fed
from ripieno.engine import Effect, Engine, Send, Tell
from ripieno.files import journal
from ripieno.settings.status import Status


@dataclass(frozen=True, slots=True)
class Again:
    """A journal that was played again.

    Attributes:
        status: of the engine, at the instant that was asked for.
        is_same: whether everything that went out did so again, and no entry is missing.
    """

    status: Status
    is_same: bool

    @classmethod
    def of(cls, entries: Iterable[journal.Entry], status_ns: int) -> "Again":
        """Play it again.

        Args:
            entries: the journal's.
            status_ns: the status is that of the last instant before this.

        Raises:
            SettingsError, ValueError: it holds entries that no performance can have.
        """
        engine: Engine | None = None
        status: Status | None = None
        then: list[Effect] = []
        now: list[Effect] = []
        is_whole = True
        for entry in entries:
            if isinstance(entry, journal.Sent):
                then.append(Send(entry.due_ns, entry.data, entry.seat))
                continue
            if isinstance(entry, journal.Told):
                then.append(Tell(entry.message, entry.seat))
                continue
            if isinstance(entry, journal.Header):
                engine = engine_of(entry)
                continue
            if isinstance(entry, journal.Lost):
                is_whole = False
                break
            assert engine is not None, "a journal begins with its header"
            if status is None and entry.at_ns >= status_ns:
                status = engine.status()
            now += fed(engine, entry)
        if engine is None:
            return cls(Status(), is_same=False)
        return cls(status or engine.status(), is_same=is_whole and then == now)

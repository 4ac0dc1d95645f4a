"""The results of a soak, compared with their bounds.

It reads the journal three times and does not keep it: the journal of a night is too
large for memory.
"""

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.effective import effective, sounding
from benchmarks.processes import Growth, growth

from ripieno.bench import pairing
from ripieno.bench.pairing import Stamped
from ripieno.bench.report import HEADINGS, Figure, Spread, Table, cells, spread
from ripieno.clock import NS_PER_MS
from ripieno.files import journal
from ripieno.settings.roles import ROLES
from ripieno.settings.status import Status

MISSED_MS: Final = 5.0
"""The bound of `ripieno.settings.status` for a note on time."""


@dataclass(slots=True)
class Watch:
    """What was observed while it played.

    Attributes:
        memory: MiB by process, sampled evenly.
        names: of the processes, as they were last known.
        last: the last status of each stint, with its role.
        stuck: notes that sounded after a stint's end, by role.
        refused: changes that the daemon did not take in time.
    """

    memory: dict[int, list[float]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    last: list[tuple[str, Status]] = field(default_factory=list)
    stuck: Counter[str] = field(default_factory=Counter)
    refused: int = 0


class Sums:
    """The results of a soak."""

    def __init__(
        self,
        journal_path: Path,
        log_path: Path,
        heard: Sequence[Stamped],
        watch: Watch,
    ) -> None:
        """Compute the results.

        Args:
            journal_path: the journal of the daemon, which has ended.
            log_path: its output.
            heard: all messages that came from it.
            watch: what was observed while it played.
        """
        self._watch = watch
        self._late = list(lateness_ms(journal.read(journal_path)))
        self._response = pairing.responses_ms(journal.read(journal_path))
        entries = journal.read(journal_path)
        sent = Counter(
            effective(e.data for e in entries if isinstance(e, journal.Sent))
        )
        came = Counter(effective(each.data for each in heard))
        self._sent = sum(sent.values())
        self._lost = sum((sent - came).values())
        self._doubled = sum((came - sent).values())
        self._hanging = len(sounding(each.data for each in heard))
        text = log_path.read_text(encoding="utf-8", errors="replace")
        self._died = sum(" died" in line for line in text.splitlines())
        self._status = watch.last[-1][1] if watch.last else Status()
        self._isr = self._mean("isr")
        self._isr_weighted = self._mean("isr_weighted")

    def _mean(self, name: str) -> float | None:
        beats = self._beats()
        return statistics.fmean(getattr(s, name) for s in beats) if beats else None

    def _beats(self) -> list[Status]:
        """Return the last status of each stint whose role decides beats."""
        return [
            status for role, status in self._watch.last if ROLES[role].decides_beats
        ]

    def growths(self) -> list[Growth]:
        """Return the growth of each process."""
        watch = self._watch
        return [growth(watch.names[pid], mib) for pid, mib in watch.memory.items()]

    def figures(self) -> dict[str, Figure]:
        """Return the figures, for programs."""
        status = self._status
        late: dict[str, Spread] = {
            "sent minus due, ms": spread(self._late),
            "asked to answered, ms": spread(self._response),
        }
        return late | {
            **{name: value for name, value, _, _ in self._results()},
            "messages sent": float(self._sent),
            "ISR by stint": " ".join(f"{s.isr:g}" for s in self._beats()),
            "stints": float(len(self._watch.last)),
            "fallbacks": float(status.fallbacks),
            "stale": float(status.stale),
            "dropped": float(status.dropped),
            "replies ready before they were asked for": float(status.ready),
            "lighter model took over": float(status.shed),
            "heavier model came back": float(status.climbed),
            "unlogged": float(status.unlogged),
            "untold": float(status.untold),
            **{f"memory of {g.name}, MiB": g.last for g in self.growths()},
            **{f"growth of {g.name}, %": g.percent for g in self.growths()},
        }

    def _results(self) -> Iterator[tuple[str, float | None, str, bool]]:
        """Yield (name, value, bound, whether it was kept)."""
        status, watch = self._status, self._watch
        stuck = max(self._hanging, sum(watch.stuck.values()))
        missed = sum(ms > MISSED_MS for ms in self._late)
        yield "stuck notes", stuck, "0", stuck == 0
        yield "lost messages", self._lost, "0", self._lost == 0
        yield "doubled messages", self._doubled, "0", self._doubled == 0
        for name, share, bound in (
            ("ISR", self._isr, 0.999), ("ISRw", self._isr_weighted, 0.99),
        ):  # fmt: skip
            yield name, share, f"≥ {bound:g}", share is not None and share >= bound
        allowed = len(self._late) // 100
        yield "notes over 5 ms late", missed, f"≤ {allowed}", missed <= allowed
        off = status.turns - status.on_time
        few = max(1, status.turns // 100)
        yield "turns not on time", off, f"≤ {few} of {status.turns}", off <= few
        grown = max((g.percent for g in self.growths()), default=None)
        flat = grown is not None and grown <= 1.0
        yield "largest growth of memory, %", grown, "≤ 1", flat
        yield "processes that died", self._died, "0", self._died == 0
        yield "changes not taken", watch.refused, "0", watch.refused == 0

    def tables(self) -> list[Table]:
        """Return the tables, for people."""
        results = tuple(
            (
                name,
                "not measured" if value is None else f"{value:.5g}",
                bound,
                "kept" if kept else "missed",
            )
            for name, value, bound, kept in self._results()
        )
        times = (
            ("sent minus due", *cells(spread(self._late))),
            ("asked to answered", *cells(spread(self._response))),
        )
        memory = tuple(
            (g.name, *(f"{mib:.1f}" for mib in g[1:]), f"{g.percent:+.2f} %")
            for g in self.growths()
        )
        quarters = ("", "at first", "second quarter", "last quarter", "growth")
        return [
            Table(f"{self._sent} messages", ("", "found", "bound", ""), results),
            Table("In the daemon, in ms", ("", *HEADINGS), times),
            Table("Memory, in MiB", quarters, memory),
            Table(
                "By role",
                ("", "stints", "turns", "on time", "fallbacks", "stuck", "models"),
                tuple(self._roles()),
            ),
        ]

    def _roles(self) -> Iterator[tuple[str, ...]]:
        for role in dict.fromkeys(role for role, _ in self._watch.last):
            stints = [s for name, s in self._watch.last if name == role]
            models = ", ".join(sorted({s.model for s in stints if s.model}))
            counts = (
                len(stints),
                *(
                    self._grown(role, name)
                    for name in ("turns", "on_time", "fallbacks")
                ),
                self._watch.stuck[role],
            )
            yield role, *map(str, counts), models

    def _grown(self, role: str, name: str) -> int:
        """Return by how much a count of the status grew while a role played."""
        before, found = 0, 0
        for played, status in self._watch.last:
            now = int(getattr(status, name))
            found += max(0, now - before) if played == role else 0
            before = now
        return found


def lateness_ms(entries: Iterable[journal.Entry]) -> Iterator[float]:
    """Yield sent minus due of every planned note-on, in ms."""
    tick_ns = 0
    for entry in entries:
        if isinstance(entry, journal.Tick):
            tick_ns = entry.at_ns
        elif isinstance(entry, journal.Sent) and pairing.is_answer(entry.data):
            yield (tick_ns - entry.due_ns) / NS_PER_MS

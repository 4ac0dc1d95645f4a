"""The chords to come, for people: those that are promised, and those that are likely.

A chord is promised if the chart, a landing or the commit horizon says so: it will be
played. A tentative chord is the thinker's backup or, further ahead, the likeliest one.
"""

from collections.abc import Iterable

from ripieno.conduct.asks import Asks
from ripieno.conduct.guide import Guide
from ripieno.conduct.spans import Spans
from ripieno.music import chords
from ripieno.play.seat import Seat

Shown = tuple[tuple[str, str], ...]
"""Pairs of bar.beat and chord name, one for each change of chord."""

BARS_AHEAD = 2


class Preview:
    """Looks ahead. Thread: the engine's. Cost: some 0.2 ms, a few times a second."""

    def __init__(self, seat: Seat, spans: Spans, asks: Asks, guide: Guide) -> None:
        self._seat, self._spans = seat, spans
        self._asks, self._guide = asks, guide

    def promised(self, index: int) -> Shown:
        """The chords from a span on that will be played as they are."""
        return self._shown(self._sure(index).items())

    def tentative(self, index: int) -> Shown:
        """The other chords of the bar from that span on, as they look now."""
        sure = self._sure(index)
        found: list[tuple[int, int]] = []
        for ahead in range(self._spans.in_bar):
            at = index + ahead
            backup = self._asks.backups.get(at)
            if at in sure:
                continue
            if backup is not None and backup.chord is not None:
                found.append((at, backup.chord))
            else:
                phases = [self._spans.phase(index + i) for i in range(ahead + 1)]
                found.append((at, self._guide.likely(phases)))
        return self._shown(found)

    def upcoming(self, index: int, chord: int) -> int:
        """The likely chord of a span after one with a chord; `NO_CHORD` if unknown."""
        written, backup = self._spans.written(index), self._asks.backups.get(index)
        if written is not None:
            return written
        if backup is not None and backup.chord is not None:
            return backup.chord
        return self._guide.after(chord, self._spans.phase(index))

    def _sure(self, index: int) -> dict[int, int]:
        found: dict[int, int] = {}
        for at in range(index, index + BARS_AHEAD * self._spans.in_bar):
            chord, backup = self._spans.written(at), self._asks.backups.get(at)
            if chord is None and self._seat.params.commit and backup is not None:
                chord = backup.chord
            if chord is not None:
                found[at] = chord
        return found

    def _shown(self, found: Iterable[tuple[int, int]]) -> Shown:
        out: list[tuple[str, str]] = []
        for index, chord in found:
            name = chords.name_of(chord)
            if not out or out[-1][1] != name:
                out.append((self._spans.name(index), name))
        return tuple(out)

"""The chords to come, for people: what is promised, and what it looks like now.

Promised is what the chart, a landing or a commit horizon holds; it will be played.
Tentative is the thinker's backup, and beyond it the harmony engine's guess.
"""

from collections.abc import Iterable

from ripieno.conduct.guide import Guide, landing_at
from ripieno.music import chords
from ripieno.roles.asks import Asks
from ripieno.roles.spans import Spans
from ripieno.roles.stand import Stand

Shown = tuple[tuple[str, str], ...]
"""(bar.beat, chord's name), without repeats."""

BARS_AHEAD = 2


class Preview:
    """Looks ahead. Thread: the engine's. Cost: some 0.2 ms, a few times a second."""

    def __init__(self, stand: Stand, spans: Spans, asks: Asks, guide: Guide) -> None:
        self._stand, self._spans = stand, spans
        self._asks, self._guide = asks, guide

    def promised(self, index: int) -> Shown:
        """Of the spans from `index` on, what will be played as it is."""
        return self._shown(self._sure(index).items())

    def tentative(self, index: int) -> Shown:
        """Of the next bar, the rest."""
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

    def _sure(self, index: int) -> dict[int, int]:
        found: dict[int, int] = {}
        for at in range(index, index + BARS_AHEAD * self._spans.in_bar):
            chord = self._stand.written(at * self._spans.ticks)
            if chord is None:
                chord = landing_at(self._stand.parsed.guidance, self._spans.phase(at))
            backup = self._asks.backups.get(at)
            if chord is None and self._stand.params.commit and backup is not None:
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

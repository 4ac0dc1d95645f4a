"""A chord chart: the chord at each tick, and the next change.

A `Chart` is a value in ticks from its own beginning. A chord of None means that nothing
is written and the accompanist chooses; `NO_CHORD` asks for silence. How charts are
written is in `lead_sheet` and `ripieno.files.charts`.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Final

import msgspec

from ripieno.music import chords

Entry = tuple[int, int | None]
"""(tick, the chord from there on, or None)."""

PREFIX: Final = "chord:"
"""The prefix of a marker that is a chord: ``chord:Bb:min7``."""
FREE: Final = "?"
"""The word of a marker or a lead sheet for a chord of None."""
LETTERS: Final = "ABCDEFG"


class Chart(msgspec.Struct, frozen=True):
    """Chords in time.

    Attributes:
        entries: the changes, rising from tick 0, no chord twice in a row; made by
            `compacted`.
        length_ticks: at least 1.
        bar_ticks, beat_ticks: the lengths of a bar and of a felt beat
            (`ripieno.music.meter`).
        repeats: whether it starts again at its end.
        title, meter: for display.
    """

    entries: tuple[Entry, ...]
    length_ticks: int
    bar_ticks: int
    beat_ticks: int
    repeats: bool = True
    title: str = ""
    meter: str = ""

    def chord_at(self, ticks: int) -> int | None:
        """Return the chord at a tick; None where nothing is written, and outside.

        Thread: any. Cost: O(log n).
        """
        _, index = self._place(ticks)
        return self.entries[index][1] if 0 <= index < len(self.entries) else None

    def next_after(self, ticks: int) -> Entry | None:
        """Return the next change after a tick, or None if there is none.

        A chart that does not repeat changes to None at its end.

        Thread: any. Cost: O(log n).
        """
        now, (lap, index) = self.chord_at(ticks), self._place(ticks)
        start = lap * self.length_ticks
        following = [(start + at, c) for at, c in self.entries[index + 1 : index + 3]]
        if self.repeats:
            start += self.length_ticks
            following += [(start + at, c) for at, c in self.entries[:2]]
        else:
            following.append((self.length_ticks, None))
        return next((entry for entry in following if entry[1] != now), None)

    def _place(self, ticks: int) -> tuple[int, int]:
        """Return the number of repeats before, and the index of the entry.

        The index is out of range before the chart, and after one that does not repeat.
        """
        if ticks < 0:
            return 0, -1
        if not self.repeats and ticks >= self.length_ticks:
            return 0, len(self.entries)
        lap, into = divmod(ticks, self.length_ticks)
        return lap, bisect_right(self.entries, into, key=itemgetter(0)) - 1


def compacted(entries: Iterable[Entry], length_ticks: int) -> tuple[Entry, ...]:
    """Return the changes among some entries, which may be in any order.

    Of two at one tick the last counts. Those outside ``0 … length_ticks - 1`` are left
    out. Before the first one the chord is None.
    """
    by_start: dict[int, int | None] = {0: None}
    by_start.update(entry for entry in entries if 0 <= entry[0] < length_ticks)
    changes: list[Entry] = []
    for start, chord in sorted(by_start.items(), key=itemgetter(0)):
        if not changes or changes[-1][1] != chord:
            changes.append((start, chord))
    return tuple(changes)


def entries_of(markers: Sequence[tuple[int, str]]) -> tuple[Entry, ...]:
    """Return the chords among (tick, marker) of a MIDI file, as (tick, chord).

    If a marker is ``chord:…``, only such labels count; one that cannot be read gives
    None, as programs write more kinds of chords than there are here. Otherwise plain
    names (``Bbm7``) count, if at least half of the markers are chords and they are not
    the letters of a form (A, A, B, A).

    Raises:
        ValueError: there are labels, and none can be read.
    """
    labels = [(tick, text) for tick, text in markers if text.startswith(PREFIX)]
    if labels:
        found = tuple((tick, _labelled(text[len(PREFIX) :])) for tick, text in labels)
        if all(chord is None for _, chord in found):
            chords.named(labels[0][1][len(PREFIX) :])
        return found
    plain = [(tick, text.strip()) for tick, text in markers if _is_chord(text)]
    letters = list(dict.fromkeys(text for _, text in plain))
    if 2 * len(plain) < len(markers) or letters == list(LETTERS[: len(letters)]):
        return ()
    return tuple((tick, chords.named(text)) for tick, text in plain)


def _labelled(label: str) -> int | None:
    """Return the chord of a label, if need be without its brackets; None if unknown."""
    plain = re.sub(r"(?<=[^:])\(.*?\)", "", label)
    known = next((name for name in (label, plain) if _is_chord(name)), None)
    return None if known is None else chords.named(known)


def _is_chord(text: str) -> bool:
    try:
        chords.named(text)
    except ValueError:
        return False
    return True

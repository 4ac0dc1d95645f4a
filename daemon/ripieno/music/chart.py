"""A chord chart: which chord stands where, and where the next one comes.

A `Chart` is a value in ticks from its own beginning. Where nothing is written the
accompanist is free to choose; that is `None`, and not `NO_CHORD`, which asks for
silence. What it does not know: how it is written down (`lead_sheet`, `midi.charts`)
and when it is played.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Final

import msgspec

from ripieno.music import chords

Entry = tuple[int, int | None]
"""(tick, chord); None from where on nothing is written."""

PREFIX: Final = "chord:"
"""What sets a chord's marker apart from a section's: ``chord:Bb:min7``."""
FREE: Final = "?"
"""How a marker or a lead sheet says that nothing is written."""
LETTERS: Final = "ABCDEFG"


class Chart(msgspec.Struct, frozen=True):
    """Chords in time. `compacted` makes its entries out of any.

    Attributes:
        entries: the changes, rising from tick 0, no chord twice in a row.
        length_ticks: where it ends, 1 or later.
        bar_ticks, beat_ticks: its bar, and the beat felt in it (`ripieno.music.meter`).
        repeats: whether it begins again where it ends.
        title, meter: what is written above it, for people.
    """

    entries: tuple[Entry, ...]
    length_ticks: int
    bar_ticks: int
    beat_ticks: int
    repeats: bool = True
    title: str = ""
    meter: str = ""

    def chord_at(self, ticks: int) -> int | None:
        """The chord at a tick; None where nothing is written, as before 0.

        Thread: any. Cost: O(log n).
        """
        _, index = self._place(ticks)
        return self.entries[index][1] if 0 <= index < len(self.entries) else None

    def next_after(self, ticks: int) -> Entry | None:
        """When the next change comes, and to which chord; None if none ever does.

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
        """Which time round it is, and the index of the entry; outside, no index."""
        if ticks < 0:
            return 0, -1
        if not self.repeats and ticks >= self.length_ticks:
            return 0, len(self.entries)
        lap, into = divmod(ticks, self.length_ticks)
        return lap, bisect_right(self.entries, into, key=itemgetter(0)) - 1


def compacted(entries: Iterable[Entry], length_ticks: int) -> tuple[Entry, ...]:
    """The changes among some entries, which may come in any order.

    Of two at one tick the last counts; those outside ``0 … length_ticks - 1`` go.
    """
    by_start: dict[int, int | None] = {0: None}
    by_start.update(entry for entry in entries if 0 <= entry[0] < length_ticks)
    changes: list[Entry] = []
    for start, chord in sorted(by_start.items(), key=itemgetter(0)):
        if not changes or changes[-1][1] != chord:
            changes.append((start, chord))
    return tuple(changes)


def entries_of(markers: Sequence[tuple[int, str]]) -> tuple[Entry, ...]:
    """The chords among the markers of a MIDI file, as (tick, chord).

    Where one is called ``chord:…`` only those count. Otherwise plain names do
    (``Bbm7``), if at least every other marker is one and they are not the letters of
    a form (A, A, B, A). A label that cannot be read leaves its place free: programs
    write more kinds of chords than there are here.

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


def chart_of_markers(
    markers: Sequence[tuple[int, str]],
    *,
    length_ticks: int,
    bar_ticks: int,
    beat_ticks: int,
) -> Chart | None:
    """The chart that markers make, or None if they name no chord; see `entries_of`."""
    entries = entries_of(markers)
    if not entries:
        return None
    return Chart(compacted(entries, length_ticks), length_ticks, bar_ticks, beat_ticks)


def _labelled(label: str) -> int | None:
    """The chord of a label, without what it adds in brackets; None if it is unknown."""
    plain = re.sub(r"(?<=[^:])\(.*?\)", "", label)
    known = next((name for name in (label, plain) if _is_chord(name)), None)
    return None if known is None else chords.named(known)


def _is_chord(text: str) -> bool:
    try:
        chords.named(text)
    except ValueError:
        return False
    return True

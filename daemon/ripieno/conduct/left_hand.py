"""Chords that the left hand holds: when they count, and which they are.

The keys of a chord do not go down together, and in legato the old chord's keys come up
late. So a chord is named when no key has gone down for `SETTLE_NS`. No chord in between
is heard, if the gaps between its keys are shorter than that. What is named stays until
another chord is named, though the hand lets go.

::

    a key goes down ──▶ wait ──▶ which keys make a chord?
                          ▲        1. those struck since the last chord
                          │        2. those held
                          │        3. those struck, and the fewest of the others
                          └─ none: wait for the next key

Where keys of the last chord were taken for keys of the new one, and come up soon after,
the chord is named again without them.
"""

from collections.abc import Set
from itertools import combinations
from typing import Final

from ripieno.hear.listener import Listener
from ripieno.music import held
from ripieno.music.held import Held
from ripieno.protocol import Played

SETTLE_NS: Final = 22_000_000
"""How long no key may go down before a chord is named. A chord is to sound 30 ms after
its last key; naming, sending and one audio period take the rest."""
PAIR_NS: Final = 45_000_000
"""The same for two keys: a third one may still come."""
LIFTED_NS: Final = 10_000_000
"""How long no key may come up before a chord is named without it."""
LEGATO_NS: Final = 80_000_000
"""For how long after the last key an old chord's keys may come up in legato."""


class LeftHand:
    """Names what is held in the left zone. Thread: one.

    Attributes:
        chord: what was named last; None before the first chord.
        check_at_ns: when `settle` is to be called; None while nothing is awaited.
    """

    def __init__(self) -> None:
        self._listener = Listener()
        self._held: set[int] = set()
        self._down_ns = 0  # when the last key went down
        self.clear()

    def clear(self) -> None:
        """Forget the chord, not the keys that are down."""
        self.chord: Held | None = None
        self.check_at_ns: int | None = None
        self._struck: set[int] = set()  # since the last chord
        self._is_open = False  # whether a key that comes up may change the name

    @property
    def holds_keys(self) -> bool:
        """Whether a key of the left zone is down."""
        return self._listener.holds_keys

    def hear(self, at_ns: int, data: bytes) -> None:
        """Handle a channel message of the left zone."""
        for event in self._listener.hear(at_ns, data):
            if not event.is_pedal:
                self.on_key(event)

    def on_key(self, event: Played) -> None:
        """Handle a key of the left zone."""
        if event.velocity:
            self._held.add(event.pitch)
            self._struck.add(event.pitch)
            self._down_ns, self._is_open = event.at_ns, False
            few = len(self._held) < held.FEWEST
            self.check_at_ns = event.at_ns + (PAIR_NS if few else SETTLE_NS)
            return
        self._held.discard(event.pitch)
        if self._is_open and event.at_ns < self._down_ns + LEGATO_NS:
            self.check_at_ns = event.at_ns + LIFTED_NS

    def settle(self, now_ns: int) -> bool:
        """Name the chord if it is time; return whether one was named."""
        if self.check_at_ns is None or now_ns < self.check_at_ns:
            return False
        self.check_at_ns = None
        found = self._named()
        if found is None:
            self._is_open = bool(self._struck)
            return False
        self.chord = found
        self._struck.clear()
        return True

    def _named(self) -> Held | None:
        if self._is_open:  # keys came up
            self._is_open = _is_enough(self._held)
            return held.named(self._held) if self._is_open else None
        struck = self._struck & self._held or self._struck
        if _is_enough(struck) and (found := held.named(struck)) is not None:
            return found
        older = sorted(self._held - struck)
        self._is_open = bool(older)
        if (found := held.named(self._held | struck)) is not None:
            return found
        for count in range(1, len(older)):
            for some in combinations(older, count):
                if (found := held.named(struck | set(some), only_plain=True)) is None:
                    continue
                return found
        return None


def _is_enough(pitches: Set[int]) -> bool:
    """Whether keys are enough for a chord that is not a bare fifth."""
    return len({pitch % 12 for pitch in pitches}) >= held.FEWEST

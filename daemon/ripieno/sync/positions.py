"""In what unit a master's song positions are: sixteenths, or clocks.

A song position counts sixteenths, of six clocks each (MIDI 1.0 Detailed Specification
4.2). Ardour 7.0 to 7.3 sends the number of clocks in its place: six times too much. One
message does not tell. What tells is the count of clocks between two positions:

* the song goes on where it stopped: the position grew by as much as was counted, up to
  the next beat, in one unit and not in the other;
* the song returns to one place from one end, and had come there from different
  positions: the two ways lead to the same end in one unit and not in the other.

Either may be chance, so two that are not alike are needed. A position that is no whole
number of beats in clocks settles it: such a master sends whole beats only, so this one
is right, until its clock is lost.
"""

from typing import Final

CLOCKS_PER_SIXTEENTH: Final = 6
CLOCKS_PER_BEAT: Final = 24
NEEDED: Final = 2
"""So many observations more for a unit than against it."""
MOST_ENDS: Final = 32


class Positions:
    """What was sent, what was counted, and what follows. Cost: O(1) a message.

    Attributes:
        corrected: how many positions were read as clocks.
    """

    def __init__(self) -> None:
        self.corrected = 0
        self._base: int | None = None
        self._score = 0
        self._is_right = self._are_clocks = False
        self._seen: set[tuple[int, int, int]] = set()
        self._ends: dict[int, tuple[int, int]] = {}  # by target: base, clocks from it

    def start(self) -> None:
        """The song begins: that is 0 in either unit."""
        self._base = 0

    def lose(self) -> None:
        """The count was interrupted: nothing that came before tells anything now."""
        self._base, self._is_right = None, False

    def locate(self, sent: int, counted: int) -> int:
        """A song position came.

        Args:
            sent: its value.
            counted: clocks since the position before, or since the start.

        Returns:
            The position in clocks.
        """
        base, self._base = self._base, sent
        if sent % CLOCKS_PER_BEAT:
            self._is_right, self._are_clocks = True, False
        elif self._is_right:
            pass
        elif base is not None and counted >= CLOCKS_PER_BEAT:
            self._weigh(base, sent, counted)
        self.corrected += self._are_clocks
        return sent * (1 if self._are_clocks else CLOCKS_PER_SIXTEENTH)

    def _weigh(self, base: int, sent: int, counted: int) -> None:
        grew, beat = sent - base, CLOCKS_PER_BEAT
        self._vote(
            (base, sent, counted // beat),
            -1 <= grew - counted <= beat,
            -1 <= grew * CLOCKS_PER_SIXTEENTH - counted <= beat,
        )
        before = self._ends.get(sent)
        if before is not None and before[0] != base:
            moved, further = base - before[0], before[1] - counted
            self._vote(
                (sent, base, before[0]),
                abs(moved - further) <= 1,
                abs(moved * CLOCKS_PER_SIXTEENTH - further) <= 1,
            )
        self._ends.pop(sent, None)
        self._ends[sent] = base, counted
        while len(self._ends) > MOST_ENDS:
            del self._ends[next(iter(self._ends))]

    def _vote(self, what: tuple[int, int, int], clocks: bool, sixteenths: bool) -> None:  # noqa: FBT001
        """One observation; the same one again says nothing new."""
        if clocks == sixteenths or what in self._seen:
            return
        if len(self._seen) > MOST_ENDS:
            self._seen.clear()
        self._seen.add(what)
        self._score = max(-NEEDED, min(NEEDED, self._score + (1 if clocks else -1)))
        if abs(self._score) == NEEDED:
            self._are_clocks = self._score > 0

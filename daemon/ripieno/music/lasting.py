"""For how long the chord that sounds has lasted, in spans (felt beats)."""

from ripieno.music.chords import NO_CHORD


class Lasting:
    """Follows the chords that are played. Thread: one."""

    def __init__(self) -> None:
        self._chord, self._since, self._next = NO_CHORD, 0, 0

    def played(self, index: int, chord: int) -> None:
        """Note the chord of a span; one that does not follow the last starts anew."""
        if chord != self._chord or index != self._next:
            self._chord, self._since = chord, index
        self._next = index + 1

    def lasted(self, index: int, before: int) -> int:
        """For how many spans a chord has lasted when a span begins, at least 1.

        Args:
            index: the span.
            before: the chord of the span before it; not played yet if that lies ahead.
        """
        return max(index - self._since, 1) if before == self._chord else 1

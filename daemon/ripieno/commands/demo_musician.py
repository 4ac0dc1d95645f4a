"""A scripted musician for the demo: plays a phrase, listens to the reply, goes on.

The melody is the *Ode to Joy* (Beethoven 1824, public domain), phrase by phrase, with a
person's small unevenness, from a seed. The performer knows what it plays, and whether
the machine still plays. To a machine that plays along it plays without pauses, and
sends a MIDI clock that starts a bar earlier.
"""

import random
from typing import Final

from ripieno.clock import NS_PER_S
from ripieno.music import messages

BEAT_S: Final = 0.5
COUNT_IN_BEATS: Final = 4
CLOCKS_PER_BEAT: Final = 24
CLOCK, START, STOP = b"\xf8", b"\xfa", b"\xfc"
Phrase = tuple[tuple[int, float], ...]
_OPENING: Phrase = (
    (64, 1), (64, 1), (65, 1), (67, 1), (67, 1), (65, 1), (64, 1), (62, 1),
    (60, 1), (60, 1), (62, 1), (64, 1),
)  # fmt: skip
_CLOSED: Phrase = (*_OPENING, (62, 1.5), (60, 0.5), (60, 2))
PHRASES: Final[tuple[Phrase, ...]] = (
    (*_OPENING, (64, 1.5), (62, 0.5), (62, 2)),
    _CLOSED,
    ((62, 1), (62, 1), (64, 1), (60, 1), (62, 1), (64, 0.5), (65, 0.5), (64, 1),
     (60, 1), (62, 1), (64, 0.5), (65, 0.5), (64, 1), (62, 1), (60, 1), (62, 1),
     (55, 2)),
    _CLOSED,
)  # fmt: skip
"""Each phrase: (pitch, length in beats)."""

UNEVEN_S: Final = 0.008
"""The deviation of a good player's onsets from the beat: about 8 ms (Repp 1999)."""
BREATH_S: Final = 0.6
"""The pause between the end of a reply and the next phrase."""
PATIENCE_S: Final = 6.0
"""How long to wait for a reply."""


class Performer:
    """The musician. Times are nanoseconds. Thread: one."""

    def __init__(
        self, phrases: int, start_ns: int, seed: int = 1, *, waits: bool = True
    ) -> None:
        """Prepare.

        Args:
            phrases: the number of phrases, 1 … 4.
            start_ns: when to begin.
            seed: of the unevenness.
            waits: whether to wait for a reply after each phrase; if not, it plays on
                and sends a clock.
        """
        self._waits = waits
        self._left = list(PHRASES[:phrases])
        self._chance = random.Random(seed)
        self._script: list[tuple[int, bytes]] = []
        self._waits_since_ns = start_ns
        self._was_answered = True
        self.is_done = False
        if not waits:
            self._play_on(start_ns)

    def advance(self, now_ns: int, *, machine_plays: bool) -> list[bytes]:
        """Return the messages that are due.

        Args:
            now_ns: the time.
            machine_plays: whether the machine sounds or is about to.
        """
        if not self._script:
            if machine_plays:
                self._was_answered, self._waits_since_ns = True, now_ns
            wait_s = BREATH_S if self._was_answered else PATIENCE_S
            waited = now_ns >= self._waits_since_ns + int(wait_s * NS_PER_S)
            if not self._waits or (waited and not self._left):
                self.is_done = True
            elif waited:
                self._was_answered = False
                self._write(self._left.pop(0), now_ns)
        played: list[bytes] = []
        while self._script and self._script[0][0] <= now_ns:
            played.append(self._script.pop(0)[1])
            self._waits_since_ns = now_ns
        return played

    def _play_on(self, start_ns: int) -> None:
        """Write all phrases without pauses, after a bar of clock."""
        beat_ns = int(BEAT_S * NS_PER_S)
        bars = sum(sum(beats for _, beats in phrase) for phrase in self._left)
        count = int(COUNT_IN_BEATS + bars) + COUNT_IN_BEATS
        clocks = range(CLOCKS_PER_BEAT * count)
        self._script.append((start_ns, START))
        self._script += [
            (start_ns + clock * beat_ns // CLOCKS_PER_BEAT, CLOCK) for clock in clocks
        ]
        self._script.append((start_ns + count * beat_ns, STOP))
        at_ns = start_ns + COUNT_IN_BEATS * beat_ns
        for phrase in self._left:
            self._write(phrase, at_ns)
            at_ns += int(sum(beats for _, beats in phrase) * beat_ns)

    def _write(self, phrase: Phrase, now_ns: int) -> None:
        """Write a phrase into the script, with a person's unevenness."""
        at_s = 0.0
        for pitch, beats in phrase:
            start_s = max(0.0, at_s + self._chance.gauss(0.0, UNEVEN_S))
            end_s = at_s + beats * BEAT_S * self._chance.uniform(0.82, 0.94)
            strong = 10 if at_s % (2 * BEAT_S) == 0 else 0
            velocity = 66 + strong + self._chance.randint(-5, 5)
            on, off = messages.note_on(0, pitch, velocity), messages.note_off(0, pitch)
            for when_s, data in ((start_s, on), (end_s, off)):
                self._script.append((now_ns + int(when_s * NS_PER_S), data))
            at_s += beats * BEAT_S
        self._script.sort(key=lambda entry: entry[0])

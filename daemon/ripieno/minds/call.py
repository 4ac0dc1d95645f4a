"""What the human has just played, as far as a reply takes it up.

A reply begins as the call did and goes on otherwise, as the second half of a period
does. How the call begins is its *head*: up to its longest note or gap near the middle.

It also knows the keys that the human may play in, and ends a reply: its last note is
long and belongs to the tonic triad.
"""

import math
import statistics
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from ripieno.music.sources import HUMAN
from ripieno.music.voicing import within
from ripieno.protocol import INTERRUPTED_NS, Limits, Played
from ripieno.rules.keys import Floats, Keys

MOST_NOTES: Final = 256
FEWEST_NOTES: Final = 6
"""A shorter call has no head: its reply would be a copy."""
HEAD: Final = (0.33, 0.48)
"""Where the head should end, as shares of the call's onsets: a reply has about as many
notes, and less than half of it is quoted."""
MOTIF: Final = 4
"""Onsets of a head that is worth taking up: half of a call of eight."""
LATEST: Final = 0.6
"""Where it ends at the latest, as a share of the call's length."""
PHRASE_S: Final = (2.5, 14.0)
"""How long the phrases of `continue` are."""
CHORD_S: Final = 0.05
"""Onsets nearer than this are one chord, as in `ripieno.hear.phrase`."""
LONGEST_NOTE_S: Final = 4.0
"""The longest note of a reply."""
LONG: Final = 2.2
"""How many times as long as the others the last note of a reply is at least. People's
is 4.9 times as long in POP909."""
NEAR: Final = 0.02
"""How much worse an end is for every semitone that it lies from the model's pitch."""
REACH: Final = 5
"""Semitones by which the last note may be moved."""


class Sounded(NamedTuple):
    """A note of a reply in the making, in seconds from the reply's first note."""

    start_s: float
    end_s: float
    pitch: int
    velocity: int


class Head(NamedTuple):
    """How a call begins.

    Attributes:
        notes: by start.
        beyond: the pitches with which the call goes on.
        cut_s: when it does.
    """

    notes: Sequence[Sounded] = ()
    beyond: Sequence[int] = ()
    cut_s: float = 0.0


@dataclass(slots=True)
class _Heard:
    """A note of the human's; `end_ns` is 0 while its key is down."""

    at_ns: int
    end_ns: int
    pitch: int
    velocity: int


class Call:
    """The human's notes since the machine played last. Cost: O(notes) a reply.

    A reply that the human interrupts at once is no end of the call.
    """

    def __init__(self) -> None:
        self.keys = Keys()
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.keys.reset()
        self._notes: deque[_Heard] = deque(maxlen=MOST_NOTES)
        self._answered_ns: int | None = None

    def played(self, event: Played) -> None:
        """Take in what really sounded or stopped."""
        if event.is_pedal:
            return
        if event.source != HUMAN:
            if event.velocity and self._answered_ns is None:
                self._answered_ns = event.at_ns
            return
        if not event.velocity:
            self._end(event)
            return
        if self._answered_ns is not None:
            if event.at_ns - self._answered_ns > INTERRUPTED_NS:
                self._notes.clear()
            self._answered_ns = None
        self.keys.hear(event.pitch)
        self._notes.append(_Heard(event.at_ns, 0, event.pitch, event.velocity))

    def head(self, reply_s: float) -> Head:
        """Return the head; empty if the call is short, or was answered already.

        Args:
            reply_s: the length of the reply. Where it is shorter than the call, the
                head is a part of so much of the call.
        """
        notes = self._sounded()
        if self._answered_ns is not None or len(notes) < FEWEST_NOTES:
            return Head()
        whole_s = min(max(note.end_s for note in notes), reply_s)
        ends = _ends(onsets_of(notes), whole_s)
        if not ends:
            return Head()
        cut_s = max(ends)[1]
        head = [
            note._replace(end_s=min(note.end_s, cut_s))
            for note in notes
            if note.start_s < cut_s - CHORD_S
        ]
        beyond = [n.pitch for n in notes if abs(n.start_s - cut_s) <= CHORD_S]
        return Head(head, beyond, cut_s)

    def phrase_s(self, start_ns: int, pulse_s: float) -> float:
        """Return how long a phrase is that is as long as the call; infinite for none.

        It is the least multiple of four pulses that the call fits in, if the reply does
        not begin before; else the nearest multiple of two. It is halved or doubled
        until it lies within `PHRASE_S`.

        Args:
            start_ns: when the reply begins.
            pulse_s: the felt beat.
        """
        notes = self._sounded()
        if len(notes) < FEWEST_NOTES or not pulse_s:
            return math.inf
        length_s = max(note.end_s for note in notes)
        until_s = (start_ns - self._notes[0].at_ns) / 1e9
        fours = max(math.ceil((length_s - pulse_s / 2) / (4 * pulse_s)), 1)
        phrase_s = fours * 4 * pulse_s
        if phrase_s > until_s + pulse_s / 2:
            phrase_s = max(round(length_s / (2 * pulse_s)), 1) * 2 * pulse_s
        while phrase_s < PHRASE_S[0]:
            phrase_s *= 2
        while phrase_s > PHRASE_S[1]:
            phrase_s /= 2
        return phrase_s

    def usual_s(self) -> float:
        """Return the median length of the call's notes; 0 for none."""
        lengths = [note.end_s - note.start_s for note in self._sounded()]
        return statistics.median(lengths) if lengths else 0.0

    def _end(self, event: Played) -> None:
        for note in reversed(self._notes):
            if note.pitch == event.pitch and not note.end_ns:
                note.end_ns = event.at_ns
                return

    def _sounded(self) -> list[Sounded]:
        """Return the notes that have ended, from the first onset on."""
        if not self._notes:
            return []
        first_ns = self._notes[0].at_ns
        return [
            Sounded(
                (note.at_ns - first_ns) / 1e9,
                (note.end_ns - first_ns) / 1e9,
                note.pitch,
                note.velocity,
            )
            for note in self._notes
            if note.end_ns
        ]


def cadence(
    notes: Sequence[Sounded],
    rests: Floats,
    allowed: Sequence[int],
    usual_s: float,
    end_s: float,
) -> list[Sounded]:
    """Return the end of a reply with a long last note on the tonic triad.

    Notes that begin too late to be long are left out.

    Args:
        notes: the last section, by start.
        rests: how well each pitch class ends a phrase, [12].
        allowed: the pitches that may be played, rising.
        usual_s: the usual length of the notes.
        end_s: when the last note has to end.
    """
    kept, long_s = list(notes), LONG * usual_s
    while len(kept) > 1 and kept[-1].start_s + long_s > end_s:
        kept.pop()
    if not kept:
        return []
    last_s = kept[-1].start_s
    final = [note for note in kept if note.start_s > last_s - CHORD_S]
    before = [note for note in kept if note.start_s <= last_s - CHORD_S]
    until_s = max(*(note.end_s for note in final), min(last_s + long_s, end_s))
    made: dict[int, Sounded] = {}
    for note in final:
        pitch = _consonant(note.pitch, rests, allowed)
        made[pitch] = Sounded(note.start_s, until_s, pitch, note.velocity)
    ended = [
        note._replace(end_s=min(note.end_s, last_s)) if note.pitch in made else note
        for note in before
    ]
    return [*ended, *made.values()]


def onsets_of(notes: Sequence[Sounded]) -> list[float]:
    """Return the onsets; those that are nearly together count once."""
    found: list[float] = []
    for at_s in sorted(note.start_s for note in notes):
        if not found or at_s - found[-1] >= CHORD_S:
            found.append(at_s)
    return found


def _ends(onsets: Sequence[float], whole_s: float) -> list[tuple[float, float]]:
    """Return (gap before it, onset) of the onsets at which the head may end."""
    count = sum(at_s < whole_s for at_s in onsets)
    low = math.ceil(HEAD[0] * count)
    high = max(int(HEAD[1] * count), min(count // 2, MOTIF), low)
    return [
        (onsets[place] - onsets[place - 1], onsets[place])
        for place in range(max(low, 1), min(high + 1, len(onsets)))
        if onsets[place] <= LATEST * whole_s
    ]


def fitted(pitch: int, limits: Limits, allowed: Sequence[int]) -> int:
    """Return the allowed pitch that is nearest to one moved into the register."""
    pitch = within(pitch, limits.low, limits.high)
    return min(allowed, key=lambda other: (abs(other - pitch), other), default=pitch)


def _consonant(pitch: int, rests: Floats, allowed: Sequence[int]) -> int:
    """Return the allowed pitch near a pitch that ends a phrase best."""
    near = [other for other in allowed if abs(other - pitch) <= REACH]
    return max(
        near,
        key=lambda other: rests[other % 12] - NEAR * abs(other - pitch),
        default=pitch,
    )

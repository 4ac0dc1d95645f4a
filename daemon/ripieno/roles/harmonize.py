"""Harmony: every key that goes down gets its other voices, at once.

The thinker is asked for four-part harmony as the key goes down; its answer is played
the moment it comes, or, on a port that is exact, always as long after its key. If none
comes in time, or plain parallels are wanted, the voices follow in the scale. Each voice
ends when its key comes up. Beats mean nothing here.
"""

from dataclasses import dataclass
from typing import Final

from ripieno.music import scales
from ripieno.play.scheduler import Due
from ripieno.protocol import PlannedNote, Played, Ready, Reset, Sing, ToPlayer, Voices
from ripieno.roles.stand import Stand
from ripieno.rules.parallel import parallel
from ripieno.settings.status import Status, Turn

PATIENCE_NS: Final = 8_000_000
"""10 ms from key to answer are allowed; the plain fallback sounds before that."""
LONGEST_BEATS: Final = 64
CHORD_NS: Final = 35_000_000
"""Keys that go down so close together are one chord (Goebl 2001: 10–50 ms); a legato
step overlaps later."""
PLAIN: Final = "fauxbourdon"
"""What stands in for the model: whole triads without parallel fifths."""
SOFTER: Final = 0.85
"""The voices stay below the melody that they carry."""
MEMORY: Final = 64


@dataclass(slots=True)
class _Key:
    """A key that is down, and the voices that go with it."""

    pitch: int
    velocity: int
    revision: int
    down_ns: int
    voices: tuple[int, ...] | None = None


class Harmonize:
    """The role; see `ripieno.roles.stand.Player`."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._keys: dict[int, _Key] = {}
        self._ids: dict[int, int] = {}
        self._is_there = False

    @property
    def turn(self) -> Turn:
        """We sing while a key is down."""
        return "machine" if self._keys else "idle"

    def heard(self, event: Played) -> None:
        """A key went down: ask; or up: let go."""
        if event.pitch > 127:
            return
        if not event.velocity:
            self._lift(event.pitch, event.at_ns)
            return
        stand, params = self._stand, self._stand.params
        revision = stand.next_revision()
        key = _Key(event.pitch, event.velocity, revision, event.at_ns)
        if self._is_inner(key):
            key.voices = ()
        self._keys[event.pitch] = key
        if key.voices is not None:
            return
        if params.manner != "learned":
            self._sing(key, self._parallel(key), event.at_ns)
            return
        stand.tell(
            Sing(revision, event.at_ns, event.pitch, params.voices, stand.parsed.limits)
        )
        if not self._is_there:
            self._sing(key, self._parallel(key), event.at_ns)

    def thought(self, at_ns: int, message: ToPlayer) -> bool:
        """The voices of a key that is still down and has none yet."""
        if not isinstance(message, Voices):
            return False
        for key in self._keys.values():
            if key.revision == message.revision and key.voices is None:
                due_ns = key.down_ns + self._stand.answer_ns
                self._sing(key, message.pitches, max(at_ns, due_ns))
                return True
        return False

    def met(self, ready: Ready) -> None:
        """A thinker is there: it begins with what is played next."""
        del ready
        self._is_there = True
        self._stand.tell(Reset())

    def silenced(self, at_ns: int) -> None:
        """The DAW stopped."""
        self.forget(at_ns)

    def forget(self, at_ns: int) -> None:
        """Let go of everything."""
        self._keys.clear()
        self._ids.clear()
        self._stand.scheduler.clear()
        self._stand.release(at_ns)

    def advance(self, now_ns: int) -> None:
        """A key that has waited long enough gets the plain voices."""
        for key in list(self._keys.values()):
            if key.voices is None and now_ns >= key.down_ns + PATIENCE_NS:
                self._stand.counts["fallbacks"] += 1
                self._stand.acted = True
                self._sing(key, self._parallel(key), now_ns)

    def started(self, due: Due, late_ns: int) -> None:
        """A voice sounds; whose it is was known when it was planned."""
        del due, late_ns

    def ended(self) -> None:
        """Voices end with their keys."""

    def next_ns(self) -> int | None:
        """When a key has waited long enough."""
        waiting = [k.down_ns for k in self._keys.values() if k.voices is None]
        return min(waiting) + PATIENCE_NS if waiting else None

    def told(self, status: Status) -> Status:
        """Harmony has nothing to add."""
        return status

    def _is_inner(self, key: _Key) -> bool:
        """Whether a key is struck in a chord, below its top: only the top is sung to.

        What was sung to a lower key of the same chord is taken back.
        """
        chord = [k for k in self._keys.values() if key.down_ns - k.down_ns < CHORD_NS]
        for lower in chord:
            if lower.pitch < key.pitch:
                self._let_go(lower.pitch, key.down_ns)
                lower.voices = ()
        return any(higher.pitch > key.pitch for higher in chord)

    def _parallel(self, key: _Key) -> tuple[int, ...]:
        params = self._stand.params
        scale = self._stand.parsed.guidance.scale
        if scale is None:
            onsets = self._stand.history.human_onsets(MEMORY)
            scale = scales.heard([onset.pitch for onset in onsets])
        return parallel(
            key.pitch,
            scale,
            PLAIN if params.manner == "learned" else params.manner,
            voices=params.voices,
            low=params.low,
            high=params.high,
        )

    def _sing(self, key: _Key, voices: tuple[int, ...], at_ns: int) -> None:
        key.voices = voices
        self._stand.decided_ns = at_ns  # due then to the nanosecond, not to the tick
        start = self._stand.timeline.ticks_at(at_ns)
        loud = max(1, round(key.velocity * SOFTER))
        end = start + LONGEST_BEATS * 480
        ids = self._stand.scheduler.add(
            [PlannedNote(start, end, pitch, loud) for pitch in voices]
        )
        self._ids |= dict.fromkeys(ids, key.pitch)
        self._stand.counts["turns"] += 1
        self._stand.counts["on_time"] += at_ns - key.down_ns <= PATIENCE_NS

    def _lift(self, pitch: int, at_ns: int) -> None:
        if (key := self._keys.pop(pitch, None)) is not None:
            # However short a key is, its voices begin before they end.
            begun_ns = key.down_ns + self._stand.answer_ns
            self._let_go(pitch, at_ns, max(at_ns, begun_ns))

    def _let_go(self, pitch: int, at_ns: int, due_ns: int | None = None) -> None:
        """End the voices of a key, those that have yet to begin too."""
        mine = {note_id for note_id, key in self._ids.items() if key == pitch}
        if not mine:
            return
        self._ids = {i: k for i, k in self._ids.items() if k != pitch}
        self._stand.scheduler.cancel(mine.__contains__)
        self._stand.release(at_ns, mine.__contains__, due_ns)

"""Harmony: every key that goes down gets its other voices, at once.

The thinker is asked for four-part harmony when a key goes down. On a port that sends at
an exact time, its answer is played a fixed time after the key; otherwise when it comes.
If it is too late, or plain parallels are wanted, the voices follow in the scale. Where
a chart is given and no scale, the scale is that of its chords. Each voice ends when its
key comes up. The tempo means nothing here.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import msgspec

from ripieno.music import chords, scales
from ripieno.music.chart import Chart
from ripieno.music.timeline import TICKS_PER_BEAT
from ripieno.play.seat import Seat
from ripieno.protocol import PlannedNote, Played, Reset, Sing, ToPlayer, Voices
from ripieno.roles.performer import Performer
from ripieno.rules.parallel import parallel
from ripieno.settings.status import Turn

PATIENCE_NS: Final = 8_000_000
"""How long the thinker's answer is waited for: 10 ms from key to answer are allowed."""
LONGEST_TICKS: Final = 64 * TICKS_PER_BEAT
"""When a voice ends whose key never comes up."""
CHORD_NS: Final = 35_000_000
"""Keys that go down within this time are one chord (Goebl 2001: 10–50 ms). In legato
the next key goes down later."""
PLAIN: Final = "fauxbourdon"
"""What stands in for the model: whole triads without parallel fifths."""
SOFTER: Final = 0.85
"""The velocity of a voice beside its melody's."""
MEMORY: Final = 64
"""From how many of the human's notes the scale is estimated."""


@dataclass(slots=True)
class _Key:
    """A key that is down, and its voices; None while they are waited for."""

    pitch: int
    velocity: int
    revision: int
    down_ns: int
    voices: tuple[int, ...] | None = None


class Harmonize(Performer):
    """Plays `harmonize`; see the module."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._keys: dict[int, _Key] = {}
        self._ids: dict[int, int] = {}  # of a voice → the pitch of its key
        self._has_thinker = False

    @property
    def turn(self) -> Turn:
        """The machine's while a key is down."""
        return "machine" if self._keys else "idle"

    def on_key(self, event: Played) -> None:
        """Ask for the voices of a key that went down; end those of one that came up."""
        if not event.velocity:
            self._lift(event.pitch, event.at_ns)
            return
        seat, params = self._seat, self._seat.params
        key = _Key(event.pitch, event.velocity, seat.next_revision(), event.at_ns)
        is_inner = self._is_inner(key)
        self._keys[event.pitch] = key
        if is_inner:
            key.voices = ()
            return
        is_learned = params.manner == "learned"
        if is_learned:
            limits, scale = seat.parsed.limits, self._scale()
            if scale is not None:
                bits = sum(1 << pc for pc in scale)
                limits = msgspec.structs.replace(limits, scale=bits)
            voices = params.voices
            seat.tell(Sing(key.revision, event.at_ns, event.pitch, voices, limits))
        if not (is_learned and self._has_thinker):
            self._play(key, self._parallel(key), event.at_ns)

    def on_plan(self, at_ns: int, message: ToPlayer) -> bool:
        """Take the voices of a key that is still down and has none yet."""
        if not isinstance(message, Voices):
            return False
        for key in self._keys.values():
            if key.revision == message.revision and key.voices is None:
                due_ns = key.down_ns + self._seat.answer_ns
                self._play(key, message.pitches, max(at_ns, due_ns))
                return True
        return False

    def on_thinker_ready(self) -> None:
        """Tell it to begin afresh: it needs only what is played next."""
        self._has_thinker = True
        self._seat.tell(Reset(self._seat.role.models))

    def on_stop(self, at_ns: int) -> None:
        """End all voices."""
        self.clear_plans(at_ns)

    def clear_plans(self, at_ns: int) -> None:
        """End all voices, and forget the keys."""
        self._keys.clear()
        self._ids.clear()
        self._seat.clear_schedule()
        self._seat.release(at_ns)

    def advance(self, now_ns: int) -> None:
        """Play plain voices to the keys that have waited for long enough."""
        for key in list(self._keys.values()):
            if key.voices is None and now_ns >= key.down_ns + PATIENCE_NS:
                self._seat.count("fallbacks")
                self._seat.mark_acted()
                self._play(key, self._parallel(key), now_ns)

    def next_ns(self) -> int | None:
        """Return when a key has waited for long enough."""
        waiting = [k.down_ns for k in self._keys.values() if k.voices is None]
        return min(waiting) + PATIENCE_NS if waiting else None

    def _is_inner(self, key: _Key) -> bool:
        """Whether a key is below the top of a chord: only the top gets voices.

        The voices of the keys of this chord that are lower than the key are ended.
        """
        chord = [k for k in self._keys.values() if key.down_ns - k.down_ns < CHORD_NS]
        for lower in chord:
            if lower.pitch < key.pitch:
                self._let_go(lower.pitch, key.down_ns)
                lower.voices = ()
        return any(higher.pitch > key.pitch for higher in chord)

    def _scale(self) -> frozenset[int] | None:
        """Return the scale that the parameters give; None for what the human plays."""
        parsed = self._seat.parsed
        if parsed.guidance.scale is None and parsed.chart is not None:
            return _scale_of(parsed.chart)
        return parsed.guidance.scale

    def _parallel(self, key: _Key) -> tuple[int, ...]:
        params = self._seat.params
        scale = self._scale()
        if scale is None:
            onsets = self._seat.history.human_onsets(MEMORY)
            scale = scales.heard([onset.pitch for onset in onsets])
        return parallel(
            key.pitch,
            scale,
            PLAIN if params.manner == "learned" else params.manner,
            voices=params.voices,
            low=params.low,
            high=params.high,
        )

    def _play(self, key: _Key, voices: tuple[int, ...], at_ns: int) -> None:
        key.voices = voices
        start = self._seat.timeline.ticks_at(at_ns)
        loud = max(1, round(key.velocity * SOFTER))
        end = start + LONGEST_TICKS
        notes = [PlannedNote(start, end, pitch, loud) for pitch in voices]
        ids = self._seat.schedule(notes, at_ns=at_ns)
        self._ids |= dict.fromkeys(ids, key.pitch)
        self._seat.count("turns")
        self._seat.count("on_time", at_ns - key.down_ns <= PATIENCE_NS)

    def _lift(self, pitch: int, at_ns: int) -> None:
        if (key := self._keys.pop(pitch, None)) is not None:
            # However short a key is, its voices begin before they end.
            begun_ns = key.down_ns + self._seat.answer_ns
            self._let_go(pitch, at_ns, max(at_ns, begun_ns))

    def _let_go(self, pitch: int, at_ns: int, due_ns: int | None = None) -> None:
        """End the voices of a key, and cancel those that have yet to begin."""
        mine = {note_id for note_id, key in self._ids.items() if key == pitch}
        self._ids = {i: k for i, k in self._ids.items() if k != pitch}
        self._seat.cancel(mine.__contains__)
        self._seat.release(at_ns, mine.__contains__, due_ns)


@lru_cache(maxsize=2)
def _scale_of(chart: Chart) -> frozenset[int] | None:
    """Return the notes of a chart's chords and of their key; None without a chord."""
    written = (chord for _, chord in chart.entries if chord is not None)
    tones = [pc for chord in written for pc in chords.pitch_classes(chord)]
    return scales.heard(tones) | frozenset(tones) if tones else None

"""When the metre changes, where the musician leaves it to what is heard.

It changes only if the evidence has been strong for eight beats, on a bar line of the
new metre, and at most three times until the human rests for long. A wrong change is
worse than none: the thresholds are such that it keeps 4/4 in 99 of 100 pieces that are
in it (decision 28). What is decided depends on the notes and their ticks alone, and not
on when `advance` is called.
"""

from typing import Final

from ripieno.hear.beats import frame_of
from ripieno.hear.meter_weights import LEARNED, Weights
from ripieno.hear.meters import FRAMES_A_BEAT, MeterEvidence, told_as
from ripieno.music.meter import Meter
from ripieno.music.spans import FRAME_TICKS
from ripieno.music.timeline import TICKS_PER_BEAT

SURE: Final = 0.8
"""The metre changes only to one whose probability is at least this."""
UNLIKELY: Final = 0.02
"""The metre changes only if the probability of the present one is at most this."""
HELD_BEATS: Final = 8
"""For more beats than this the other metre has to be so likely."""
FIRST_BEATS: Final = 16
"""No change before so many beats were heard."""
MOST_CHANGES: Final = 3
REST_TICKS: Final = 32 * TICKS_PER_BEAT
"""After a rest of so long another song begins: all evidence is forgotten."""
NOTICE_TICKS: Final = FRAME_TICKS
"""A change takes effect so long before its bar line, when that bar is prepared."""
_HALF_FRAME: Final = FRAME_TICKS // 2


class MeterChoice:
    """The metre that is played in. Thread: the engine's.

    Attributes:
        meter: the present one.
    """

    def __init__(self, meter: Meter, weights: Weights = LEARNED) -> None:
        """Begin with a metre, and without evidence."""
        self.meter = meter
        self._evidence = MeterEvidence(weights)
        self._clear()
        self._beat: int | None = None  # the next beat at which to look
        self._last_ticks: int | None = None

    def _clear(self) -> None:
        self._beats = self._held = self._changes = 0
        self._likely = ""
        self._next: tuple[int, Meter] | None = None  # when, and which

    def on_note(self, ticks: int, pitch: int) -> None:
        """Hear a note of the human at a tick of the song."""
        self._forget_after_rest(ticks)
        self._last_ticks = ticks
        self._look_until(ticks)
        if self._beat is None:
            self._beat = frame_of(ticks) // FRAMES_A_BEAT + 1
        self._evidence.on_note(ticks, pitch)

    def jump(self, left_ticks: int) -> None:
        """Note that the song goes on elsewhere; it was at a tick on the old timeline.

        What was heard still counts, unless there was a long rest.
        """
        self._forget_after_rest(left_ticks)
        self._evidence.jump()
        self._beat = self._next = self._last_ticks = None
        self._held = 0

    def _forget_after_rest(self, ticks: int) -> None:
        if self._last_ticks is not None and ticks - self._last_ticks > REST_TICKS:
            self._evidence.clear()
            self._clear()

    def advance(self, ticks: int) -> bool:
        """Let time pass up to a tick; return whether the metre has changed."""
        self._look_until(ticks)
        if self._next is None or ticks < self._next[0]:
            return False
        self.meter, self._next = self._next[1], None
        self._changes += 1
        return True

    def next_ticks(self) -> int | None:
        """Return when `advance` next has something to do, or None."""
        if self._next is not None:
            return self._next[0]
        return None if self._beat is None else self._ticks_of(self._beat)

    def _look_until(self, ticks: int) -> None:
        """Look at the evidence at each beat up to a tick."""
        while self._beat is not None and (at := self._ticks_of(self._beat)) <= ticks:
            self._evidence.advance(at)
            if self._evidence.is_resting:
                self._beat, self._held = None, 0
            else:
                self._look(self._beat)
                self._beat += 1

    def _look(self, beat: int) -> None:
        """Count for how long another metre has been likely; plan the change to it."""
        self._beats += 1
        if self._next is not None or self._changes >= MOST_CHANGES:
            return
        shares = self._evidence.probabilities()
        likely = max(shares, key=shares.__getitem__)
        present = shares.get(told_as(str(self.meter)), 0.0)
        is_sure = shares[likely] >= SURE and present <= UNLIKELY
        if not is_sure or self._beats <= FIRST_BEATS:
            self._held = 0
            return
        self._held = self._held + 1 if likely == self._likely else 1
        self._likely = likely
        if self._held > HELD_BEATS:
            meter, self._held = Meter.parse(likely), 0
            bar = -(-(beat + 1) * TICKS_PER_BEAT // meter.bar_ticks)
            self._next = bar * meter.bar_ticks - NOTICE_TICKS, meter

    def _ticks_of(self, beat: int) -> int:
        """Return when the frames before a beat are over."""
        return beat * TICKS_PER_BEAT - _HALF_FRAME

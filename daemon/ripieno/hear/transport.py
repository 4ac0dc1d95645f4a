"""Who owns the tempo: we ourselves, or whoever sends MIDI clock.

A `Pulse` is the even pulse behind clocks that come late by up to an audio period: a
Kalman filter on the time of the latest clock and the interval. A `Transport` counts
clocks into a position, and publishes the `Timeline` to play by.

The timeline never runs back but at a jump (`Transport.jumps`). Each new one begins
where the old one is and meets the pulse `FOLD_CLOCKS` later, so a wrong phase is put
right by playing faster or slower, between half and double speed. It never stops: with
the transport stopped it runs on at the last tempo, for those who play meanwhile;
`Transport.position_ticks` says where the song stands.

Start and Continue take effect at the next clock, which is exactly at its position.
Clocks bear no number: once the pulse is sure of itself, one counts for as many as time
says, two where one was lost, none where it came twice. A lost master never stops the
music. It does not know what plays, nor what a bar is.

Source: MIDI 1.0 Detailed Specification 4.2, system real time messages and song
position pointer.
"""

import math
from collections import deque
from typing import Final

from ripieno.music.timeline import TICKS_PER_BEAT, Timeline

SONG_POSITION: Final = 0xF2
CLOCK: Final = 0xF8
START: Final = 0xFA
CONTINUE: Final = 0xFB
STOP: Final = 0xFC

CLOCKS_PER_BEAT: Final = 24
CLOCKS_PER_SIXTEENTH: Final = 6
TICKS_PER_CLOCK: Final = TICKS_PER_BEAT // CLOCKS_PER_BEAT
INTERVAL_NS: Final = (6_250_000.0, 125_000_000.0)
"""Between two clocks, at 400 and at 20 bpm."""

DRIFT: Final = 5e-4
"""How much of itself the interval may wander in a clock (standard deviation).

When a beat sounds, against the true beat plus the mean delay: ms at p95. Delays are
uniform to 2.67 ms (128 frames), in brackets to 10.67 (512). Simulated at 120 bpm; the
drift is ±1.5 % in 8 s; the step, to 144, is judged at its third beat:

    method                        steady      drift       step
    PLL, gain 0.1                 0.45 (1.8)  1.6 (2.6)    6.8  (7.8)
    PLL, gain 0.2                 0.58 (2.4)  0.8 (2.5)    1.0  (3.1)
    line fit, 24 clocks           0.62 (2.5)  1.0 (2.7)    0.6  (2.2)
    line fit, 48 clocks           0.48 (1.9)  1.8 (2.8)    4.4  (5.2)
    Kalman, fixed, no restart     0.51 (2.2)  1.1 (2.6)   98    (104)
    this                          0.51 (1.5)  1.0 (3.1)    0.6  (6.2)

Foretold a beat ahead, at 10.67 ms, gain 0.2 and the short line miss 12 and 11 ms, this
4. With 1e-3 drift costs 0.8, but a beat ahead at 2.67 ms 2.9, not 2.1."""
FOLD_CLOCKS: Final = 6
"""The timeline meets the pulse a sixteenth ahead. 12 is steadier a beat ahead (1.6 ms,
not 2.1), but lags: 1.3 under drift, not 1.0."""
UNKNOWN: Final = 0.3
KNOWN: Final = 0.02
"""The doubt in the tempo, as a share of it, where clocks begin, and where they jump."""
FIRST_JITTER_NS: Final = 2e6
"""Between the 0.8 ms of 128 frames and the 3.1 ms of 512; learned from there."""
JITTER_NS: Final = (1e5, 6e6)
JITTER_MEMORY: Final = 32
"""Clocks. Learned from the size of the misses; their differences take the slow ramp
of a quantised clock for none, and then a step of it for a new tempo."""
MOST_MISS: Final = 4.0
"""A miss counts for at most so many standard deviations: one stall is not a tempo."""
RUN: Final = 4
RUN_MISS: Final = 2.0
RUN_DOUBT: Final = 0.05
"""So many misses on one side, of so many standard deviations on average (uniform
delays reach 1.7), put the tempo in so much doubt. With runs of 3 the slow ramp of
clocks quantised to 512 frames costs 5.2 ms, not 1.4."""
GAPS: Final = 3
GAPS_OFF: Final = 0.08
GAPS_SURE: Final = 4.0
"""Three gaps that agree on another tempo, off by more than 8 % and than jitter
explains, restart the pulse. It catches steps of 2:1 too, which look like lost clocks:
what was counted by time is then taken back. Where 6 stood, one step in four went
unseen."""
SURE: Final = 8.0
CLOSE: Final = 0.25
"""Clocks are counted by time where half an interval is four standard deviations (not
at 512 frames and 120 bpm) and time says a whole number to a quarter: the third clock
after a step from 120 to 144 comes half a clock early."""
MOST_GUESSES: Final = 3
"""The third guess since clocks began is one too many: all are taken back, and no more
are made. So 239 bpm at 512 frames, where clocks are even but for two that coincide in
every two beats, does not pass for 234 bpm with doubled clocks."""
SILENCE_NS: Final = 500_000_000
SILENT_CLOCKS: Final = 4
"""A clock is lost after half a second or four intervals, whichever is longer."""


def _bounded(interval_ns: float) -> float:
    shortest_ns, longest_ns = INTERVAL_NS
    return min(max(interval_ns, shortest_ns), longest_ns)


class Pulse:
    """The even pulse behind uneven clocks. Cost: O(1) a clock.

    Attributes:
        at_ns: when the latest clock would have come with the mean delay.
        interval_ns: between two clocks.
    """

    def __init__(self, interval_ns: float) -> None:
        self.interval_ns = _bounded(interval_ns)
        self._jitter = FIRST_JITTER_NS**2
        self._misses: deque[float] = deque(maxlen=RUN)
        self._gaps: deque[int] = deque(maxlen=GAPS)
        self.begin(0, UNKNOWN)

    def begin(self, at_ns: int, doubt: float) -> None:
        """A clock came that tells nothing of the tempo; `doubt`: `UNKNOWN` or `KNOWN`.

        The tempo stays as it is; the phase is that of this clock.
        """
        self.at_ns = float(at_ns)
        self._last_ns = at_ns
        # Variances: of the phase, of both together, of the interval.
        self._phase, self._both = self._jitter, 0.0
        self._tempo = (doubt * self.interval_ns) ** 2
        self._misses.clear()
        self._gaps.clear()
        self._guessed = self._guesses = 0  # clocks counted by time; how often

    def hear(self, at_ns: int) -> int:
        """A clock came.

        Returns:
            How many clocks it stands for: 1, more where some were lost, 0 where it is
            one too many, less where earlier guesses are taken back.
        """
        self._gaps.append(at_ns - self._last_ns)
        self._last_ns = at_ns
        if self._is_other_tempo():
            passed = 1 - self._guessed
            self._restart(at_ns)
            return passed
        passed = self._count(at_ns)
        if passed != 1 and self._guesses == MOST_GUESSES:
            passed -= self._guessed
            self.begin(at_ns, KNOWN)
            self._guesses = MOST_GUESSES
        elif passed:
            self._correct(at_ns, passed)
        return passed

    def _is_other_tempo(self) -> bool:
        """Whether the last gaps agree with each other, but not with us."""
        jitter_ns = math.sqrt(self._jitter)
        interval_ns = sum(self._gaps) / GAPS
        if len(self._gaps) < GAPS or interval_ns != _bounded(interval_ns):
            return False  # the latter: late clocks that arrive all at once
        off_ns = abs(interval_ns - self.interval_ns)
        jitter_off_ns = GAPS_SURE * math.sqrt(2) / GAPS * jitter_ns
        least_ns = max(GAPS_OFF * self.interval_ns, jitter_off_ns)
        unlike_ns = max(self._gaps) - min(self._gaps)
        return off_ns > least_ns and unlike_ns <= off_ns / 2 + GAPS_SURE * jitter_ns

    def _restart(self, at_ns: int) -> None:
        """Take phase and tempo from the last gaps alone."""
        self.interval_ns = sum(self._gaps) / GAPS
        self.begin(at_ns, KNOWN)
        self._both = self._jitter / GAPS
        self._tempo = 2 * self._jitter / GAPS**2

    def _count(self, at_ns: int) -> int:
        """How many clocks have passed, by time where that is sure."""
        intervals = (at_ns - self.at_ns) / self.interval_ns
        passed = max(0, round(intervals))
        spread = self._phase + 2 * passed * self._both + passed**2 * self._tempo
        is_sure = SURE * math.sqrt(spread + self._jitter) < self.interval_ns
        is_sure &= abs(intervals - passed) < CLOSE and self._guesses < MOST_GUESSES
        if passed == 1 or not is_sure:
            return 1
        before, self._guessed = self._guessed, self._guessed + passed - 1
        self._guesses += abs(self._guessed) > abs(before)
        self._guesses = self._guesses if self._guessed else 0
        return passed

    def _correct(self, at_ns: int, passed: int) -> None:
        """One step of the filter, over so many clocks."""
        expected_ns = self.at_ns + passed * self.interval_ns
        miss_ns = at_ns - expected_ns
        self._doubt_after_a_run(miss_ns)
        phase = self._phase + 2 * passed * self._both + passed**2 * self._tempo
        both = self._both + passed * self._tempo
        tempo = self._tempo + passed * (DRIFT * self.interval_ns) ** 2
        spread = phase + self._jitter
        most_ns = MOST_MISS * math.sqrt(spread)
        held_ns = min(max(miss_ns, -most_ns), most_ns)
        self.at_ns = expected_ns + phase / spread * held_ns
        self.interval_ns = _bounded(self.interval_ns + both / spread * held_ns)
        self._phase = phase * self._jitter / spread
        self._both = both * self._jitter / spread
        self._tempo = tempo - both * both / spread
        self._learn_jitter(miss_ns)

    def _doubt_after_a_run(self, miss_ns: float) -> None:
        self._misses.append(miss_ns)
        is_run = len(self._misses) == RUN
        is_run &= min(self._misses) > 0 or max(self._misses) < 0
        if is_run and abs(sum(self._misses)) > RUN * RUN_MISS * self._jitter**0.5:
            self._tempo = max(self._tempo, (RUN_DOUBT * self.interval_ns) ** 2)

    def _learn_jitter(self, miss_ns: float) -> None:
        square = min(miss_ns**2, MOST_MISS**2 * self._jitter)
        jitter = self._jitter + (square - self._jitter) / JITTER_MEMORY
        least_ns, most_ns = JITTER_NS
        self._jitter = min(max(jitter, least_ns**2), most_ns**2)


class Transport:
    """The tempo and the position that everyone plays by. Thread: engine.

    It begins with our own clock, running. The first MIDI clock takes over: without a
    Start it counts as the clock position nearest to where we are.

    Attributes:
        timeline: how ticks and nanoseconds meet now; a new value after each change.
        running: whether the song moves; our own clock always runs, until a Stop.
        is_external: whether MIDI clock owns the tempo.
        jumps: how often the timeline has jumped (start, continue, song position);
            whoever schedules in ticks drops its plan when this changes.
    """

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.running = True
        self.is_external = False
        self.jumps = 0
        self._pulse = Pulse(timeline.beat_ns / CLOCKS_PER_BEAT)
        self._index = 0  # which clock of the song came last
        self._resume = 0  # … and which comes next, where it has stopped or jumps
        self._waits = False  # for a clock, to jump at
        self._asked_ns = 0
        self._clock_ns: int | None = None

    @property
    def bpm(self) -> float:
        """The tempo; steadier than that of `timeline`, which also corrects phase."""
        if self.is_external:
            return 60e9 / (CLOCKS_PER_BEAT * self._pulse.interval_ns)
        return 60e9 / self.timeline.beat_ns

    @property
    def check_at_ns(self) -> int | None:
        """When `check` has something to do if no clock comes, or None."""
        if self._waits:
            return self._asked_ns + self._silence_ns
        if self._clock_ns is None or not (self.running and self.is_external):
            return None
        return self._clock_ns + self._silence_ns

    def position_ticks(self, at_ns: int) -> int:
        """Where the song stands: on the timeline, or where it was stopped."""
        if self.running:
            return self.timeline.ticks_at(at_ns)
        return self._resume * TICKS_PER_CLOCK

    def hear(self, at_ns: int, data: bytes) -> bool:
        """A message came in. Returns whether it was a whole one of those above."""
        if len(data) == 3 and data[0] == SONG_POSITION and max(data[1:]) < 0x80:
            self.check(at_ns)
            self._locate(at_ns, data[1] | data[2] << 7)
            return True
        if len(data) != 1 or data[0] not in {CLOCK, START, CONTINUE, STOP}:
            return False
        self.check(at_ns)
        if data[0] == CLOCK:
            self._tick(at_ns)
        elif data[0] == STOP:
            self._stop(at_ns)
        elif data[0] == START or not self.running:
            self._resume = 0 if data[0] == START else self._resume
            self._waits, self._asked_ns = True, at_ns
        return True

    def set_tempo(self, at_ns: int, bpm: float) -> bool:
        """Set our own clock's tempo from `at_ns` on; beyond 20 … 400 bpm, the nearer.

        Returns:
            False where MIDI clock owns the tempo: then nothing changes.
        """
        if self.is_external:
            return False
        self._pulse.interval_ns = _bounded(60e9 / CLOCKS_PER_BEAT / max(1.0, bpm))
        self._retime(at_ns, self._pulse_beat_ns)
        return True

    def check(self, now_ns: int) -> bool:
        """Go on by ourselves, at the last tempo, where clocks stopped coming.

        So it is after a Start that no clock follows. It is dated when it was due, not
        now: calling it late, or often, changes nothing. `hear` calls it.

        Returns:
            Whether the external clock has just been lost.
        """
        due_ns = self.check_at_ns
        if due_ns is None or now_ns < due_ns:
            return False
        was_external = self.is_external
        self.release(due_ns)
        return was_external

    def release(self, at_ns: int) -> None:
        """Take the tempo back, until the next clock: our own clock runs on from here.

        A song that was stopped runs on along the timeline.
        """
        if self._waits:
            self._jump(at_ns)
        else:
            self._retime(at_ns, self._pulse_beat_ns)
        self.running = True
        self.is_external = False
        self._clock_ns = None

    @property
    def _silence_ns(self) -> int:
        return max(SILENCE_NS, int(SILENT_CLOCKS * self._pulse.interval_ns))

    @property
    def _pulse_beat_ns(self) -> int:
        return round(CLOCKS_PER_BEAT * self._pulse.interval_ns)

    def _tick(self, at_ns: int) -> None:
        """One clock."""
        last_ns = self._clock_ns
        at_ns = at_ns if last_ns is None else max(at_ns, last_ns)
        is_first = last_ns is None or at_ns - last_ns >= self._silence_ns
        passed = 0
        if is_first or self._waits:
            self._pulse.begin(at_ns, UNKNOWN if is_first else KNOWN)
        else:
            passed = self._pulse.hear(at_ns)
        self._clock_ns = at_ns
        self.is_external = True
        if self._waits:
            self._jump(at_ns)
        elif not self.running:
            self._retime(at_ns, self._pulse_beat_ns)
        else:
            here = self.timeline.ticks_at(at_ns) + TICKS_PER_CLOCK // 2
            self._index = here // TICKS_PER_CLOCK if is_first else self._index + passed
            self._steer(at_ns)

    def _locate(self, at_ns: int, sixteenths: int) -> None:
        self._resume = sixteenths * CLOCKS_PER_SIXTEENTH
        if self.running:
            self._waits, self._asked_ns = True, at_ns

    def _stop(self, at_ns: int) -> None:
        """The clock after the last one comes first when the song continues."""
        if self.running and not self._waits:
            ticks = self.timeline.ticks_at(at_ns)
            self._resume = -(-ticks // TICKS_PER_CLOCK)
            if self.is_external:
                self._resume = self._index + 1
        self.running = self._waits = False

    def _jump(self, at_ns: int) -> None:
        """Go on at `at_ns` from the position that was waited with."""
        self._index = self._resume
        self.timeline = Timeline(
            beat_ns=self._pulse_beat_ns,
            origin_ns=at_ns,
            origin_ticks=self._index * TICKS_PER_CLOCK,
        )
        self.running, self._waits = True, False
        self.jumps += 1

    def _retime(self, at_ns: int, beat_ns: int) -> None:
        """Another tempo from here on.

        The lines meet at the tick's own start, so no part of a tick gets lost; the
        tick at `at_ns` is then the same, or the next one where the tempo rises.
        """
        ticks = self.timeline.ticks_at(at_ns)
        self.timeline = Timeline(
            beat_ns=beat_ns, origin_ns=self.timeline.ns_at(ticks), origin_ticks=ticks
        )

    def _steer(self, at_ns: int) -> None:
        """From where the timeline is to where the pulse will be."""
        ticks = self.timeline.ticks_at(at_ns)
        meet_ns = self._pulse.at_ns + FOLD_CLOCKS * self._pulse.interval_ns
        left_ns = meet_ns - self.timeline.ns_at(ticks)
        left = (self._index + FOLD_CLOCKS) * TICKS_PER_CLOCK - ticks
        fastest, slowest = self._pulse_beat_ns // 2, self._pulse_beat_ns * 2
        beat_ns = round(left_ns * TICKS_PER_BEAT / left) if left > 0 else slowest
        self._retime(at_ns, min(max(beat_ns, fastest), slowest))

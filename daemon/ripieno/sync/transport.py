"""The tempo and the position of the song, by our own clock or by MIDI clock.

A `Transport` counts clocks into a position, and gives the `Timeline` to play by. The
even pulse behind uneven clocks comes from `ripieno.sync.pulse`. Every clock counts for
one, as the specification says. If the port reports that messages may have been lost,
later evidence may add the lost clocks (`ripieno.sync.missing`).

The timeline runs back only at a jump (`Transport.jumps`). Each new timeline begins
where the old one is and meets the pulse `FOLD_CLOCKS` later. So a wrong phase is
corrected by playing faster or slower, between half and double speed. A phase that is
wrong by more than `MOST_FOLDED_CLOCKS` is corrected by a jump. The timeline never
stops: while the transport is stopped it goes on at the last tempo, and
`Transport.position_ticks` says where the song is.

Start and Continue take effect at the next clock, which is exactly at its position. If
the clock is lost, the music goes on.

Source: MIDI 1.0 Detailed Specification 4.2, system real time messages and song
position pointer.
"""

import math
from typing import Final

from ripieno.music.timeline import TICKS_PER_BEAT, Timeline
from ripieno.sync.missing import Missing
from ripieno.sync.positions import Positions
from ripieno.sync.pulse import KNOWN, UNKNOWN, Pulse, bounded

SONG_POSITION: Final = 0xF2
CLOCK: Final = 0xF8
START: Final = 0xFA
CONTINUE: Final = 0xFB
STOP: Final = 0xFC

CLOCKS_PER_BEAT: Final = 24
TICKS_PER_CLOCK: Final = TICKS_PER_BEAT // CLOCKS_PER_BEAT
FOLD_CLOCKS: Final = 6
"""The timeline meets the pulse a sixteenth ahead. With 12 the error a beat ahead is 1.6
ms instead of 2.1, but under drift 1.3 instead of 1.0."""
SILENCE_NS: Final = 500_000_000
SILENT_CLOCKS: Final = 4
"""The clock is lost after half a second or four intervals, whichever is longer."""
AWAY_NS: Final = 2_500_000_000
AWAY_CLOCKS: Final = 60
"""Clocks that come back within 2.5 seconds or so many intervals, whichever is longer,
are counted on from the last one: a pause, or a loss of up to two beats. After that the
song is taken to be where we are."""
MOST_FOLDED_CLOCKS: Final = 12
"""Half a beat: at half speed it is corrected within a beat. More would take longer than
two beats."""


class Transport:
    """The tempo and the position of the song. Thread: engine.

    It begins with our own clock, running. The first MIDI clock takes over. Without a
    Start it counts as the clock position nearest to where the song is.

    Attributes:
        timeline: the mapping between ticks and nanoseconds; a new value after each
            change.
        running: whether the song moves. Our own clock runs until a Stop.
        is_external: whether MIDI clock owns the tempo.
        jumps: how often the timeline has jumped: start, continue, song position, or a
            gap in the clocks. Then every plan in ticks is to be dropped.
        left_ticks: where the song was before the last jump, on the old timeline.
    """

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.running = True
        self.is_external = False
        self.jumps = self.left_ticks = 0
        self._pulse = Pulse(timeline.beat_ns / CLOCKS_PER_BEAT)
        self._index = 0  # which clock of the song came last
        self._resume = 0  # the next clock of the song, if it has stopped or jumps
        self._waits = False  # for a clock, at which the song jumps
        self._asked_ns = 0
        self._clock_ns: int | None = None
        self._counted_ns: int | None = None  # the clock that counting goes on from
        self._missing = Missing()
        self._positions = Positions()
        self._from_index = 0

    @property
    def bpm(self) -> float:
        """The tempo, steadier than that of `timeline`, which also corrects phase."""
        if self.is_external:
            return 60e9 / (CLOCKS_PER_BEAT * self._pulse.interval_ns)
        return 60e9 / self.timeline.beat_ns

    @property
    def missing_clocks(self) -> int:
        """How many clocks may have been lost."""
        return self._missing.clocks

    @property
    def positions_corrected(self) -> int:
        """How many song positions were in clocks, six times too large."""
        return self._positions.corrected

    @property
    def check_at_ns(self) -> int | None:
        """When `check` has something to do if no clock comes, or None."""
        if self._waits:
            return self._asked_ns + self._silence_ns
        if self._clock_ns is None or not (self.running and self.is_external):
            return None
        return self._clock_ns + self._silence_ns

    def position_ticks(self, at_ns: int) -> int:
        """Return where the song is: on the timeline, or where it was stopped."""
        if self.running:
            return self.timeline.ticks_at(at_ns)
        return self._resume * TICKS_PER_CLOCK

    def hear(self, at_ns: int, data: bytes) -> bool:
        """Handle a message; return whether it was a complete one of those above."""
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
            if data[0] == START:
                self._resume = self._from_index = 0
                self._positions.start()
                self._missing.decide()
            self._waits, self._asked_ns = True, at_ns
        return True

    def may_have_missed(self, at_ns: int) -> None:
        """Note that messages, clocks among them, may have been lost."""
        self._missing.report(at_ns)

    def on_note(self, at_ns: int) -> None:
        """Take the human's note as evidence of whether clocks were lost."""
        if not (self.running and self.is_external) or self._waits:
            return
        since_ns = at_ns - self._pulse.at_ns
        clocks = self._index + since_ns / self._pulse.interval_ns
        if lost := self._missing.note(at_ns, clocks):
            self._index += lost
            self._steer(at_ns)

    def set_tempo(self, at_ns: int, bpm: float) -> bool:
        """Set our own clock's tempo from `at_ns` on, limited to 20 … 400 bpm.

        Returns:
            False if MIDI clock owns the tempo. Then nothing changes.
        """
        if self.is_external:
            return False
        self._counted_ns = None
        self._pulse.interval_ns = bounded(60e9 / CLOCKS_PER_BEAT / max(1.0, bpm))
        self._retime(at_ns)
        return True

    def check(self, now_ns: int) -> bool:
        """Go on with our own clock, at the last tempo, if no clock came for too long.

        The same holds for a Start that no clock follows. The change is dated when it
        was due, so it does not matter how late or how often this is called. `hear`
        calls it.

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
        """Go on with our own clock from here, until the next MIDI clock.

        A song that was stopped goes on along the timeline.
        """
        self._positions.lose()
        if self._waits:
            self._resume_at(at_ns)
            self._counted_ns = None
        else:
            self._retime(at_ns)
        if not self.running:
            self._counted_ns = None
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
        """Count a clock."""
        last_ns = self._counted_ns
        at_ns = at_ns if last_ns is None else max(at_ns, last_ns)
        gap_ns = math.inf if last_ns is None else at_ns - last_ns
        is_back = gap_ns >= self._silence_ns
        is_first = gap_ns >= max(AWAY_NS, int(AWAY_CLOCKS * self._pulse.interval_ns))
        if is_first or self._waits or (is_back and not self.running):
            self._pulse.begin(at_ns, UNKNOWN if is_back else KNOWN)
        elif moved_ns := self._pulse.hear(at_ns):
            self._missing.move(at_ns, moved_ns / self._pulse.interval_ns)
        self._clock_ns = self._counted_ns = at_ns
        self.is_external = True
        if self._waits:
            self._resume_at(at_ns)
        elif not self.running:
            self._retime(at_ns)
        else:
            here = self.timeline.ticks_at(at_ns) + TICKS_PER_CLOCK // 2
            self._index = here // TICKS_PER_CLOCK if is_first else self._index + 1
            if is_first:
                self._positions.lose()
            self._steer(at_ns)

    def _locate(self, at_ns: int, sixteenths: int) -> None:
        """Take a song position: the next clock is there.

        While the song runs it is a jump, unless it can be explained by the clocks that
        may have been lost. Then it corrects the count.
        """
        next_index = (
            self._resume if self._waits or not self.running else self._index + 1
        )
        clocks = self._positions.locate(sixteenths, next_index - self._from_index)
        self._from_index = clocks
        ahead = clocks - (self._index + 1)
        is_counting = self.running and self.is_external and not self._waits
        if is_counting and 0 <= ahead <= self._missing.clocks:
            self._index += ahead
        else:
            self._resume = clocks
            if self.running:
                self._waits, self._asked_ns = True, at_ns
        self._missing.decide()

    def _stop(self, at_ns: int) -> None:
        """Stop. The song continues with the clock after the last one."""
        if self.running and not self._waits:
            here = -(-self.timeline.ticks_at(at_ns) // TICKS_PER_CLOCK)
            self._resume = self._index + 1 if self.is_external else here
        self.running = self._waits = False

    def _resume_at(self, at_ns: int) -> None:
        """Go on at `at_ns` from the position of the last Start, Continue or jump."""
        self._index = self._resume
        self.running, self._waits = True, False
        self._jump(at_ns)

    def _jump(self, at_ns: int) -> None:
        """Put the position of the latest clock at `at_ns`."""
        self.left_ticks = self.timeline.ticks_at(at_ns)
        self.timeline = Timeline(
            beat_ns=self._pulse_beat_ns,
            origin_ns=at_ns,
            origin_ticks=self._index * TICKS_PER_CLOCK,
        )
        self.jumps += 1

    def _retime(self, at_ns: int, beat_ns: int | None = None) -> None:
        """Change the tempo from here on, to that of the pulse if None is given.

        The new timeline begins at the start of the current tick, so no part of a tick
        is lost. The tick at `at_ns` stays the same; if the tempo rises it may be the
        next one.
        """
        ticks = self.timeline.ticks_at(at_ns)
        self.timeline = Timeline(
            beat_ns=beat_ns or self._pulse_beat_ns,
            origin_ns=self.timeline.ns_at(ticks),
            origin_ticks=ticks,
        )

    def _steer(self, at_ns: int) -> None:
        """Lead the timeline from where it is to where the pulse will be."""
        pulse_ns = round(self._pulse.at_ns)
        ahead = self.timeline.ticks_at(pulse_ns) / TICKS_PER_CLOCK - self._index
        if abs(ahead) > MOST_FOLDED_CLOCKS and self._pulse.is_settled:
            self._jump(pulse_ns)
            return
        ticks = self.timeline.ticks_at(at_ns)
        meet_ns = self._pulse.at_ns + FOLD_CLOCKS * self._pulse.interval_ns
        left_ns = meet_ns - self.timeline.ns_at(ticks)
        left = (self._index + FOLD_CLOCKS) * TICKS_PER_CLOCK - ticks
        fastest, slowest = self._pulse_beat_ns // 2, self._pulse_beat_ns * 2
        beat_ns = round(left_ns * TICKS_PER_BEAT / left) if left > 0 else slowest
        self._retime(at_ns, min(max(beat_ns, fastest), slowest))

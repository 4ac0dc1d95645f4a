"""A pair of ports on JACK, exact to the frame, both ways.

::

    In:  JACK's thread ─▶ bridge process ─▶ ring, wake pipe ─▶ receive
    Out: send ─▶ ring ─▶ bridge process ─▶ JACK's thread, on the frame

Each direction has a process of its own (`ripieno.ports.jack_bridge`), so nothing that
the player does delays the server. What arrives is stamped with the time of its frame.
A message leaves on the frame of its due time if it is handed over at least `reach_ns`
before, else as soon as it can. A message that is due at the time of something that was
heard is an echo of it: it leaves one period later, without jitter. An answer that the
thinker computes leaves `answer_ns` later, a whole number of periods, also without
jitter.

A bridge ends when its standard input ends, so it ends with its owner. A spare process
replaces a bridge that dies (`ripieno.ports.jack_bridges`) within tenths of a second.
While *out* is replaced the port drops note-ons; afterwards it sends the recent
note-offs again. While *in* is replaced the release of a key may not be heard, so the
port reports that everything is let go. The port is dead when the server is, or when no
bridge can be opened any more.
"""

import os
import select
from collections import deque
from collections.abc import Callable
from typing import Final

from ripieno.clock import NS_PER_MS, NS_PER_S, Clock, SystemClock
from ripieno.errors import PortError
from ripieno.music import messages
from ripieno.ports.jack_bridges import Bridges
from ripieno.ports.jack_memory import COUNT, GAPS, GONE, TAKE_BACK, Cycle, Memory
from ripieno.ports.jack_process import OPEN_NS, Direction, Pairs
from ripieno.ports.jack_time import STALL_NS, FrameTime, Placing
from ripieno.ports.parser import Parser
from ripieno.ports.ports import IN, OUT, Heard, name_on_jack
from ripieno.ports.sounding import Sounding

CLOSE_NS: Final = NS_PER_S
REACH_NS: Final = 5 * NS_PER_MS
"""The part of `reach_ns` besides one period. A message must be there before the cycle
begins in which it leaves, and a player wakes 1 ms late at p99 beside ONNX Runtime on
two busy cores, 5 ms now and then. It is no longer, because what was handed over is
played: the player cannot change it any more."""
THOUGHT_NS: Final = 4 * NS_PER_MS
"""From the start of the cycle that brings a key to when its voices are handed over: 3.1
ms at p99, 3.4 at p99.9 beside nothing else (`ripieno bench latency`)."""
RESEND_NS: Final = NS_PER_S
"""Note-offs of this time before a bridge was found dead may be lost."""
CYCLES: Final = 8
SEEING_NS: Final = 30 * NS_PER_MS
STAMPS: Final = 1024
"""How many times of arrival are remembered, to recognise an echo by its due time."""
MOST_BEHIND_NS: Final = 50 * NS_PER_MS
"""A server that stalls stops the player's time for no longer than this."""
_WRAP: Final = 1 << 32


class JackPort:
    """A `Port` that other JACK clients see; opened by its constructor. Thread: one."""

    def __init__(
        self,
        in_name: str = IN,
        out_name: str = OUT,
        clock: Clock | None = None,
        connections: Callable[[], Pairs] = tuple,
        bridges: Bridges | None = None,
    ) -> None:
        """Open both.

        Args:
            in_name: the input's name, and its client's.
            out_name: the output's name, and its client's.
            clock: must be the system's, or one that agrees with it.
            connections: returns the connections to make if both ports exist, as
                (source, destination); called again whenever a bridge is replaced.
            bridges: processes that wait already; new ones if None.

        Raises:
            PortError: libjack or the server is missing, or a name is in use.
        """
        self.name_in, self.name_out = name_on_jack(in_name), name_on_jack(out_name)
        self._clock = clock or SystemClock()
        self._parser, self._placing = Parser(), Placing()
        self._unsent: deque[tuple[int, bytes]] = deque()
        self._stamps: dict[int, int] = {}  # the frame of each time of arrival
        self._ons_ns: dict[int, int] = {}  # when each key's last note-on is due
        self._lost = self._closed = self.is_woken = False
        self._sounding = Sounding()
        self._bridges = bridges or Bridges()
        self._memory = Memory(self._bridges.descriptor)
        self._instead: list[Heard] = []
        self._wakes_by: list[int] = []
        self._dead_since_ns = 0
        try:
            rate_hz = self._bridges.open({"in": in_name, "out": out_name}, connections)
            self._cycle = self._first_cycle(self._clock.now_ns() + OPEN_NS)
        except PortError:
            self.close()
            raise
        self._newest = self._cycle.frame
        self._time = FrameTime(rate_hz, self._cycle.frame, self._cycle.at_ns)
        self._see_some_cycles()
        self._frames = self._cycle.frames
        period_ns = self._time.length_ns(self._frames)
        self.reach_ns = period_ns + REACH_NS
        periods = -(-THOUGHT_NS // period_ns)
        self.answer_ns = self._time.length_ns(periods * self._frames)
        self._checked_ns, self._counts = self._clock.now_ns(), self._count()

    @property
    def gaps_heard(self) -> int:
        """How often messages that came in may have been lost; see `Port.gaps_heard`."""
        return self._memory.heard.words[GAPS]

    def frame_at(self, at_ns: int) -> int:
        """Return the server's frame at a time, for measurements.

        It is exact for the time of a message that arrived lately. While a server
        stalls its frames stand still, but not the time.
        """
        heard = self._stamps.get(at_ns)
        return self._time.frame_at(at_ns) if heard is None else heard

    def heard_until(self, now_ns: int) -> int:
        """Return the end of the last cycle that was heard; see `Port.heard_until`."""
        cycle = self._look()
        end_ns = self._time.ns_at(cycle.frame + cycle.frames)
        return min(now_ns, max(end_ns, now_ns - MOST_BEHIND_NS))

    def receive(self) -> list[Heard]:
        """Return all complete messages that wait, each at the time of its frame."""
        heard: list[Heard] = []
        if self._closed:
            return heard
        for frame, data in self._memory.heard.read():
            self._newest = max(self._newest, frame)
            at_ns = self._time.ns_at(frame)
            self._stamps[at_ns] = frame
            heard += [Heard(at_ns, message) for message in self._parser.feed(data)]
        while len(self._stamps) > STAMPS:
            del self._stamps[next(iter(self._stamps))]
        instead, self._instead = self._instead, []
        return heard + instead

    def send(self, message: bytes, due_ns: int) -> None:
        """Hand one complete message over; never waits."""
        is_silent = "out" in self._bridges.opening and messages.is_note_on(message)
        if is_silent or not self.alive():
            return
        self._sounding.passed(message, due_ns)
        cycle, heard = self._look(), self._stamps.get(due_ns)
        frame = self._placing.place(
            message,
            self._time.frame_at(due_ns) if heard is None else heard,
            self._first_reachable(cycle),
            None if heard is None else cycle.frames,
        )
        prefix = TAKE_BACK if self._is_taken_back(message, due_ns) else b""
        self._unsent.append((frame % _WRAP, prefix + message))
        self._hand_over()

    def _is_taken_back(self, message: bytes, due_ns: int) -> bool:
        """Return whether this is a note-off that is due before its note-on."""
        if message[0] & 0xF0 not in (messages.NOTE_ON, messages.NOTE_OFF):
            return False
        key = messages.channel_of(message) << 7 | message[1]
        if messages.is_note_on(message):
            self._ons_ns[key] = due_ns
            return False
        return due_ns < self._ons_ns.pop(key, due_ns)

    def wake_by(self, descriptor: int) -> None:
        """Have `wait` end when a descriptor becomes readable; see `Port.wake_by`."""
        self._wakes_by, self.is_woken = [descriptor], True

    def wait(self, until_ns: int) -> None:
        """Sleep until a time, or until something has arrived."""
        if self._unsent:
            self._hand_over()
        left_ns = until_ns - self._clock.now_ns()
        if left_ns <= 0:
            return
        if not self.alive():
            self._clock.wait_until(until_ns)
            return
        reports = self._bridges.reports()
        watched = [*reports, *self._wakes_by]
        for descriptor in select.select(watched, [], [], left_ns / NS_PER_S)[0]:
            if descriptor in reports:
                self._hear(reports[descriptor])
            else:
                os.read(descriptor, 4096)

    def alive(self) -> bool:
        """Return whether both bridges have their server. Cost: under 1 µs."""
        if self._closed or self._lost or self._bridges.is_lost:
            return False
        return not (self._memory.heard.words[GONE] or self._memory.due.words[GONE])

    def check(self) -> None:
        """Replace bridges that ended; notice a server that calls no bridge any more."""
        if self._closed or not self.alive():
            return
        self._bridges.check()
        if self._cycle.frames > self._frames:  # `reach_ns` is for shorter periods
            self._lost = True
            return
        now_ns = self._clock.now_ns()
        if now_ns - self._checked_ns < STALL_NS:
            return
        before, self._counts = self._counts, self._count()
        self._checked_ns = now_ns
        stalls = any(a == b for a, b in zip(before, self._counts, strict=True))
        self._lost = stalls and not self._bridges.opening

    def close(self) -> None:
        """Remove both ports; every note-off that was handed over leaves before."""
        if self._closed:
            return
        self._closed = True
        self._bridges.close(self._clock.now_ns() + CLOSE_NS)
        self._memory.close()

    def _hear(self, direction: Direction) -> None:
        """A bridge reported something, or ended while the server is there."""
        if not self.alive():
            return
        change = self._bridges.hear(direction)
        if change == "died" and direction == "out":
            self._dead_since_ns = self._clock.now_ns()
            self._keep_what_waits()
        elif change == "died":  # keys may be released before the new one hears
            now_ns = self._clock.now_ns()
            self._instead = [Heard(now_ns, data) for data in messages.letting_go()]
        elif change == "opened" and direction == "out":
            # The bridge that died may have kept the recent note-offs.
            for end in self._sounding.ended_since(self._dead_since_ns - RESEND_NS):
                self.send(end, self._clock.now_ns())

    def _keep_what_waits(self) -> None:
        """Of what the dead bridge did not take, keep all but the note-ons."""
        for frame, record in reversed(self._memory.due.read()):
            message = record.removeprefix(TAKE_BACK)
            if not messages.is_note_on(message):
                self._unsent.appendleft((frame, message))

    def _first_cycle(self, until_ns: int) -> Cycle:
        """Return a cycle that the bridge has stored; it saw some before it opened."""
        while not (cycle := self._memory.heard.cycle()).number:
            if self._clock.now_ns() > until_ns:
                raise PortError(f"JACK does not call {self.name_in!r}: restart JACK")
            self._clock.wait_until(self._clock.now_ns() + NS_PER_MS // 2)
        return cycle

    def _see_some_cycles(self) -> None:
        """See several cycles: one may have begun late, the earliest tells the time."""
        until_ns = self._clock.now_ns() + SEEING_NS
        first = self._cycle.number
        while self._clock.now_ns() < until_ns and self._cycle.number < first + CYCLES:
            self._clock.wait_until(self._clock.now_ns() + NS_PER_MS // 2)
            self._look()

    def _count(self) -> tuple[int, int]:
        return self._memory.heard.words[COUNT], self._memory.due.words[COUNT]

    def _look(self) -> Cycle:
        """Return the cycle that the server is in."""
        # While the input is replaced, only the output is called.
        is_deaf = "in" in self._bridges.opening
        side = self._memory.due if is_deaf else self._memory.heard
        if not self._closed and side.words[COUNT] != self._cycle.number:
            cycle = side.cycle()
            if cycle.number:  # else the bridge was stopped while it stored the cycle
                self._cycle = cycle
                self._time.see(cycle.frame, cycle.at_ns)
        return self._cycle

    def _first_reachable(self, cycle: Cycle) -> int:
        """Return the next cycle's first frame; the bridge may show this one late."""
        since_ns = self._clock.now_ns() - cycle.at_ns
        by_clock = since_ns // self._time.length_ns(cycle.frames)
        by_event = (self._newest - cycle.frame) // cycle.frames
        return cycle.frame + (max(by_clock, by_event, 0) + 1) * cycle.frames

    def _hand_over(self) -> None:
        while self._unsent and self._memory.due.write(*self._unsent[0]):
            self._unsent.popleft()

"""A pair of ports on JACK, exact to the frame, both ways.

::

    In:  JACK's thread ─▶ bridge process ─▶ ring, wake pipe ─▶ receive
    Out: send ─▶ ring ─▶ bridge process ─▶ JACK's thread, on the frame

Each direction has a process of its own (`ripieno.midi.jack_bridge`), so nothing that
the player does delays the server. What arrives is stamped with its frame's time; what
is sent leaves on the frame of its due time, if it was handed over a little more than a
period before (`reach_ns`), else as soon as it can. What is due at the very time of
something that was heard is an echo of it: it takes one period, with no jitter. An
answer that takes thought takes as many periods as thinking does (`answer_ns`), with no
jitter either.

A bridge ends with its owner (its standard input ends), and the port dies with either.
"""

import contextlib
import json
import os
import select
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from typing import Final, Literal

from ripieno.clock import NS_PER_MS, NS_PER_S, Clock, SystemClock
from ripieno.errors import PortError
from ripieno.midi import jack_memory
from ripieno.midi.jack_memory import TAKE_BACK, Cycle, Memory
from ripieno.midi.jack_time import FrameTime, Placing
from ripieno.midi.parser import Parser
from ripieno.midi.ports import IN, OUT, Heard, name_on_jack
from ripieno.music import messages

OPEN_NS: Final = 5 * NS_PER_S
"""It takes 0.2 s; on a machine that is very busy ten times as long."""
CLOSE_NS: Final = NS_PER_S
STALL_NS: Final = 250 * NS_PER_MS
"""No period is as long: 8 192 frames at 44.1 kHz are 186 ms."""
REACH_NS: Final = 5 * NS_PER_MS
"""Besides one period: what leaves in a cycle has to be there before that begins, and a
player wakes 1 ms late at p99 beside ONNX Runtime on two busy cores, 5 ms now and then.
Whatever is handed over is played: the more, the later one may change one's mind."""
THOUGHT_NS: Final = 4 * NS_PER_MS
"""From the start of the cycle that brings a key to when its voices are handed over: 3.1
ms at p99, 3.4 at p99.9 beside nothing else (`ripieno bench latency`)."""
CYCLES: Final = 8
SEEING_NS: Final = 30 * NS_PER_MS
STAMPS: Final = 1024
"""So many are remembered, to know an echo by its time."""
MOST_BEHIND_NS: Final = 50 * NS_PER_MS
"""A server that stalls does not stop the player's time for longer."""
_WRAP: Final = 1 << 32


class JackPort:
    """A `Port` that other JACK clients see; opened by its constructor.

    Attributes:
        name_in: the input's full name.
        name_out: the output's full name.

    Thread: one.
    """

    def __init__(
        self,
        in_name: str = IN,
        out_name: str = OUT,
        clock: Clock | None = None,
        connections: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Open both.

        Args:
            in_name: the input's name, and its client's.
            out_name: the output's name, and its client's.
            clock: must be the system's, or one that agrees with it.
            connections: (source, destination) each, to be made if both are there.

        Raises:
            PortError: libjack or the server is missing, or a name is in use.
        """
        self.name_in, self.name_out = name_on_jack(in_name), name_on_jack(out_name)
        self._clock = clock or SystemClock()
        self._parser, self._placing = Parser(), Placing()
        self._unsent: deque[tuple[int, bytes]] = deque()
        self._stamps: dict[int, int] = {}
        self._ons_ns: dict[int, int] = {}  # when each key's last note-on is due
        self._lost = self._closed = False
        descriptor = jack_memory.make()
        self._memory = Memory(descriptor)
        self._bridges = [
            _Bridge("in", in_name, descriptor),
            _Bridge("out", out_name, descriptor),
        ]
        os.close(descriptor)
        until_ns = self._clock.now_ns() + OPEN_NS
        try:
            # One after the other: clients that open at once may lock a jackd2 up.
            self._bridges[0].open((), until_ns, self._clock)
            rate_hz = self._bridges[1].open(connections, until_ns, self._clock)
            self._cycle = self._first_cycle(until_ns)
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
        """How often messages that came in may have been lost; none are counted yet."""
        return 0

    @property
    def late(self) -> int:
        """How many messages reached the server after the frame that they were for."""
        return self._memory.due.late

    def frame_at(self, at_ns: int) -> int:
        """The server's frame at an instant: exactly that of a stamp, for recent ones.

        It is for whoever measures: a server that stalls stops its frames, not the time.
        """
        heard = self._stamps.get(at_ns)
        return self._time.frame_at(at_ns) if heard is None else heard

    def heard_until(self, now_ns: int) -> int:
        """The end of the last cycle that was heard."""
        cycle = self._look()
        end_ns = self._time.ns_at(cycle.frame + cycle.frames)
        return min(now_ns, max(end_ns, now_ns - MOST_BEHIND_NS))

    def receive(self) -> list[Heard]:
        """All complete messages that wait, each at the time of its frame."""
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
        return heard

    def send(self, message: bytes, due_ns: int) -> None:
        """Hand one complete message over; never waits."""
        if not self.alive():
            return
        cycle = self._look()
        if self._is_taken_back(message, due_ns):
            message = TAKE_BACK + message
        heard = self._stamps.get(due_ns)
        frame = self._placing.place(
            message.removeprefix(TAKE_BACK),
            self._time.frame_at(due_ns) if heard is None else heard,
            self._first_reachable(cycle),
            None if heard is None else cycle.frames,
        )
        self._unsent.append((frame % _WRAP, message))
        self._hand_over()

    def _is_taken_back(self, message: bytes, due_ns: int) -> bool:
        """Whether a note-off is due before the note-on that it ends."""
        if message[0] & 0xF0 not in (messages.NOTE_ON, messages.NOTE_OFF):
            return False
        key = messages.channel_of(message) << 7 | message[1]
        if messages.is_note_on(message):
            self._ons_ns[key] = due_ns
            return False
        return due_ns < self._ons_ns.pop(key, due_ns)

    def wait(self, until_ns: int) -> None:
        """Sleep until then, or until something has arrived."""
        if self._unsent:
            self._hand_over()
        left_ns = until_ns - self._clock.now_ns()
        if left_ns <= 0:
            return
        if not self.alive():
            self._clock.wait_until(until_ns)
            return
        wake = self._bridges[0].report
        if select.select([wake], [], [], left_ns / NS_PER_S)[0]:
            self._lost = self._lost or not os.read(wake, 4096)

    def alive(self) -> bool:
        """Whether both bridges have their server. Cost: under 1 µs."""
        gone = self._closed or self._memory.heard.is_gone or self._memory.due.is_gone
        return not (self._lost or gone)

    def check(self) -> None:
        """Look whether both bridges are there, and whether the server calls them."""
        if self._closed or not all(bridge.is_there for bridge in self._bridges):
            self._lost = True
            return
        if self._cycle.frames > self._frames:  # `reach_ns` is for shorter periods
            self._lost = True
            return
        now_ns = self._clock.now_ns()
        if now_ns - self._checked_ns < STALL_NS:
            return
        before, self._counts = self._counts, self._count()
        self._checked_ns = now_ns
        if any(a == b for a, b in zip(before, self._counts, strict=True)):
            self._lost = True

    def close(self) -> None:
        """Remove both ports; every off that was handed over leaves before."""
        if self._closed:
            return
        self._closed = True
        until_ns = self._clock.now_ns() + CLOSE_NS
        for bridge in self._bridges:
            bridge.let_go()
        for bridge in self._bridges:
            bridge.end(until_ns, self._clock)
        self._memory.close()

    def _first_cycle(self, until_ns: int) -> Cycle:
        """One that the bridge has told of whole; it has seen some before it is open."""
        while not (cycle := self._memory.heard.cycle()).number:
            if self._clock.now_ns() > until_ns:
                raise PortError(f"JACK does not call {self.name_in!r}: restart JACK")
            self._clock.wait_until(self._clock.now_ns() + NS_PER_MS // 2)
        return cycle

    def _see_some_cycles(self) -> None:
        """One alone may have begun late; the earliest of some tells the time."""
        until_ns = self._clock.now_ns() + SEEING_NS
        first = self._cycle.number
        while self._clock.now_ns() < until_ns and self._cycle.number < first + CYCLES:
            self._clock.wait_until(self._clock.now_ns() + NS_PER_MS // 2)
            self._look()

    def _count(self) -> tuple[int, int]:
        return self._memory.heard.count, self._memory.due.count

    def _look(self) -> Cycle:
        """The cycle that the server is in."""
        if not self._closed and self._memory.heard.count != self._cycle.number:
            cycle = self._memory.heard.cycle()
            if cycle.number:  # else the bridge was stopped amid telling of it
                self._cycle = cycle
                self._time.see(cycle.frame, cycle.at_ns)
        return self._cycle

    def _first_reachable(self, cycle: Cycle) -> int:
        """The next cycle's first frame; the bridge may be late to tell of this one."""
        since_ns = self._clock.now_ns() - cycle.at_ns
        by_clock = since_ns // self._time.length_ns(cycle.frames)
        by_event = (self._newest - cycle.frame) // cycle.frames
        return cycle.frame + (max(by_clock, by_event, 0) + 1) * cycle.frames

    def _hand_over(self) -> None:
        while self._unsent and self._memory.due.write(*self._unsent[0]):
            self._unsent.popleft()


class _Bridge:
    """A bridge's process, from its owner's side."""

    def __init__(
        self, direction: Literal["in", "out"], name: str, descriptor: int
    ) -> None:
        """Start it; it waits before it opens anything."""
        command = [sys.executable, "-P", "-m", "ripieno.midi.jack_bridge"]
        self._name = name
        self._process = subprocess.Popen(
            [*command, direction, name, str(descriptor)],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=(descriptor,),
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._leash, self._report = self._process.stdin, self._process.stdout
        self.report = self._report.fileno()

    def open(
        self, pairs: Sequence[tuple[str, str]], until_ns: int, clock: Clock
    ) -> int:
        """Let it open its client and connect it; the server's rate.

        Raises:
            PortError: it cannot, or does not in time.
        """
        with contextlib.suppress(BrokenPipeError):  # it has ended: its report tells why
            self._leash.write(json.dumps(list(pairs)).encode() + b"\n")
        said = b""
        while not said.endswith(b"\n"):
            left_s = max(0, until_ns - clock.now_ns()) / NS_PER_S
            if not select.select([self.report], [], [], left_s)[0]:
                raise PortError(
                    f"JACK did not open {self._name!r} within "
                    f"{OPEN_NS // NS_PER_S} s: stop it, remove /dev/shm/jack_db-* (a "
                    "data base that was left locked), and start it again"
                )
            read = os.read(self.report, 1)
            if not read:
                raise PortError(
                    f"the bridge to JACK for {self._name!r} ended too early (exit code "
                    f"{self._process.wait()}); `ripieno doctor` says what is missing"
                )
            said += read
        word, _, rest = said.decode().strip().partition(" ")
        if word != "open":
            raise PortError(rest)
        return int(rest)

    @property
    def is_there(self) -> bool:
        """Whether it runs. Cost: a system call."""
        return self._process.poll() is None

    def let_go(self) -> None:
        """Tell it to end."""
        self._leash.close()

    def end(self, until_ns: int, clock: Clock) -> None:
        """See that it has ended, whatever it does."""
        try:
            self._process.wait(max(0, until_ns - clock.now_ns()) / NS_PER_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._report.close()

"""The process callback of a bridge in Python, for where the one in C was not built.

`ripieno.ports.jack_native` does the same; tests/ports/test_jack_callback.py tests both.
The callback needs Python's GIL, so its process does nothing else.

After a dropped period (JACK reports an xrun, or the frames jump) what was sent lately
may be lost. An output then sends the note-offs of the last second again: at once, and
once more 50 ms later, because stalls come in groups.
"""

import contextlib
import heapq
import os
from typing import Any, Final

from ripieno.clock import SystemClock
from ripieno.music import messages
from ripieno.ports.jack_memory import (
    AT,
    COUNT,
    GAPS,
    LATE,
    LOST,
    TAKE_BACK,
    Cycle,
    Side,
)
from ripieno.ports.sounding import Sounding

MOST: Final = 128
"""Messages taken in one cycle, 0.2 ms of it; the rest comes with the next. A burst of
4 000 at once takes more than a period, and the server drops one that is late."""
RESEND_FOR_S: Final = 1
RESEND_AGAIN_S: Final = 0.05
_WRAP: Final = 1 << 32


class Crossing:
    """What both directions share. Thread: `_process` is JACK's.

    Attributes:
        has_left: whether everything was written after `leave`.
    """

    def __init__(self, client: Any, port: Any, side: Side) -> None:  # noqa: ANN401
        """Register the callbacks; JACK calls them once the client is active."""
        self.client, self.port, self.side = client, port, side
        self.has_left = self._has_begun = self._is_leaving = False
        self._clock = SystemClock()
        # A bridge before this one, which died, may have counted frames already. It may
        # have died in `show`, so `Side.cycle` is of no use.
        self._first = self._count = side.words[COUNT]
        before = side.words[AT]
        now = client.last_frame_time
        self._frame = before + (now - before) % _WRAP
        self._frames = 0
        self._is_gap = False  # whether cycles before this one were missed
        self._xruns = self._xruns_seen = 0
        client.set_process_callback(self._process)
        client.set_xrun_callback(self._on_xrun)

    def cross(self) -> None:
        """Carry over the messages of this cycle."""
        raise NotImplementedError

    def cross_again(self) -> None:
        """Handle a second call for the same cycle: the client woke late."""

    def begin(self) -> None:
        """The port is connected: from now on an output writes."""
        self._has_begun = True

    def leave(self) -> None:
        """From now on send note-offs, drop note-ons, and end what sounds."""
        self._is_leaving = True

    def _process(self, frames: int) -> None:
        at_ns = self._clock.now_ns()
        since = (self.client.last_frame_time - self._frame) % _WRAP
        is_first = self._count == self._first
        if not is_first and not since:
            self.cross_again()
            return
        xruns = self._xruns
        self._is_gap = since != self._frames or xruns != self._xruns_seen
        if is_first:  # a bridge that replaces a dead one begins with a gap
            self._is_gap = self._first > 0
        self._frame += since
        self._frames, self._xruns_seen = frames, xruns
        self._count += 1
        if self._is_gap:
            self.side.words[GAPS] += 1
        self.cross()
        self.side.show(Cycle(self._count, self._frame, at_ns, frames))

    def _on_xrun(self, _delayed_us: float) -> None:
        self._xruns += 1


class In(Crossing):
    """From the server to the player."""

    def __init__(self, client: Any, port: Any, side: Side, wake_fd: int) -> None:  # noqa: ANN401
        super().__init__(client, port, side)
        self._wake_fd, self.has_left = wake_fd, True  # nothing waits to be written
        self._read = self._last_read = list[tuple[int, bytes]]()

    def cross(self) -> None:
        """Hand over whatever arrived in this cycle, and wake the player."""
        self._last_read, self._read = self._read, []
        self._hand_over(is_doubtful=self._is_gap)

    def cross_again(self) -> None:
        """Hand over what was not there yet when this cycle began."""
        self._hand_over(is_doubtful=True)

    def _hand_over(self, *, is_doubtful: bool) -> None:
        """Read what was not read yet in this cycle.

        A client that woke late may be called before its sources have written. It then
        finds nothing, or what it read in the cycle before.
        """
        came = [(at, bytes(data)) for at, data in self.port.incoming_midi_events()]
        if self.port.lost_midi_events:
            self.side.words[GAPS] += 1
        if is_doubtful and came and not self._read and came == self._last_read:
            return
        fresh, self._read = came[len(self._read) :], came
        for offset, data in fresh:
            if not self.side.write(self._frame + offset, data):
                self.side.words[LOST] += 1
                self.side.words[GAPS] += 1
        if fresh:
            with contextlib.suppress(BlockingIOError):  # the player is being woken
                os.write(self._wake_fd, b"!")


class Out(Crossing):
    """From the player to the server."""

    def __init__(self, client: Any, port: Any, side: Side) -> None:  # noqa: ANN401
        super().__init__(client, port, side)
        self._waiting: list[tuple[int, int, bytes]] = []
        self._n_taken, self._sounding = 0, Sounding()
        self._rate_hz = client.samplerate
        self._resend_at: list[int] = []
        self._room_bytes = 0
        if self._first:
            self._sounding.use(range(16))  # by the bridge before, which died

    def cross(self) -> None:
        """Write whatever is due before this cycle ends, each message on its frame."""
        if self._is_gap:
            again = self._frame + int(RESEND_AGAIN_S * self._rate_hz)
            self._resend_at = [self._frame, again]
        self.port.clear_buffer()
        if not self._has_begun:
            return
        self._room_bytes = self.port.max_event_size
        self._take()
        self._resend()
        if not self._is_leaving:
            self._write_before(self._frame + self._frames, self._frame)
            return
        self._write_before(self._frame + _WRAP, self._frame + _WRAP)
        is_empty = not self._waiting and self.side.is_empty
        self.has_left = self.has_left or (is_empty and self._ended_all())

    def _take(self) -> None:
        for wrapped, record in self.side.read(MOST):
            ahead = (wrapped - self._frame + _WRAP // 2) % _WRAP - _WRAP // 2
            message = record.removeprefix(TAKE_BACK)
            if message != record and self._take_back(message):
                continue
            self._n_taken += 1
            due = self._frame + ahead
            heapq.heappush(self._waiting, (due, self._n_taken, message))
            if ahead < 0:
                self.side.words[LATE] += 1

    def _take_back(self, off: bytes) -> bool:
        """Forget the last note-on that a note-off would end; False if none waits."""
        ons = [
            entry
            for entry in self._waiting
            if messages.is_note_on(entry[2])
            and messages.channel_of(entry[2]) == messages.channel_of(off)
            and entry[2][1] == off[1]
        ]
        if ons:
            self._waiting.remove(max(ons))
            heapq.heapify(self._waiting)
        return bool(ons)

    def _resend(self) -> None:
        """Send the note-offs of the last second again, if that is planned for now."""
        if not self._resend_at or self._resend_at[0] > self._frame:
            return
        since = self._frame - RESEND_FOR_S * self._rate_hz
        for message in self._sounding.ended_since(since):
            if self.port.max_event_size < len(message):
                return  # all of them again in the next cycle
            self.port.write_midi_event(0, message)
        del self._resend_at[0]

    def _write_before(self, end: int, start: int) -> None:
        """Write what is before a frame; what finds no room stays for the next cycle."""
        waiting = self._waiting
        while waiting and waiting[0][0] < end:
            due, _, message = waiting[0]
            if len(message) > self._room_bytes:
                self.side.words[LOST] += 1
            elif not (self._is_leaving and messages.is_note_on(message)):
                if len(message) > self.port.max_event_size:
                    return
                self.port.write_midi_event(max(0, due - start), message)
                self._sounding.passed(message, self._frame)
            heapq.heappop(waiting)

    def _ended_all(self) -> bool:
        """End what sounds; what finds no room is ended in the next cycle."""
        for message in (*self._sounding.ends(), *self._sounding.silences()):
            if len(message) > self.port.max_event_size:
                return False
            self.port.write_midi_event(0, message)
            self._sounding.passed(message, self._frame)
        return True

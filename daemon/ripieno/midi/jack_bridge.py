"""A bridge: a process with one JACK client, one port, and nothing else in it.

A process callback in Python needs the GIL. Here nobody else ever holds it: the main
thread blocks in a `read` until its owner goes, the collector is off. So the callback is
as exact as a native one (0 samples of jitter, 0 of 5 000 lost, measured), while beside
a busy thread it would lose up to 83 % (`ripieno.midi.ports`).

``python -m ripieno.midi.jack_bridge in|out NAME DESCRIPTOR``: *in* writes what arrives,
each message with its frame, into the shared ring and wakes the player by a byte; *out*
takes messages from it and writes each on its frame.

* Standard input is the leash: first a line (what to connect; now open), then nothing;
  its end means that the owner is gone or done. *Out* then lets every off that it still
  has go, and no on, and ends whatever still sounds: with the next period after a player
  was killed, not when the next one has started.
* Standard output first says ``open RATE`` or ``refused SENTENCE``; from then on each
  byte of *in* says that something has arrived.
* Opening may hang in libjack for ever, and so may closing: an alarm ends the process.
"""

import contextlib
import ctypes
import gc
import heapq
import json
import os
import signal
import sys
import threading
from typing import Any, Final

from ripieno.clock import SystemClock
from ripieno.errors import PortError
from ripieno.midi.jack_memory import TAKE_BACK, Cycle, Memory, Side
from ripieno.midi.jack_server import connect, open_client
from ripieno.midi.sounding import Sounding
from ripieno.music import messages

OPENING_S: Final = 8.0
CLOSING_S: Final = 0.6
FLUSH_S: Final = 0.25
"""No period is as long: 8 192 frames at 44.1 kHz are 186 ms."""
MOST: Final = 128
"""Messages taken in one cycle, 0.2 ms of it; the rest comes with the next. A burst of
4 000 at once takes more than a period, and the server drops one that is late."""
_ATTEMPTS: Final = 5
"""JACK may tie a client that opens to the dead semaphore of one that leaves: it then
never runs. Opening it again cures it (`ripieno.midi.rtmidi_port`)."""
_CYCLES: Final = 3
_LOOK_S: Final = 0.002
_RUNS_S: Final = 0.5
_WRAP: Final = 1 << 32
_MCL_CURRENT: Final = 1
_REPORT, _LEASH = 1, 0


class Bridge:
    """One client of one port. Thread: the callback is JACK's."""

    def __init__(self, name: str, side: Side) -> None:
        """Open it; it does not run yet.

        Raises:
            PortError: no server answers, or the name is in use.
        """
        self.client, self.side = open_client(name), side
        self._clock = SystemClock()
        if any(p.name.endswith(f":{name}") for p in self.client.get_ports()):
            raise PortError(
                f"a MIDI port named {name!r} is in use: stop the program that has it, "
                "or choose other port names with --in and --out"
            )
        self._count, self._frame = 0, self.client.last_frame_time
        self.port: Any = self.register(name)
        self.client.set_process_callback(self._process)
        self.client.set_shutdown_callback(self._shut_down)

    def register(self, name: str) -> Any:  # noqa: ANN401  (an untyped library)
        """The one port."""
        raise NotImplementedError

    def cross(self, frame: int, frames: int) -> bool:
        """Carry over what there is in a cycle; whether the player is to wake."""
        raise NotImplementedError

    def flush(self) -> None:
        """Before it goes."""

    def runs(self) -> bool:
        """Whether the server calls us, once activated."""
        self.client.activate()
        never, first = threading.Event(), self._count
        for _ in range(int(_RUNS_S / _LOOK_S)):
            if self._count >= first + _CYCLES:
                return True
            never.wait(_LOOK_S)
        return False

    def _process(self, frames: int) -> None:
        at_ns = self._clock.now_ns()
        since = (self.client.last_frame_time - self._frame) % _WRAP
        self._frame += since
        self._count += 1
        wakes = self.cross(self._frame, frames)
        self.side.show(Cycle(self._count, self._frame, at_ns, frames))
        if wakes:
            with contextlib.suppress(BlockingIOError):  # it is being woken already
                os.write(_REPORT, b"!")

    def _shut_down(self, _status: object, _reason: str) -> None:
        self.side.set_gone()
        os._exit(0)


class In(Bridge):
    """From the server to the player."""

    def register(self, name: str) -> Any:  # noqa: ANN401
        """The input."""
        return self.client.midi_inports.register(name)

    def cross(self, frame: int, frames: int) -> bool:
        """Whatever arrived in this cycle."""
        del frames
        any_came = False
        for offset, data in self.port.incoming_midi_events():
            any_came = True
            if not self.side.write(frame + offset, bytes(data)):
                self.side.count_lost()
        return any_came


class Out(Bridge):
    """From the player to the server."""

    def __init__(self, name: str, side: Side) -> None:
        self._waiting: list[tuple[int, int, bytes]] = []
        self._n_taken, self._sounding = 0, Sounding()
        self._is_leaving, self._left = False, threading.Event()
        super().__init__(name, side)

    def register(self, name: str) -> Any:  # noqa: ANN401
        """The output."""
        return self.client.midi_outports.register(name)

    def cross(self, frame: int, frames: int) -> bool:
        """Whatever is due before this cycle ends, each message on its frame."""
        self.port.clear_buffer()
        for wrapped, record in self.side.read(MOST):
            ahead = (wrapped - frame + _WRAP // 2) % _WRAP - _WRAP // 2
            message = record.removeprefix(TAKE_BACK)
            if message != record and self._take_back(message):
                continue
            self._n_taken += 1
            heapq.heappush(self._waiting, (frame + ahead, self._n_taken, message))
            if ahead < 0:
                self.side.count_late()
        if self._is_leaving:
            self._write_before(frame + _WRAP, frame + _WRAP)
            if not self._waiting and self.side.is_empty and self._ended_all():
                self._left.set()
        else:
            self._write_before(frame + frames, frame)
        return False

    def _take_back(self, off: bytes) -> bool:
        """Forget the note-on that a note-off would end; False where it has left."""
        channel = messages.channel_of(off)
        for entry in reversed(self._waiting):
            on = entry[2]
            if (
                messages.is_note_on(on)
                and on[1] == off[1]
                and (messages.channel_of(on) == channel)
            ):
                self._waiting.remove(entry)
                heapq.heapify(self._waiting)
                return True
        return False

    def _write_before(self, end: int, start: int) -> None:
        """Write what is before a frame; what finds no room stays for the next cycle."""
        port, waiting, is_first = self.port, self._waiting, True
        while waiting and waiting[0][0] < end:
            due, _, message = waiting[0]
            if self._is_leaving and messages.is_note_on(message):
                pass
            elif len(message) <= port.max_event_size:
                port.write_midi_event(max(0, due - start), message)
                self._sounding.passed(message)
                is_first = False
            elif is_first:
                self.side.count_lost()  # larger than the whole buffer
            else:
                return
            heapq.heappop(waiting)

    def _ended_all(self) -> bool:
        """End what sounds; what finds no room is ended in the next cycle."""
        for message in self._sounding.ends():
            if len(message) > self.port.max_event_size:
                return False
            self.port.write_midi_event(0, message)
            self._sounding.passed(message)
        return True

    def flush(self) -> None:
        """Let every off go that still waits, and end what sounds."""
        self._is_leaving = True
        self._left.wait(FLUSH_S)
        # What was written in one cycle has left when the next one begins.
        never, count = threading.Event(), self._count
        for _ in range(int(FLUSH_S / _LOOK_S)):
            if self._count > count:
                return
            never.wait(_LOOK_S)


def main(direction: str, name: str, descriptor: str) -> None:
    """Be a bridge until the owner goes."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the leash tells, and nothing else
    memory = Memory(int(descriptor))
    kind, side = (In, memory.heard) if direction == "in" else (Out, memory.due)
    pairs = json.loads(_first_line())
    signal.setitimer(signal.ITIMER_REAL, OPENING_S)
    try:
        bridge = _open(kind, name, side)
    except PortError as error:
        os.write(_REPORT, f"refused {error}\n".encode())
        os._exit(1)
    connect(bridge.client, pairs)
    signal.setitimer(signal.ITIMER_REAL, 0)
    _warm()
    os.write(_REPORT, f"open {bridge.client.samplerate}\n".encode())
    os.set_blocking(_REPORT, False)
    while os.read(_LEASH, 64):
        pass
    signal.setitimer(signal.ITIMER_REAL, CLOSING_S)
    bridge.flush()
    bridge.client.deactivate()
    bridge.client.close()
    os._exit(0)


def _first_line() -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        read = os.read(_LEASH, 1)
        if not read:
            os._exit(0)
        line += read
    return line


def _open(kind: type[Bridge], name: str, side: Side) -> Bridge:
    for _ in range(_ATTEMPTS):
        bridge = kind(name, side)
        if bridge.runs():
            return bridge
        bridge.client.close()
    raise PortError(
        f"JACK does not run {name!r} after {_ATTEMPTS} attempts: stop programs of this "
        "name, or restart JACK"
    )


def _warm() -> None:
    """Nothing is collected from here on, and nothing of it is swapped out."""
    gc.collect()
    gc.freeze()
    gc.disable()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mlockall(_MCL_CURRENT)


if __name__ == "__main__":
    main(*sys.argv[1:])

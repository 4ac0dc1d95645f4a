"""Keeps rtmidi from waiting for ever on a JACK server that no longer answers.

rtmidi hands messages to JACK through a ring of 16 384 bytes, which JACK empties once a
period. When the ring is full and stays full, `send_message` spins for ever and holds
the GIL. There are three causes, and each is noticed before the ring is full:

* the server died: the sentinel's shutdown callback (5–7 ms after a `kill -9`);
* the server is stopped or hangs: its cycle counter stands still;
* the server removed our client: our port is no longer there.

This module imports neither rtmidi nor jack, and reads no clock.
"""

import threading
from typing import Final

from ripieno.clock import NS_PER_MS, NS_PER_S
from ripieno.ports.jack_server import Sentinel
from ripieno.ports.jack_time import STALL_NS

_ROOM_BYTES: Final = 12_288
"""How much of the ring we fill within a period: 1 755 notes, three quarters."""
_HEADER_BYTES: Final = 4
"""rtmidi writes the length, an int, before each message."""
_CHECK_EVERY: Final = 256
"""Sends between two looks for our own port."""
_LOOK_NS: Final = NS_PER_MS


class JackGuard:
    """Counts the bytes that wait for one JACK port. Thread: the one that sends."""

    def __init__(self, sentinel: Sentinel, port_name: str) -> None:
        self._sentinel = sentinel
        self._port_name = port_name
        self._cycle = sentinel.cycle()
        self._waiting_bytes = 0
        self._n_sends = 0

    def has_room(self, n_bytes: int) -> bool:
        """Return whether a message may be sent now, and count it if so.

        If this period is full, wait for the next one, at most 0.25 s: a burst of
        note-offs must not lose one. Once the server, or our port on it, is lost, the
        answer is False.

        Cost: 0.5 µs, and every 256th time a few µs.
        """
        is_check_due = self._n_sends % _CHECK_EVERY == 0
        if is_check_due and not self._sentinel.has_port(self._port_name):
            return False
        self._n_sends += 1
        self._notice_cycle()
        need_bytes = n_bytes + _HEADER_BYTES
        if self._waiting_bytes + need_bytes > _ROOM_BYTES and not self.turns():
            return False
        self._waiting_bytes += need_bytes
        return True

    def _notice_cycle(self) -> bool:
        cycle = self._sentinel.cycle()
        if cycle == self._cycle:
            return False
        self._cycle = cycle
        self._waiting_bytes = 0
        return True

    def turns(self) -> bool:
        """Wait at most 0.25 s for the next period; return whether it began."""
        never = threading.Event()
        self._notice_cycle()
        for _ in range(STALL_NS // _LOOK_NS):
            if self._sentinel.gone:
                return False
            never.wait(_LOOK_NS / NS_PER_S)
            if self._notice_cycle():
                return True
        return False

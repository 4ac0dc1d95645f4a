"""A byte stream becomes complete MIDI messages; no byte can make it raise.

The rules, from the MIDI 1.0 specification:

* a status byte may be left out where it repeats (*running status*); the messages
  that come out always carry theirs;
* real-time bytes (F8 … FF) may stand anywhere, even inside another message; they come
  out at once and disturb nothing;
* every other status ends what came before it: a truncated message is dropped;
* system common messages (F0 … F7) cancel running status;
* F4, F5, F9 and FD are undefined and dropped, as are data bytes without a status.

This module knows no port and no note. Why not mido's parser: it drops running status,
and loses a note-on when a clock byte lands inside it.

Source: MIDI 1.0 Detailed Specification 4.2.1, pages 5 and A-1 ff.
"""

from typing import Final

SYSEX: Final = 0xF0
SYSEX_END: Final = 0xF7
REAL_TIME: Final = 0xF8
LONGEST_SYSEX_BYTES: Final = 65_536
"""With both ends; a longer one is dropped, so that a lost F7 cannot fill memory."""

_UNDEFINED_REAL_TIME: Final = frozenset({0xF9, 0xFD})
_N_DATA_OF_KIND: Final = {0x8: 2, 0x9: 2, 0xA: 2, 0xB: 2, 0xC: 1, 0xD: 1, 0xE: 2}
_N_DATA_OF_COMMON: Final = {0xF1: 1, 0xF2: 2, 0xF3: 1, 0xF6: 0}


class Parser:
    """Holds the unfinished message between two calls of `feed`.

    Thread: one at a time.
    Cost: about 0.3 µs a byte.
    """

    def __init__(self) -> None:
        self._message = bytearray()
        self._n_bytes = 0
        self._in_sysex = False

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that *data* completes, in the order of their last bytes."""
        complete: list[bytes] = []
        for byte in data:
            if byte < 0x80:
                self._take_data(byte, complete)
            elif byte >= REAL_TIME:
                if byte not in _UNDEFINED_REAL_TIME:
                    complete.append(bytes((byte,)))
            elif byte >= SYSEX:
                self._take_common(byte, complete)
            else:
                self._begin(byte, 1 + _N_DATA_OF_KIND[byte >> 4])
        return complete

    def _begin(self, status: int, n_bytes: int) -> None:
        """Start a message of *n_bytes*; 0 means that no data is awaited."""
        self._message = bytearray((status,))
        self._n_bytes = n_bytes
        self._in_sysex = False

    def _take_data(self, byte: int, complete: list[bytes]) -> None:
        if self._in_sysex:
            if len(self._message) < LONGEST_SYSEX_BYTES:
                self._message.append(byte)
            return
        if not self._n_bytes:
            return
        self._message.append(byte)
        if len(self._message) == self._n_bytes:
            complete.append(bytes(self._message))
            self._rest()

    def _rest(self) -> None:
        """After a message: a channel's status runs on, a common one does not."""
        status = self._message[0]
        del self._message[1:]
        if status >= SYSEX:
            self._n_bytes = 0

    def _take_common(self, status: int, complete: list[bytes]) -> None:
        if status == SYSEX_END:
            self._end_sysex(complete)
            return
        n_data = _N_DATA_OF_COMMON.get(status, -1)
        self._begin(status, 1 + n_data)
        self._in_sysex = status == SYSEX
        if n_data == 0:
            complete.append(bytes((status,)))
            self._n_bytes = 0

    def _end_sysex(self, complete: list[bytes]) -> None:
        if self._in_sysex and len(self._message) < LONGEST_SYSEX_BYTES:
            complete.append(bytes(self._message) + bytes((SYSEX_END,)))
        self._begin(SYSEX_END, 0)

"""Converts frames to nanoseconds, and chooses the frame on which a message leaves.

JACK counts frames; everything else here counts nanoseconds of one clock. `FrameTime`
converts with the server's nominal rate and an offset. The offset is that of the
*earliest* start of a period that was seen lately, because a thread may wake late but
never early. The offset changes only when it is wrong by more than `STEP_NS`. Between
two changes equal distances in time are equal distances in frames, to the sample.
(JACK's own estimate changes all the time, and is off by up to 4.5 ms for seconds after
an xrun.)

`Placing` chooses frames. This module is arithmetic alone: it knows no server and no
clock.
"""

from typing import Final

from ripieno.clock import NS_PER_MS, NS_PER_S
from ripieno.music import messages

STALL_NS: Final = 250 * NS_PER_MS
"""Longer than every period: 8 192 frames at 44.1 kHz are 186 ms. A server that begins
no period for so long has stopped."""
STEP_NS: Final = 100_000
"""Less than anybody hears and less than a period; more than a free core's wake-up."""
WINDOW_NS: Final = NS_PER_S
"""How long starts are compared; a sound card drifts by 0.1 ms in some seconds."""
LOST_NS: Final = 300_000
LOST_PERIODS: Final = 32
"""After so many periods in a row that were late by more than `LOST_NS` the offset
follows them. After an xrun the server's frames are 1 to 3 ms behind (jackd2), and a
thread is not late so often by chance."""


class FrameTime:
    """The conversion between frames and nanoseconds. Cost: under 1 µs a call."""

    def __init__(self, rate_hz: int, frame: int, at_ns: int) -> None:
        """Begin with one period that was seen to start with a frame, at a time."""
        self._rate_hz = rate_hz
        self._offset_ns = at_ns - self.length_ns(frame)
        self._until_ns = at_ns + WINDOW_NS
        self._least: int | None = None
        self._lost_ns: list[int] = []  # offsets of the last periods, if all were late

    def see(self, frame: int, at_ns: int) -> None:
        """Note that the period that begins with a frame was seen to start."""
        offset_ns = at_ns - self.length_ns(frame)
        self._least = offset_ns if self._least is None else min(self._least, offset_ns)
        late_ns = offset_ns - self._offset_ns
        if late_ns > LOST_NS:
            self._lost_ns.append(offset_ns)
        else:
            self._lost_ns.clear()
        if late_ns < -STEP_NS:
            self._step(at_ns, offset_ns)
        elif len(self._lost_ns) >= LOST_PERIODS:
            self._step(at_ns, min(self._lost_ns))
        elif at_ns >= self._until_ns:
            is_wrong = abs(self._least - self._offset_ns) > STEP_NS
            self._step(at_ns, self._least if is_wrong else self._offset_ns)

    def ns_at(self, frame: int) -> int:
        """Return the time of a frame."""
        return self._offset_ns + self.length_ns(frame)

    def frame_at(self, at_ns: int) -> int:
        """Return the frame nearest to a time."""
        elapsed_ns = at_ns - self._offset_ns
        return (elapsed_ns * self._rate_hz + NS_PER_S // 2) // NS_PER_S

    def length_ns(self, frames: int) -> int:
        """Return how long a number of frames is."""
        return frames * NS_PER_S // self._rate_hz

    def _step(self, at_ns: int, offset_ns: int) -> None:
        self._offset_ns = offset_ns
        self._until_ns, self._least = at_ns + WINDOW_NS, None
        self._lost_ns.clear()


class Placing:
    """Chooses the frame of each message, and keeps their order.

    Messages of one (channel, key) keep their order. A channel's other messages
    (controllers, programs, bends) keep their order with every message of that channel.
    """

    def __init__(self) -> None:
        self._after_keys = [0] * (16 * 128)
        self._after_rest = [0] * 16
        self._after_all = [0] * 16
        self._after_system = 0

    def place(
        self, message: bytes, due: int, reachable: int, echo_after: int | None = None
    ) -> int:
        """Return the frame on which to send a message.

        Args:
            message: complete.
            due: the frame of its due time.
            reachable: the first frame that can still be sent on.
            echo_after: for an echo of what was heard on the frame `due`: how many
                frames later it sounds. This is always the same, so an echo has no
                jitter. All other late messages leave as soon as they can.
        """
        frame = max(due + (echo_after or 0), reachable)
        if not messages.is_channel_message(message):
            self._after_system = max(frame, self._after_system)
            return self._after_system
        channel = messages.channel_of(message)
        if message[0] < 0xB0:  # off, on, pressure of one key
            key = channel * 128 + message[1]
            frame = max(frame, self._after_keys[key], self._after_rest[channel])
            self._after_keys[key] = frame
        else:
            frame = max(frame, self._after_all[channel])
            self._after_rest[channel] = frame
        self._after_all[channel] = max(frame, self._after_all[channel])
        return frame

"""Frames and nanoseconds, and the frame on which a message leaves: arithmetic alone.

JACK counts frames; everything else here counts nanoseconds of one clock. `FrameTime`
joins the two: nominal rate, and an offset that is the *earliest* that a period was ever
seen to begin lately, since a thread may wake late but never early. The offset rests
until it is wrong by more than `STEP_NS`, then it steps: between two steps equal
distances in time are equal distances in frames, to the sample. (JACK's own estimate
bends all the time, and is off by up to 4.5 ms for seconds after an xrun.)

`Placing` says on which frame a message leaves. It knows no server and no clock.
"""

from typing import Final

from ripieno.clock import NS_PER_S
from ripieno.music import messages

STEP_NS: Final = 100_000
"""Smaller than anybody hears or than a period; larger than a free core's wake-up."""
WINDOW_NS: Final = NS_PER_S
"""The earliest of so long counts; a sound card drifts by 0.1 ms in some seconds."""
LOST_NS: Final = 300_000
LOST_PERIODS: Final = 32
"""So many periods in a row that late: after an xrun the server's frames stand 1 to 3 ms
behind (jackd2), and a thread is not late so often by chance."""


class FrameTime:
    """The line through frames and nanoseconds. Cost: under 1 µs a call."""

    def __init__(self, rate_hz: int, frame: int, at_ns: int) -> None:
        """Begin with one period that was seen to start at a frame."""
        self._rate_hz = rate_hz
        self._offset_ns = at_ns - self.length_ns(frame)
        self._until_ns = at_ns + WINDOW_NS
        self._least: int | None = None
        self._n_lost, self._least_lost = 0, 0

    def see(self, frame: int, at_ns: int) -> None:
        """A period that begins with this frame was seen to start."""
        offset_ns = at_ns - self.length_ns(frame)
        self._least = offset_ns if self._least is None else min(self._least, offset_ns)
        late_ns = offset_ns - self._offset_ns
        self._count_lost(offset_ns, late_ns)
        if late_ns < -STEP_NS or self._n_lost >= LOST_PERIODS:
            self._step(at_ns, offset_ns if late_ns < 0 else self._least_lost)
        elif at_ns >= self._until_ns:
            is_wrong = abs(self._least - self._offset_ns) > STEP_NS
            self._step(at_ns, self._least if is_wrong else self._offset_ns)

    def ns_at(self, frame: int) -> int:
        """When a frame is."""
        return self._offset_ns + self.length_ns(frame)

    def frame_at(self, at_ns: int) -> int:
        """The frame nearest to an instant."""
        elapsed_ns = at_ns - self._offset_ns
        return (elapsed_ns * self._rate_hz + NS_PER_S // 2) // NS_PER_S

    def length_ns(self, frames: int) -> int:
        """How long so many frames are."""
        return frames * NS_PER_S // self._rate_hz

    def _count_lost(self, offset_ns: int, late_ns: int) -> None:
        if late_ns <= LOST_NS:
            self._n_lost = 0
            return
        is_first = self._n_lost == 0
        self._least_lost = offset_ns if is_first else min(self._least_lost, offset_ns)
        self._n_lost += 1

    def _step(self, at_ns: int, offset_ns: int) -> None:
        self._offset_ns = offset_ns
        self._until_ns, self._least, self._n_lost = at_ns + WINDOW_NS, None, 0


class Placing:
    """On which frame a message leaves, and that none overtakes another.

    Of one (channel, key) every message stays behind the one before. A channel's other
    messages (controllers, programs, bends) stay behind everything of that channel, and
    everything after stays behind them.
    """

    def __init__(self) -> None:
        self._after_keys = [0] * (16 * 128)
        self._after_rest = [0] * 16
        self._after_all = [0] * 16
        self._after_system = 0

    def place(
        self, message: bytes, due: int, reachable: int, echo_after: int | None = None
    ) -> int:
        """The frame on which to send.

        Args:
            message: complete.
            due: the frame on which it was meant to be.
            reachable: the first frame that can still be sent on.
            echo_after: for an echo of what was heard on the frame `due`: how much later
                it sounds, if it can: always as much, so without any jitter. Whatever
                else is late leaves as soon as it can.
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

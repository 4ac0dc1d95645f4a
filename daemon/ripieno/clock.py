"""Time, and waiting for it: the only module that reads a clock.

Real time is an integer count of nanoseconds on one monotonic clock. On Linux that is
CLOCK_MONOTONIC_RAW, which is not slewed by NTP while a set lasts (``time.monotonic``
is). Everything else takes a `Clock`, so that tests and `render` never wait.
"""

import time
from typing import Final, Protocol

NS_PER_S: Final = 1_000_000_000
NS_PER_MS: Final = 1_000_000


class Clock(Protocol):
    """What tells the time and lets it pass. Thread: any."""

    def now_ns(self) -> int:
        """The time now, in nanoseconds from an arbitrary origin; never goes back."""
        ...

    def wait_until(self, at_ns: int) -> None:
        """Return at `at_ns`, or at once if that has passed."""
        ...


class SystemClock:
    """The machine's monotonic clock. Waiting sleeps: as exact as clock_nanosleep."""

    def __init__(self) -> None:
        raw = getattr(time, "CLOCK_MONOTONIC_RAW", None)
        self._id = raw if raw is not None else getattr(time, "CLOCK_MONOTONIC", None)

    def now_ns(self) -> int:
        """See `Clock.now_ns`."""
        if self._id is None:
            return time.monotonic_ns()
        return time.clock_gettime_ns(self._id)

    def wait_until(self, at_ns: int) -> None:
        """See `Clock.wait_until`."""
        left_ns = at_ns - self.now_ns()
        if left_ns > 0:
            time.sleep(left_ns / NS_PER_S)


def date_utc() -> str:
    """The date and time, for the head of a report: never for music."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())


class SimulatedClock:
    """Time that passes only when told to: five minutes of music in under a second."""

    def __init__(self, now_ns: int = 0) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        """See `Clock.now_ns`."""
        return self._now_ns

    def wait_until(self, at_ns: int) -> None:
        """Jump; never back."""
        self._now_ns = max(self._now_ns, at_ns)

"""The daemon on a JACK server beside a client in C: what the live benchmarks share.

The server is one of its own (default mode, 128 frames, no sound card). The client sends
numbered notes (`tests/native/jack_sender.c`). Two receivers record what arrives, of the
daemon and of the client (`tests/native/jack_capture.c`).

Needs jackd, its headers and a C compiler.
"""

import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.effective import effective
from tests.jack_fixture import JackServer, build_native
from tests.live_daemon import OUT, Captured, Daemon, pause

from ripieno.files import journal

GAP_MS = 20.0
"""The time from one note to the next of the client in C."""
SENDER = "sender"


class Lost(NamedTuple):
    """How many messages never arrived."""

    messages: int
    of: int

    def __str__(self) -> str:
        return f"{self.messages} of {self.of} lost ({self.messages / self.of:.2%})"


class Playing(NamedTuple):
    """The daemon and the client while they play."""

    daemon: Daemon
    sender: subprocess.Popen[bytes]


class Stage:
    """A server, and the files that are recorded on it.

    Attributes:
        server: the server.
        notes: how many notes the client sends.
    """

    def __init__(
        self, server: JackServer, native: Path, folder: Path, for_s: float
    ) -> None:
        self.server, self._native, self._folder = server, native, folder
        self.notes = int(for_s / GAP_MS * 1000)
        self._ours, self._theirs = folder / "ours.csv", folder / "theirs.csv"

    @contextmanager
    def playing(self, *flags: str) -> Iterator[Playing]:
        """Start the daemon, the receivers and the client; at the end, end all."""
        with Daemon(self.server, self._folder, *flags) as daemon:
            receivers = [
                self.server.capture(OUT, self._ours, "ours"),
                self.server.capture(f"{SENDER}:out", self._theirs, "theirs"),
            ]
            sender = subprocess.Popen(
                [self._native / "jack_sender", SENDER, str(self.notes), str(GAP_MS)],
                env=self.server.env,
                stdout=subprocess.DEVNULL,
            )
            yield Playing(daemon, sender)
            sender.wait()
            daemon.process.terminate()
            daemon.process.wait()
            pause(0.5)
            for receiver in receivers:
                receiver.terminate()
                receiver.wait()
        self.journal = daemon.journal

    def entries(self) -> list[journal.Entry]:
        """Return the journal of the daemon that played."""
        return list(journal.read(self.journal))

    def captured(self) -> Captured:
        """Return what arrived of the daemon."""
        return Captured.read(self._ours)

    def report_losses(self) -> None:
        """Print what was lost of either sender."""
        sent = [e.data for e in self.entries() if isinstance(e, journal.Sent)]
        print(f"daemon: {lost(sent, [data for _, data in self.captured().events])}")
        came = [data for _, data in Captured.read(self._theirs).events]
        print(f"C client: {lost(numbered(self.notes), came)}")


@contextmanager
def stage(for_s: float) -> Iterator[Stage]:
    """Start a server for so many seconds of the client's notes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        native = build_native(folder)
        with JackServer(native, folder, is_synchronous=False) as server:
            yield Stage(server, native, folder, for_s)


def numbered(notes: int) -> list[bytes]:
    """Return the messages that jack_sender sends."""
    sent = []
    for note in range(notes):
        rest, pitch = divmod(note, 128)
        channel, velocity = rest // 127 % 16, 1 + rest % 127
        sent += [bytes((kind | channel, pitch, velocity)) for kind in (0x90, 0x80)]
    return sent


def lost(sent: list[bytes], came: list[bytes]) -> Lost:
    """Count what was sent and never arrived."""
    missing = Counter(effective(sent)) - Counter(effective(came))
    return Lost(missing.total(), sum(1 for _ in effective(sent)))

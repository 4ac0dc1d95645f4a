"""A daemon as a process, and questions about it for tests."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.jack_fixture import JackServer, attempts

from ripieno.bench.effective import sounding
from ripieno.clock import SystemClock
from ripieno.music import messages

IN = "Ripieno In:Ripieno In"
OUT = "Ripieno Out:Ripieno Out"

PLAY_SCRIPT = """
import sys, time
from ripieno.ports.client_port import ClientPort
port = ClientPort("jack", "Ripieno In", "Ripieno Out")
print("connected", flush=True)
for line in sys.stdin:
    for note in line.split():
        at_s, data = note.split(":")
        time.sleep(max(0.0, float(at_s)))
        port.send(bytes.fromhex(data))
    print("played", flush=True)
port.close()
"""
"""A musician: plays the lines that it is given, each a row of wait_s:message."""


class Daemon:
    """`ripieno play` on a test's JACK server; a context manager."""

    def __init__(self, server: JackServer, folder: Path, *flags: str) -> None:
        self.server = server
        self.journal = folder / "journal.jsonl"
        self.log = folder / "daemon.log"
        command = [sys.executable, "-m", "ripieno", "play", "--backend", "jack"]
        command += ["--journal", str(self.journal), "--seed", "1", *flags]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, env=server.env, stdout=log, stderr=subprocess.STDOUT
            )
        self._musician: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Daemon":
        for _ in attempts(patience_s=60.0):
            if "Ports:" in self.log.read_text():
                return self
        self.__exit__()
        pytest.fail(f"the daemon did not open its ports: {self.log.read_text()}")

    def __exit__(self, *_: object) -> None:
        self.leave()
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(5.0)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)  # with a stack, if asked for
            self.process.wait()

    def child(self, name: str) -> int:
        """The process among our children that shows a name, such as "player"."""
        for _ in attempts():
            for pid in _children(self.process.pid):
                if _read(pid, "comm").strip() == f"ripieno-{name}":
                    return pid
        pytest.fail(f"no child is called {name}: {self.log.read_text()}")

    def bridge(self, name: str) -> int:
        """The player's bridge to JACK of that name: in, out or spare."""
        for _ in attempts():
            for pid in _children(self.player):
                if _read(pid, "comm").strip() == f"ripieno-{name}":
                    return pid
        pytest.fail(f"the player has no bridge {name}: {self.log.read_text()}")

    @property
    def player(self) -> int:
        """The player's process."""
        return self.child("player")

    @property
    def thinker(self) -> int:
        """The thinker's process."""
        return self.child("thinker")

    def kill(self, pid: int, how: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to one of the daemon's processes."""
        os.kill(pid, how)

    def play(self, *notes: tuple[float, bytes]) -> None:
        """Let the musician play: (seconds to wait before, message) each."""
        self.begin(*notes)
        self._says("played")

    def begin(self, *notes: tuple[float, bytes]) -> None:
        """The same, without waiting for the end; no `play` may follow."""
        if self._musician is None:
            self._musician = self.server.python(PLAY_SCRIPT)
            self._says("connected")
        assert self._musician.stdin is not None
        line = " ".join(f"{wait_s}:{data.hex()}" for wait_s, data in notes)
        self._musician.stdin.write(line + "\n")
        self._musician.stdin.flush()

    def leave(self) -> None:
        """Let the musician's program die; whoever plays next is another one."""
        if self._musician is not None:
            self._musician.kill()
            self._musician.communicate()
            self._musician = None

    def phrase(self, *pitches: int, gap_s: float = 0.15) -> None:
        """A phrase of single notes."""
        notes = []
        for pitch in pitches:
            notes.append((gap_s * 0.3, bytes((0x90, pitch, 70))))
            notes.append((gap_s * 0.7, bytes((0x80, pitch, 0))))
        self.play(*notes)

    def _says(self, word: str) -> None:
        assert self._musician is not None
        assert self._musician.stdout is not None
        said = self._musician.stdout.readline().strip()
        if said != word:
            pytest.fail(f"the musician said {said!r}: {self._musician.communicate()}")


@dataclass(frozen=True)
class Captured:
    """What came out of the daemon, as the C client saw it."""

    events: list[tuple[int, bytes]]

    @staticmethod
    def read(csv: Path) -> "Captured":
        """Parse a capture; times in µs of JACK's clock, which is the daemon's."""
        rows = [line.split(",") for line in csv.read_text().splitlines()]
        rows = [row for row in rows if len(row) == 3 and not row[0].startswith("#")]
        return Captured(
            [(int(t), bytes.fromhex(data)) for t, _, data in rows if t.isdigit()]
        )

    @property
    def ons(self) -> list[tuple[int, bytes]]:
        """Note-ons with their times."""
        return [(t, d) for t, d in self.events if d[0] & 0xF0 == 0x90 and d[2]]

    def sounding(self) -> Counter[tuple[int, int]]:
        """Keys that are down, as (channel from 0, pitch)."""
        return sounding(data for _, data in self.events)


def _children(pid: int) -> list[int]:
    return [int(word) for word in _read(pid, f"task/{pid}/children").split()]


def _read(pid: int, what: str) -> str:
    """What /proc says of a process; nothing of one that has gone."""
    try:
        return Path(f"/proc/{pid}/{what}").read_text()
    except OSError:
        return ""


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    stat = _read(pid, "stat")
    return bool(stat) and stat.rpartition(")")[2].split()[0] != "Z"


def silenced(capture: Captured) -> set[int]:
    """The channels, from 0, that ended with sustain off and all notes off."""
    last: dict[int, list[bytes]] = {}
    for _, data in capture.events:
        if data[0] < 0xF0:
            last.setdefault(data[0] & 15, []).append(data)
    ends = (messages.SUSTAIN, messages.ALL_NOTES_OFF)
    return {
        channel
        for channel, sent in last.items()
        if sent[-2:] == [messages.control(channel, number, 0) for number in ends]
    }


def melody(beats: int, beat_s: float = 0.5) -> list[tuple[float, bytes]]:
    """A scale up and down, a note on every beat, for `Daemon.begin`."""
    notes = []
    for beat in range(beats):
        pitch = (60, 62, 64, 65, 67, 65, 64, 62)[beat % 8]
        notes.append((beat_s * 0.25, messages.note_on(0, pitch, 80)))
        notes.append((beat_s * 0.75, messages.note_off(0, pitch)))
    return notes


def pause(for_s: float) -> None:
    """Let real time pass, for other processes to play in."""
    clock = SystemClock()
    clock.wait_until(clock.now_ns() + int(for_s * 1e9))


def until(condition: Callable[[], object], patience_s: float = 10.0) -> float:
    """Wait for a condition; how long it took, in seconds."""
    clock = SystemClock()
    began_ns = clock.now_ns()
    for _ in attempts(0.01, patience_s):
        if condition():
            return (clock.now_ns() - began_ns) / 1e9
    pytest.fail("it did not happen in time")

"""A headless JACK server for tests, and the C programs that measure on it.

The server has a name of its own, so it never meets the one that a musician runs. It
has no sound card (the dummy driver). Real-time priority is asked for and done without
where it is refused.

JACK's registry has 8 slots on a machine. A slot belongs to a server's name, and a
server that ended does not always free its own; when all are taken no server starts,
until /dev/shm/jack* is removed. So the names here are few, and used again.

The server is synchronous (-S): under load JACK's default drops a late client's period,
and with it notes that no daemon could have saved (0–4 of 3 000 on two busy cores).
"""

import contextlib
import ctypes
import functools
import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

import pytest

from ripieno.clock import NS_PER_S, SystemClock

NATIVE = Path(__file__).parent / "native"
PROGRAMS = ("jack_probe", "jack_capture", "jack_sender")
RATE_HZ = 48_000
PERIOD_FRAMES = 128
PATIENCE_S = 10.0

NAMES = tuple(f"ripieno-test-{number}" for number in range(4))
PR_SET_PDEATHSIG = 1


class Missing(str):
    """Why the JACK tests cannot run; false if they can."""

    __slots__ = ()

    def skip_or_fail(self) -> NoReturn:
        """Skip on a developer's machine; fail in CI, where a skip would hide a hole."""
        if os.environ.get("CI"):
            pytest.fail(self)
        pytest.skip(self)


def missing_parts() -> Missing:
    """The reason for which no server can be started or watched here."""
    for program in ("jackd", "jack_lsp", "cc"):
        if shutil.which(program) is None:
            return Missing(f"{program} is not installed")
    if not Path("/usr/include/jack/jack.h").is_file():
        return Missing("JACK's headers are not installed")
    return Missing("")


def build_native(folder: Path) -> Path:
    """Build the C programs into a folder."""
    for name in PROGRAMS:
        command = ["cc", "-O2", "-Wall", "-o", str(folder / name)]
        command += [str(NATIVE / f"{name}.c"), "-ljack", "-lm"]
        subprocess.run(command, check=True)
    return folder


class JackServer:
    """One jackd with a name of its own; a context manager.

    Attributes:
        name: the server's name, chosen when it starts.
        env: the environment in which clients find it.
        log: what it printed.
    """

    def __init__(
        self,
        native: Path,
        folder: Path,
        period: int = PERIOD_FRAMES,
        *,
        is_synchronous: bool = True,
    ) -> None:
        self.name = ""
        self.period = period
        self.log = folder / "jackd.log"
        self.env: dict[str, str] = {}
        self._native = native
        self._mode = ["-S"] if is_synchronous else []
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The server's process, for signals."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the server, by its old name if it had one; wait until it answers."""
        _free_the_data_base()
        for name in [self.name] if self.name else NAMES:
            if self._started(name):
                return
        pytest.fail(f"jackd did not come up: {self.log.read_text()}")

    def _started(self, name: str) -> bool:
        """Whether a server of this name came up; not if one of the name runs."""
        self.env = dict(
            os.environ,
            JACK_DEFAULT_SERVER=name,
            JACK_NO_START_SERVER="1",
            JACK_NO_AUDIO_RESERVATION="1",
        )
        if self.lsp() is not None:  # or that one would be taken for ours
            return False
        command = ["jackd", *self._mode, "--realtime", "--realtime-priority", "70"]
        command += ["-n", name, "-d", "dummy", "-r", str(RATE_HZ), "-p"]
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                [*command, str(self.period)],
                env=self.env,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=_end_with_parent,  # noqa: PLW1509  (one call of C)
            )
        for _ in attempts():
            if process.poll() is not None:
                return False
            if self.lsp() is not None:
                break
        self.name, self._process = name, process
        return process.poll() is None

    def kill(self) -> None:
        """SIGKILL, and wait until it is dead."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def pause(self) -> None:
        """SIGSTOP, and wait until every thread of it stands still."""
        os.kill(self.pid, signal.SIGSTOP)
        tasks = Path(f"/proc/{self.pid}/task")
        for _ in attempts(0.01):
            stats = [(task / "stat").read_text() for task in tasks.iterdir()]
            if all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats):
                return
        pytest.fail("the server does not stop")

    def resume(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> None:
        """End the server, in peace if it still runs."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None
        for left in Path("/dev/shm").glob(f"jack_sem.*_{self.name}_*"):
            left.unlink()

    def lsp(self, *options: str) -> list[str] | None:
        """The lines of `jack_lsp`; None where no server answers."""
        try:
            done = subprocess.run(
                ["jack_lsp", *options],
                env=self.env,
                capture_output=True,
                timeout=PATIENCE_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return None
        return done.stdout.decode().splitlines() if done.returncode == 0 else None

    def wait_for_ports(self, *names: str) -> None:
        """Return when all of these ports are there.

        It looks by a client of its own, and JACK may tangle one that comes and goes
        with another that is just opening: where a child can say that it is open, wait
        for that instead.
        """
        for _ in attempts():
            if set(names) <= set(self.lsp() or ()):
                return
        pytest.fail(f"no ports {names} among {self.lsp()}")

    def wait_until_gone(self, *names: str) -> None:
        """Return when none of these ports is there; a killed owner's stay for 50 ms."""
        for _ in attempts():
            if not set(names) & set(self.lsp() or ()):
                return
        pytest.fail(f"{names} are still among {self.lsp()}")

    def probe(
        self, destination: str, source: str, n: int, interval_ms: float, csv: Path
    ) -> dict[str, float]:
        """Send notes through a daemon and count them (see native/jack_probe.c)."""
        program = str(self._native / "jack_probe")
        arguments = [destination, source, str(n), str(interval_ms), str(csv)]
        timeout_s = 20.0 + n * interval_ms / 500.0
        run = functools.partial(
            subprocess.run,
            [program, *arguments],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        try:
            done = run()
        except subprocess.TimeoutExpired:
            # JACK may tie a client that opens to the dead semaphore of one that leaves:
            # the probe is then never called. Opening it again cures that.
            done = run()
        if done.returncode:
            pytest.fail(f"jack_probe: {done.stdout}{done.stderr}")
        pairs = (word.split("=") for word in done.stdout.split())
        return {key: float(value) for key, value in pairs}

    def capture(
        self, source: str, csv: Path, name: str = "capture"
    ) -> subprocess.Popen[bytes]:
        """Write down all that a port sends, until terminated."""
        program = str(self._native / "jack_capture")
        return subprocess.Popen([program, source, str(csv), name], env=self.env)

    def burst(self, destination: str, notes: int, gap_ms: float) -> None:
        """Send numbered notes, a note-on and a note-off each, to a port.

        Args:
            destination: the input's full name.
            notes: how many.
            gap_ms: from one note to the next; about twice as fast at 0.05, as times are
                whole frames.
        """
        name = "burst"
        command = [str(self._native / "jack_sender"), name, str(notes), str(gap_ms)]
        sender = subprocess.Popen(command, env=self.env, stdout=subprocess.DEVNULL)
        self.wait_for_ports(f"{name}:out")
        connect = ["jack_connect", f"{name}:out", destination]
        subprocess.run(connect, env=self.env, check=True)
        if sender.wait(60.0):
            pytest.fail(f"jack_sender ended with {sender.returncode}")

    def python(self, code: str, *arguments: str) -> subprocess.Popen[str]:
        """A child that runs a piece of Python on this server."""
        path = os.pathsep.join(p for p in sys.path if p)
        return subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            env=dict(self.env, PYTHONPATH=path, PYTHONUNBUFFERED="1"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@contextlib.contextmanager
def child(
    server: JackServer, code: str, *arguments: str, ports: Iterable[str]
) -> Iterator[subprocess.Popen[str]]:
    """A piece of Python that says "open"; killed at the end, and its ports gone."""
    process = server.python(code, *arguments)
    try:
        line(process, "open")
        yield process
    finally:
        process.kill()
        process.communicate()
        server.wait_until_gone(*ports)


def line(process: subprocess.Popen[str], expected: str | None = None) -> str:
    """What it says next."""
    assert process.stdout is not None
    text = process.stdout.readline().strip()
    assert expected in (None, text), process.stderr and process.stderr.read()
    return text


def _free_the_data_base() -> None:
    """Remove JACK's data base of properties, unless some server runs.

    These tests kill servers and clients; one that holds a lock of it then leaves it
    locked, and every client after that hangs in its opening (libdb's mutexes lie in
    that folder; jackd2 1.9.21).
    """
    if "jackd\n" not in map(_program, Path("/proc").glob("[0-9]*/comm")):
        shutil.rmtree(f"/dev/shm/jack_db-{os.getuid()}", ignore_errors=True)


def _program(comm: Path) -> str:
    try:
        return comm.read_text()
    except OSError:  # it ended while we looked
        return ""


def _end_with_parent() -> None:
    """In the server, before it runs: end when the tests do, even if they are killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def attempts(every_s: float = 0.05, patience_s: float = PATIENCE_S) -> Iterable[int]:
    """Numbers, one each `every_s`, until patience ends: to wait on another process.

    However long a look takes, there are three.
    """
    clock, never = SystemClock(), threading.Event()
    until_ns = clock.now_ns() + int(patience_s * NS_PER_S)
    for number in itertools.count():
        if number >= 3 and clock.now_ns() >= until_ns:
            return
        yield number
        never.wait(every_s)

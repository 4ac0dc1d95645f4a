"""A JACK server of our own, without a sound card: what live takes are played through.

It has a name of its own, so it never meets the one that a musician runs. It is
synchronous (-S): under load JACK's default drops a late client's period, and with it
notes that no accompanist could have saved. Real-time priority is asked for and done
without where it is refused.
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ripieno.clock import NS_PER_MS, NS_PER_S, Clock, SystemClock
from ripieno.errors import PortError
from ripieno.ports.jack_server import server_is_up

PROGRAM: Final = "jackd"
RATE_HZ: Final = 48_000
PERIOD_FRAMES: Final = 128
PATIENCE_NS: Final = 10 * NS_PER_S
LOOK_NS: Final = 100 * NS_PER_MS
SEMAPHORES: Final = Path("/dev/shm")


def why_not_live() -> str | None:
    """Why no live take can be played here, as a sentence; None where it can."""
    if shutil.which(PROGRAM) is None:
        return (
            "Live takes need the program jackd, which is not installed: on Debian and "
            "Ubuntu, apt-get install jackd2; or leave them out with --no-live."
        )
    return None


@contextlib.contextmanager
def jack_server(name: str, folder: Path) -> Iterator[None]:
    """A server; within, this process and its children find it by their environment.

    Args:
        name: JACK keeps eight on a machine, so use few, and again.
        folder: where its log goes.

    Raises:
        PortError: it is not installed, or does not start.
    """
    if (why := why_not_live()) is not None:
        raise PortError(why)
    own = {
        "JACK_DEFAULT_SERVER": name,
        "JACK_NO_START_SERVER": "1",
        "JACK_NO_AUDIO_RESERVATION": "1",
    }
    before = {key: os.environ.get(key) for key in own}
    os.environ.update(own)
    log = folder / f"{name}.log"
    command = [PROGRAM, "-S", "--realtime", "--realtime-priority", "70", "-n", name]
    command += ["-d", "dummy", "-r", str(RATE_HZ), "-p", str(PERIOD_FRAMES)]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    try:
        _wait(process, log, SystemClock())
        yield
    finally:
        end(process)
        for left in SEMAPHORES.glob(f"jack_sem.*_{name}_*"):
            left.unlink(missing_ok=True)
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value


def _wait(process: "subprocess.Popen[bytes]", log: Path, clock: Clock) -> None:
    until_ns = clock.now_ns() + PATIENCE_NS
    while process.poll() is None and clock.now_ns() < until_ns:
        clock.wait_until(clock.now_ns() + LOOK_NS)
        if server_is_up():
            return
    words = log.read_text(errors="replace").strip().splitlines() or ["no message"]
    raise PortError(
        f"jackd did not come up ({words[-1]}); where all of its slots are taken, "
        "remove /dev/shm/jack* while no server runs."
    )


def end(process: "subprocess.Popen[bytes]") -> None:
    """Ask a program to end; kill it after five seconds."""
    process.terminate()
    try:
        process.wait(5.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

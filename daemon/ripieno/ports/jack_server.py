"""The JACK server: whether it runs, and which ports are connected.

This is the only file that imports `jack`; `ripieno.ports.jack_native` uses what is
imported here. A `Sentinel` has three uses:

* rtmidi does not notice that the server died, and after some 2 340 sends its
  `send_message` spins for ever while it holds the GIL. JACK's shutdown callback does
  fire, 5–7 ms after a `kill -9` of the server;
* its client name is taken exactly or not at all. So it is a lock: two of our programs
  cannot share a port name (rtmidi's own clients are renamed silently);
* a server that is stopped, not dead, calls nothing; its cycle counter stands still.

This module knows no MIDI. It needs libjack (of JACK or PipeWire).
"""

import contextlib
import ctypes
import subprocess
import sys
import threading
from collections.abc import Iterable
from typing import Any, Final

from ripieno.errors import NameInUseError, PortError

_CLOSE_S: Final = 1.0
_ANSWER_S: Final = 3.0
"""An answer takes 0.1 s; on a very busy machine ten times as long."""
_CHECK: Final = "Ripieno check"
UNLOCK: Final = (
    "stop it, remove /dev/shm/jack_db-* (a data base that was left locked), and start "
    "it again"
)
_NEXT_STEP: Final = "start JACK (jackd, QjackCtl or PipeWire with its JACK layer)"


def server_is_up() -> bool:
    """Return whether a JACK server answers; start none and print nothing.

    Cost: some 0.1 s, for a process that opens a client and closes it.
    """
    return why_no_server() is None


def why_no_server() -> str | None:
    """Return why no JACK server can be reached, or None where one answers.

    A process of its own tries it, because opening a client may hang for ever: a program
    that is killed at the wrong instant leaves JACK's data base locked, and a client
    that opens then waits for it (measured with jackd2 1.9.21, once in some 50 servers
    killed while clients were opening). A thread that waits in libjack also blocks all
    other threads of its process that call it.
    """
    code = f"import {__name__} as jack_server; jack_server.print_why_no_server()"
    command = [sys.executable, "-P", "-c", code]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_ANSWER_S, check=False
        )
    except subprocess.TimeoutExpired:
        return f"JACK did not answer within {_ANSWER_S:g} s: {UNLOCK}"
    if done.returncode:
        return f"asking for a JACK server failed (exit code {done.returncode})"
    return done.stdout.strip() or None


def print_why_no_server() -> None:
    """Print the answer of `why_no_server`; runs in the process that it starts."""
    try:
        open_client(_CHECK, exact=False).close()
    except PortError as error:
        sys.stdout.write(str(error))


def open_client(name: str, *, exact: bool = True) -> Any:  # noqa: ANN401  (an untyped library)
    """Open a client that is not activated; may hang (`why_no_server`).

    Args:
        name: the client's name.
        exact: whether another name will not do.

    Raises:
        PortError: libjack is missing, no server answers, or the name is in use.
    """
    jack = library()
    try:
        return jack.Client(name, use_exact_name=exact, no_start_server=True)
    except jack.JackOpenError as error:
        if error.status.server_failed or not exact:
            raise PortError(f"no JACK server answers: {_NEXT_STEP}") from error
        raise NameInUseError(
            f"the JACK client name {name!r} is in use: stop the other Ripieno, or "
            "choose other port names with --in and --out"
        ) from error


def connect(client: Any, pairs: Iterable[tuple[str, str]]) -> int:  # noqa: ANN401
    """Connect ports, given as (source, destination); return how many are connected."""
    return sum(_connect(client, source, target) for source, target in pairs)


def _connect(client: Any, source: str, target: str) -> bool:  # noqa: ANN401
    import jack

    try:
        client.connect(source, target)
    except jack.JackError:
        port = _port(client, source)
        there = [] if port is None else client.get_all_connections(port)
        return any(other.name == target for other in there)
    return True


def list_ports() -> tuple[list[str], list[str]]:
    """Return the MIDI ports on JACK: those to read from, those to write to.

    Raises:
        PortError: libjack is missing, or no server answers.
    """
    if why := why_no_server():
        raise PortError(why)
    client = open_client(_CHECK, exact=False)
    sources = [port.name for port in client.get_ports(is_midi=True, is_output=True)]
    targets = [port.name for port in client.get_ports(is_midi=True, is_input=True)]
    client.close()
    return sources, targets


class Sentinel:
    """A client without ports that notices when the server goes away.

    Attributes:
        gone: whether the server has gone.
        period_frames: the length of the server's period.
        rate_hz: the server's sample rate.

    Thread: any.
    """

    def __init__(self, name: str) -> None:
        """Open a client of exactly this name.

        Raises:
            PortError: libjack is missing, no server answers, or the name is in use.
        """
        self.gone = False
        self._client = open_client(name)
        self._client.set_shutdown_callback(self._note_shutdown)
        self.period_frames: int = self._client.blocksize
        self.rate_hz: int = self._client.samplerate

    def _note_shutdown(self, _status: object, _reason: str) -> None:
        """JACK's thread calls this once, when the server is gone.

        The client is kept for ever: once another client has been opened, closing (or
        collecting) one whose server died ends the process with a segmentation fault
        (measured with libjack 1.9.21, about every second time).
        """
        keep_for_ever(self._client)
        self.gone = True

    def cycle(self) -> int:
        """Return the frame at which the server's present period began, 0 … 2³² − 1.

        It stands still while the server does. Cost: 0.3 µs.
        """
        return int(self._client.last_frame_time)

    def midi_ports(self) -> list[str]:
        """Return the full names of all MIDI ports, ours among them."""
        if self.gone:
            return []
        return [port.name for port in self._client.get_ports(is_midi=True)]

    def has_port(self, name: str) -> bool:
        """Return whether a port of this full name exists. Cost: a few µs."""
        return not self.gone and _port(self._client, name) is not None

    def connections(self, port_names: Iterable[str]) -> list[tuple[str, str]]:
        """Return the connections of some ports as (source, destination), sorted."""
        pairs: set[tuple[str, str]] = set()
        for name in port_names:
            port = None if self.gone else _port(self._client, name)
            if port is not None:
                others = [o.name for o in self._client.get_all_connections(port)]
                pairs |= {(name, o) if port.is_output else (o, name) for o in others}
        return sorted(pairs)

    def connect(self, pairs: Iterable[tuple[str, str]]) -> int:
        """Connect ports, given as (source, destination).

        Returns:
            How many of the pairs are connected now. Ports that do not exist are
            skipped.
        """
        return 0 if self.gone else connect(self._client, pairs)

    def disconnect(self, source: str, target: str) -> None:
        """Remove one connection; do nothing where there is none."""
        import jack

        if not self.gone:
            with contextlib.suppress(jack.JackError):
                self._client.disconnect(source, target)

    def close(self) -> None:
        """Close the client; do nothing where the server has gone.

        It takes some 15 ms, and at most 1 s: libjack's close may wait for a server that
        waits for us (2 of 25 times beside a loop of `jack_lsp`). So a thread calls it,
        and is abandoned if it hangs; the server removes the client when the process
        ends.
        """
        if self.gone:
            return
        closing = threading.Thread(target=self._client.close, daemon=True)
        closing.start()
        closing.join(_CLOSE_S)
        if closing.is_alive():
            self.abandon()

    def abandon(self) -> None:
        """Never close the client: on a stopped server closing it never returns."""
        keep_for_ever(self._client)


def keep_for_ever(thing: object) -> None:
    """Make an object immortal, so that its destructor cannot wait on a stopped server.

    Measured: a process that lets Python destroy a JACK client at exit, while the
    server is stopped (SIGSTOP), never exits; with the reference kept it exits at once.
    """
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def load_library() -> None:
    """Load libjack now, where it exists, so that opening a client is quick later."""
    with contextlib.suppress(PortError):
        library()


def library() -> Any:  # noqa: ANN401  (an untyped library)
    """Return the module `jack`; keep libjack's own messages from the terminal.

    Raises:
        PortError: libjack is missing.
    """
    try:
        import jack
    except (ImportError, OSError) as error:
        raise PortError(
            f"libjack is missing ({error}): install libjack-jackd2-0 or pipewire-jack"
        ) from error
    jack.set_error_function(_ignore)
    jack.set_info_function(_ignore)
    return jack


def _ignore(_message: str) -> None:
    """Discard one of libjack's messages."""


def _port(client: Any, name: str) -> Any:  # noqa: ANN401
    """Return the port of this full name, or None."""
    import jack

    try:
        return client.get_port_by_name(name)
    except jack.JackError:
        return None

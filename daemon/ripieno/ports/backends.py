"""Chooses a MIDI backend, and lists and opens its ports."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, cast, get_args

from ripieno.clock import Clock
from ripieno.errors import PortError, SettingsError
from ripieno.ports import jack_server, rtmidi_port
from ripieno.ports.jack_bridges import Bridges
from ripieno.ports.jack_port import JackPort
from ripieno.ports.jack_process import Pairs
from ripieno.ports.ports import Port
from ripieno.settings.config import BACKENDS

Backend = Literal["jack", "rtmidi-jack", "alsa", "coremidi", "windows"]

ALSA_SEQUENCER: Final = Path("/dev/snd/seq")


def choose_backend(
    wanted: str = "auto",
    *,
    platform: str = sys.platform,
    alsa_sequencer: Path = ALSA_SEQUENCER,
) -> tuple[Backend, str]:
    """Return the backend to open, and the reason in a few words.

    On Linux JACK is first where its server answers: DAWs use it, and its events are
    placed to the frame. ALSA's sequencer is next.

    Args:
        wanted: "auto", or the name of a backend, which is returned unchanged.
        platform: as `sys.platform`.
        alsa_sequencer: the device that exists where ALSA's sequencer is loaded.

    Raises:
        SettingsError: *wanted* is unknown.
        PortError: "auto", and this machine has no MIDI library or no server.
    """
    if wanted in get_args(Backend):
        return cast("Backend", wanted), "asked for"
    if wanted != "auto":
        raise SettingsError(
            f"the MIDI backend {wanted!r} is unknown: choose one of {BACKENDS}"
        )
    if platform == "linux" and jack_server.server_is_up():
        return "jack", "a JACK server answers"
    rtmidi_port.load_library()
    if platform == "darwin":
        return "coremidi", "macOS"
    if platform == "win32":
        return "windows", "Windows has no virtual ports: existing ones are opened"
    if alsa_sequencer.exists():
        return "alsa", "no JACK server, and ALSA's sequencer is there"
    raise PortError(
        f"no JACK server answers and {alsa_sequencer} is not there: start JACK, or "
        "load ALSA's sequencer (modprobe snd-seq)"
    )


def list_ports(backend: Backend) -> tuple[list[str], list[str]]:
    """Return the MIDI ports of other programs: those to read from, those to write to.

    Raises:
        PortError: the library or the server is missing.
    """
    if backend == "jack":
        return jack_server.list_ports()
    return rtmidi_port.list_ports(backend)


def maybe_bridges(backend: str, patience_s: float) -> Bridges | None:
    """Start the processes for a port's bridges; return None if it has no bridges."""
    has_bridges = backend == "jack" and sys.platform != "win32"
    return Bridges(patience_s) if has_bridges else None


def open_port(
    backend: str,
    in_name: str,
    out_name: str,
    clock: Clock,
    connections: Callable[[], Pairs] = tuple,
    bridges: Bridges | None = None,
) -> Port:
    """Open a pair of ports that other programs see.

    Args:
        backend: one of `Backend`.
        in_name: the input's name.
        out_name: the output's name.
        clock: stamps what arrives.
        connections: on JACK, returns the connections to restore.
        bridges: on frame-exact JACK, processes that were started before.

    Raises:
        SettingsError: there is no such backend.
        PortError: the ports cannot be opened.
    """
    chosen, _ = choose_backend(backend)
    if chosen == "jack":
        if sys.platform == "win32":
            raise PortError("frame-exact JACK is not for Windows: choose windows")
        return JackPort(in_name, out_name, clock, connections, bridges)
    port = rtmidi_port.RtMidiPort(chosen, in_name, out_name, clock)
    if port.sentinel is not None:
        port.sentinel.connect(connections())
    return port

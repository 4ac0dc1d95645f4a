"""Which MIDI server to use on this machine, and why."""

import sys
from pathlib import Path
from typing import Final, Literal, get_args

from ripieno.errors import PortError, SettingsError
from ripieno.midi.jack_server import server_is_up
from ripieno.midi.rtmidi_port import Backend, list_ports, load_library

Wanted = Literal["auto", "alsa", "jack", "coremidi", "windows"]

ALSA_SEQUENCER: Final = Path("/dev/snd/seq")


def choose_backend(
    wanted: str = "auto",
    *,
    platform: str = sys.platform,
    alsa_sequencer: Path = ALSA_SEQUENCER,
) -> tuple[Backend, str]:
    """The backend to open, and the reason in a few words.

    On Linux JACK comes first where its server answers: there a musician's DAW is, and
    its ports are placed by the frame. ALSA's sequencer is next.

    Args:
        wanted: "auto", or a backend's name, which is then taken as it is.
        platform: as `sys.platform`.
        alsa_sequencer: the device that shows that ALSA's sequencer is there.

    Raises:
        SettingsError: *wanted* is unknown.
        PortError: "auto", and there is no MIDI library, or no server, here.
    """
    for backend in get_args(Backend):
        if wanted == backend:
            return backend, "asked for"
    if wanted != "auto":
        raise SettingsError(
            f"the MIDI backend {wanted!r} is unknown: choose one of {get_args(Wanted)}"
        )
    load_library()
    if platform == "darwin":
        return "coremidi", "macOS"
    if platform == "win32":
        return "windows", "Windows has no virtual ports: existing ones are opened"
    return _on_linux(alsa_sequencer)


def _on_linux(alsa_sequencer: Path) -> tuple[Backend, str]:
    jack_is_up = server_is_up()
    if jack_is_up and _rtmidi_sees_jack():
        return "jack", "a JACK server answers"
    if alsa_sequencer.exists():
        why = "rtmidi cannot reach this JACK server" if jack_is_up else "no JACK server"
        return "alsa", f"{why}, and ALSA's sequencer is there"
    raise PortError(
        f"no JACK server answers and {alsa_sequencer} is not there: start JACK, or "
        "load ALSA's sequencer (modprobe snd-seq)"
    )


def _rtmidi_sees_jack() -> bool:
    """False on PipeWire, whose JACK layer the wheel's own libjack cannot reach."""
    try:
        list_ports("jack")
    except PortError:
        return False
    return True

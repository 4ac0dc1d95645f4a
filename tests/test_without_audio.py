"""A machine without JACK, ALSA and PortAudio: every error says what to install.

Where they are installed, `.ci/without-audio-libraries` hides them, which needs root and
Linux.
"""

import ctypes.util
import os
import subprocess
import sys

import pytest
from tests.command import PATIENCE_S, ROOT, assert_sentence

pytestmark = [
    pytest.mark.process,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="this is how Linux has it"),
]

PORT = 5
LIBRARIES = ("jack", "asound", "portaudio")
HIDE = ROOT / ".ci" / "without-audio-libraries"


@pytest.fixture(scope="module")
def hidden() -> list[str]:
    """The prefix of a command that hides the audio libraries from it."""
    if not any(map(ctypes.util.find_library, LIBRARIES)):
        return []
    if os.geteuid():
        pytest.skip("audio libraries are installed, and only root can hide them")
    return [str(HIDE)]


def run(hidden, *arguments):
    return subprocess.run(
        [*hidden, sys.executable, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "missing", "install"),
    [
        (["ports"], "libasound.so.2", "install libasound2"),
        (["play"], "libasound.so.2", "install libasound2"),
        (["ports", "--backend", "alsa"], "libasound.so.2", "install libasound2"),
        (["ports", "--backend", "jack"], "libjack", "install libjack-jackd2-0"),
        (["play", "--backend", "jack"], "libjack", "install libjack-jackd2-0"),
        (["play", "--backend", "rtmidi-jack"], "libjack", "install libjack-jackd2-0"),
        (["demo", "--jack"], "libjack", "install libjack-jackd2-0"),
        (["demo", "--alsa"], "libasound.so.2", "install libasound2"),
        (["bench", "latency"], "libasound.so.2", "install libasound2"),
        (["bench", "jitter"], "libasound.so.2", "install libasound2"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_command_that_needs_ports_says_what_to_install(
    hidden, arguments, missing, install
):
    done = run(hidden, "-m", "ripieno", *arguments)
    assert_sentence(done, PORT, missing, install)


def test_the_doctor_names_each_package_that_is_missing(hidden):
    done = run(hidden, "-m", "ripieno", "doctor")
    assert done.stderr == ""
    assert "FAIL  MIDI: " in done.stdout
    for package in ("libasound2", "libjack-jackd2-0", "libportaudio2"):
        assert f"install {package}" in done.stdout


@pytest.mark.parametrize(
    "opened",
    [
        "from ripieno.ports.jack_port import JackPort as Port; Port()",
        "from ripieno.ports.rtmidi_port import RtMidiPort as Port; Port('rtmidi-jack')",
    ],
    ids=["JackPort", "RtMidiPort"],
)
def test_a_port_without_libjack_is_refused_in_one_sentence(hidden, opened):
    done = run(hidden, "-c", opened)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ripieno.errors.PortError: libjack is missing")
    assert "install libjack-jackd2-0" in last

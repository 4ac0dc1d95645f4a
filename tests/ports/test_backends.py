"""Which MIDI backend is chosen, and the error where there is none."""

import sys
from pathlib import Path

import pytest

from ripieno.errors import PortError, SettingsError
from ripieno.ports.backends import Backend, choose_backend
from ripieno.ports.rtmidi_port import RtMidiPort, _is_named, existing


@pytest.fixture
def rtmidi() -> None:
    """The MIDI library, which needs libasound2 on Linux."""
    pytest.importorskip("rtmidi", exc_type=ImportError)


@pytest.fixture(autouse=True)
def _no_jack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "ripieno-test-nobody")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")


@pytest.mark.parametrize(
    "backend", ["jack", "rtmidi-jack", "alsa", "coremidi", "windows"]
)
def test_a_named_backend_is_taken_as_it_is(backend: Backend) -> None:
    assert choose_backend(backend) == (backend, "asked for")


def test_an_unknown_backend_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="'oss' is unknown: choose one of"):
        choose_backend("oss")


@pytest.mark.usefixtures("rtmidi")
def test_macos_and_windows_have_one_each() -> None:
    assert choose_backend(platform="darwin")[0] == "coremidi"
    assert choose_backend(platform="win32")[0] == "windows"


@pytest.mark.usefixtures("rtmidi")
def test_linux_without_jack_takes_alsa_where_its_sequencer_is(tmp_path: Path) -> None:
    sequencer = tmp_path / "seq"
    sequencer.touch()
    backend, why = choose_backend(platform="linux", alsa_sequencer=sequencer)
    assert backend == "alsa"
    assert why == "no JACK server, and ALSA's sequencer is there"


@pytest.mark.usefixtures("rtmidi")
def test_linux_with_neither_says_what_to_start(tmp_path: Path) -> None:
    with pytest.raises(PortError, match="start JACK, or load ALSA's sequencer"):
        choose_backend(platform="linux", alsa_sequencer=tmp_path / "none")


@pytest.mark.skipif(sys.platform != "linux", reason="this wheel is Linux's")
@pytest.mark.usefixtures("rtmidi")
def test_a_backend_of_another_system_is_refused() -> None:
    with pytest.raises(PortError, match="no coremidi backend"):
        RtMidiPort("coremidi")


@pytest.mark.skipif(Path("/dev/snd/seq").exists(), reason="ALSA's sequencer is here")
@pytest.mark.usefixtures("rtmidi")
def test_alsa_without_its_sequencer_says_what_to_load() -> None:
    with pytest.raises(PortError, match="modprobe snd-seq"):
        RtMidiPort("alsa")


def test_a_library_that_does_not_load_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "rtmidi", None)
    with pytest.raises(PortError, match="install libasound2"):
        RtMidiPort("alsa")


def test_a_port_of_windows_is_found_by_a_part_of_its_name() -> None:
    assert existing(["Piano 0", "Ripieno In 1"], "Ripieno In") == 1
    with pytest.raises(PortError, match="loopMIDI or Windows MIDI Services"):
        existing(["Piano 0"], "Ripieno In")


def test_names_in_use_are_recognised_as_each_system_lists_them() -> None:
    assert _is_named("Ripieno:Ripieno In 128:0", "Ripieno In")
    assert _is_named("Ripieno In:Ripieno In", "Ripieno In")
    assert _is_named("Ripieno In", "Ripieno In")
    assert not _is_named("Ripieno:Ripieno In 2 128:0", "Ripieno In 3")
    assert not _is_named("Not Ripieno In", "Ripieno In")

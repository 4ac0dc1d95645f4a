"""A missing server or library is one sentence and an exit code."""

from pathlib import Path

import pytest
from tests.command import (
    assert_sentence,
    break_library,
    ripieno,
    write_tune,
)
from tests.sentences import MODEL, NO_JACK, PORT, installed, linux, render

from ripieno.ports.backends import ALSA_SEQUENCER

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def tune(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tune(tmp_path_factory.mktemp("tune") / "tune.mid")


@linux
@installed("jack")
@installed("asound")
def test_a_machine_without_any_midi_server_is_told_what_to_start():
    if ALSA_SEQUENCER.exists():
        pytest.skip("ALSA's sequencer is there")
    for command in ("play", "ports"):
        done = ripieno(command, env=NO_JACK)
        assert_sentence(done, PORT, "no JACK server answers", ALSA_SEQUENCER)


@linux
@installed("jack")
@pytest.mark.parametrize("command", ["play", "ports"])
@pytest.mark.slow
def test_the_jack_backend_without_a_server_is_refused(command):
    done = ripieno(command, "--backend", "jack", env=NO_JACK)
    assert_sentence(done, PORT, "JACK", "start ")


@linux
@installed("asound")
def test_the_alsa_backend_without_its_sequencer_is_refused():
    if ALSA_SEQUENCER.exists():
        pytest.skip("ALSA's sequencer is there")
    done = ripieno("ports", "--backend", "alsa")
    assert_sentence(done, PORT, "alsa", "modprobe snd-seq")


@linux
@installed("jack")
@pytest.mark.slow
def test_demo_on_jack_without_a_server_is_refused(tmp_path):
    done = ripieno("demo", "--jack", "-o", tmp_path / "duet", env=NO_JACK)
    assert_sentence(done, PORT, "no JACK server answers")


NO_LIBASOUND = (
    "ImportError('libasound.so.2: cannot open shared object file: "
    "No such file or directory')"
)


@linux
@pytest.mark.parametrize("command", ["ports", "play"])
@pytest.mark.slow
def test_the_alsa_backend_without_libasound_is_refused(tmp_path, command):
    env = break_library(tmp_path, "rtmidi", NO_LIBASOUND)
    done = ripieno(command, "--backend", "alsa", env=env)
    assert_sentence(done, PORT, "libasound.so.2: cannot open", "install libasound2")


@linux
@pytest.mark.parametrize("command", ["ports", "play"])
def test_the_default_backend_without_libasound_is_refused(tmp_path, command):
    env = break_library(tmp_path, "rtmidi", NO_LIBASOUND)
    done = ripieno(command, env=env)
    assert_sentence(done, PORT, "libasound.so.2: cannot open", "install libasound2")


@linux
@pytest.mark.slow
def test_the_jack_backend_without_libjack_is_refused(tmp_path):
    env = break_library(tmp_path, "jack", "OSError('JACK library not found')")
    done = ripieno("play", "--backend", "jack", env=env | NO_JACK)
    assert_sentence(done, PORT, "libjack is missing (JACK library not found)")


def test_render_without_onnx_runtime_is_refused(tune, tmp_path):
    env = break_library(tmp_path, "onnxruntime", "ImportError('libstdc++ is too old')")
    done = render(tune, tmp_path, env=env)
    assert_sentence(done, MODEL, "ONNX Runtime", "libstdc++ is too old")

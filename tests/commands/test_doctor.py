"""`ripieno doctor` checks every topic and names what to install.

A stand-in on the path before a real library simulates a broken installation.
"""

import os
import sys
from typing import NamedTuple

import pytest
from tests.command import break_library, copy_model, ripieno

from ripieno.commands.cli import main
from ripieno.commands.doctor import examine

TOPICS = ["Ripieno", "MIDI", "Inference", "Models", "Packages", "Telemetry", "Threads"]
TOPICS += ["Priority", "JACK", "Sound", "SoundFont"]

linux = pytest.mark.skipif(sys.platform != "linux", reason="this is how Linux has it")


class Said(NamedTuple):
    """A line of the doctor's, but for its topic."""

    verdict: str
    sentence: str


def findings(env=None):
    """What the doctor says in a process of its own, by topic; and its exit code."""
    done = ripieno("doctor", env=env)
    assert done.stderr == ""
    found = {}
    for line in done.stdout.splitlines():
        topic, _, sentence = line[6:].partition(": ")
        found[topic] = Said(line[:4].strip(), sentence)
    return found, done.returncode


def test_every_topic_is_looked_at_once():
    topics = [finding.topic for finding in examine()]
    expected = [t for t in TOPICS if t != "JACK" or sys.platform == "linux"]
    assert topics == expected


def test_every_finding_is_one_line():
    for finding in examine():
        assert finding.verdict in ("ok", "note", "FAIL")
        assert finding.sentence
        assert "\n" not in finding.sentence


def test_it_fails_where_something_that_is_needed_is_missing(capsys):
    code = main(["doctor"])
    lines = capsys.readouterr().out.splitlines()
    assert code == int(any(line.startswith("FAIL") for line in lines))
    assert len(lines) == len(list(examine()))


def test_the_models_that_are_shipped_are_in_order():
    (models,) = [finding for finding in examine() if finding.topic == "Models"]
    assert models.verdict == "ok"
    assert "event-gru" in models.sentence


def test_a_damaged_model_fails_with_its_sentence(tmp_path, monkeypatch):
    model = copy_model(tmp_path, fingerprint="0123456789abcdef")
    monkeypatch.setenv("RIPIENO_MODELS", str(model.parent))
    (models,) = [finding for finding in examine() if finding.topic == "Models"]
    assert models.verdict == "FAIL"
    assert "0123456789abcdef" in models.sentence


@linux
def test_looking_changes_no_priority():
    before = os.sched_getscheduler(0), os.sched_getparam(0).sched_priority
    list(examine())
    assert (os.sched_getscheduler(0), os.sched_getparam(0).sched_priority) == before


def test_a_soundfont_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("RIPIENO_SOUNDFONT", "/nowhere/grand.sf2")
    (font,) = [finding for finding in examine() if finding.topic == "SoundFont"]
    assert font.verdict == "note"
    assert "built-in voice" in font.sentence


@linux
@pytest.mark.realtime
def test_without_libasound_midi_fails_and_says_what_to_install(tmp_path):
    why = "libasound.so.2: cannot open shared object file"
    env = break_library(tmp_path, "rtmidi", f"ImportError({why!r})")
    found, code = findings(env)
    assert code == 1
    assert found["MIDI"].verdict == "FAIL"
    assert why in found["MIDI"].sentence
    assert "install libasound2" in found["MIDI"].sentence


@linux
@pytest.mark.realtime
def test_without_libjack_it_says_what_to_install(tmp_path):
    env = break_library(tmp_path, "jack", "OSError('JACK library not found')")
    found, _ = findings(env)
    assert found["JACK"].verdict == "note"
    assert "libjack is missing (JACK library not found)" in found["JACK"].sentence
    assert "install " in found["JACK"].sentence


@pytest.mark.realtime
def test_without_portaudio_it_says_so_and_fails_nothing(tmp_path):
    _, as_it_is = findings()
    env = break_library(
        tmp_path, "sounddevice", "OSError('PortAudio library not found')"
    )
    found, code = findings(env)
    assert found["Sound"].verdict == "note"
    assert "PortAudio library not found" in found["Sound"].sentence
    assert "install libportaudio2" in found["Sound"].sentence
    assert code == as_it_is


@pytest.mark.realtime
def test_without_portaudio_the_ports_are_listed_as_before(tmp_path):
    env = break_library(
        tmp_path, "sounddevice", "OSError('PortAudio library not found')"
    )
    broken, whole = ripieno("ports", env=env), ripieno("ports")
    assert (broken.returncode, broken.stdout) == (whole.returncode, whole.stdout)


@pytest.mark.realtime
def test_without_onnx_runtime_inference_fails_and_the_rest_is_looked_at(tmp_path):
    env = break_library(tmp_path, "onnxruntime", "ImportError('libstdc++ is too old')")
    found, code = findings(env)
    assert code == 1
    assert found["Inference"].verdict == "FAIL"
    assert "libstdc++ is too old" in found["Inference"].sentence
    assert found["Models"].verdict == "ok"


@pytest.mark.realtime
def test_two_onnx_runtimes_that_overwrite_each_other_fail(tmp_path):
    for name in ("onnxruntime", "onnxruntime-gpu"):
        folder = tmp_path / f"{name.replace('-', '_')}-9.9.dist-info"
        folder.mkdir()
        about = f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.9\n"
        (folder / "METADATA").write_text(about)
    found, code = findings({"PYTHONPATH": str(tmp_path)})
    assert code == 1
    assert found["Packages"].verdict == "FAIL"
    assert "uninstall both" in found["Packages"].sentence


@linux
@pytest.mark.realtime
def test_telemetry_is_off_whatever_the_user_sets(tmp_path):
    found, _ = findings({"XDG_CACHE_HOME": str(tmp_path), "ORT_DISABLE_TELEMETRY": "0"})
    assert found["Telemetry"].verdict == "ok"
    assert "ORT_DISABLE_TELEMETRY=1" in found["Telemetry"].sentence


@linux
@pytest.mark.realtime
def test_a_folder_that_telemetry_left_is_named(tmp_path):
    folder = tmp_path / "Microsoft" / "DeveloperTools" / ".onnxruntime"
    folder.mkdir(parents=True)
    found, _ = findings({"XDG_CACHE_HOME": str(tmp_path)})
    assert found["Telemetry"].verdict == "note"
    assert f"{folder} is from another program" in found["Telemetry"].sentence


@pytest.mark.jack
def test_beside_a_jack_server_all_that_is_needed_is_there(jack):
    found, code = findings(jack.env)
    assert code == 0
    assert found["MIDI"].sentence == "ports open on jack (a JACK server answers)."
    assert (
        found["JACK"].sentence == "a JACK server answers; its callback is native code."
    )

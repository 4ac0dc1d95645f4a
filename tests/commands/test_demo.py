"""`ripieno demo` as a process: its MIDI file, its sound file and a clean end.

The scripted musician plays in real time, so one phrase and its reply take about twenty
seconds. All tests of a run therefore share one run.
"""

import os
import re
import signal
import subprocess
import sys
import uuid
import wave
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from tests.command import ripieno
from tests.jack_fixture import attempts
from tests.tracks import notes, ons_minus_offs

from ripieno.commands.demo import targets
from ripieno.commands.demo_musician import PHRASES
from ripieno.files.midi import read_performance
from ripieno.music import messages

pytestmark = pytest.mark.realtime

MARK = "RIPIENO_TEST_MARK"
AUDIBLE_RMS = 0.01
"""−40 dB of full scale: quiet, and not silence."""
PLANNED_PERCENT = 90
"""Of a phrase's sixteen beats a musician lets one pass that the fallback plays."""


class Duet:
    """One run of the demo and what it left."""

    def __init__(self, folder, *flags, env=None):
        self.midi, self.wav = folder / "duet.mid", folder / "duet.wav"
        self.mark = uuid.uuid4().hex
        self.done = ripieno(
            *("demo", "--phrases", "1", "--seed", "1", "-o", folder / "duet", *flags),
            env={**(env or {}), MARK: self.mark},
        )
        self.left_over = processes_with(self.mark)
        assert self.done.returncode == 0, self.done.stderr
        self.tracks = read_performance(self.midi).tracks


def processes_with(mark):
    """The living processes that were started by those with a mark."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            marked = mark.encode() in environ.read_bytes()
            command = (environ.parent / "cmdline").read_bytes()
        except OSError:  # it ended while we looked
            continue
        if marked:
            found.append(command)
    return found


def said(duet, folder, *flags):
    """What it says at its end; and two others, if one asks: a machine may stall."""
    yield " ".join(duet.done.stdout.split())
    for number in range(2):
        again = folder / f"again-{number}"
        again.mkdir()
        yield " ".join(Duet(again, *flags).done.stdout.split())


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    return Duet(tmp_path_factory.mktemp("embedded"))


@pytest.fixture(scope="module")
def on_jack(jack, tmp_path_factory):
    return Duet(tmp_path_factory.mktemp("on_jack"), "--jack", env=jack.env)


@pytest.fixture(
    scope="module",
    params=[
        "embedded",
        pytest.param("on_jack", marks=[pytest.mark.jack, pytest.mark.slow]),
    ],
)
def duet(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize(
    ("out", "name"),
    [
        ("duet", "duet"),
        ("duet.mid", "duet"),
        ("duet.wav", "duet"),
        ("take.2", "take.2"),
    ],
)
def test_each_name_of_a_take_gives_a_midi_and_a_wav_file(out, name):
    assert targets(Path("there") / out) == (
        Path("there") / f"{name}.mid",
        Path("there") / f"{name}.wav",
    )


def test_the_human_plays_the_ode_and_the_machine_replies(duet):
    assert [track.name for track in duet.tracks] == ["Human", "Ripieno"]
    human, machine = (notes(track) for track in duet.tracks)
    assert [pitch for _, _, pitch in human] == [pitch for pitch, _ in PHRASES[0]]
    assert len(machine) >= 3
    assert machine[0][0] > human[-1][1]


def test_every_note_ends(duet):
    assert not any(ons_minus_offs(track) for track in duet.tracks)


def test_the_sound_file_is_audible_and_not_clipped(duet):
    with wave.open(str(duet.wav)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (2, 2)
        rate_hz, frames = file.getframerate(), file.getnframes()
        samples = np.frombuffer(file.readframes(frames), "<i2") / 32_768
    assert frames / rate_hz > 8.0
    assert np.sqrt(np.mean(samples**2)) > AUDIBLE_RMS
    assert np.abs(samples).max() < 0.999


def test_the_machine_is_heard_in_the_sound_file(duet):
    with wave.open(str(duet.wav)) as file:
        rate_hz = file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32_768
    start_s, end_s = (t / 1e9 for t in notes(duet.tracks[1])[0][:2])
    heard = samples[2 * int(start_s * rate_hz) : 2 * int(end_s * rate_hz)]
    assert np.sqrt(np.mean(heard**2)) > AUDIBLE_RMS / 2


def test_the_demo_prints_a_summary(duet):
    out = " ".join(duet.done.stdout.split())
    ons = len(notes(duet.tracks[1]))
    assert f"You heard {len(PHRASES[0])} notes of the musician's and {ons} of" in out
    assert f"{ons} ons, {ons} offs." in out
    assert f"Written: {duet.midi}, and {duet.wav}" in out
    assert "Seed: 1." in out


def test_it_says_nothing_on_stderr(duet):
    assert duet.done.stderr == ""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="asks Linux' /proc")
def test_no_process_is_left_over(duet):
    assert duet.left_over == []


def test_the_embedded_demo_is_on_time_and_reports_it(embedded, tmp_path):
    assert any(
        "Replies: 1, on time: 1." in out and "Fallbacks: 0." in out
        for out in said(embedded, tmp_path)
    )


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="asks Linux' /proc")
def test_ctrl_c_ends_it_and_all_that_it_started(tmp_path):
    mark = uuid.uuid4().hex
    # A test run in a shell's background inherits SIGINT ignored, and would hand it on.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [sys.executable, "-m", "ripieno", "demo", "-o", str(tmp_path / "duet")],
        env={**os.environ, MARK: mark, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "")
    assert any(line.startswith("Model:") for line in lines)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=10)
    assert process.returncode == 130
    assert stderr == ""
    assert any(not processes_with(mark) for _ in attempts())


@pytest.mark.slow
def test_the_demo_of_the_accompaniment_plays_along_with_the_whole_melody(tmp_path):
    duet = Duet(tmp_path, "--role", "accompany", "--listen", "4")
    human, machine = duet.tracks
    assert [pitch for _, _, pitch in notes(human)] == [p for p, _ in PHRASES[0]]
    count: Counter[tuple[int, int]] = Counter()
    for _, data in machine.messages:
        is_on, is_off = messages.is_note_on(data), messages.is_note_off(data)
        count[messages.channel_of(data), data[1]] += is_on - is_off
    assert len({channel for channel, _ in count}) == 3
    assert not any(count.values())
    ready = re.search(r"Plans were ready for ([\d.]+)% of", duet.done.stdout)
    assert ready is not None
    assert float(ready[1]) >= PLANNED_PERCENT
    assert not duet.left_over


@pytest.mark.parametrize("role", ["vary", "loop"])
@pytest.mark.slow
def test_the_demo_of_every_other_role_leaves_no_note_hanging(tmp_path, role):
    flags = ("--role", role, "--listen", "4")
    duet = Duet(tmp_path, *flags)
    _, machine = duet.tracks
    assert len(notes(machine)) >= 8
    assert not any(ons_minus_offs(machine).values())
    assert any("Fallbacks: 0." in out for out in said(duet, tmp_path, *flags))
    assert not duet.left_over

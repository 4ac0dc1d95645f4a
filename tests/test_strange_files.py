"""A pipe, a device or a huge file is refused at once, with one sentence."""

import os
import sys

import mido
import pytest
from tests.command import (
    assert_sentence,
    copy_model,
    rewrite_manifest,
    ripieno,
    write_tune,
)

pytestmark = [
    pytest.mark.process,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="it has no FIFOs"),
]
ESCAPE = "\x1b]0;owned\x07\x1b[31m"


def fifo(path):
    os.mkfifo(path)
    return path


@pytest.mark.parametrize("flag", ["--config", "--chart"])
def test_a_fifo_or_a_device_as_settings_or_chart_is_refused(tmp_path, flag):
    tune, out = write_tune(tmp_path / "in.mid"), tmp_path / "out.mid"
    for path in (fifo(tmp_path / "fifo"), "/dev/zero"):
        done = ripieno("render", tune, "-o", out, flag, path)
        assert_sentence(done, 3, path, "not a regular file")


def test_a_fifo_as_a_manifest_is_refused(tmp_path):
    model = copy_model(tmp_path)
    (model / "manifest.json").unlink()
    fifo(model / "manifest.json")
    tune, out = write_tune(tmp_path / "in.mid"), tmp_path / "out.mid"
    done = ripieno("render", tune, "-o", out, "--model", model)
    assert_sentence(done, 4, "not a regular file")


def test_a_fifo_as_a_journal_is_refused(tmp_path):
    assert_sentence(ripieno("replay", fifo(tmp_path / "fifo")), 3, "not a regular file")


def test_what_a_manifest_says_reaches_the_terminal_as_text(tmp_path):
    copy_model(tmp_path, licence=f"MIT {ESCAPE}", family=ESCAPE, quality={ESCAPE: 1.0})
    done = ripieno("models", env={"RIPIENO_MODELS": str(tmp_path)})
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "\x07" not in done.stdout
    assert "licence MIT \\x1b]0;owned\\x07\\x1b[31m;" in done.stdout


def test_what_an_error_quotes_reaches_the_terminal_as_text(tmp_path):
    model = copy_model(tmp_path)
    rewrite_manifest(model, **{ESCAPE: 1})
    tune, out = write_tune(tmp_path / "in.mid"), tmp_path / "out.mid"
    done = ripieno("render", tune, "-o", out, "--model", model)
    assert_sentence(done, 4, "\\x1b[31m")
    assert "\x1b" not in done.stderr


def test_a_file_of_five_hours_is_refused(tmp_path):
    track = mido.MidiTrack([mido.Message("note_on", note=60, velocity=60)])
    track.append(mido.Message("note_off", note=60, time=5 * 60 * 120))
    source = tmp_path / "long.mid"
    mido.MidiFile(tracks=[track], ticks_per_beat=1).save(source)
    done = ripieno("render", source, "-o", tmp_path / "out.mid")
    assert_sentence(done, 3, "long.mid lasts", "hours, more than 4", "cut it")


def test_of_a_file_with_centuries_of_silence_the_beginning_is_rendered(tmp_path):
    track = mido.MidiTrack([mido.Message("note_on", note=60, velocity=60)])
    track += [mido.MetaMessage("marker", text="on", time=2**28 - 1) for _ in range(60)]
    track.append(mido.Message("note_off", note=60, time=100))
    source = tmp_path / "long.mid"
    mido.MidiFile(tracks=[track], ticks_per_beat=1).save(source)
    done = ripieno("render", source, "-o", tmp_path / "out.mid")
    assert done.returncode == 0, done.stderr
    assert "read up to there" in done.stdout


def test_a_file_with_more_beats_than_can_be_played_is_refused(tmp_path):
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=1000)])
    track.append(mido.Message("note_on", note=60, velocity=60))
    track.append(mido.Message("note_off", note=60, time=100_000 * 480))
    source = tmp_path / "fast.mid"
    mido.MidiFile(tracks=[track]).save(source)
    done = ripieno("render", source, "-o", tmp_path / "o.mid", "--role", "accompany")
    assert_sentence(done, 3, "fast.mid has", "beats, more than 96,000", "400 bpm")


def test_a_manifest_that_is_far_too_large_is_refused(tmp_path):
    model = copy_model(tmp_path)
    path = model / "manifest.json"
    path.write_text(path.read_text() + " " * 2**20)
    done = ripieno(
        "render", write_tune(tmp_path / "in.mid"), "-o", "o.mid", "--model", model
    )
    assert_sentence(done, 4, "larger than 1,048,576 bytes")

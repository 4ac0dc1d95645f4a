"""A piece becomes a WAV file, and the report names what sounded it."""

import shutil
import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest

from ripieno.errors import FileError
from ripieno.sound.devices import audio_report
from ripieno.sound.render import render_wav
from ripieno.sound.soundfont import VARIABLE, SoundFont, find_soundfont, render_midi
from ripieno.sound.voice import HUMAN, MACHINE, RATE_HZ
from ripieno.sound.wav import write_wav

S = 1_000_000_000
HUMAN_PART = [(S, b"\x90\x45\x50"), (2 * S, b"\x80\x45\x00")]
MACHINE_PART = [(2 * S, b"\x90\x51\x50"), (3 * S, b"\x80\x51\x00")]
PARTS = [(HUMAN, HUMAN_PART), (MACHINE, MACHINE_PART)]

# One track at 120 bpm, 480 ticks a beat: A4 from 1 s to 2 s.
PIECE = (
    b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x01\xe0MTrk\x00\x00\x00\x0e"
    b"\x87\x40\x90\x45\x50\x87\x40\x80\x45\x00\x00\xff\x2f\x00"
)


def samples_of(path: Path) -> "np.ndarray[tuple[int, int], np.dtype[np.int16]]":
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth()) == (2, 2)
        assert file.getframerate() == RATE_HZ
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return data.reshape(-1, 2).astype(np.int16)


def test_the_built_in_voice_sounds_the_piece_and_says_why(tmp_path: Path) -> None:
    wav = tmp_path / "piece.wav"
    said = render_wav(tmp_path / "none.mid", wav, PARTS, soundfont="no font was asked")
    assert said == "built-in voice, because no font was asked"
    samples = samples_of(wav)
    assert not samples[: RATE_HZ - 10].any()
    assert loudest_hz(samples[RATE_HZ : 2 * RATE_HZ]) == pytest.approx(440, abs=2)
    assert loudest_hz(samples[2 * RATE_HZ : 3 * RATE_HZ]) == pytest.approx(880, abs=2)
    assert np.abs(samples.astype(int)).max() < 32_000
    assert not samples[-RATE_HZ // 10 :].any()


def loudest_hz(samples: "np.ndarray[tuple[int, int], np.dtype[np.int16]]") -> float:
    magnitudes = np.abs(np.fft.rfft(samples.sum(axis=1, dtype=np.float64)))
    return float(np.argmax(magnitudes) * RATE_HZ / len(samples))


def test_a_font_that_fails_leaves_the_piece_to_the_built_in_voice(
    tmp_path: Path,
) -> None:
    wav = tmp_path / "piece.wav"
    broken = SoundFont("/bin/false", tmp_path / "none.sf2")
    said = render_wav(tmp_path / "none.mid", wav, PARTS, soundfont=broken)
    assert said.startswith("built-in voice, because fluidsynth failed")
    assert samples_of(wav).any()
    assert [found.name for found in tmp_path.iterdir()] == ["piece.wav"]


def test_a_piece_of_more_than_an_hour_is_refused(tmp_path: Path) -> None:
    endless = [(0, b"\x90\x45\x50"), (4000 * S, b"\x80\x45\x00")]
    with pytest.raises(FileError, match="4000 s, more than 3600 s"):
        render_wav(tmp_path / "a", tmp_path / "b", [(HUMAN, endless)], soundfont="-")


def test_a_wav_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    tone = np.full((100, 2), 2.0, np.float32)
    write_wav(tmp_path / "loud.wav", tone)
    assert (samples_of(tmp_path / "loud.wav") == 32_767).all()
    with pytest.raises(FileError, match="cannot be written"):
        write_wav(tmp_path / "missing" / "loud.wav", tone)
    assert [found.name for found in tmp_path.iterdir()] == ["loud.wav"]


def test_the_variable_names_the_font_before_all_others(tmp_path: Path) -> None:
    path = program_folder(tmp_path)
    own, other = tmp_path / "own.sf2", tmp_path / "fonts" / "other.sf3"
    other.parent.mkdir()
    for font in (own, other):
        font.touch()
    folders = (str(other.parent),)
    found = find_soundfont({"PATH": path, VARIABLE: str(own)}, folders)
    assert isinstance(found, SoundFont)
    assert (found.font, found.name) == (own, "own")
    found = find_soundfont({"PATH": path}, folders)
    assert isinstance(found, SoundFont)
    assert found.font == other


def program_folder(tmp_path: Path) -> str:
    program = tmp_path / "bin" / "fluidsynth"
    program.parent.mkdir()
    program.touch(0o755)
    return str(program.parent)


def test_a_missing_font_or_synthesizer_is_named(tmp_path: Path) -> None:
    path = program_folder(tmp_path)
    assert find_soundfont({"PATH": "/nowhere"}) == (
        "the fluidsynth program is not installed"
    )
    assert "no .sf2 or .sf3 file" in str(find_soundfont({"PATH": path}, ()))
    assert "not a file" in str(find_soundfont({"PATH": path, VARIABLE: "/no"}, ()))


def has_fluidsynth() -> bool:
    """Whether fluidsynth starts; its libraries may be missing."""
    program = shutil.which("fluidsynth")
    if program is None:
        return False
    done = subprocess.run([program, "--version"], check=False, capture_output=True)
    return not done.returncode


@pytest.mark.skipif(
    not has_fluidsynth() or isinstance(find_soundfont(), str),
    reason="fluidsynth or a SoundFont is not installed, or fluidsynth does not start",
)
def test_a_soundfont_sounds_the_file(tmp_path: Path) -> None:
    midi, wav = tmp_path / "piece.mid", tmp_path / "piece.wav"
    midi.write_bytes(PIECE)
    assert render_wav(midi, wav, PARTS).startswith("SoundFont ")
    samples = samples_of(wav)
    onset = int(np.argmax(np.abs(samples).max(axis=1) > 300))
    assert onset == pytest.approx(RATE_HZ, abs=0.05 * RATE_HZ)
    assert loudest_hz(samples[RATE_HZ : 2 * RATE_HZ]) == pytest.approx(440, abs=3)
    assert np.abs(samples.astype(int)).max() < 32_767
    found = find_soundfont()
    assert isinstance(found, SoundFont)
    assert render_midi(found, midi, tmp_path / "missing" / "piece.wav") != ""


def test_the_report_on_sound_is_one_sentence() -> None:
    report = audio_report()
    assert "\n" not in report
    assert "sound output" in report

import numpy as np
import pytest

from ripieno.sound.wav import at_full_level, read_wav, write_wav


def test_a_written_wav_is_read_back(tmp_path):
    samples = np.random.default_rng(1).uniform(-1, 1, (500, 2)).astype(np.float32)
    write_wav(tmp_path / "a.wav", samples)
    assert np.abs(read_wav(tmp_path / "a.wav") - samples).max() < 2 / 32_768


@pytest.mark.parametrize("peak", [0.02, 0.5, 1.0])
def test_every_rendering_is_brought_to_one_level(peak):
    samples = peak * np.sin(np.linspace(0, 60, 1000, dtype=np.float32))
    loud = at_full_level(np.stack([samples, -samples], axis=1))
    assert np.abs(loud).max() == pytest.approx(0.8, abs=1e-3)


def test_silence_is_not_amplified():
    assert not at_full_level(np.zeros((10, 2), np.float32)).any()

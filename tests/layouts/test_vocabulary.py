import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripieno.layouts import vocabulary as v


@given(st.integers(0, v.N_DELTAS - 1), st.floats(0.0, 0.999))
def test_delta_of_is_the_inverse_of_seconds_of(delta, position):
    assert v.delta_of(v.seconds_of(delta, position)) == delta


@given(st.floats(-100, 100))
def test_every_time_has_a_bin(seconds):
    assert 0 <= v.delta_of(seconds) < v.N_DELTAS


def test_a_quarter_at_120_bpm_is_told_from_one_at_128():
    assert v.delta_of(60 / 120) != v.delta_of(60 / 128)


def test_bins_above_the_first_are_equally_wide_in_log_time():
    widths = np.diff(np.log(v.DELTA_EDGES_S[1:]))
    assert np.allclose(widths, widths[0])


@given(st.integers(0, v.N_DOWN - 1))
def test_a_key_goes_down_or_comes_up(pitch):
    assert v.pitch_of(v.down(pitch)) == (pitch, True)
    assert v.pitch_of(v.up(pitch)) == (pitch, False)


@given(st.integers(1, 127))
def test_a_velocity_comes_back_within_two(velocity):
    assert abs(v.velocity_of(v.level_of(velocity)) - velocity) <= 2


def test_velocity_levels_are_one_to_thirty_two():
    assert {v.level_of(n) for n in range(1, 128)} == set(range(1, v.N_VELOCITIES))


def test_the_fingerprint_changes_only_with_the_vocabulary(monkeypatch):
    before = v.fingerprint()
    assert before == v.fingerprint()
    monkeypatch.setattr(v, "SIZES", (2, 64, 260, 33))
    assert v.fingerprint() != before


def test_pedals_are_the_two_pitches_above_the_keyboard():
    assert (v.SUSTAIN_PEDAL, v.SOFT_PEDAL) == (128, 129)
    with pytest.raises(IndexError):
        v.seconds_of(v.N_DELTAS)

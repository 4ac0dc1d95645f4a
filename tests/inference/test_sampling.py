import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ripieno.inference.sampling import sample

logits = arrays(np.float32, 12, elements=st.floats(-8, 8, width=32))
masks = arrays(np.bool_, 12).filter(np.any)
noises = st.floats(0, 0.999)


@given(logits, masks, st.floats(0.1, 2), st.floats(0.05, 1), noises)
def test_only_what_the_mask_allows_is_chosen(values, mask, temperature, top_p, noise):
    assert mask[sample(values, mask, temperature, top_p, noise)]


@given(logits, noises)
def test_a_cold_sampler_takes_the_likeliest(values, noise):
    best = int(np.argmax(values))
    runner_up = np.partition(values, -2)[-2]
    if values[best] - runner_up > 0.01:
        assert sample(values, np.ones(12, bool), temperature=1e-4, noise=noise) == best


def test_top_p_keeps_the_smallest_set_that_holds_the_share():
    values = np.log(np.array([0.5, 0.3, 0.15, 0.05], np.float32))
    everything = np.ones(4, bool)
    noise = np.linspace(0, 0.999, 500)
    chosen = {sample(values, everything, top_p=0.75, noise=n) for n in noise}
    assert chosen == {0, 1}


def test_frequencies_are_the_probabilities():
    shares = np.array([0.5, 0.3, 0.15, 0.05])
    values = np.log(shares).astype(np.float32)
    noise = np.linspace(0, 0.9999, 4000)
    chosen = [sample(values, np.ones(4, bool), noise=n) for n in noise]
    assert np.allclose(np.bincount(chosen) / 4000, shares, atol=0.002)


def test_a_mask_that_allows_nothing_is_a_bug():
    with pytest.raises(ValueError, match="nothing"):
        sample(np.zeros(3, np.float32), np.zeros(3, bool))

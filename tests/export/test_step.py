import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")

import torch

from ripieno.inference.sampling import sample as definition
from ripieno.layouts.vocabulary import N_DOWN
from ripieno_export.networks.recurrent import EventRecurrent
from ripieno_export.recurrent_step import RecurrentStep
from ripieno_export.step import sample

pytestmark = pytest.mark.torch


def in_graph(
    logits: npt.NDArray[np.float32],
    mask: npt.NDArray[np.bool_],
    temperature: float,
    top_p: float,
    noise: float,
) -> int:
    controls = [
        torch.tensor([[v]], dtype=torch.float32) for v in (temperature, top_p, noise)
    ]
    tensors = torch.from_numpy(logits)[None], torch.from_numpy(mask)[None]
    return int(sample(*tensors, *controls))


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from((2, 33, 121, 260)),
    st.floats(0.2, 2.0),
    st.floats(0.05, 1.0),
    st.floats(0.0, 0.99),
)
def test_sampling_is_the_daemons_definition(
    seed: int, size: int, temperature: float, top_p: float, noise: float
) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, size).astype(np.float32)
    mask = rng.random(size) < 0.6
    mask[rng.integers(size)] = True
    wanted = {
        definition(logits, mask, temperature, top_p + p, max(noise + n, 0.0))
        for n in (-1e-5, 0.0, 1e-5)
        for p in (-1e-5, 0.0, 1e-5)
    }
    assert in_graph(logits, mask, temperature, top_p, noise) in wanted


def test_only_what_the_mask_allows_is_sampled_even_at_the_end_of_the_noise() -> None:
    logits = np.array([9.0, 1.0, 5.0, 0.0], np.float32)
    mask = np.array([False, True, False, True])
    for noise in (0.0, 0.5, 0.999, 1.0):
        assert in_graph(logits, mask, 1.0, 1.0, noise) in {1, 3}


def test_a_cold_sample_is_the_likeliest() -> None:
    logits = np.array([0.0, 2.0, 1.0], np.float32)
    assert in_graph(logits, np.ones(3, bool), 0.0, 1.0, 0.99) == 1


@pytest.fixture(params=["gru", "lstm", "rnn"])
def model(request: pytest.FixtureRequest) -> EventRecurrent:
    torch.manual_seed(0)
    return EventRecurrent(request.param, 24, layers=2).eval()


def test_steps_give_the_logits_of_the_whole_sequence(model: EventRecurrent) -> None:
    rng = np.random.default_rng(0)
    events = np.stack([rng.integers(0, n, 12) for n in (2, 121, 260, 33)], 1)
    with torch.no_grad():
        whole = model(torch.from_numpy(events)[None])
        step = RecurrentStep(model)
        _, *given = step.example_inputs()
        count = len(step.state)
        for place in range(11):
            told = events[place + 1]
            given[-4:] = [
                torch.arange(n)[None] == v
                for n, v in zip((2, 121, 260, 33), told, strict=True)
            ]
            found = step(torch.from_numpy(events[place : place + 1]), *given)
            given[:count] = found[1 : 1 + count]
            for field, logits in enumerate(found[1 + count :]):
                torch.testing.assert_close(logits[0], whole[field][0, place])


def test_a_down_has_a_velocity_and_an_up_has_none(model: EventRecurrent) -> None:
    step = RecurrentStep(model)
    inputs = list(step.example_inputs())
    for is_down in (True, False):
        inputs[-2] = (torch.arange(260) < N_DOWN)[None] == is_down
        for noise in (0.0, 0.3, 0.9):
            inputs[1 + len(step.state)] = torch.full((1, 4), noise)
            key, velocity = step(*inputs)[0][0, 2:].tolist()
            assert (key < N_DOWN) == is_down
            assert (velocity > 0) == is_down


def test_a_velocity_mask_that_fits_no_key_is_ignored(model: EventRecurrent) -> None:
    step = RecurrentStep(model)
    inputs = list(step.example_inputs())
    inputs[-1] = torch.arange(33)[None] == 0
    inputs[-2] = (torch.arange(260) == 60)[None]
    assert step(*inputs)[0][0, 3] > 0

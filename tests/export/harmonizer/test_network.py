"""The network of the harmonizer, and the laws that its graph keeps."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("symusic")

import torch
from tests.export.harmonizer.walks import rows
from tests.export.tiny import ORIGIN

from ripieno.layouts.voices import DEPTHS, NOBODY
from ripieno.minds.writer import FORBIDDEN
from ripieno_export.harmonizer import (
    crops,
)
from ripieno_export.harmonizer.chorales import Chorale
from ripieno_export.harmonizer.history import led_by_itself
from ripieno_export.harmonizer.network import UNKNOWN, Harmonies, turned
from ripieno_export.harmonizer.step import (
    IF_ABOVE,
    IF_BELOW,
    INPUTS,
    StepModule,
    parallels,
)
from ripieno_export.harmonizer.task import nats_of

pytestmark = pytest.mark.torch

CPU = torch.device("cpu")
PIECE = Chorale(
    ORIGIN, "x", 0, rows(0)[:, 0], np.ones(40, np.float32), rows(0)[:, :0:-1]
)


@pytest.fixture(scope="module")
def model() -> Harmonies:
    torch.manual_seed(0)
    return Harmonies(16).eval()


def scored(model: Harmonies, batch: crops.Batch) -> list[torch.Tensor]:
    with torch.no_grad():
        scores: list[torch.Tensor] = model(*batch.tensors(CPU))
    return scores


def test_a_key_is_a_turned_histogram() -> None:
    keys = torch.zeros(1, 24)
    keys[0, 7] = keys[0, 12 + 4] = 1.0
    found = turned(keys, torch.tensor([67]))  # seen from G: G first, E nine above
    assert found.nonzero()[:, 1].tolist() == [0, 12 + 9]


def test_an_octave_changes_nothing_but_the_height(
    model: Harmonies,
) -> None:
    melody, before, gap_s, style, _ = crops.crop(PIECE, 1, 9).tensors(CPU)
    keys = torch.rand(1, 8, 24)
    higher = torch.where(before == NOBODY, before, before + 12)
    here = model.read(melody, before, gap_s, style, keys)
    there = model.read(melody + 12, higher, gap_s, style, keys)
    differ = (here != there).any(1)[0]
    assert differ.nonzero().tolist() == [[here.shape[-1] - 2]]


def test_steps_give_the_scores_of_the_whole_sequence(
    model: Harmonies,
) -> None:
    batch = crops.crop(PIECE, 0, 12)
    whole, step = scored(model, batch), StepModule(model)
    melody, before, gap_s, style, told = batch.tensors(CPU)
    given = dict(zip(INPUTS, StepModule(model).example_inputs(), strict=True))
    for place in range(12):
        bias = torch.full((1, 3, 128), FORBIDDEN)
        for voice in range(3):
            bias[0, voice, melody[0, place] - told[0, place, voice]] = 0.0
        given |= {"melody": melody[:, place, None], "before": before[:, place]}
        given |= {"gap_s": gap_s[:, place, None], "style": style[:, place, None]}
        given["bias"] = bias
        with torch.no_grad():
            voices, *state, logits = step(*(given[name] for name in INPUTS))
        given |= dict(zip(("state", "keys"), state, strict=True))
        np.testing.assert_array_equal(voices[0], batch.voices[0, place])
        for voice in range(3):
            torch.testing.assert_close(logits[0, voice], whole[voice][0, place])


def test_a_resting_voice_adds_no_loss() -> None:
    voices = PIECE.voices.copy()
    voices[::2, 1] = NOBODY
    silent = replace(PIECE, voices=voices)
    batch = crops.crop(silent, 0, 20)
    assert (batch.depths[0, ::2, 1] == UNKNOWN).all()
    torch.manual_seed(0)
    nats = nats_of(Harmonies(16), batch.tensors(CPU))
    assert [len(n) for n in nats] == [20, 10, 20]


def test_a_sampled_chord_is_the_history_of_the_next_step(
    model: Harmonies,
) -> None:
    batch = crops.crop(PIECE, 0, 12)
    torch.manual_seed(0)
    own, answers = led_by_itself(model, batch)
    np.testing.assert_array_equal(own.before[0, 1:, 1:], answers[0, :-1])
    np.testing.assert_array_equal(own.voices, batch.voices)
    kept, _ = led_by_itself(model, batch, leash=1.0)
    np.testing.assert_array_equal(kept.before, batch.before)


# ── the graph's laws ─────────────────────────────────────────────────────────────────


def answered(model: Harmonies, **changes: torch.Tensor) -> list[int]:
    """Bass, tenor and alto below a C5 that follows a B4 over G3 D4 G4."""
    given = dict(zip(INPUTS, StepModule(model).example_inputs(), strict=True)) | changes
    with torch.no_grad():
        voices: list[int] = StepModule(model)(*(given[n] for n in INPUTS))[0][
            0
        ].tolist()
    return voices


def test_voices_never_cross_whatever_the_noise(model: Harmonies) -> None:
    chance = torch.Generator().manual_seed(0)
    for _ in range(100):
        noise = torch.rand(1, 3, generator=chance)
        bass, tenor, alto = answered(model, noise=noise, top_p=torch.ones(1, 3))
        assert bass <= tenor <= alto <= 72


def test_with_all_pitches_forbidden_the_voices_are_in_unison(model: Harmonies) -> None:
    shut = torch.full((1, 3, 128), FORBIDDEN)
    assert answered(model, bias=shut) == [72, 72, 72]
    shut[0, 0, 48] = 0.0
    assert answered(model, bias=shut) == [48, 48, 48]


def test_only_what_the_bias_leaves_open_is_sung(model: Harmonies) -> None:
    bias = torch.full((1, 3, 128), FORBIDDEN)
    bias[0, 0, 52] = bias[0, 1, 60] = bias[0, 2, 67] = 0.0
    for noise in (0.0, 0.5, 0.9999):
        assert answered(model, bias=bias, noise=torch.full((1, 3), noise)) == [
            52,
            60,
            67,
        ]


def one(pitch: int) -> torch.Tensor:
    return torch.tensor([[pitch]])


def test_fifths_and_octaves_in_parallel_are_found_and_fourths_are_not() -> None:
    below = 74 - torch.arange(DEPTHS)[None]

    def found(then: int, now: int, own_then: int, fifth: int) -> list[int]:
        hit = parallels((one(then), one(own_then)), one(now), below, fifth)
        return [int(p) for p in below[hit > 0]]

    assert 65 in found(71, 72, 64, IF_ABOVE)  # B over E to C over F
    assert 60 in found(71, 72, 59, IF_ABOVE)  # an octave goes up with it
    assert found(71, 72, 66, IF_ABOVE) == []  # a fourth is free
    assert 67 in found(59, 60, 66, IF_BELOW)  # a fifth above the bass
    assert found(71, 71, 64, IF_ABOVE) == []  # who stays is in no parallel
    assert found(71, 72, NOBODY, IF_ABOVE) == []


def test_strictness_turns_a_parallel_away(model: Harmonies) -> None:
    bias = torch.full((1, 3, 128), FORBIDDEN)
    bias[0, 0, 56] = bias[0, 0, 53] = bias[0, 1, 62] = bias[0, 2, 67] = 0.0
    bias[0, 0, 56] = 9.0
    free, strict = (torch.full((1, 1), v) for v in (0.0, 100.0))
    before = torch.tensor([[71, 55, 62, 67]])
    assert answered(model, bias=bias, strictness=free, before=before)[0] == 56
    bias[0, 0, 56], bias[0, 0, 60] = FORBIDDEN, 9.0  # C under C, after B over B
    before = torch.tensor([[71, 59, 62, 67]])
    assert answered(model, bias=bias, strictness=free, before=before)[0] == 60
    assert answered(model, bias=bias, strictness=strict, before=before)[0] == 53

"""`loop` in simulated time with the published model, over a chart."""

import pytest
from tests.inputs import BEAT, line
from tests.outputs import hanging, note_ons

from ripieno.engine import Engine
from ripieno.inference.manifest import for_role
from ripieno.music import chords
from ripieno.processes.loading import wake
from ripieno.settings.beginning import Beginning
from ripieno.settings.params import Params
from ripieno.simulation import Simulation

BAR = 4 * BEAT


@pytest.fixture(scope="module")
def published():
    return wake(for_role("loop"), "cpu")


def grooved(published, beats=34, **play):
    """The model over a chart, one chord all along unless said otherwise."""
    mind, ready = published
    params = Params(**{"role": "loop", "listen": 4, "chart": "C |", "seed": 5, **play})
    engine = Engine(Beginning(params, seed=5))
    played = Simulation(engine, mind, ready=ready)
    played.play(line(beats=beats))
    played.stop()
    return played


def rhythms(played):
    """Where notes begin in each bar, in sixteenths."""
    bars: dict[int, set[int]] = {}
    for at, _ in note_ons(played.sent):
        bars.setdefault(at // BAR, set()).add(at % BAR * 16 // BAR)
    return bars


def alike(one, two):
    return len(one & two) / len(one | two)


def test_the_model_plays_every_bar_on_the_grid(published):
    played = grooved(published)
    assert set(rhythms(played)) == set(range(1, 9))
    assert {at % (BEAT // 4) for at, _ in note_ons(played.sent)} == {0}
    assert played.engine.status().fallbacks == 0
    assert hanging(played.sent) == {}


def test_the_models_pattern_repeats_and_then_changes(published):
    inside, across = [], []
    for seed in range(8):
        bars = rhythms(grooved(published, seed=seed, bars=4, chart="C | F | G | Am |"))
        inside += [alike(bars[n], bars[n + 1]) for n in (1, 2, 4, 5, 6)]
        across.append(alike(bars[3], bars[4]))
    assert sum(inside) / len(inside) >= 0.9
    assert sum(across) / len(across) < 0.8


def test_the_model_follows_the_chord(published):
    played = grooved(published, chart="C | F | G | Am |")
    told = [chords.pitch_classes(chords.named(n)) for n in ("C", "F", "G", "Am")]
    hits = [p % 12 in told[at // BAR % 4] for at, p in note_ons(played.sent)]
    assert sum(hits) / len(hits) > 0.8


def test_the_same_seed_plays_the_same(published):
    assert note_ons(grooved(published).sent) == note_ons(grooved(published).sent)
    assert note_ons(grooved(published).sent) != note_ons(
        grooved(published, seed=6).sent
    )


@pytest.mark.parametrize("meter", ["3/4", "6/8", "5/4"])
def test_the_model_plays_other_metres(published, meter):
    played = grooved(published, meter=meter)
    assert len(note_ons(played.sent)) > 20
    assert hanging(played.sent) == {}

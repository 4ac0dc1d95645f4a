"""How the metre's weights are learned and judged."""

import numpy as np
import pytest

pytest.importorskip("torch")
from ripieno.hear.meter_weights import LEARNED
from ripieno.hear.meters import METRICS, TOLD
from ripieno_export.judge.metres import LOOKS, Tune, barred_anew, fit, heard, outcome

pytestmark = pytest.mark.torch

BAR = ((0, 67), (4, 67), (8, 72), (12, 74), (14, 76))
MARCH = np.array([(16 * bar + at, key) for bar in range(32) for at, key in BAR])
TUNE = Tune("dance", "4/4", 16, 0, MARCH)


@pytest.mark.parametrize(
    ("beats", "bar", "first"),
    [
        ((0, 4, 8, 12), 14, [0, 4, 8, 12, 14]),
        ((0, 6, 10, None), 14, [0, 6, 10, 14, 20]),
        ((0, 4, 12, 16), 20, [0, 4, 12, 16, 18]),
    ],
)
def test_a_tune_in_four_is_barred_anew(beats, bar, first):
    made = barred_anew(TUNE, "7/8", beats, bar)
    assert (made.told, made.bar, made.kind) == ("7/8", bar, "made")
    assert made.notes[:5, 0].tolist() == first


def test_a_tune_is_looked_at_after_beats_that_do_not_depend_on_its_metre():
    looks = list(heard(TUNE))
    assert len(looks) == len(LOOKS)
    assert looks[0][0].shape == (len(METRICS), len(LEARNED.shared))


def test_the_outcome_has_the_likeliest_metre_after_some_bars_and_all_changes():
    assert outcome(TUNE, LEARNED).likeliest == {4: "4/4", 8: "4/4", 16: "4/4"}
    made = barred_anew(TUNE, "7/8", (0, 4, 8, 12), 14)
    ((bars, name),) = outcome(made, LEARNED).changes
    assert name == "7/8"
    assert 4 < bars < 16


def test_a_fit_tells_the_tunes_that_it_learned_from():
    tunes = [TUNE, barred_anew(TUNE, "7/8", (0, 4, 8, 12), 14)]
    looks = [(tune, x, beats) for tune in tunes for x, beats in heard(tune)]
    weights = fit(
        np.array([x for _, x, _ in looks]),
        np.array([beats for _, _, beats in looks]),
        np.array([TOLD.index(tune.told) for tune, _, _ in looks]),
        np.ones(len(looks)),
    )
    assert [outcome(tune, weights).likeliest[16] for tune in tunes] == ["4/4", "7/8"]

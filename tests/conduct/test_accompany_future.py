"""What an accompaniment has sent or promised does not depend on later input."""

import random

import pytest
from tests.accompanied import (
    names,
    performed,
)
from tests.inputs import (
    BEAT,
    MS,
    key,
)
from tests.outputs import hanging

from ripieno.inference.manifest import for_role
from ripieno.processes.loading import wake
from ripieno.settings.params import COMMITS
from ripieno.testing import ScriptedDuet


def walk(seed, beats):
    """A human's melody in eighths, with rests, jitter and some wrong notes."""
    chance, pitch, found = random.Random(seed), 64, []
    for eighth in range(2 * beats):
        pitch = min(max(pitch + chance.choice((-4, -2, -1, 0, 1, 2, 3)), 52), 84)
        if chance.random() < 0.75:
            at_ns = max(0, int(eighth * BEAT / 2 + chance.gauss(0, 8) * MS))
            found += key(at_ns, pitch, BEAT // 3, chance.randrange(40, 110))
    return sorted(found)


def changed_after(inputs, other, at_ns):
    return [m for m in inputs if m[0] < at_ns] + [m for m in other if m[0] >= at_ns]


def before(played, at_ns):
    return [(at, send) for at, send in played.sent if at < at_ns]


@pytest.mark.parametrize("commit", COMMITS)
@pytest.mark.parametrize("latency_ms", [0, 11, 260])
def test_later_input_does_not_change_what_was_sent(commit, latency_ms):
    tune, other = walk(1, 40), walk(2, 40)
    how = {"commit": commit, "latency_ms": latency_ms}
    whole = performed(tune, ScriptedDuet(), **how)
    for at_ns in (9 * BEAT, 16 * BEAT + 3 * MS, 25 * BEAT + BEAT // 3):
        turned = performed(changed_after(tune, other, at_ns), ScriptedDuet(), **how)
        assert before(whole, at_ns)
        assert before(whole, at_ns) == before(turned, at_ns)


@pytest.mark.parametrize("commit", COMMITS)
@pytest.mark.slow
def test_later_input_does_not_change_what_was_sent_with_the_model(commit):
    tune, other, at_ns = walk(6, 32), walk(7, 32), 21 * BEAT + BEAT // 3
    inputs = (tune, tune, changed_after(tune, other, at_ns))
    minds = [wake(for_role("accompany"), "cpu")[0] for _ in inputs]
    whole, again, turned = (
        performed(played, mind, commit=commit)
        for played, mind in zip(inputs, minds, strict=True)
    )
    assert whole.sent == again.sent
    assert len(before(whole, at_ns)) > 20
    assert before(whole, at_ns) == before(turned, at_ns)
    assert not hanging(whole.sent)
    assert whole.engine.status().isr == 1.0


@pytest.mark.parametrize("commit", [1, 2, 4])
def test_later_input_does_not_change_promised_chords(commit):
    tune, other = walk(3, 40), walk(4, 40)
    for beat in (12, 21, 30):
        minds = ScriptedDuet(), ScriptedDuet()
        at_ns = beat * BEAT + BEAT // 2
        for inputs, mind in zip(
            (tune, changed_after(tune, other, at_ns)), minds, strict=True
        ):
            performed(inputs, mind, commit=commit)
        one, two = map(names, minds)
        until = beat + commit + 1
        assert [one[n] for n in range(until)] == [two[n] for n in range(until)]


@pytest.mark.parametrize("commit", COMMITS)
def test_the_same_seed_and_input_play_the_same(commit):
    tune = walk(5, 32)
    one, two = (performed(tune, ScriptedDuet(), commit=commit) for _ in range(2))
    assert one.sent == two.sent
    assert one.engine.status() == two.engine.status()


def test_another_seed_leads_to_other_chords():
    tune = walk(5, 32)
    one, two = (performed(tune, ScriptedDuet(), lead=1.0, seed=n) for n in (1, 2))
    assert one.sent != two.sent

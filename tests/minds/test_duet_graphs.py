"""The duet's graphs: golden vectors, transposition, and their folder."""

import numpy as np
import pytest
from tests.command import MODELS
from tests.duets import TUNE, played, span

from ripieno.inference.manifest import GOLDEN
from ripieno.inference.session import Loaded
from ripieno.layouts import duet
from ripieno.music.chords import NO_CHORD, QUALITIES, chord
from ripieno.music.spans import Phase
from ripieno.protocol import Reset

TOLERANCE = 1e-4


@pytest.mark.parametrize(
    ("kind", "name"), [("harmony", "harmony"), ("texture", "model")]
)
def test_the_golden_vectors_replay(graphs, kind, name):
    graph = graphs[name]
    with np.load(MODELS / "duet-gru" / GOLDEN) as file:
        golden = {n.removeprefix(f"{kind}/"): file[n] for n in file.files if kind in n}
    given = {n[3:]: a for n, a in golden.items() if n.startswith("in/")}
    expected = {n[4:]: a for n, a in golden.items() if n.startswith("out/")}
    assert set(given) | {"state"} == set(graph.put)
    assert set(expected) == set(graph.out)
    steps = len(next(iter(given.values())))
    assert steps >= 32
    graph.reset()
    for step in range(steps):
        for into, array in given.items():
            graph.put[into][...] = array[step]
        graph.run()
        for out, array in expected.items():
            assert np.abs(graph.out[out] - array[step]).max() <= TOLERANCE, (out, step)


@pytest.mark.parametrize("semitones", [1, 5, 11])
def test_the_same_tune_in_another_key_has_the_same_chords_there(graphs, semitones):
    """A transposed tune has the same logits, rotated by as many roots."""
    graph, lines = graphs["harmony"], []
    for moved in (0, semitones):
        ear, found = duet.Ear(), []
        graph.reset()
        for index, pitch in enumerate(TUNE):
            beat = span(pitch + moved)
            rows = ear.rows(beat)
            graph.put["rows"][0] = rows
            phase = Phase(index % 4, 4, index // 4)
            graph.put["scalars"][0] = duet.scalars(rows, phase, 0)
            before = chord(TUNE[index - 1] + moved) if index else NO_CHORD
            graph.put["before"][0], graph.put["lasted"][0] = before, bool(index)
            graph.run()
            found.append(
                np.concatenate([graph.out["logits"], graph.out["fresh"]]).copy()
            )
            ear.heard(beat)
        lines.append(np.stack(found))
    turned = np.roll(lines[0], semitones * QUALITIES, axis=2)
    np.testing.assert_allclose(lines[1], turned, atol=TOLERANCE)


def test_a_reset_forgets_both_graphs(graphs, mind):
    played(mind, 4)
    mind.receive(Reset())
    for graph in graphs.values():
        assert not any(array.any() for array in graph.state())


def test_the_mind_takes_both_of_its_parts_from_one_folder():
    loaded = Loaded(MODELS / "duet-gru", "cpu")
    assert set(loaded.graphs) == {"model", "harmony"}
    assert loaded.manifest.fingerprint == duet.fingerprint()
    assert loaded.provider == "CPUExecutionProvider"

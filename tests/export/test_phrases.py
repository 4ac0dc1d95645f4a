"""The phrase model's training side, on tunes that the test makes."""

from fractions import Fraction

import mido
import numpy as np
import onnx
import pytest
import torch
from tests.export import tiny

from ripieno.errors import FileError, SettingsError
from ripieno.layouts import phrase
from ripieno.layouts.phrase import FIRST_PITCH, HOLD, REST, STEPS
from ripieno.minds.moves import between
from ripieno.minds.variations import Variations
from ripieno.minds.writer import Writer
from ripieno.protocol import Variation
from ripieno_export import preset
from ripieno_export.duet.songs import Source
from ripieno_export.phrases import (
    crops,
    graphs,
    half,
    measure,
    parity,
    playing,
    task,
    windows,
)
from ripieno_export.phrases.pickups import pickup, pickups

SOURCE = Source("1_pd_cc0/tunes", "auto")
ABC = """X: 1
T: Tune 0
M: 4/4
L: 1/8
K: C
G2 | C4 D4 | E8 |

X: 2
T: Tune 1
M: 6/8
K: G
| GAB c2d | (3efg a2 |
"""


def midi(seed, numerator=4, denominator=4, bars=24):
    """A tune in C major: a walk in quavers and crotchets."""
    rng = np.random.default_rng(seed)
    scale = [12 * octave + p for octave in (5, 6) for p in (0, 2, 4, 5, 7, 9, 11)]
    track = mido.MidiTrack([mido.MetaMessage("track_name", name="Melody")])
    place, left = 5, bars * numerator * 4 * 480 // denominator
    while left > 0:
        ticks = int(rng.choice((240, 480)))
        place = int(np.clip(place + rng.integers(-2, 3), 0, len(scale) - 1))
        track.append(mido.Message("note_on", note=scale[place], velocity=64))
        track.append(mido.Message("note_off", note=scale[place], time=ticks))
        left -= ticks
    file = mido.MidiFile(ticks_per_beat=480)
    file.tracks.append(track)
    return tiny.bytes_of(file)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Twelve tunes in four metres; every fourth is held out."""
    root = tmp_path_factory.mktemp("phrases")
    meters, index = ((4, 4), (3, 4), (6, 8), (9, 8)), []
    files = {"tunes.abc": ABC.encode()}
    for number in range(16):
        meter = meters[number % 4 if number < 12 else 0]
        name = f"midi/{number}.mid"
        files[name] = midi(number, *meter)
        index.append({
            "file": name, "title": f"Tune {number}", "ts": [meter], "bpm": 100.0,
            "quarters": 24.0 * meter[0] * 4 / meter[1],
            "split": "valid" if number >= 12 else "train",
        })  # fmt: skip
    tiny.source(root, SOURCE.path, files, index)
    return root


@pytest.fixture(scope="module")
def cut(data):
    return windows.cut(data, (SOURCE,))


@pytest.fixture(scope="module")
def recipe():
    return preset.load("phrase-vae").with_(
        hidden=24, latent=6, batch=16, valid_crops=8, precision="32-true", steps=60
    )


@pytest.fixture(scope="module")
def model(recipe):
    return task.network(recipe.with_(dropout=0.0)).eval()


@pytest.fixture(scope="module")
def space(model, cut):
    return measure.space_of(model, cut)


class TorchGraph:
    """A module behind the buffers of a graph, as the daemon drives it."""

    def __init__(self, module):
        self._module = module
        examples = module.example_inputs()
        with torch.no_grad():
            found = module(*examples)
        self.put = self._named(module.input_names, examples)
        self.out = self._named(module.output_names, found)

    @staticmethod
    def _named(names, tensors):
        return {n: t.numpy().copy() for n, t in zip(names, tensors, strict=True)}

    def run(self):
        given = [torch.from_numpy(self.put[name]) for name in self._module.input_names]
        with torch.no_grad():
            found = self._module(*given)
        for name, tensor in zip(self._module.output_names, found, strict=True):
            self.out[name][...] = tensor.numpy()
        for into, out in self._module.state:
            self.put[into][...] = self.out[out]


@pytest.fixture(scope="module")
def loaded(model, space):
    return {
        "encode": TorchGraph(graphs.Encoder(model).eval()),
        "conduct": TorchGraph(graphs.Conductor(model, space).eval()),
        "model": TorchGraph(graphs.Step(model).eval()),
    }


def test_an_upbeat_is_what_comes_before_the_first_bar_line():
    found = pickups(ABC)
    assert found == {"Tune 0": [Fraction(1)], "Tune 1": [Fraction(0)]}


def test_tuplets_graces_and_marks_do_not_count_towards_an_upbeat():
    tune = 'X:1\nT:x\nM:4/4\nL:1/8\nK:D\n"Am"{c}(3ABc d/e/ | f8 |\n'
    assert pickup(tune) == Fraction(3, 2)


def test_windows_begin_at_bar_lines_or_at_other_beats(cut):
    assert set(cut.meter.tolist()) == {0, 1, 2}
    assert 0.3 < cut.aligned.mean() < 0.7
    assert (cut.rows >= 0).sum(1).min() >= windows.FEWEST
    for meter in (1, 2):
        unused = cut.rows[cut.meter == meter][:, ~phrase.used(meter)]
        assert (unused == windows.SILENT).all()


def test_metres_that_do_not_fit_are_left_out(cut):
    songs_of_nine_eight = {3, 7, 11}
    assert not songs_of_nine_eight & set(cut.song.tolist())


def test_held_out_tunes_are_never_learned_from(cut):
    learned = set(cut.song[cut.chosen("train")].tolist())
    judged = set(cut.song[task.judged(cut)].tolist())
    measured = set(cut.song[task.held_out(cut)].tolist())
    assert judged
    assert measured
    assert not learned & (judged | measured)
    assert not judged & measured


def test_roots_are_those_that_the_daemon_hears(cut):
    for number in range(0, len(cut.rows), 7):
        struck = cut.rows[number][cut.rows[number] >= 0]
        home = phrase.home_of(struck.tolist(), float(struck.mean()))
        if len(struck):
            assert home % 12 == cut.roots[number, 1]


def test_windows_survive_the_cache(cut, tmp_path):
    windows.save(cut, tmp_path / "windows.npz")
    again = windows.load(tmp_path / "windows.npz")
    assert np.array_equal(again.rows, cut.rows)
    assert np.array_equal(again.aligned, cut.aligned)
    assert again.sources == cut.sources


def test_a_cache_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(FileError, match="delete the file"):
        windows.load(tmp_path / "none.npz")


def test_copyleft_music_is_not_learned_from(data):
    with pytest.raises(SettingsError, match="4_copyleft"):
        windows.cut(data, (Source("4_copyleft/nottingham", "auto"),))


def test_a_batch_depends_on_seed_and_step_alone(cut):
    numbers = cut.chosen("train")
    one, same, other = (crops.training(cut, numbers, 1, at, 32) for at in (5, 5, 6))
    assert np.array_equal(one.tokens, same.tokens)
    assert not np.array_equal(one.tokens, other.tokens)


def test_the_decoder_is_told_the_token_before_and_the_last_pitch(cut):
    batch = crops.training(cut, cut.chosen("train"), 1, 0, 64)
    for tokens, meter, before, last in zip(
        batch.tokens, batch.meter, batch.before, batch.last, strict=True
    ):
        places = np.flatnonzero(phrase.used(meter))
        assert np.array_equal(before[places][1:], tokens[places][:-1])
        struck = last[places][0]
        for place in places:
            assert last[place] == struck
            struck = tokens[place] if tokens[place] >= FIRST_PITCH else struck


def test_tokens_are_those_of_the_daemon(cut):
    numbers = task.held_out(cut)[:8]
    batch = crops.plain(cut, numbers)
    homes = crops.homes(cut, numbers, np.zeros(len(numbers), np.int64))
    for row, tokens, home in zip(cut.rows[numbers], batch.tokens, homes, strict=True):
        for pitch, token in zip(row.tolist(), tokens.tolist(), strict=True):
            if pitch >= 0:
                assert token == phrase.token_of(pitch, int(home))
            else:
                assert token in (REST, HOLD)


def test_it_learns_to_keep_phrases(recipe, cut):
    learner = task.PhraseTask(recipe, cut)
    optimiser = torch.optim.AdamW(learner.network.parameters(), 1e-2)
    first = learner.judge()[0]
    for step in range(40):
        optimiser.zero_grad()
        learner.losses(step).sum().backward()
        optimiser.step()
    with torch.no_grad():
        assert learner.judge()[0] < 0.6 * first


def test_beta_rises_from_nothing(recipe, cut):
    learner = task.PhraseTask(recipe, cut)
    first, later = (learner.losses(at).detach() for at in (0, 1000))
    assert float(first[1]) == 0.0
    assert float(later[1]) > 0.0


def test_steps_in_turn_are_the_network_taught(model, space, cut):
    """The folded step and the training forward give the same scores."""
    batch = crops.plain(cut, task.held_out(cut)[:4])
    told, meter, before, last = task.tensors(batch)
    mean, _ = measure.means(model, batch)
    latent = torch.from_numpy(mean)
    with torch.no_grad():
        taught = model.decode(latent, meter, before, last)
        nothing = torch.zeros(len(told), 1), torch.zeros(len(told), 3)
        conductor, step = graphs.Conductor(model, space), graphs.Step(model)
        cues, begun = conductor(latent, latent, *nothing, meter[:, None])
        for at in range(STEPS):
            if at % phrase.PLACES == 0:
                state = begun[:, at // phrase.PLACES]
            both = torch.stack([before[:, at], last[:, at]], 1)
            scores, state = step(cues[:, at], both, state)
            used = torch.from_numpy(phrase.used(0))[at] | (meter == 9)
            if used.all():
                assert torch.allclose(scores, taught[:, at], atol=1e-4)


def test_the_daemons_writer_writes_what_torch_writes(model, space, cut, loaded):
    batch = crops.plain(cut, task.held_out(cut)[:3])
    encoder = graphs.Encoder(model).eval()
    golden = parity.record(encoder, graphs.Decoder(model, space).eval(), batch)
    assert parity.check(loaded, golden) < 1e-4


def test_every_figure_of_the_card_is_measured(model, space, cut, monkeypatch):
    monkeypatch.setattr(measure, "PHRASES", 8)
    found = measure.measure(model, cut, space)
    for ways in found["reconstruction"].values():
        assert set(ways) == {"taught", "greedy", "sampled"}
    assert found["baselines"]["always hold"]["onsets"] == 0.0
    assert 0 <= found["latent"]["used"] <= found["latent"]["dimensions"] == 6


def test_an_untrained_model_still_repeats_at_distance_0(cut, loaded):
    mind = Variations(Writer(loaded))
    for own in playing.phrases_of(cut, 3):
        still = Variation(since_ns=0, distance=0.0)
        assert np.array_equal(playing.varied(mind, own, still, 1), own.tokens)


def test_between_ends_at_both_ends_and_keeps_the_length():
    one, other = np.array([2.0, 0.0], np.float32), np.array([0.0, 2.0], np.float32)
    assert between(one, other, 0.0) == pytest.approx(one)
    assert between(one, other, 1.0) == pytest.approx(other, abs=1e-6)
    assert np.linalg.norm(between(one, other, 0.5)) == pytest.approx(2.0)
    assert between(one, one, 0.5) == pytest.approx(one)


def test_weights_that_were_rounded_are_stored_without_loss(tmp_path):
    layer = half.rounded(torch.nn.Linear(40, 40)).eval()
    stored, path = {"weight": layer.weight.detach().numpy()}, tmp_path / "layer.onnx"
    constant = onnx.numpy_helper.from_array(stored["weight"], "weight")
    node = onnx.helper.make_node("MatMul", ["x", "weight"], ["y"])
    into, out = (
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, (1, 40))
        for name in ("x", "y")
    )
    graph = onnx.helper.make_graph([node], "layer", [into], [out], [constant])
    onnx.save(onnx.helper.make_model(graph), path)
    whole = path.stat().st_size
    half.store(path)
    assert path.stat().st_size < 0.6 * whole
    kept = {t.name: t for t in onnx.load(path).graph.initializer}["weight_half"]
    assert np.array_equal(
        onnx.numpy_helper.to_array(kept).astype(np.float32), stored["weight"]
    )

import json
import math
from itertools import product
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("scipy")

import scipy.io
import scipy.sparse
import torch

from ripieno.errors import FileError, RipienoError, SettingsError
from ripieno_export import checkpoint, cli, flags, train
from ripieno_export.checkpoint import BEST, LAST
from ripieno_export.frames import command, crops, rolls, score, task
from ripieno_export.frames.table import PUBLISHED
from ripieno_export.networks.frames import (
    BACKBONES,
    HEADS,
    Chain,
    FrameNetwork,
    Independent,
    Shape,
    upwards,
)

pytestmark = pytest.mark.torch

RECIPE = task.recipe("JSB_Chorales", "gru").with_(
    hidden=64, events=8, batch=4, steps=6, warmup=2, save_every=3, valid_every=3
)
"""So small that a step takes milliseconds; 64 is one head of attention."""


@pytest.fixture(autouse=True)
def _exact(torch_as_it_was: None) -> None:
    del torch_as_it_was
    torch.set_num_threads(1)
    torch.set_float32_matmul_precision("highest")


def music(pieces: int, frames: int = 20, keys: int = 88, seed: int = 0):
    """Pieces of a few notes a frame, in the middle of the keyboard."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(pieces):
        roll = rng.random((frames + number, keys)) < 0.1
        roll[:, : keys // 4] = roll[:, -(keys // 4) :] = 0
        found.append(roll.astype(np.uint8))
    return found


def cells(pieces):
    """As the standard files hold them: a row of cells."""
    row = np.empty((1, len(pieces)), object)
    for number, piece in enumerate(pieces):
        row[0, number] = piece
    return row


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "JSB_Chorales.mat"
    parts = {key: cells(music(3, seed=n)) for n, key in enumerate(rolls.PARTS.values())}
    scipy.io.savemat(path, parts)
    return path


def small(backbone: str, keys: int = 88, reach: int = 8) -> FrameNetwork:
    torch.manual_seed(3)
    model = FrameNetwork(Shape(backbone, 64, 2, reach=reach, keys=keys)).eval()
    with torch.no_grad():
        for weight in model.parameters():  # the blocks' last maps begin as zeros
            weight.add_(0.1 * torch.randn_like(weight))
    return model


def test_the_independent_head_is_the_sum_of_88_coins():
    model = small("gru")
    head = model.heads["independent"]
    assert isinstance(head, Independent)
    with torch.no_grad():
        head.out.weight.zero_()
        head.out.bias.fill_(math.log(0.25 / 0.75))
    frame = torch.zeros(1, 88)
    frame[0, [40, 44, 47]] = 1
    nats = head(torch.zeros(1, 64 + 88), frame)
    assert nats.item() == pytest.approx(-3 * math.log(0.25) - 85 * math.log(0.75))


def test_a_chain_that_knows_nothing_gives_each_next_key_an_equal_share():
    model = small("gru", keys=4)
    head = model.heads["chain"]
    assert isinstance(head, Chain)
    with torch.no_grad():
        head.out.weight.zero_()
        head.out.bias.zero_()
    frames = torch.tensor([[0.0, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 1]])
    nats = head(torch.zeros(3, 64 + 4), frames)
    # Of five; of five, then of three; of five, then of four, then none alone is left.
    assert nats.tolist() == pytest.approx([math.log(5), math.log(15), math.log(20)])


@pytest.mark.parametrize("head", HEADS)
def test_over_all_frames_the_likelihood_sums_to_one(head):
    model = small("lstm", keys=6)
    every = torch.tensor(list(product((0.0, 1.0), repeat=6)))
    known = torch.randn(1, 64 + 6).expand(len(every), -1)
    with torch.no_grad():
        total = model.heads[head](known, every).neg().exp().sum()
    assert total.item() == pytest.approx(1.0, abs=1e-5)


def test_keys_are_predicted_from_the_lowest_up():
    notes, real = upwards(torch.tensor([[0.0, 1, 0, 1], [0, 0, 0, 0]]))
    assert notes.tolist() == [[1, 3, 4], [4, 4, 4]]
    assert real.tolist() == [[True, True, True], [True, False, False]]


@pytest.mark.parametrize("backbone", BACKBONES)
def test_no_head_sees_the_future(backbone):
    model = small(backbone)
    roll = torch.tensor(music(1, frames=31)[0], dtype=torch.float32)[None]
    other = roll.clone()
    other[:, 20:] = 1 - other[:, 20:]
    real = torch.ones(1, 30, dtype=torch.bool)
    with torch.no_grad():
        one, two = model(roll, real), model(other, real)
    # Successor 18 is frame 19, the last that both have in common.
    torch.testing.assert_close(one[:, :19], two[:, :19], rtol=0, atol=1e-4)
    assert not torch.isclose(one[:, 19:], two[:, 19:]).any()


@pytest.mark.parametrize("backbone", BACKBONES)
def test_the_prediction_depends_on_the_past(backbone):
    model = small(backbone)
    roll = torch.tensor(music(1, frames=31)[0], dtype=torch.float32)[None]
    other = roll.clone()
    other[:, 17] = 1 - other[:, 17]
    real = torch.ones(1, 30, dtype=torch.bool)
    with torch.no_grad():
        assert not torch.allclose(model(roll, real)[:, 19], model(other, real)[:, 19])


@pytest.mark.parametrize("backbone", BACKBONES)
def test_padding_changes_nothing(backbone):
    model = small(backbone)
    short, long = music(2)[0], music(2, frames=40)[1]
    with torch.no_grad():
        alone = score.nats(model, [short])
        beside = score.nats(model, [long, short])
    torch.testing.assert_close(alone[0], beside[0], rtol=0, atol=1e-4)


def test_the_mean_is_over_frames_but_the_first_and_another_over_pieces():
    found = score.score(
        [torch.tensor([[2.0], [1.0]]), torch.tensor([[4.0] * 3, [1.0] * 3])]
    )
    assert found.a_frame == {"independent": 3.5, "chain": 1.0}
    assert found.a_piece == {"independent": 3.0, "chain": 1.0}
    assert (found.frames, found.pieces) == (4, 2)
    pieces = music(2)
    with torch.no_grad():
        judged = score.score(score.nats(small("tcn"), pieces))
    assert judged.frames == sum(len(piece) - 1 for piece in pieces)


def test_a_mixture_is_the_mean_of_likelihoods():
    one, two = (
        torch.tensor([[-math.log(0.5)]] * 2),
        torch.tensor([[-math.log(0.1)]] * 2),
    )
    mixed = score.mixture([[one], [two]])
    assert mixed[0][0].item() == pytest.approx(-math.log(0.3))


def test_the_published_files_are_read(file: Path):
    found = rolls.read(file)
    assert found.name == "JSB_Chorales"
    assert [len(found.part(name)) for name in ("train", "valid", "test")] == [3, 3, 3]
    assert np.array_equal(found.part("valid")[2], music(3, seed=1)[2])


@pytest.mark.parametrize("kind", [np.uint8, np.float64, bool])
def test_any_subset_of_parts_and_any_kind_of_number_will_do(tmp_path: Path, kind):
    path = tmp_path / "Nottingham.test.mat"
    pieces = music(2)
    scipy.io.savemat(
        path, {"testdata": cells([piece.astype(kind) for piece in pieces])}
    )
    found = rolls.read(path)
    assert found.name == "Nottingham"
    assert all(map(np.array_equal, found.part("test"), pieces))
    with pytest.raises(FileError, match=r"no part 'train' \(it has: test"):
        found.part("train")


def test_pieces_of_one_length_that_became_one_array_come_apart(tmp_path: Path):
    path = tmp_path / "x.mat"
    same = np.stack([music(1, seed=n)[0] for n in range(3)])
    scipy.io.savemat(path, {"traindata": same, "validdata": cells([same[0]])})
    found = rolls.read(path)
    assert np.array_equal(np.stack(found.part("train")), same)
    assert len(found.part("valid")) == 1


def test_sparse_matrices_are_read(tmp_path: Path):
    path = tmp_path / "x.mat"
    one, two = music(2)
    sparse = [scipy.sparse.csc_matrix(roll.astype(float)) for roll in (one, two)]
    scipy.io.savemat(path, {"traindata": cells(sparse), "validdata": sparse[1]})
    found = rolls.read(path)
    assert all(map(np.array_equal, found.part("train"), (one, two)))
    assert np.array_equal(found.part("valid")[0], two)


def test_pieces_without_a_frame_are_left_out(tmp_path: Path):
    path = tmp_path / "x.mat"
    (one,) = music(1)
    pieces = [np.zeros((0, 88)), one, np.zeros((0, 0)), scipy.sparse.csc_matrix((0, 0))]
    scipy.io.savemat(path, {"traindata": cells(pieces), "testdata": np.zeros((0, 88))})
    found = rolls.read(path)
    assert [len(piece) for piece in found.part("train")] == [len(one)]
    with pytest.raises(FileError, match="nothing to predict"):
        found.part("test")


@pytest.mark.parametrize(
    ("piece", "why"),
    [
        (np.ones((5, 87)), "88"),
        (np.ones((88, 5)), r"\(88, 5\); it must be \[frames, 88\]; .* transpose"),
        (np.full((5, 88), 3), "0 and 1"),
        (np.full((5, 88), np.nan), "0 and 1"),
        (np.full((5, 88), 1j), "0 and 1"),
        (np.full((2, 88), "a", object), "0 and 1"),
    ],
)
def test_a_file_that_is_no_piano_roll_is_named(tmp_path: Path, piece, why):
    path = tmp_path / "x.mat"
    scipy.io.savemat(path, {"traindata": cells([piece, piece])})
    with pytest.raises(FileError, match=why):
        rolls.read(path)
    path.write_bytes(b"not a .mat file at all, but some text of that name")
    with pytest.raises(FileError, match="cannot be read"):
        rolls.read(path)


def test_a_part_with_nothing_to_predict_is_named(tmp_path: Path):
    path = tmp_path / "x.mat"
    scipy.io.savemat(path, {"testdata": cells([np.zeros((1, 88))])})
    with pytest.raises(FileError, match="nothing to predict"):
        rolls.read(path).part("test")


def test_a_batch_depends_on_seed_and_step_only():
    drawn = crops.Crops(music(5), 8, crops.Moves(0.5, 3))
    again = crops.Crops(music(5), 8, crops.Moves(0.5, 3))
    drawn.batch(1, 6, 4)
    assert torch.equal(drawn.batch(1, 7, 4).rolls, again.batch(1, 7, 4).rolls)
    assert not torch.equal(drawn.batch(1, 7, 4).rolls, drawn.batch(1, 8, 4).rolls)


def test_a_transposed_roll_keeps_its_intervals_and_stays_on_the_keyboard():
    roll = np.zeros((1, 88), np.uint8)
    roll[0, [0, 4, 7]] = 1
    assert np.flatnonzero(crops.moved(roll, 5)).tolist() == [5, 9, 12]
    assert np.array_equal(crops.moved(roll, -1), roll)


def test_an_unknown_network_is_named():
    with pytest.raises(SettingsError, match="transformer"):
        FrameNetwork(Shape("organ", 64, 1))


@pytest.mark.parametrize("file_name", ["JSB_Chorales", "Nottingham", "MuseData"])
@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_network_has_a_recipe_for_every_file(file_name, backbone):
    recipe = task.recipe(file_name, backbone)
    assert recipe.family == backbone
    assert task.network(recipe).heads.keys() == set(HEADS)


def test_the_recipe_of_a_file_depends_on_its_name_and_is_printed(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert task.why("JSB_Chorales").endswith(
        "frames-jsb: the file's name begins with 'jsb'."
    )
    other = file.rename(tmp_path / "my_JSB.mat")
    given = ["frames", str(other), "--network", "gru", "--minutes", "0"]
    assert cli.main([*given, "--run", str(tmp_path / "run")]) == 0
    said = capsys.readouterr().out.splitlines()[0]
    assert said == (
        "my_JSB is trained by the recipe frames-nottingham: it is for large sets, and "
        "the file's name does not begin with 'jsb'."
    )
    made = checkpoint.load(tmp_path / "run" / "gru" / LAST)["preset"]["name"]
    assert made == "frames-nottingham-gru"


def test_a_resumed_run_ends_as_one_that_was_never_interrupted(tmp_path: Path):
    def made(recipe):
        return task.FrameTask(recipe, music(4), music(2, seed=1))

    train.train(made(RECIPE), RECIPE, tmp_path / "whole")
    train.train(made(RECIPE), RECIPE, tmp_path / "parts", minutes=0)
    assert checkpoint.load(tmp_path / "parts" / LAST)["progress"]["step"] == 1
    train.train(made(RECIPE), RECIPE, tmp_path / "parts")
    whole, parts = (checkpoint.load(tmp_path / n / LAST) for n in ("whole", "parts"))
    assert parts["progress"]["step"] == whole["progress"]["step"] == 6
    for name, weight in whole["model"].items():
        assert torch.equal(weight, parts["model"][name]), name


def test_the_command_trains_judges_and_keeps_the_table(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    run = tmp_path / "run"
    flags = ["--minutes", "0", "--run", str(run)]
    assert cli.main(["frames", str(file), *flags, "--network", "tcn"]) == 0
    assert cli.main(["frames", str(file), *flags, "--network", "gru"]) == 0
    told = json.loads((run / "valid.json").read_text())
    assert [row["network"] for row in told["rows"]] == ["gru"]
    capsys.readouterr()

    judging = ["--weights", str(run), "--part", "test"]
    before = (run / "tcn" / BEST).stat().st_mtime_ns
    assert cli.main(["frames", str(file), *judging]) == 0
    shown = capsys.readouterr().out
    told = json.loads(shown[shown.index("\n{") :])
    names = [row["network"] for row in told["rows"]]
    assert names == ["gru", "tcn", "mixture of the 2"]
    assert told["rows"][0]["score"]["frames"] == sum(19 + n for n in range(3))
    assert all(math.isfinite(row["score"]["a_frame"]["chain"]) for row in told["rows"])
    assert "| LSTM | independent | 8.45 | | none | test, Bai" in shown
    assert (run / "tcn" / BEST).stat().st_mtime_ns == before


def test_without_weights_the_command_says_what_to_name(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    wish = command.Wish(file, flags.NETWORKS, tmp_path, weights=tmp_path / "none")
    with pytest.raises(RipienoError, match="--weights"):
        command.run(wish, print)
    assert cli.main(["frames", str(tmp_path / "none.mat")]) == FileError.exit_code
    assert "cannot be read" in capsys.readouterr().err


def test_the_command_knows_every_backbone():
    assert set(flags.NETWORKS) == set(BACKBONES)
    assert {row.head for row in PUBLISHED} == set(HEADS)

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("scipy")
pytest.importorskip("symusic")
pytest.importorskip("matplotlib")

import torch
from matplotlib.image import imread
from torch.utils.tensorboard.writer import SummaryWriter

from ripieno.errors import ModelError
from ripieno.files.midi import read_performance
from ripieno.inference.controls import Controls
from ripieno.layouts.vocabulary import Event
from ripieno.minds.composer import Composer
from ripieno.music.sources import HUMAN
from ripieno_export import checkpoint, continuing, dataset, evaluate, event_task
from ripieno_export.cli import main
from ripieno_export.dataset import Packed
from ripieno_export.evaluation import continuations, curves, prompts
from ripieno_export.evaluation.predictions import predict
from ripieno_export.evaluation.subject import Published, Trained
from ripieno_export.preset import Preset
from ripieno_export.sources import Origin
from ripieno_export.tokenize import NOTE

pytestmark = pytest.mark.torch

MODELS = Path(__file__).parents[2] / "models"
QUICK = ["--quick", "--crops", "4", "--baseline-crops", "4", "--continuations", "4"]


@pytest.fixture(autouse=True)
def _one_thread(torch_as_it_was: None) -> None:
    del torch_as_it_was
    torch.set_num_threads(1)


def piece(seed: int, count: int = 180):
    """A walk in C major, in even notes of a fifth of a second."""
    rng = np.random.default_rng(seed)
    scale = np.array(
        [48 + 12 * o + s for o in range(3) for s in (0, 2, 4, 5, 7, 9, 11)]
    )
    notes = np.zeros(count, NOTE)
    notes["start"] = np.arange(count) / 5
    notes["end"] = notes["start"] + 0.15
    places = np.clip(10 + np.cumsum(rng.integers(-1, 2, count)), 0, len(scale) - 1)
    notes["pitch"], notes["velocity"] = scale[places], 60 + 20 * rng.random(count)
    return notes


@pytest.fixture(scope="module")
def packed() -> Packed:
    count = 40
    pieces = [piece(seed) for seed in range(count)]
    return Packed(
        notes=np.concatenate(pieces),
        bounds=np.cumsum([0, *(len(notes) for notes in pieces)], dtype=np.int64),
        kind=np.zeros(count, np.int64),
        origin=np.zeros(count, np.int64),
        held_out=np.arange(count) >= 8,
        family=np.arange(count),
        engraved=np.ones(count, np.bool_),
        flat=np.ones(count, np.bool_),
        beats=np.zeros(0),
        beat_bounds=np.zeros(count + 1, np.int64),
        origins=(Origin("walks", "CC0", "https://example.org/walks", "0123456789"),),
        refused=(),
    )


@pytest.fixture(scope="module", params=["gru", "transformer"])
def run(
    request: pytest.FixtureRequest,
    packed: Packed,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A run's folder with an untrained network, a corpus and a learning curve."""
    place: Path = tmp_path_factory.mktemp(request.param)
    recipe = Preset(name=f"tiny-{request.param}", family=request.param, hidden=64)
    payload = {
        "preset": recipe.as_dict(),
        "model": event_task.network(recipe).state_dict(),
        "progress": {"step": 0, "best": 14.5, "best_step": 0},
    }
    checkpoint.save(place / checkpoint.BEST, payload)
    dataset.save(packed, place / event_task.CORPUS)
    writer = SummaryWriter(str(place / curves.FOLDER))
    for step in range(0, 100, 20):
        writer.add_scalar("train/all", 10 - step / 20, step)
        writer.add_scalar("held out/all", 11 - step / 20, step)
    writer.close()
    return place


@pytest.mark.slow
@pytest.mark.parametrize("run", ["gru"], indirect=True)
def test_the_command_writes_a_folder_of_figures_and_pictures(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "out"
    arguments = ["evaluate", "tiny", "--data", str(tmp_path), "--run", str(run)]
    assert main([*arguments, *QUICK, "-o", str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    figures = json.loads((out / "figures.json").read_text())
    assert set(figures["likelihood"]["nats"]) == {"model", "unigram", "markov"}
    assert 0 < figures["heads"]["source"]["accuracy"] <= 1
    assert figures["memory"]["by_heard"][-1]["lost"]["nats"] == 0
    rows = figures["continuations"]
    assert set(rows["bleu"]) == set(continuations.SYSTEMS)
    assert rows["bleu"]["human"]["BLEU-4, pitches"]["mean"] == 1.0
    assert rows["sound"]["model"]["MCD, dB"]["mean"] > 0
    text = (out / "figures.md").read_text()
    for picture in sorted(out.glob("*.png")):
        assert picture.name in text
        assert np.ptp(imread(picture)[..., :3]) > 0.2, f"{picture.name} is blank"
    drawn = {picture.stem for picture in out.glob("*.png")}
    assert drawn >= {"confusion-key", "by-place", "by-heard", "overlap", "learning"}
    with np.load(out / "confusion.npz") as matrices:
        assert matrices["source"].sum() == figures["likelihood"]["events"]
    takes = [read_performance(path) for path in (out / "takes").glob("*-model.mid")]
    assert len(takes) == 4
    assert all(take.tracks[1].name == "model" for take in takes)


def test_the_network_is_read_as_it_is_for_publishing(run: Path, packed: Packed):
    subject = Trained(run / checkpoint.BEST)
    batches = dataset.held_out_batches(packed, 32, 4, size=4)
    network = event_task.network_of(run / checkpoint.BEST)
    found = predict(subject.read, batches)
    assert np.allclose(found.nats, evaluate.nats_of(network, batches), atol=1e-5)
    assert found.chosen.shape == found.told.shape == (4 * 32, 4)


def test_a_line_of_a_network_plays_what_a_reading_finds_likeliest(
    run: Path, packed: Packed
):
    subject = Trained(run / checkpoint.BEST)
    crop = dataset.held_out_batches(packed, 24, 1, size=1)[0].events
    cold, line = Controls(temperature=(1e-4,) * 4), subject.line()
    for heard in crop[0, :-1]:
        said = line.step(Event(*heard.tolist()), cold)
    # The heads chain: the first field depends on what was heard alone.
    assert said.source == subject.read(crop).chosen[0, -1, 0]
    likeliest = np.concatenate([crop[:, :-1], np.array(said)[None, None]], 1)
    assert subject.read(likeliest).chosen[0, -1, :3].tolist() == list(said[:3])


def test_a_line_can_become_a_copy(run: Path):
    subject, controls = Trained(run / checkpoint.BEST), Controls()
    one, other = subject.line(), subject.line()
    one.step(Event(0, 0, 60, 16), controls)
    other.follow(one)
    assert one.step(Event(0, 50, 64, 16), controls) == other.step(
        Event(0, 50, 64, 16), controls
    )


def test_prompts_stop_where_a_note_falls(packed: Packed):
    given = prompts.draw(packed, 6)
    assert len(given) == 6
    assert all(packed.held_out[prompt.piece] for prompt in given)
    apart = np.diff([prompt.piece for prompt in given])
    assert apart.min() >= prompts.APART
    for prompt in given:
        assert prompt.real["start"][0] == 0
        assert prompt.heard["end"].max() <= prompt.cut_s
        assert prompts.PROMPT_S <= prompt.cut_s < prompts.PROMPT_S + 1
        downs = [m for m in continuing.messages(prompt.heard) if m.velocity]
        ups = [m for m in continuing.messages(prompt.heard) if not m.velocity]
        assert len(downs) == len(ups) == len(prompt.heard)
        assert all(m.source == HUMAN for m in downs)


def test_the_prompt_again_begins_at_once_and_is_what_was_heard(packed: Packed):
    prompt = prompts.draw(packed, 1)[0]
    again = continuations.again(prompt)
    assert again["start"][0] == 0
    heard = prompt.heard["pitch"].tolist()
    assert again["pitch"].tolist() == heard[-len(again) :]


def test_a_published_model_goes_on_through_the_daemons_composer(packed: Packed):
    subject = Published(MODELS / "event-gru")
    prompt = prompts.draw(packed, 1)[0]
    played = continuations.by_model(Composer(subject, subject.sampling), prompt)
    assert len(played)
    assert played["start"].min() == 0
    assert played["start"].max() < prompts.SPAN_S
    once_more = continuations.by_model(Composer(subject, subject.sampling), prompt)
    assert np.array_equal(played, once_more)


def test_a_published_model_predicts_better_than_chance(packed: Packed):
    batches = dataset.held_out_batches(packed, 32, 2, size=2)
    found = predict(Published(MODELS / "event-gru").read, batches)
    assert found.nats.sum(1).mean() < np.log(2 * 121 * 260 * 33)
    assert (found.told == found.chosen)[:, 0].mean() > 0.5


def test_an_accompanist_is_not_judged_as_an_event_model():
    with pytest.raises(ModelError, match="--role accompany"):
        Published(MODELS / "duet-gru")


def test_too_few_continuations_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    arguments = ["evaluate", "tiny", "--data", str(tmp_path), "--continuations", "2"]
    assert main(arguments) == 2
    assert "must be at least 4" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_refused_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "taken").write_text("a file")
    out = str(tmp_path / "taken" / "out")
    assert main(["evaluate", "tiny", "--data", str(tmp_path), "-o", out]) > 0
    assert "name another --output" in capsys.readouterr().err

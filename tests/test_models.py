"""Every shipped model is complete and replays its golden vectors.

Torch wrote the golden vectors (`ripieno_export.parity` documents the arrays). The
daemon's session replays those of the *step* interface without torch.
"""

import json

import numpy as np
import pytest
from tests.command import MODELS

from ripieno.errors import ModelError
from ripieno.inference.controls import Controls
from ripieno.inference.interfaces import INTERFACES
from ripieno.inference.lines import LOGITS
from ripieno.inference.manifest import (
    CARD,
    GOLDEN,
    MANIFEST,
    for_role,
    load,
)
from ripieno.inference.sampling import sample
from ripieno.inference.session import Loaded, choose_provider
from ripieno.inference.tables import load as load_tables
from ripieno.layouts.vocabulary import FIELDS, N_DOWN, SIZES, Event
from ripieno.processes.loading import wake
from ripieno.settings.roles import ROLES

MOST_BYTES = 80 * 10**6
TOLERANCE = 1e-4
"""On the logits; the one that training promises (`ripieno_export.parity`)."""
CLEAR = 5e-3
"""Noise nearer than this to the boundary of two choices may fall to either side."""

FOLDERS = sorted(p for p in MODELS.iterdir() if p.is_dir() and p.name[0] != ".")
STEPS = [
    p for p in FOLDERS if json.loads((p / MANIFEST).read_text())["interface"] == "step"
]
"""Those that are driven event by event; the others have tests of their own."""


def providers():
    """Those that work on this machine, as the flag names them."""
    has_cuda = choose_provider("auto").provider == "CUDAExecutionProvider"
    return ["cpu", "cuda"] if has_cuda else ["cpu"]


@pytest.fixture(scope="module", params=FOLDERS, ids=lambda path: path.name)
def folder(request):
    return request.param


@pytest.fixture(scope="module", params=STEPS, ids=lambda path: path.name)
def stepping(request):
    return request.param


@pytest.fixture(scope="module", params=providers())
def session(stepping, request):
    """A session, shared by all tests of this file: each takes a line of its own."""
    return Loaded(stepping, request.param)


@pytest.fixture(scope="module")
def golden(stepping):
    with np.load(stepping / GOLDEN) as file:
        return {name: file[name] for name in file.files}


def controls_of(golden, number):
    rest = {n: golden[n][number].tolist() for n in ("temperature", "top_p", "noise")}
    return Controls(tuple(golden[f"mask_{name}"][number] for name in FIELDS), **rest)


def events_of(golden, name):
    return [Event(*row) for row in golden[name].tolist()]


def velocities(mask, key):
    """The velocity mask that the graph keeps, given the key that it sampled."""
    fits = (np.arange(SIZES[3]) > 0) == (key < N_DOWN)
    return mask & fits if (mask & fits).any() else fits


def sampled(logits, controls, noise):
    """What the definition of sampling makes of a step's logits."""
    told: list[int] = []
    for field, name in enumerate(FIELDS):
        mask = controls.masks[field]
        mask = velocities(mask, told[2]) if name == "velocity" else mask
        heat, share = controls.temperature[field], controls.top_p[field]
        told.append(sample(logits[field], mask, heat, share, noise[field]))
    return Event(*told)


def random_controls(chance):
    """Masks, temperatures and noise of every sort, the extremes among them."""
    masks = []
    for size in SIZES:
        mask = chance.random(size) < chance.choice((0.02, 0.5, 1.0))
        mask[chance.integers(size)] = True
        masks.append(mask)
    return Controls(
        tuple(masks),
        temperature=chance.choice((1e-4, 0.3, 1.0, 2.0), 4).tolist(),
        top_p=chance.choice((0.05, 0.5, 0.95, 1.0), 4).tolist(),
        noise=chance.random(4, np.float32).tolist(),
    )


# ── the folder ───────────────────────────────────────────────────────────────────────


def test_at_least_one_model_is_shipped():
    assert "event-gru" in [folder.name for folder in FOLDERS]


def test_all_models_together_fit_into_a_package():
    sizes = [path.stat().st_size for path in MODELS.rglob("*") if path.is_file()]
    assert sum(sizes) <= MOST_BYTES


def test_the_manifest_names_the_folder_and_what_it_can_do(folder):
    manifest = load(folder)
    assert manifest.name == folder.name
    assert manifest.interface in INTERFACES
    assert manifest.roles or manifest.interface == "likeness"
    assert set(manifest.roles) <= set(ROLES)
    assert manifest.parameters > 0


def test_every_source_of_its_music_is_named_with_its_licence(folder):
    manifest = load(folder)
    assert manifest.licence
    assert manifest.sources
    for source in manifest.sources:
        assert all((source.name, source.licence, source.origin, source.commit))
        assert source.pieces > 0


def test_the_card_names_every_source_and_where_it_is_from(folder):
    card, manifest = (folder / CARD).read_text(encoding="utf-8"), load(folder)
    assert card.startswith(f"# {manifest.name}\n")
    for source in manifest.sources:
        for words in (source.name, source.licence, source.origin, str(source.pieces)):
            assert words in card
    assert manifest.licence in card
    assert manifest.fingerprint in card


def test_a_model_predicts_held_out_music_better_than_both_baselines(stepping):
    quality = load(stepping).quality
    total = quality["model_nats_total"]
    assert 0 < total < quality["markov_nats_total"] < quality["unigram_nats_total"]
    parts = [quality[f"model_nats_{field}"] for field in FIELDS]
    assert sum(parts) == pytest.approx(total, abs=1e-3)


def test_the_sampling_defaults_are_within_bounds(folder):
    sampling = load(folder).sampling
    assert all(1e-4 <= heat <= 2 for heat in sampling.temperature)
    assert all(0 < share <= 1 for share in sampling.top_p)


def test_a_ready_message_names_the_model_its_hash_and_its_roles(folder):
    manifest = load(folder)
    if manifest.interface in ("tables", "likeness"):
        pytest.skip("no thinker wakes what plays no role")
    _, ready = wake(folder, "cpu")
    assert (ready.model, ready.sha256) == (folder.name, manifest.sha256)
    assert ready.roles == manifest.roles
    assert ready.provider == "CPUExecutionProvider"


def test_tables_are_read_by_the_player_and_not_loaded_as_a_mind():
    for folder in FOLDERS:
        if load(folder).interface == "tables":
            assert load_tables(folder).prior.sum() > 0
            with pytest.raises(ModelError, match="plays no role"):
                wake(folder, "cpu")


@pytest.mark.parametrize("name", ROLES)
def test_every_role_has_a_model_that_plays_it(name):
    role = ROLES[name].models
    assert role in for_role(role).manifest.roles


# ── the golden vectors ───────────────────────────────────────────────────────────────


def test_the_golden_vectors_have_the_documented_arrays(golden):
    n = len(golden["event"])
    assert n >= 64
    for name in ("event", "next_event"):
        assert golden[name].dtype == np.int64
        assert golden[name].shape == (n, 4)
    for name in ("noise", "temperature", "top_p"):
        assert golden[name].dtype == np.float32
        assert golden[name].shape == (n, 4)
    for name, size in zip(FIELDS, SIZES, strict=True):
        assert golden[f"mask_{name}"].shape == (n, size)
        assert golden[f"mask_{name}"].any(axis=1).all()
        assert golden[f"logits_{name}"].shape == (n, size)


def test_the_golden_vectors_replay(session, golden):
    """In fewer bits, as nearly as the folder itself says."""
    tolerance = float(golden.get("tolerance", TOLERANCE))
    line, same = session.line(), 0
    for number, event in enumerate(events_of(golden, "event")):
        told = line.step(event, controls_of(golden, number))
        wanted = Event(*golden["next_event"][number].tolist())
        same += told == wanted
        for field, (name, logits) in enumerate(zip(LOGITS, line.logits(), strict=True)):
            if told[:field] == wanted[:field]:
                assert np.abs(logits - golden[name][number]).max() <= tolerance, number
    assert same >= float(golden.get("agreement", 1.0)) * len(golden["event"])


def test_the_graph_samples_as_the_definition_does(golden):
    for number, told in enumerate(events_of(golden, "next_event")):
        controls = controls_of(golden, number)
        logits = [golden[name][number] for name in LOGITS]
        assert sampled(logits, controls, controls.noise) == told, number


def test_the_graph_samples_as_the_definition_does_at_the_extremes(session):
    chance, event, checked = np.random.default_rng(3), Event(0, 0, 60, 16), 0
    line = session.line()
    for _ in range(200):
        controls = random_controls(chance)
        told = line.step(event, controls)
        near = [
            sampled(line.logits(), controls, np.clip(np.add(controls.noise, d), 0, 1))
            for d in (-CLEAR, 0.0, CLEAR)
        ]
        if near[0] == near[2]:
            assert told == near[1]
            checked += 1
        event = told
    assert checked > 50


def test_any_noise_chooses_only_what_the_masks_allow(session):
    chance, event = np.random.default_rng(4), Event(0, 0, 60, 16)
    line = session.line()
    for _ in range(200):
        controls = random_controls(chance)
        controls.noise = chance.choice((0.0, 0.5, 0.9999999), 4).tolist()
        event = line.step(event, controls)
        for value, mask in zip(event[:3], controls.masks[:3], strict=True):
            assert mask[value]
        assert velocities(controls.masks[3], event.key)[event.velocity]


# ── lines of play ────────────────────────────────────────────────────────────────────


def run(line, golden, numbers):
    """Steps of the golden vectors; all that came out."""
    out = []
    for number in numbers:
        event = Event(*golden["event"][number].tolist())
        told = line.step(event, controls_of(golden, number))
        out.append((told, *(logits.tobytes() for logits in line.logits())))
    return out


def test_a_line_that_follows_another_repeats_it_bit_for_bit(session, golden):
    line, other = session.line(), session.line()
    run(line, golden, range(8))
    other.follow(line)
    assert run(line, golden, range(8, 16)) == run(other, golden, range(8, 16))


def test_a_line_that_followed_another_is_independent_of_it(session, golden):
    line, other = session.line(), session.line()
    run(line, golden, range(8))
    other.follow(line)
    run(other, golden, range(30, 50))
    again = session.line()
    run(again, golden, range(8))
    assert run(line, golden, range(8, 16)) == run(again, golden, range(8, 16))


def test_a_reset_line_equals_a_new_one(session, golden):
    line = session.line()
    first = run(line, golden, range(4))
    line.reset()
    assert run(line, golden, range(4)) == first


def test_warming_up_changes_no_line(session, golden):
    line, other = session.line(), session.line()
    run(line, golden, range(4))
    run(other, golden, range(4))
    session.warm_up()
    assert run(line, golden, range(4, 8)) == run(other, golden, range(4, 8))


def test_what_was_heard_changes_what_is_played(session, golden):
    heard_nothing = run(session.line(), golden, [20])
    line = session.line()
    run(line, golden, range(20))
    assert run(line, golden, [20]) != heard_nothing


def test_no_graph_holds_a_path_of_the_machine_that_made_it(folder):
    for graph in folder.glob("*.onnx"):
        written = graph.read_bytes()
        assert b'File "' not in written
        assert b"site-packages" not in written

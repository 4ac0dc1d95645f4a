"""A model folder that does not match its manifest is refused with a reason."""

import contextlib
import json
import sysconfig
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.command import MODELS, copy_model, rewrite_manifest
from tests.tiny_models import constant_model

from ripieno.errors import ModelError
from ripieno.inference import manifest
from ripieno.inference.manifest import (
    MANIFEST,
    Manifest,
    digest,
    find,
    for_role,
    installed,
    load,
)
from ripieno.inference.session import Loaded
from ripieno.layouts import vocabulary


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return copy_model(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A copy of a model; a test that changes it restores it."""
    return copy_model(tmp_path_factory.mktemp("shared"))


def entries(model):
    return json.loads((model / MANIFEST).read_text())


def test_a_folder_that_matches_its_manifest_is_taken(model):
    found = load(model)
    assert isinstance(found, Manifest)
    assert found.fingerprint == vocabulary.fingerprint()
    assert found.sha256 == digest(model / "model.onnx")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"fingerprint": "0" * 16}, "another vocabulary .0{16}; .*Train and publish"),
        ({"sha256": "0" * 64}, "SHA-256 .* expected 000000000000….*copy the whole"),
        ({"contract": 2}, "contract 2 .step.; this daemon speaks contract 1"),
        ({"interface": "dream"}, "contract 1 .dream.; this daemon speaks"),
        ({"louder": 1}, "manifest.json is not a manifest .*louder"),
        ({"inputs": 3}, "manifest.json is not a manifest .*inputs"),
        ({"sampling": {"top_p": [1.0]}}, "manifest.json is not a manifest .*top_p"),
    ],
)
def test_a_manifest_that_does_not_match_its_folder_is_refused(model, changes, says):
    rewrite_manifest(model, **changes)
    with pytest.raises(ModelError, match=says):
        load(model)


HUGE = 10**18
THREE = [1.0, 1.0, 1.0]


def shaped(*sizes):
    return {"name": "event", "dtype": "int64", "shape": sizes}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"context_events": -5}, r">= 0.*context_events"),
        ({"context_events": HUGE}, r"<= 65536.*context_events"),
        ({"parameters": -1}, r">= 0.*parameters"),
        ({"parameters": 10**30}, r"parameters|out of range"),
        ({"sampling": {"temperature": [0.0, *THREE]}}, r">= 0\.01.*temperature"),
        ({"sampling": {"temperature": [-1.0, *THREE]}}, r">= 0\.01.*temperature"),
        ({"sampling": {"temperature": [1e308, *THREE]}}, r"<= 10\.0.*temperature"),
        ({"sampling": {"top_p": [0.0, *THREE]}}, r"> 0\.0.*top_p"),
        ({"sampling": {"top_p": [1.5, *THREE]}}, r"<= 1\.0.*top_p"),
        ({"name": ""}, r"length >= 1.*name"),
        ({"name": "a" * 101}, r"length <= 100.*name"),
        ({"licence": "a" * 1001}, r"length <= 1000.*licence"),
        ({"sha256": "0"}, r"regex.*sha256"),
        ({"runs": {"weight": 1e9, "sha256": "0" * 64}}, r"<= 100\.0.*weight"),
        ({"inputs": [shaped(-1)]}, r">= 1.*shape"),
        (
            {"inputs": [{"name": "x", "dtype": "int64", "shape": [HUGE]}]},
            r"<= 67108864",
        ),
        (
            {"inputs": [{"name": "x", "dtype": "int64", "shape": [9999] * 3}]},
            "67108864",
        ),
    ],
)
def test_a_value_out_of_its_bounds_is_refused(model, changes, says):
    rewrite_manifest(model, **changes)
    with pytest.raises(ModelError, match=f"is not a manifest .*{says}"):
        load(model)


@pytest.mark.parametrize("name", ["../harmony", "/etc/passwd", "a/b", "..", "a\\b", ""])
def test_a_graph_outside_of_the_folder_cannot_be_named(tmp_path, name):
    model = copy_model(tmp_path, "duet-gru")
    part = entries(model)["more"]["harmony"]
    rewrite_manifest(model, more={name: part})
    with pytest.raises(ModelError, match=r"is not a manifest .*regex"):
        load(model)


@pytest.mark.parametrize("file", ["harmony.onnx", "model.onnx"])
def test_a_graph_that_is_a_link_out_of_the_folder_is_refused(tmp_path, file):
    model = copy_model(tmp_path, "duet-gru")
    (model / file).rename(tmp_path / file)
    (model / file).symlink_to(tmp_path / file)
    with pytest.raises(ModelError, match=rf"{file} is a link to a file outside"):
        load(model)


def test_a_graph_that_is_far_too_large_is_refused_before_it_is_read(model):
    with (model / "model.onnx").open("r+b") as file:
        file.truncate(2**40)  # a sparse file: it takes no room
    with pytest.raises(ModelError, match=r"model.onnx is larger than 4,294,967,296"):
        load(model)


def test_a_model_folder_may_be_a_link(tmp_path):
    model = copy_model(tmp_path, "duet-gru")
    (tmp_path / "other").symlink_to(model)
    assert load(tmp_path / "other").name == "duet-gru"


@pytest.mark.parametrize(
    ("name", "events"),
    [("event-gru", 512), ("event-transformer", 0), ("event-transformer", 511)],
)
def test_a_context_that_the_graph_does_not_have_is_refused(tmp_path, name, events):
    model = copy_model(tmp_path, name, context_events=events)
    with pytest.raises(ModelError, match=f"context_events is {events}"):
        Loaded(model, "cpu")


@pytest.mark.parametrize(
    ("name", "tensor", "shape"),
    [
        ("event-gru", "next_event", [1, 3]),
        ("event-gru", "mask_key", [1, 10]),
        ("duet-gru", "mask", [1, 10]),
        ("chorale-gru", "voices", [1, 2]),
        ("phrase-vae", "cue", [1, 700]),
        ("loop-gan", "roll", [1, 2, 16, 61]),
        ("phrase-encoder", "embedding", [15, 128]),
    ],
)
def test_a_graph_whose_tensors_do_not_fit_its_interface_is_refused(
    tmp_path, name, tensor, shape
):
    """The graph and the manifest agree, and the interface needs another shape."""
    told = entries(MODELS / name)
    for part in (told, *told["more"].values()):
        for each in (*part["inputs"], *part["outputs"]):
            if each["name"] == tensor:
                each["shape"] = shape
    model = constant_model(tmp_path, name, told=told, runs=None)
    with pytest.raises(
        ModelError, match=f"{name} has an .*'{tensor}' .*interface needs"
    ):
        Loaded(model, "cpu")


def test_a_manifest_that_says_too_little_is_refused(model):
    told = entries(model)
    for name in Manifest.__struct_fields__:
        if name in ("contract", "more", "runs"):
            continue  # version 1, no more graphs and no runs, where nothing is said
        rest = {key: value for key, value in told.items() if key != name}
        (model / MANIFEST).write_text(json.dumps(rest))
        with pytest.raises(ModelError, match=rf"not a manifest .*{name}"):
            load(model)


def test_a_folder_without_a_graph_is_refused(model):
    (model / "model.onnx").unlink()
    with pytest.raises(ModelError, match=r"model.onnx is missing; copy the whole"):
        load(model)


def test_a_missing_model_folder_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"no model folder .*ripieno models"):
        load(tmp_path / "nowhere")


# ── against the graph ────────────────────────────────────────────────────────────────


def changed(told, kind, place, change):
    """A manifest's entries with one tensor changed."""
    tensors = [dict(tensor) for tensor in told[kind]]
    tensors[place % len(tensors)] |= change
    return {kind: tensors}


@pytest.mark.parametrize("kind", ["inputs", "outputs"])
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": "weather"}, "'weather'"),
        ({"shape": [1, 7]}, r"\(1, 7\)"),
        ({"shape": []}, r"\(\)"),
        ({"dtype": "float64"}, "float64"),
        ({"dtype": "tune"}, "tune"),
    ],
)
def test_a_tensor_that_the_graph_has_otherwise_is_refused(model, kind, change, says):
    told = entries(model)
    for place in range(len(told[kind])):
        rewrite_manifest(model, **told)
        rewrite_manifest(model, **changed(told, kind, place, change))
        with pytest.raises(ModelError, match=says):
            Loaded(model, "cpu")


@pytest.mark.parametrize("kind", ["inputs", "outputs"])
def test_a_tensor_that_the_manifest_leaves_out_is_refused(model, kind):
    told = entries(model)
    for tensor in told[kind]:
        rewrite_manifest(model, **{kind: [t for t in told[kind] if t != tensor]})
        with pytest.raises(ModelError, match=f"'{tensor['name']}'"):
            Loaded(model, "cpu")


@pytest.mark.parametrize(
    "state",
    [[["weather", "next_state"]], [["state", "weather"]], [["state", "next_event"]]],
)
def test_a_state_that_is_none_of_its_tensors_is_refused(model, state):
    rewrite_manifest(model, state=state)
    with pytest.raises(ModelError, match="state"):
        Loaded(model, "cpu")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.sampled_from(Manifest.__struct_fields__), anything)
def test_any_manifest_is_accepted_or_refused_in_one_sentence(shared, name, value):
    path = shared / MANIFEST
    kept = path.read_bytes()
    rewrite_manifest(shared, **{name: value})
    try:
        with contextlib.suppress(ModelError):
            load(shared)
    finally:
        path.write_bytes(kept)


@given(st.binary(max_size=60))
def test_random_bytes_as_a_manifest_are_refused_in_one_sentence(shared, data):
    path = shared / MANIFEST
    kept = path.read_bytes()
    path.write_bytes(data)
    try:
        with pytest.raises(ModelError, match="publish the model again"):
            load(shared)
    finally:
        path.write_bytes(kept)


# ── where models are ─────────────────────────────────────────────────────────────────


def test_a_path_is_taken_as_it_is(model):
    assert find(str(model)) == model


def test_a_name_is_looked_up_where_models_are():
    assert find("event-gru") == MODELS / "event-gru"


def test_the_users_model_folder_is_searched_first(model, monkeypatch):
    monkeypatch.setenv("RIPIENO_MODELS", str(model.parent))
    assert manifest.folders()[:2] == (model.parent, MODELS)
    assert find(model.name) == model
    assert [path.name for path in installed()].count(model.name) == 1


def test_the_data_folder_is_looked_in_too(tmp_path, monkeypatch):
    models = tmp_path / "share" / "ripieno" / "models"
    copy_model(models)
    monkeypatch.setattr(sysconfig, "get_path", {"data": str(tmp_path)}.__getitem__)
    assert manifest.folders()[-1] == models


def test_a_role_is_played_by_the_first_that_can(tmp_path, monkeypatch):
    copy_model(tmp_path, "event-gru")
    monkeypatch.setenv("RIPIENO_MODELS", str(tmp_path))
    assert for_role("answer").folder == tmp_path / "event-gru"
    assert for_role("harmonize").folder == MODELS / "chorale-gru"
    assert for_role("harmonize", "chorale-gru").folder == MODELS / "chorale-gru"


def test_a_model_that_is_named_has_to_play_the_role():
    with pytest.raises(ModelError, match=r"event-gru does not play .*'harmonize' .it"):
        for_role("harmonize", "event-gru")


def test_a_role_without_a_model_is_refused_with_a_command():
    with pytest.raises(ModelError, match=r"plays the role 'conduct'; .ripieno models"):
        for_role("conduct")


def test_a_damaged_model_does_not_keep_another_from_playing(tmp_path, monkeypatch):
    copy_model(tmp_path, "chorale-gru", sha256="0" * 64)
    monkeypatch.setenv("RIPIENO_MODELS", str(tmp_path))
    assert for_role("answer").folder == MODELS / "event-gru"
    with pytest.raises(ModelError, match="SHA-256"):
        for_role("harmonize")


def test_an_unknown_name_is_refused_with_the_installed_ones():
    with pytest.raises(ModelError, match=r"no model called 'deep' .there is: .*event-"):
        find("deep")


def test_a_missing_user_model_folder_is_passed_over(monkeypatch):
    monkeypatch.setenv("RIPIENO_MODELS", "/nowhere/at/all")
    assert find("event-gru") == MODELS / "event-gru"

"""A model that cannot be used is one sentence and an exit code."""

import ctypes
import sys
from pathlib import Path

import pytest
from tests.command import (
    assert_sentence,
    copy_model,
    rewrite_manifest,
    ripieno,
    write_tune,
)
from tests.sentences import (
    MODEL,
    NO_JACK,
    linux,
    render,
)

from ripieno.inference.manifest import digest

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def tune(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tune(tmp_path_factory.mktemp("tune") / "tune.mid")


def test_an_unknown_model_is_refused_with_the_installed_ones(tune, tmp_path):
    done = render(tune, tmp_path, "--model", "deep-thought")
    assert_sentence(done, MODEL, "deep-thought", "there is: ", "event-gru")


def test_a_missing_model_folder_is_refused(tune, tmp_path):
    missing = tmp_path / "nowhere"
    done = render(tune, tmp_path, "--model", missing)
    assert_sentence(done, MODEL, missing, "ripieno models")


@pytest.mark.parametrize("command", ["render", "play", "demo"])
@pytest.mark.slow
def test_a_model_that_does_not_play_the_role_is_refused_with_its_roles(
    tune, tmp_path, command
):
    flags = ["--model", "event-gru", "--role", "accompany"]
    if command == "render":
        done = render(tune, tmp_path, *flags)
    elif command == "demo":
        done = ripieno("demo", *flags, "-o", tmp_path / "duet")
    elif sys.platform == "linux":
        done = ripieno("play", "--backend", "jack", *flags, env=NO_JACK)
    else:
        pytest.skip("this is how Linux has it")
    assert_sentence(done, MODEL, "event-gru does not play the role 'accompany'")
    assert "(it plays: answer, continue" in done.stderr


def test_a_model_with_another_hash_is_refused(tune, tmp_path):
    model = copy_model(tmp_path)
    with (model / "model.onnx").open("ab") as file:
        file.write(b"\0")
    done = render(tune, tmp_path, "--model", model)
    assert_sentence(done, MODEL, "model.onnx", "SHA-256", "copy the whole model folder")


@pytest.mark.slow
def test_a_model_of_another_vocabulary_is_refused(tune, tmp_path):
    model = copy_model(tmp_path, fingerprint="0123456789abcdef")
    done = render(tune, tmp_path, "--model", model)
    assert_sentence(done, MODEL, "0123456789abcdef", "vocabulary", "publish it again")


@pytest.mark.slow
def test_a_model_whose_graph_lacks_a_named_input_is_refused(tune, tmp_path):
    model = copy_model(tmp_path)
    manifest = model / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"noise"', '"weather"'))
    done = render(tune, tmp_path, "--model", model)
    assert_sentence(done, MODEL, "input 'weather'", "copy the folder again")


@pytest.mark.slow
def test_a_model_without_an_input_that_a_step_needs_is_refused(tune, tmp_path):
    onnx = pytest.importorskip("onnx")
    model = copy_model(tmp_path)
    graph = onnx.load(model / "model.onnx")
    for node in graph.graph.node:
        node.input[:] = ["weather" if name == "noise" else name for name in node.input]
    for given in graph.graph.input:
        given.name = "weather" if given.name == "noise" else given.name
    onnx.save(graph, model / "model.onnx")
    manifest = model / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"noise"', '"weather"'))
    rewrite_manifest(model, sha256=digest(model / "model.onnx"))
    done = render(tune, tmp_path, "--model", model)
    assert_sentence(done, MODEL, "no input 'noise'", "publish it again")


@pytest.mark.slow
def test_a_model_that_is_not_onnx_is_refused(tune, tmp_path):
    model = copy_model(tmp_path)
    graph = model / "model.onnx"
    graph.write_bytes(b"this was downloaded as a web page")
    rewrite_manifest(model, sha256=digest(graph))
    done = render(tune, tmp_path, "--model", model)
    assert_sentence(done, MODEL, graph, "not a graph")


@pytest.mark.parametrize("name", ["manifest.json", "model.onnx"])
@pytest.mark.slow
def test_a_model_with_a_file_missing_is_refused(tune, tmp_path, name):
    model = copy_model(tmp_path)
    (model / name).unlink()
    done = render(tune, tmp_path, "--model", model)
    assert_sentence(done, MODEL, name, "whole", "again")


@pytest.mark.parametrize("damage", [b"{", b"[]", b"\xff\xfe", b'{"\xff": 1}', b"{}"])
@pytest.mark.slow
def test_a_model_with_a_damaged_manifest_is_refused(tune, tmp_path, damage):
    model = copy_model(tmp_path)
    (model / "manifest.json").write_bytes(damage)
    done = render(tune, tmp_path, "--model", model)
    assert_sentence(done, MODEL, "manifest.json", "publish the model again")


@linux
@pytest.mark.slow
def test_play_with_a_bad_model_is_refused_in_one_sentence(tmp_path):
    model = copy_model(tmp_path, fingerprint="0123456789abcdef")
    done = ripieno("play", "--backend", "jack", "--model", model, env=NO_JACK)
    assert_sentence(done, MODEL, "0123456789abcdef")


@pytest.mark.slow
def test_demo_with_a_bad_model_is_refused_in_one_sentence(tmp_path):
    model = copy_model(tmp_path, fingerprint="0123456789abcdef")
    done = ripieno("demo", "--model", model, "-o", tmp_path / "duet")
    assert_sentence(done, MODEL, "0123456789abcdef")


def test_cuda_without_a_driver_is_refused(tune, tmp_path):
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        pass
    else:
        pytest.skip("an NVIDIA driver is installed")
    done = render(tune, tmp_path, "--provider", "cuda")
    assert_sentence(done, MODEL, "CUDA was asked for", "--provider auto")

"""Long names, deep nesting and byte-order marks give one sentence each.

Every case runs the command as a process, as `test_sentences` does.
"""

import json
from pathlib import Path

import pytest
from tests.command import (
    assert_sentence,
    copy_model,
    rewrite_manifest,
    ripieno,
    write_tune,
)

from ripieno.files import journal
from ripieno.settings.params import Params

pytestmark = pytest.mark.process

SETTING, FILE, MODEL = 2, 3, 4
LONG = "a" * 5000
DEEP = 5000
LONGEST_SENTENCE = 1000


@pytest.fixture(scope="module")
def tune(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tune(tmp_path_factory.mktemp("tune") / "tune.mid")


def render(tune, folder, *flags, env=None):
    return ripieno("render", tune, "-o", folder / "duet.mid", *flags, env=env)


def configured(folder, content):
    config = folder / "settings.toml"
    config.write_bytes(content)
    return render("in.mid", folder, "--config", config)


# ── long names ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", [LONG, f"./{LONG}"], ids=["name", "path"])
def test_a_model_name_of_5000_characters_is_one_short_sentence(tune, tmp_path, name):
    done = render(tune, tmp_path, "--model", name)
    assert_sentence(done, MODEL, "aaa…aaa")
    assert len(done.stderr) < LONGEST_SENTENCE


def test_a_live_model_name_of_5000_characters_is_one_sentence():
    done = ripieno("play", "--backend", "jack", "--model", LONG)
    assert_sentence(done, MODEL, "There is no model called", "event-gru")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["similar", "in.mid", LONG], FILE),
        (["render", LONG, "-o", "out.mid"], FILE),
        (["replay", LONG], FILE),
        (["demo", "-o", LONG], FILE),
        (["bench", "latency", "-o", LONG], FILE),
        (["bench", "peers", "--python", LONG], SETTING),
        (["play", "--config", LONG], FILE),
        (["play", "--chart", LONG], FILE),
        (["play", "--scale", LONG], SETTING),
        (["play", "--role", LONG], SETTING),
        (["play", "--in", LONG], SETTING),
    ],
    ids=lambda value: (
        " ".join(value[:3]).replace(LONG, "LONG") if isinstance(value, list) else None
    ),
)
@pytest.mark.slow
def test_any_name_of_5000_characters_is_one_short_sentence(arguments, code):
    done = ripieno(*arguments)
    assert_sentence(done, code, "aaa…aaa")
    assert len(done.stderr) < LONGEST_SENTENCE


def test_a_model_folder_setting_of_5000_characters_finds_no_model_there():
    done = ripieno("models", env={"RIPIENO_MODELS": LONG})
    assert done.returncode == 0
    assert done.stderr == ""
    assert "event-gru" in done.stdout


# ── model manifests ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name",
    [LONG, "../model", "a/b", "", "a\0b"],
    ids=["long", "up", "folder", "empty", "zero"],
)
@pytest.mark.slow
def test_an_entry_in_more_that_is_no_file_name_is_one_sentence(tune, tmp_path, name):
    model = copy_model(tmp_path, "duet-gru")
    more = json.loads((model / "manifest.json").read_text())["more"]
    rewrite_manifest(model, more={name: more["harmony"]})
    done = render(tune, tmp_path, "--role", "accompany", "--model", model)
    assert_sentence(done, MODEL, "manifest.json", "more", "publish the model again")
    assert len(done.stderr) < LONGEST_SENTENCE


def test_a_deeply_nested_manifest_is_one_sentence(tune, tmp_path):
    model = copy_model(tmp_path)
    (model / "manifest.json").write_text('{"more":' * DEEP + "1" + "}" * DEEP)
    done = render(tune, tmp_path, "--model", model)
    assert_sentence(done, MODEL, "manifest.json", "publish the model again")


def test_a_deeply_nested_line_of_a_journal_is_one_sentence(tmp_path):
    path = tmp_path / "deep.jsonl"
    header = journal.encode(journal.Header(version="0", seed=1, params=Params()))
    deep = b'{"type":"Heard","more":' + b"[" * DEEP + b"]" * DEEP + b"}"
    path.write_bytes(header + b"\n" + deep + b"\n" + header + b"\n")
    assert_sentence(ripieno("replay", path), FILE, path, "line 2 is damaged")


# ── TOML ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("opening", "closing"), ["[]", ("{a=", "}")])
def test_deeply_nested_toml_is_one_sentence(tmp_path, opening, closing):
    text = f"low = {opening * DEEP}1{closing * DEEP}"
    done = configured(tmp_path, text.encode())
    assert_sentence(done, FILE, "settings.toml", "nested")


def test_toml_with_a_byte_order_mark_is_read_like_one_without(tmp_path):
    text = b"\xef\xbb\xbf[play]\r\nlow = 400\r\n"
    assert_sentence(configured(tmp_path, text), SETTING, "low is 400")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "latin-1"])
@pytest.mark.slow
def test_toml_in_another_encoding_is_asked_for_in_utf_8(tmp_path, encoding):
    content = 'model = "é"\n'.encode(encoding)
    done = configured(tmp_path, content)
    assert_sentence(done, FILE, "settings.toml", "save it as UTF-8")

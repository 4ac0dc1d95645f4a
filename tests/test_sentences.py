"""Whatever is wrong, a musician reads one sentence, and a script reads an exit code.

Every case runs the command as a process: nothing else shows that no library of ours
writes a line of its own.
"""

import ctypes
import os
import sys
import zlib
from ctypes.util import find_library
from pathlib import Path

import pytest
from tests.command import (
    assert_sentence,
    break_library,
    copy_model,
    rewrite_manifest,
    ripieno,
    write_tune,
)
from tests.tables import BOUNDS

from ripieno.files import journal
from ripieno.files.midi import Track, write_performance
from ripieno.inference.manifest import digest
from ripieno.ports.backends import ALSA_SEQUENCER
from ripieno.settings.params import Params

pytestmark = pytest.mark.process

SETTING, FILE, MODEL, PORT = 2, 3, 4, 5
linux = pytest.mark.skipif(sys.platform != "linux", reason="this is how Linux has it")
NO_JACK = {"JACK_DEFAULT_SERVER": "ripieno-nobody-has-this-name"}


def installed(library):
    """Skips where a library is missing: `test_without_audio` is about that."""
    missing = find_library(library) is None
    return pytest.mark.skipif(missing, reason=f"lib{library} is not installed")


@pytest.fixture(scope="module")
def tune(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tune(tmp_path_factory.mktemp("tune") / "tune.mid")


def render(source, folder, *flags, env=None):
    """`ripieno render` of a file into a folder; nothing may be left there."""
    target = folder / "duet.mid"
    done = ripieno("render", source, "-o", target, *flags, env=env)
    assert not target.exists()
    assert not list(folder.glob("*.part"))
    return done


def configured(folder, text):
    """`ripieno render` with a TOML file: settings are checked before anything else."""
    config = folder / "settings.toml"
    config.write_text(text)
    return ripieno("render", "in.mid", "-o", folder / "out.mid", "--config", config)


# ── files ────────────────────────────────────────────────────────────────────────────


def test_a_missing_file_is_named_in_one_sentence(tmp_path):
    missing = tmp_path / "nowhere.mid"
    assert_sentence(render(missing, tmp_path), FILE, missing, "No such file")


def test_an_unreadable_file_is_named_in_one_sentence(tune, tmp_path):
    locked = tmp_path / "locked.mid"
    locked.write_bytes(tune.read_bytes())
    locked.chmod(0)
    if os.access(locked, os.R_OK):
        pytest.skip("this user may read every file")
    assert_sentence(render(locked, tmp_path), FILE, locked, "Permission denied")


@pytest.mark.slow
def test_a_link_to_itself_is_refused_in_one_sentence(tmp_path):
    loop = tmp_path / "loop.mid"
    try:
        loop.symlink_to(loop)
    except OSError:
        pytest.skip("this system makes no links")
    assert_sentence(render(loop, tmp_path), FILE, loop, "cannot be read")


@pytest.mark.slow
def test_a_folder_instead_of_a_file_is_refused_in_one_sentence(tmp_path):
    assert_sentence(render(tmp_path, tmp_path), FILE, tmp_path, "cannot be read")


@pytest.mark.parametrize("length", [1, 10, 60])
@pytest.mark.slow
def test_a_midi_file_truncated_before_its_first_note_is_refused(tune, tmp_path, length):
    cut = tmp_path / "cut.mid"
    cut.write_bytes(tune.read_bytes()[:length])
    assert_sentence(render(cut, tmp_path), FILE, cut, ": ")


@pytest.mark.slow
def test_a_midi_file_truncated_in_its_music_is_rendered_with_one_warning(
    tune, tmp_path
):
    cut, target = tmp_path / "cut.mid", tmp_path / "duet.mid"
    cut.write_bytes(tune.read_bytes()[:-20])
    done = ripieno("render", cut, "-o", target, "--provider", "cpu", "--tail", 1)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("1 track that breaks off read up to there.\n") == 1
    assert target.exists()


def test_a_midi_file_without_notes_is_refused(tmp_path):
    silent = tmp_path / "silent.mid"
    write_performance(silent, [Track("Piano", ((0, b"\xb0\x40\x7f"),))])
    assert_sentence(render(silent, tmp_path), FILE, silent, "no note")


@pytest.mark.parametrize("text", ["", "la la la\n"])
@pytest.mark.slow
def test_a_text_file_named_mid_is_refused(tmp_path, text):
    fake = tmp_path / "fake.mid"
    fake.write_text(text)
    assert_sentence(render(fake, tmp_path), FILE, fake, "not a MIDI file")


def test_a_missing_chart_is_named_in_one_sentence(tmp_path):
    missing = tmp_path / "nowhere.txt"
    done = ripieno("play", "--chart", missing)
    assert_sentence(done, FILE, missing, "cannot be read", "No such file")


@pytest.mark.slow
def test_a_text_that_is_no_chart_is_refused_with_its_line(tmp_path):
    path = tmp_path / "letter.txt"
    path.write_text("Dear musician,\n")
    done = ripieno("play", "--chart", path)
    assert_sentence(done, FILE, path, "no chord chart", "line 1", "not a chord")


@pytest.mark.slow
def test_a_midi_file_without_chords_is_refused_as_a_chart(tune):
    done = ripieno("play", "--chart", tune)
    assert_sentence(done, FILE, tune, "tells no chords", "chord:Bbm7")


def test_an_output_in_a_missing_folder_is_refused(tune, tmp_path):
    target = tmp_path / "nowhere" / "duet.mid"
    done = ripieno("render", tune, "-o", target)
    assert_sentence(done, FILE, target, "cannot be written", "No such file")


def test_a_demo_into_a_missing_folder_fails_before_it_plays(tmp_path):
    target = tmp_path / "nowhere" / "duet"
    done = ripieno("demo", "--phrases", "1", "-o", target)
    assert_sentence(done, FILE, "duet.mid cannot be written", "No such file")
    assert done.stdout == ""


def test_a_demo_with_an_empty_output_is_refused(tmp_path):
    done = ripieno("demo", "--phrases", "1", "-o", "", cwd=tmp_path)
    assert_sentence(done, SETTING, "output", "file")


def test_a_missing_journal_is_named_in_one_sentence(tmp_path):
    missing = tmp_path / "nowhere.jsonl"
    assert_sentence(ripieno("replay", missing), FILE, missing, "No such file")


def test_a_file_that_is_no_journal_is_refused(tune):
    assert_sentence(ripieno("replay", tune), FILE, tune, "not a journal")


DAMAGE = {
    "not JSON": b"\x00\xffwhat?",
    "not UTF-8": b'{"type":"Heard","at_ns":5,"data":"\xff\xfe"}',
    "not UTF-8 in a name": b'{"\xff":5}',
    "unknown": b'{"type":"Sang","at_ns":5}',
    "cut off": b'{"type":"Heard","at_n',
    "empty": b"",
}


@pytest.mark.parametrize("damage", list(DAMAGE.values()), ids=list(DAMAGE))
@pytest.mark.slow
def test_a_journal_damaged_in_the_middle_is_refused_with_its_line(tmp_path, damage):
    header = journal.encode(journal.Header(version="0", seed=1, params=Params()))
    heard = journal.encode(journal.Heard(5, b"\x90\x3c\x40"))
    path = tmp_path / "damaged.jsonl"
    path.write_bytes(b"\n".join([header, heard, damage, heard, b""]))
    assert_sentence(ripieno("replay", path), FILE, path, "line 3 is damaged")


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_a_journal_that_is_cut_off_within_its_header_is_refused(tmp_path, share):
    header = journal.encode(journal.Header(version="0", seed=1, params=Params()))
    path = tmp_path / "cut.jsonl"
    path.write_bytes(header[: int(share * len(header))])
    assert_sentence(ripieno("replay", path), FILE, path, "cut off within its header")


@pytest.mark.skipif(sys.platform == "win32", reason="it has no named pipes like these")
@pytest.mark.parametrize("is_read", [False, True], ids=["unread", "read"])
def test_a_pipe_is_refused_as_a_journal(tmp_path, is_read):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK) if is_read else None
    done = ripieno("play", "--backend", "jack", "--journal", pipe)
    assert_sentence(done, FILE, pipe, "not a regular file", "name another")
    if reader is not None:
        os.close(reader)


def test_a_journal_in_a_missing_folder_is_refused(tmp_path):
    target = tmp_path / "nowhere" / "journal.jsonl"
    done = ripieno("play", "--backend", "jack", "--journal", target)
    assert_sentence(done, FILE, target, "No such file")


@pytest.mark.parametrize("ledger", [b"not zlib", zlib.compress(b"too short")])
@pytest.mark.slow
def test_a_journal_with_a_damaged_ledger_in_its_header_is_refused(tmp_path, ledger):
    header = journal.Header(version="0", seed=1, params=Params(), adopted=ledger)
    path = tmp_path / "damaged.jsonl"
    path.write_bytes(journal.encode(header) + b"\n")
    assert_sentence(ripieno("replay", path), FILE, path, "ledger")


@pytest.mark.slow
def test_a_journal_with_settings_out_of_bounds_is_refused(tmp_path):
    header = journal.Header(version="0", seed=1, params=Params(low=400))
    path = tmp_path / "damaged.jsonl"
    path.write_bytes(journal.encode(header) + b"\n")
    assert_sentence(ripieno("replay", path), FILE, path, "is damaged", "low is 400")


# ── models ───────────────────────────────────────────────────────────────────────────


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


# ── settings ─────────────────────────────────────────────────────────────────────────


def test_a_missing_settings_file_is_named_in_one_sentence(tmp_path):
    missing = tmp_path / "nowhere.toml"
    done = ripieno("render", "in.mid", "-o", "out.mid", "--config", missing)
    assert_sentence(done, FILE, missing, "No such file")


@pytest.mark.parametrize("text", ["low = ", "[play", f"seed = {'9' * 5000}"])
@pytest.mark.slow
def test_a_settings_file_that_is_not_toml_is_refused(tmp_path, text):
    done = configured(tmp_path, text)
    assert_sentence(done, FILE, "settings.toml", "not TOML")


@pytest.mark.parametrize(
    ("text", "where"), [("loudness = 3", "the settings"), ("[play]\nkey = 3", "play")]
)
@pytest.mark.slow
def test_an_unknown_setting_is_refused_with_its_table(tmp_path, text, where):
    name = text.split()[-3]
    assert_sentence(configured(tmp_path, text), SETTING, "unknown field", name, where)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('[play]\nlow = "c"', "play.low"),
        ("[play]\nlow = 36.5", "play.low"),
        ("[play]\nthru = 1", "play.thru"),
        ("model = 3", "model"),
        ("play = 3", "play"),
        ('play = "loud"', "play"),
        ("journal = []", "journal"),
    ],
)
@pytest.mark.slow
def test_a_setting_of_the_wrong_type_is_refused_with_the_right_one(
    tmp_path, text, name
):
    assert_sentence(configured(tmp_path, text), SETTING, f"{name}: expected")


def out_of_bounds():
    """Every bounded parameter, once below and once above its bounds."""
    for name, (low, high) in BOUNDS.items():
        step = 0.0001 if isinstance(low, float) else 1
        yield from ((name, low - step), (name, high + step))


@pytest.mark.parametrize(("name", "value"), list(out_of_bounds()))
@pytest.mark.slow
def test_a_value_out_of_its_bounds_is_refused_with_both_bounds(tmp_path, name, value):
    low, high = BOUNDS[name]
    says = f"{name} is {value}; it must lie between {low} and {high}"
    assert_sentence(configured(tmp_path, f"[play]\n{name} = {value}"), SETTING, says)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
@pytest.mark.slow
def test_a_number_that_is_not_finite_is_refused(tmp_path, value):
    done = configured(tmp_path, f"[play]\ntemperature = {value}")
    assert_sentence(done, SETTING, f"temperature is {value}", "0.1", "2.0")


@pytest.mark.slow
def test_a_seed_of_400_digits_is_refused_with_its_bound(tmp_path):
    done = configured(tmp_path, f"[play]\nseed = {10**400}")
    assert_sentence(done, SETTING, "seed is 1000", f"{2**63 - 1}")


@pytest.mark.slow
def test_low_above_high_is_refused_with_both_values(tmp_path):
    done = configured(tmp_path, "[play]\nlow = 72\nhigh = 48")
    assert_sentence(done, SETTING, "low is 72", "high is 48")


@pytest.mark.parametrize("scale", ["H dur", "", "D", "dorian D"])
@pytest.mark.slow
def test_an_unknown_scale_is_refused_with_the_known_ones(tmp_path, scale):
    done = configured(tmp_path, f'[play]\nscale = "{scale}"')
    assert_sentence(done, SETTING, "scale", repr(scale), "dorian", "auto", "off")


@pytest.mark.slow
def test_an_unknown_role_is_refused(tmp_path):
    done = configured(tmp_path, '[play]\nrole = "sing"')
    assert_sentence(done, SETTING, "play.role", "sing")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('meter = "waltz"', ("meter", "'waltz'", "4/4 or 6/8")),
        ('meter = "17/4"', ("meter", "17 beats", "1 to 16")),
        ('meter = "4/5"', ("meter", "1/5", "2, 4, 8, 16")),
        ("commit = 3", ("commit is 3", "0, 1, 2, 4")),
        ('land = "C on 9"', ("land", "'C' is no landing", "C@9")),
        ('land = "H@9"', ("land", "'H' is not a chord", "Cmaj7")),
        ('chord_lock = "C H"', ("chord_lock", "'H' is not a chord", "Cmaj7")),
        ('chart = "| C | H |"', ("chart", "line 1", "'H' is not a chord", "silence")),
        ('chart = "meter: 3/4\\n| C |"', ("chart", "in 3/4", "meter is 4/4")),
        ('parts = "drums"', ("parts", "'drums'", "chords, bass, texture")),
        ('style = "polka"', ("style is 'polka'", "auto, pop, song")),
        ('manner = "tenths"', ("manner is 'tenths'", "thirds")),
    ],
)
@pytest.mark.slow
def test_a_text_that_cannot_be_read_is_refused_with_what_can(tmp_path, text, words):
    assert_sentence(configured(tmp_path, f"[play]\n{text}"), SETTING, *words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('provider = "tpu"', ("provider", "'tpu'", "auto, cpu, cuda")),
        ('backend = "oss"', ("backend", "'oss'", "jack, rtmidi-jack")),
        ("server_wait_s = -1.0", ("server_wait_s", "-1.0", "0.0 and 86400.0")),
        ('name_in = "a:b"', ("name_in", "'a:b'", "colon")),
        ('name_out = ""', ("name_out", "''", "1 to 60")),
    ],
)
@pytest.mark.slow
def test_a_port_setting_out_of_its_bounds_is_refused(tmp_path, text, words):
    assert_sentence(configured(tmp_path, text), SETTING, *words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--nonsense"], ["--nonsense", "ripieno --help"]),
        (["sing"], ["'sing'", "render", "ripieno --help"]),
        (["play", "--low", "c"], ["--low", "'c'", "ripieno play --help"]),
        (["play", "--bpm", "fast"], ["--bpm", "'fast'", "ripieno play --help"]),
        (["play", "--bpm", "500"], ["bpm is 500.0", "20.0 and 400.0"]),
        (["play", "--land", "C@x"], ["'C@x' is no landing", "C@9"]),
        (["play", "--chart", "C | H"], ["chart: line 1", "'H' is not a chord"]),
        (["play", "--chart", "meter: x\n| C |"], ["chart: 'x' is not a meter", "4/4"]),
        (
            ["play", "--meter", "3/4", "--chart", "meter: 4/4\n| C |"],
            ["chart: it is in 4/4", "meter is 3/4"],
        ),
        (["render", "in.mid"], ["--output", "ripieno render --help"]),
        (["demo", "--jack", "--alsa"], ["--alsa", "--jack", "ripieno demo --help"]),
        (["demo", "--phrases", "5"], ["phrases is 5", "1 and 4"]),
        (["render", "in.mid", "-o", "out.mid", "--tail", "-1"], ["tail is -1", "3600"]),
        (["ports", "--backend", "oss"], ["'oss'", "alsa"]),
    ],
    ids=" ".join,
)
@pytest.mark.slow
def test_a_wrong_flag_is_refused_with_what_is_right(arguments, words):
    assert_sentence(ripieno(*arguments), SETTING, *words)


# ── ports and libraries ──────────────────────────────────────────────────────────────


@linux
@installed("jack")
@installed("asound")
def test_a_machine_without_any_midi_server_is_told_what_to_start():
    if ALSA_SEQUENCER.exists():
        pytest.skip("ALSA's sequencer is there")
    for command in ("play", "ports"):
        done = ripieno(command, env=NO_JACK)
        assert_sentence(done, PORT, "no JACK server answers", ALSA_SEQUENCER)


@linux
@installed("jack")
@pytest.mark.parametrize("command", ["play", "ports"])
@pytest.mark.slow
def test_the_jack_backend_without_a_server_is_refused(command):
    done = ripieno(command, "--backend", "jack", env=NO_JACK)
    assert_sentence(done, PORT, "JACK", "start ")


@linux
@installed("asound")
def test_the_alsa_backend_without_its_sequencer_is_refused():
    if ALSA_SEQUENCER.exists():
        pytest.skip("ALSA's sequencer is there")
    done = ripieno("ports", "--backend", "alsa")
    assert_sentence(done, PORT, "alsa", "modprobe snd-seq")


@linux
@installed("jack")
@pytest.mark.slow
def test_demo_on_jack_without_a_server_is_refused(tmp_path):
    done = ripieno("demo", "--jack", "-o", tmp_path / "duet", env=NO_JACK)
    assert_sentence(done, PORT, "no JACK server answers")


NO_LIBASOUND = (
    "ImportError('libasound.so.2: cannot open shared object file: "
    "No such file or directory')"
)


@linux
@pytest.mark.parametrize("command", ["ports", "play"])
@pytest.mark.slow
def test_the_alsa_backend_without_libasound_is_refused(tmp_path, command):
    env = break_library(tmp_path, "rtmidi", NO_LIBASOUND)
    done = ripieno(command, "--backend", "alsa", env=env)
    assert_sentence(done, PORT, "libasound.so.2: cannot open", "install libasound2")


@linux
@pytest.mark.parametrize("command", ["ports", "play"])
def test_the_default_backend_without_libasound_is_refused(tmp_path, command):
    env = break_library(tmp_path, "rtmidi", NO_LIBASOUND)
    done = ripieno(command, env=env)
    assert_sentence(done, PORT, "libasound.so.2: cannot open", "install libasound2")


@linux
@pytest.mark.slow
def test_the_jack_backend_without_libjack_is_refused(tmp_path):
    env = break_library(tmp_path, "jack", "OSError('JACK library not found')")
    done = ripieno("play", "--backend", "jack", env=env | NO_JACK)
    assert_sentence(done, PORT, "libjack is missing (JACK library not found)")


def test_render_without_onnx_runtime_is_refused(tune, tmp_path):
    env = break_library(tmp_path, "onnxruntime", "ImportError('libstdc++ is too old')")
    done = render(tune, tmp_path, env=env)
    assert_sentence(done, MODEL, "ONNX Runtime", "libstdc++ is too old")

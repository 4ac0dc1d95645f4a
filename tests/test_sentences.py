"""Wrong files and settings end a command with one sentence and an exit code.

Every case runs the command as a process, because only that shows whether a library
writes lines of its own.
"""

import os
import sys
import zlib
from pathlib import Path

import pytest
from tests.command import (
    assert_sentence,
    ripieno,
    write_tune,
)
from tests.sentences import FILE, SETTING, render
from tests.tables import BOUNDS

from ripieno.files import journal
from ripieno.files.midi import Track, write_performance
from ripieno.settings.params import KNOBS, Params

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def tune(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tune(tmp_path_factory.mktemp("tune") / "tune.mid")


def configured(folder, text):
    """`ripieno render` with a TOML file: settings are checked before anything else."""
    config = folder / "settings.toml"
    config.write_text(text)
    return ripieno("render", "in.mid", "-o", folder / "out.mid", "--config", config)


# ── files ─────────────────────────────────────────────────────────────────────────────


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


# ── settings ──────────────────────────────────────────────────────────────────────────


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
        below = low - step
        if below == 0 and KNOBS[name].unset:
            below = -1  # 0 means that no value is given
        yield from ((name, below), (name, high + step))


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
    assert_sentence(done, SETTING, "role is 'sing'", "harmonize")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('meter = "waltz"', ("meter", "'waltz'", "4/4 or 6/8")),
        ('meter = "17/4"', ("meter", "17 beats", "1 to 16")),
        ('meter = "4/5"', ("meter", "1/5", "2, 4, 8, 16")),
        ("commit = 3", ("commit is 3", "0, 1, 2, 4")),
        ('chart = "C@1 F@x"', ("chart", "'F@x' is no landing", "C@9")),
        ('chart = "H@9"', ("chart", "'H' is not a chord", "Cmaj7")),
        ('chord_lock = "C H"', ("chord_lock", "'H' is not a chord", "Cmaj7")),
        ('chart = "| C | H |"', ("chart", "line 1", "'H' is not a chord", "silence")),
        ('chart = "meter: 3/4\\n| C |"', ("chart", "in 3/4", "meter is 4/4")),
        ('parts = "drums"', ("parts", "'drums'", "chords, bass, texture")),
        ('texture = "polka"', ("texture is 'polka'", "auto, pop, song")),
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
        (["play", "--chart", "C@x"], ["'C@x' is no landing", "C@9"]),
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

"""The command line: start-up time, flags before and after `play`, precedence."""

import json
import os
import subprocess
import sys

import mido
import numpy as np
import pytest
from tests.command import MODELS, ripieno, write_tune
from tests.tables import BOUNDS

from ripieno import __version__
from ripieno.clock import NS_PER_S, SystemClock
from ripieno.commands import arguments as given
from ripieno.commands import cli
from ripieno.commands.bench import MEASUREMENTS
from ripieno.commands.cli import main
from ripieno.inference.manifest import digest
from ripieno.layouts import duet
from ripieno.music import chords, lead_sheet
from ripieno.settings import flags
from ripieno.settings.config import Settings
from ripieno.settings.params import KNOBS, Params, parse

COMMANDS = (
    "play", "set", "ports", "render", "replay", "similar", "models", "doctor", "demo",
    "bench",
)  # fmt: skip
HEAVY = ("torch", "onnxruntime", "rtmidi", "sounddevice", "jack", "mido", "numpy")
TRIES = 5


def settings_of(*arguments):
    """The settings that a command line leads to."""
    return given.settings_of(cli._parser().parse_args(arguments))


def quickest_s(*command):
    """The best of a few runs of a whole process: the machine is shared."""
    clock = SystemClock()
    took_ns = []
    for _ in range(TRIES):
        began_ns = clock.now_ns()
        subprocess.run([sys.executable, *command], check=True, capture_output=True)
        took_ns.append(clock.now_ns() - began_ns)
    return min(took_ns) / NS_PER_S


def loaded_after(statement):
    """The heavy libraries that a statement has loaded, in a fresh process."""
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    return {name.split(".")[0] for name in done.stdout.split()} & set(HEAVY)


@pytest.mark.parametrize("module", ["ripieno", "ripieno.commands.cli"])
def test_importing_loads_nothing_heavy(module):
    assert loaded_after(f"import {module}") == set()


def test_the_daemons_own_side_loads_neither_torch_nor_onnx_runtime():
    assert not loaded_after("import ripieno.processes.player") & {
        "torch",
        "onnxruntime",
    }


@pytest.mark.realtime
def test_importing_takes_less_than_a_fifth_of_a_second():
    assert quickest_s("-c", "import ripieno") < 0.2


@pytest.mark.realtime
def test_help_is_there_in_less_than_a_third_of_a_second():
    assert quickest_s("-m", "ripieno", "--help") < 0.3


def test_help_shows_every_command_and_an_example_of_each_kind(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    text = capsys.readouterr().out
    assert ended.value.code == 0
    for command in COMMANDS:
        assert f"\n    {command} " in text
    assert "ripieno demo" in text.split("examples:")[1]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: ripieno {command}")


@pytest.mark.parametrize("what", MEASUREMENTS)
def test_each_measurement_explains_its_flags(what, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["bench", what, "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: ripieno bench {what}")


def test_the_version_is_the_packages(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"ripieno {__version__}\n"


FLAGS = ("--role", "continue", "--low", "48", "--in", "Piano", "--thru", "--seed", "3")
MEANT = Settings(
    name_in="Piano", play=Params(role="continue", low=48, thru=True, seed=3)
)


@pytest.mark.parametrize(
    "arguments",
    [
        FLAGS,
        ("play", *FLAGS),
        (*FLAGS, "play"),
        (*FLAGS[:4], "play", *FLAGS[4:]),
    ],
    ids=["alone", "after play", "before play", "on both sides"],
)
def test_flags_mean_the_same_before_and_after_play(arguments):
    assert settings_of(*arguments) == MEANT


def test_the_flag_nearest_the_end_wins():
    assert settings_of("--low", "40", "play", "--low", "48").play.low == 48


def test_playing_is_what_it_does_without_a_command():
    assert cli._parser().parse_args([]).run == "ripieno.commands.play:run"
    assert settings_of() == Settings()


def test_flags_win_over_the_file_and_the_file_over_the_defaults(tmp_path):
    config = tmp_path / "settings.toml"
    config.write_text('backend = "alsa"\n[play]\nlow = 40\nhigh = 80\n')
    settings = settings_of("--config", str(config), "play", "--low", "48")
    assert settings == Settings(backend="alsa", play=Params(low=48, high=80))


@pytest.mark.parametrize("name", BOUNDS)
def test_every_bounded_parameter_has_a_flag(name):
    value = getattr(Params(), name)
    given = 7 if value is None else value
    settings = settings_of("play", f"--{name.replace('_', '-')}", str(given))
    assert getattr(settings.play, name) == given


def test_every_parameter_has_a_flag():
    parser = cli._parser()
    for name in Params.__struct_fields__:
        assert hasattr(parser.parse_args([]), name)


def test_every_flag_is_of_its_parameters_kind():
    for name, knob in KNOBS.items():
        default = getattr(Params(), name)
        assert default is None or knob.kind is type(default)
        assert len(knob.help) <= 62


OTHERWISE = Params(
    role="accompany",
    temperature=1.25,
    top_p=0.5,
    scale="D dorian",
    low=40,
    high=90,
    polyphony=3,
    channel=5,
    level=0.5,
    mute=True,
    hears="right",
    split="C4",
    seed=9,
    patience=2.0,
    tightness=0.25,
    thru=True,
    thru_left=False,
    sends_program=False,
    sends_volume=False,
    bpm=92.5,
    meter="6/8",
    click=True,
    parts="bass texture",
    lead=0.75,
    commit=2,
    listen=4,
    phrase=8,
    ending="off",
    chord_lock="C F G7",
    chart="title: A song\nmeter: 6/8\n| C | F G7 | % | ? |\n",
    texture="pop",
    busy=6.5,
    thick=2.0,
    swing=0.5,
    voices=2,
    manner="sixths",
    distance=0.75,
    blend=0.25,
    rise=0.5,
    offbeat=1.0,
    bars=8,
)
"""No parameter as it is by default."""


def test_each_parameter_differs_from_its_default():
    plain = Params()
    for name in Params.__struct_fields__:
        assert getattr(OTHERWISE, name) != getattr(plain, name)


@pytest.mark.parametrize("play", [Params(seed=9), OTHERWISE], ids=["plain", "other"])
def test_the_demo_hands_every_setting_to_the_daemon_that_it_starts(play):
    settings = Settings(
        model="other",
        provider="cpu",
        backend="jack",
        name_in="Piano",
        name_out="Cello",
        journal="take.jsonl",
        server_wait_s=3.5,
        play=play,
    )
    assert settings_of("play", *flags.written(settings, 9)) == settings
    assert settings_of("play", *flags.written(Settings(), 9)).play == Params(seed=9)


def test_the_flag_of_an_old_name_sets_the_new_one_and_a_sentence_says_so(capsys):
    assert settings_of("play", "--style=pop").play == Params(texture="pop")
    says = "style is now called texture; it was read as texture = pop.\n"
    assert capsys.readouterr().err == says


@pytest.mark.parametrize("word", ["auto", "none", "0"])
def test_auto_on_the_command_line_leaves_the_value_of_a_file_to_the_music(
    tmp_path, word
):
    config = tmp_path / "settings.toml"
    config.write_text("[play]\nbusy = 5\nthick = 2\nphrase = 4\n")
    given = [f"--{name}={word}" for name in ("busy", "thick", "phrase")]
    assert settings_of("--config", str(config), *given).play == Params()


def test_what_is_on_in_a_file_may_be_turned_off_by_a_flag(tmp_path):
    config = tmp_path / "settings.toml"
    config.write_text("[play]\nclick = true\nthru = true\n")
    assert settings_of("--config", str(config)).play.click
    play = settings_of("--config", str(config), "play", "--no-click", "--no-thru").play
    assert (play.click, play.thru) == (False, False)


# ── charts ───────────────────────────────────────────────────────────────────────────


def names_of(play):
    """The chords that a chart has on the beats of its first two bars."""
    meter, chart = parse(play).meter, parse(play).chart
    assert chart is not None
    beats = range(0, 2 * meter.bar_ticks, meter.span_ticks)
    found = [chart.chord_at(ticks) for ticks in beats]
    return [chords.name_of(chord) for chord in found if chord is not None]


def test_a_chart_is_read_from_a_text_file(tmp_path):
    path = tmp_path / "song.txt"
    path.write_text("# a remark\n| C . G7 . | Am |\n")
    play = settings_of("play", "--chart", str(path)).play
    assert names_of(play) == ["C", "C", "G7", "G7", "Am", "Am", "Am", "Am"]
    chart = parse(play).chart
    assert chart is not None
    assert play.chart == lead_sheet.text_of(chart)


def test_a_chart_brings_its_meter_along(tmp_path):
    path = tmp_path / "waltz.txt"
    path.write_text("meter: 3/4\n| C . G7 | Am |\n")
    play = settings_of("play", "--chart", str(path)).play
    assert play.meter == "3/4"
    assert names_of(play) == ["C", "C", "G7", "Am", "Am", "Am"]


def test_a_chart_that_says_no_meter_is_in_the_one_that_is_asked_for(tmp_path):
    config, path = tmp_path / "settings.toml", tmp_path / "song.txt"
    path.write_text("| C . . . G7 | Am |\n")
    config.write_text('[play]\nmeter = "5/4"\n')
    play = settings_of("--config", str(config), "--chart", str(path)).play
    assert names_of(play)[:6] == ["C", "C", "C", "C", "G7", "Am"]
    assert settings_of("--meter", "5/4", "--chart", str(path)).play == play


def test_a_chart_may_be_written_on_the_command_line():
    play = settings_of("play", "--chart", "C | F G7").play
    assert names_of(play) == ["C", "C", "C", "C", "F", "F", "G7", "G7"]


def test_landings_may_be_written_on_the_command_line():
    play = settings_of("play", "--chart", "C@9 F#m7@17").play
    assert play == Params(chart="C@9 F#m7@17")
    assert sorted(parse(play).guidance.landings) == [8, 16]


def test_a_file_with_an_at_sign_in_its_name_is_a_chart(tmp_path):
    path = tmp_path / "me@home.txt"
    path.write_text("| C | F |\n")
    assert names_of(settings_of("play", "--chart", str(path)).play)[0] == "C"


def test_a_chart_is_read_from_the_markers_of_a_midi_file(tmp_path):
    path = tmp_path / "song.mid"
    track = mido.MidiTrack(
        [
            mido.MetaMessage("time_signature", numerator=3, denominator=4),
            mido.MetaMessage("marker", text="chord:Bbm7"),
            mido.MetaMessage("marker", text="chord:F7", time=3 * 480),
            mido.MetaMessage("end_of_track", time=3 * 480),
        ]
    )
    mido.MidiFile(ticks_per_beat=480, tracks=[track]).save(path)
    play = settings_of("play", "--chart", str(path)).play
    assert play.meter == "3/4"
    assert names_of(play) == ["Bbm7"] * 3 + ["F7"] * 3


def test_a_chart_of_a_flag_wins_over_that_of_the_file(tmp_path):
    config = tmp_path / "settings.toml"
    config.write_text('[play]\nchart = "| H |"\n')
    play = settings_of("--config", str(config), "--chart", "| C |").play
    assert names_of(play) == ["C"] * 8
    assert not settings_of("--config", str(config), "--chart", "").play.chart


def test_python_m_ripieno_runs_the_command():
    assert ripieno("--version").stdout == f"ripieno {__version__}\n"


def test_models_lists_what_is_installed(capsys):
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("event-gru: gru, ") for line in lines)
    assert any("licence Apache-2.0" in line for line in lines)


def test_models_marks_a_model_that_plays_no_role(tmp_path, monkeypatch, capsys):
    helper = tmp_path / "counted"
    helper.mkdir()
    np.savez(helper / "tables.npz", prior=np.ones(12))
    told = json.loads((MODELS / "event-gru" / "manifest.json").read_text())
    told |= {"name": "counted", "family": "hmm", "interface": "tables"}
    told |= {"roles": ["accompany"], "parameters": 2112, "inputs": [], "outputs": []}
    told |= {"fingerprint": duet.fingerprint(), "state": []}
    told |= {"sha256": digest(helper / "tables.npz")}
    (helper / "manifest.json").write_text(json.dumps(told))
    monkeypatch.setenv("RIPIENO_MODELS", str(tmp_path))
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "counted: hmm, 2,112 parameters, helps to accompany." in lines


def test_a_model_that_is_damaged_is_listed_with_its_sentence(
    tmp_path, monkeypatch, capsys
):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "manifest.json").write_text("{")
    monkeypatch.setenv("RIPIENO_MODELS", str(tmp_path))
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    assert "broken: " in out
    assert "publish the model again" in out
    assert "event-gru: gru" in out


def test_a_terminal_that_cannot_show_a_letter_shows_another(tmp_path):
    tune = write_tune(tmp_path / "tune.mid")
    target = tmp_path / "Dué→t.mid"
    env = {"PYTHONIOENCODING": "ascii"}
    done = ripieno("render", tune, "-o", target, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Du??t.mid: 1 replies" in done.stdout
    assert target.is_file()


def test_without_a_terminal_help_is_plain_text():
    env = {**os.environ, "COLUMNS": "40", "TERM": "dumb"}
    assert "\x1b" not in ripieno("--help", env=env).stdout

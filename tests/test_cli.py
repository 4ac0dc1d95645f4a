"""The command line: quick, the same before and after `play`, and in the right order."""

import os
import subprocess
import sys

import pytest
from tests.command import ripieno, write_tune

from ripieno import __version__, cli
from ripieno.cli import main
from ripieno.clock import NS_PER_S, SystemClock
from ripieno.config import Settings
from ripieno.params import BOUNDS, Params

COMMANDS = ("play", "ports", "render", "replay", "models", "doctor", "demo")
HEAVY = ("torch", "onnxruntime", "rtmidi", "sounddevice", "jack", "mido", "numpy")
TRIES = 5


def settings_of(*arguments):
    """The settings that a command line leads to."""
    return cli._settings(cli._parser().parse_args(arguments))


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


@pytest.mark.parametrize("module", ["ripieno", "ripieno.cli"])
def test_importing_loads_nothing_heavy(module):
    assert loaded_after(f"import {module}") == set()


def test_the_daemons_own_side_loads_neither_torch_nor_onnx_runtime():
    assert not loaded_after("import ripieno.player") & {"torch", "onnxruntime"}


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
    assert cli._parser().parse_args([]).run is cli._play
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


def test_the_demo_hands_every_setting_to_the_daemon_that_it_starts():
    from ripieno.stage import daemon_flags

    settings = Settings(
        model="other",
        provider="cpu",
        backend="jack",
        name_in="Piano",
        name_out="Cello",
        server_wait_s=3.5,
        play=Params(role="continue", scale="D dorian", low=40, density=2.5, seed=9),
    )
    assert settings_of("play", *daemon_flags(settings, 9)) == settings


def test_python_m_ripieno_is_the_command():
    assert ripieno("--version").stdout == f"ripieno {__version__}\n"


def test_models_lists_what_is_installed(capsys):
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("event-gru: gru, ") for line in lines)
    assert any("licence Apache-2.0" in line for line in lines)


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

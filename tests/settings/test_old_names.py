"""An old name of a parameter means the new one, and one sentence says what was read."""

import pytest

from ripieno.commands import arguments, cli
from ripieno.errors import SettingsError
from ripieno.settings.config import Settings, load
from ripieno.settings.knobs import with_present_names
from ripieno.settings.params import KNOBS, Params

OLD = [
    ("style", "pop", Params(texture="pop"), "texture = pop"),
    ("land", "C@9 F@17", Params(chart="C@9 F@17"), "chart = C@9 F@17"),
    ("density", 6.0, Params(busy=12.0), "busy = 12.0"),
    ("density", 40.0, Params(busy=40.0), "busy = 40.0"),
    ("density", 0.25, Params(busy=0.5), "busy = 0.5"),
    ("fill", 0.0, Params(busy=8.0), "busy = 8.0"),
    ("fill", -1.0, Params(busy=4.0), "busy = 4.0"),
    ("fill", 0.5, Params(busy=11.3137), "busy = 11.3137"),
]
"""Old name, its value, what it means now, and the end of the sentence."""
old = pytest.mark.parametrize(("name", "value", "params", "read"), OLD)


def parse_play(*words):
    """The settings that flags of `ripieno play` make."""
    return arguments.settings_of(cli._parser().parse_args(["play", *words]))


@old
def test_an_old_name_in_a_file_means_the_new_one(tmp_path, name, value, params, read):
    path, said = tmp_path / "mine.toml", list[str]()
    path.write_text(f"[play]\n{name} = {value!r}\n")
    assert load(path, {}, {}, tell=said.append) == Settings(play=params)
    new = read.partition(" ")[0]
    assert said == [f"{name} is now called {new}; it was read as {read}."]


@old
def test_the_flag_of_an_old_name_means_the_new_one(capsys, name, value, params, read):
    assert parse_play(f"--{name}={value}").play == params
    new = read.partition(" ")[0]
    says = f"{name} is now called {new}; it was read as {read}.\n"
    assert capsys.readouterr().err == says


def test_an_old_name_among_the_controllers_keeps_its_number(tmp_path):
    path, said = tmp_path / "mine.toml", list[str]()
    path.write_text("[controls]\nstyle = 30\ndensity = 31\n")
    controls = load(path, {}, {}, tell=said.append).controls
    assert controls == {"texture": 30, "busy": 31}
    assert said[1] == "density is now called busy; it was read as busy = 31."


def test_a_flag_wins_over_the_old_name_in_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('[play]\nstyle = "pop"\ndensity = 6\n')
    play = load(path, {}, {"texture": "song", "busy": 3.0}).play
    assert play == Params(texture="song", busy=3.0)


def test_of_an_old_and_a_new_name_the_new_one_wins_and_a_sentence_says_so(capsys):
    play = parse_play("--land=C@9", "--density=6", "--busy=5", "--chart=C | F").play
    assert (play.busy, play.chart) == (5.0, "C | F")
    assert set(capsys.readouterr().err.splitlines()) == {
        "land is now called chart; it was ignored, because chart is given too.",
        "density is now called busy; it was ignored, because busy is given too.",
    }


def test_of_two_old_names_the_first_one_wins():
    given, said = with_present_names(KNOBS, {"fill": "1", "density": "6"})
    assert given == {"busy": "16.0"}
    assert said[1].endswith("ignored, because busy is given too.")


def test_an_old_name_of_one_seat_means_the_new_one_of_that_seat():
    given, said = with_present_names(KNOBS, {"keys.density": "6", "busy": "3"})
    assert given == {"keys.busy": "12.0", "busy": "3"}
    assert said == [
        "keys.density is now called keys.busy; it was read as keys.busy = 12.0."
    ]


@pytest.mark.parametrize("value", ["loud", True, [1]])
def test_an_old_value_of_another_type_is_refused(value):
    with pytest.raises(SettingsError, match="busy: expected float, got "):
        load(None, {}, {"density": value})


@pytest.mark.parametrize("value", [float("nan"), 1e300])
def test_an_old_value_that_cannot_be_converted_is_refused(value):
    with pytest.raises(SettingsError, match="busy is "):
        load(None, {}, {"fill": value})

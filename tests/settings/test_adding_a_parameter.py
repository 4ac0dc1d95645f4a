"""A parameter is one field of a struct: everything that people see is made from it.

`Toy` adds a field outside the package. The tests check each place where people meet a
parameter.
"""

import argparse
from typing import Annotated

import pytest
from tests.guide import reference

from ripieno.commands.arguments import settings_of
from ripieno.engine import Engine
from ripieno.errors import SettingsError
from ripieno.music.messages import control
from ripieno.settings import params
from ripieno.settings.beginning import Beginning
from ripieno.settings.config import Settings, load
from ripieno.settings.controllers import (
    check_controls,
    default_controls,
    merged,
    parsed,
    turned,
)
from ripieno.settings.ensemble import Change, Ensemble, SeatSettings, changed
from ripieno.settings.flags import add_live, add_playing, written
from ripieno.settings.knobs import Knob, knobs_of
from ripieno.settings.params import Params


class Toy(Params, frozen=True, forbid_unknown_fields=True):
    sparkle: Annotated[
        float,
        Knob(
            "how bright it plays", 0.0, 2.0, unit="stars", controller=26,
            formerly={"glitter": None}, roles=("answer",), more="0 is dull.",
        ),
    ] = 1.0  # fmt: skip


class ToySettings(Settings, frozen=True, forbid_unknown_fields=True):
    play: Toy = Toy()


KNOBS = knobs_of(Toy)


def parser():
    made = argparse.ArgumentParser()
    add_playing(made, knobs=KNOBS)
    add_live(made, knobs=KNOBS)
    return made


def given(*arguments):
    return settings_of(parser().parse_args(arguments), ToySettings)


def test_a_new_parameter_has_a_flag():
    assert given("--sparkle=1.5").play == Toy(sparkle=1.5)
    assert given().play == Toy()


def test_a_new_parameter_is_in_the_help_of_the_command_line():
    assert "--sparkle SPARKLE" in parser().format_help()
    assert "how bright it plays" in parser().format_help()


def test_a_new_parameter_is_handed_to_another_process_by_its_flag():
    settings = ToySettings(play=Toy(sparkle=0.25, seed=9))
    assert given(*written(settings, 9)) == settings


def test_a_new_parameter_is_a_key_of_the_settings_file(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text("[play]\nsparkle = 0.5\n[controls]\nsparkle = 30\n")
    settings = load(path, {}, {}, into=ToySettings)
    assert settings.play == Toy(sparkle=0.5)
    assert settings.controls == {"sparkle": 30}


def test_a_new_parameter_may_differ_from_seat_to_seat(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text('[[seat]]\nname = "solo"\nsparkle = 0.5\n[[seat]]\nname = "echo"\n')
    settings = load(path, {}, {"sparkle": 1.5}, into=ToySettings)
    seated = settings.ensemble.seated()
    assert seated["solo"] == Toy(sparkle=0.5)
    assert seated["echo"] == Toy(sparkle=1.5, channel=2)
    again = given(*written(settings, 9)).ensemble.seated()
    assert [each.sparkle for each in again.values()] == [0.5, 1.5]


def test_set_changes_a_new_parameter_of_one_seat():
    seats = (SeatSettings("solo", place=0), SeatSettings("echo", place=0))
    after = changed(Ensemble(Toy(), seats), Change({"echo.sparkle": 0.5})).seated()
    assert (after["solo"], after["echo"]) == (Toy(), Toy(sparkle=0.5))


def test_a_new_parameter_out_of_its_bounds_is_refused_with_both():
    with pytest.raises(SettingsError, match=r"^sparkle is 3.0; .* between 0.0 and 2.0"):
        params.check(Toy(sparkle=3.0))


def test_a_new_parameter_of_another_type_is_refused():
    with pytest.raises(SettingsError, match=r"sparkle: expected float"):
        load(None, {}, {"sparkle": "bright"}, into=ToySettings)


def test_the_controller_of_a_new_parameter_moves_it_over_its_bounds():
    assert turned(Toy(), "sparkle", 0).sparkle == 0.0
    assert turned(Toy(), "sparkle", 127).sparkle == 2.0
    controls = default_controls(KNOBS)
    assert controls["sparkle"] == 26
    check_controls(controls, KNOBS)


def test_the_engine_turns_a_new_parameter_when_its_controller_moves():
    engine = Engine(Beginning(Toy(), controls=default_controls(KNOBS)))
    engine.heard(1, control(0, 26, 127))
    assert engine.params == Toy(sparkle=2.0)


def test_set_reads_the_text_of_a_new_parameter():
    value = parsed("sparkle", "0.5", KNOBS)
    assert merged(Toy(), {"sparkle": value}) == Toy(sparkle=0.5)
    with pytest.raises(SettingsError, match=r"a number between 0.0 and 2.0"):
        parsed("sparkle", "bright", KNOBS)


def test_the_old_name_of_a_new_parameter_still_works(capsys):
    assert given("--glitter=0.5").play == Toy(sparkle=0.5)
    assert capsys.readouterr().err == (
        "glitter is now called sparkle; it was read as sparkle = 0.5.\n"
    )


def test_a_new_parameter_has_a_row_in_the_reference():
    page = reference().parameters(KNOBS)
    row = next(line for line in page.splitlines() if "`sparkle`" in line)
    assert row == (
        "| `sparkle` | 0.0 to 2.0 stars | `1.0` | how bright it plays. 0 is dull. "
        "Old names that are still accepted: `glitter`. | 26 |"
    )

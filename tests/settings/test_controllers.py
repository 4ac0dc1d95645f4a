"""MIDI controllers map to parameters within their bounds."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tables import BOUNDS, CHOICES, NAMES, TURNABLE

from ripieno.errors import SettingsError
from ripieno.settings import controllers, params
from ripieno.settings.config import Settings, check, load
from ripieno.settings.controllers import (
    merged,
    parsed,
    turned,
)
from ripieno.settings.params import KNOBS, Params

bounded = st.sampled_from([name for name in TURNABLE if name in BOUNDS])
wide = Params(low=0, high=127)


@given(bounded)
def test_a_controllers_ends_are_the_bounds(name):
    low, high = BOUNDS[name]
    least = None if KNOBS[name].unset else 0 if name == "high" else low
    assert getattr(turned(wide, name, 0), name) == least
    assert getattr(turned(wide, name, 127), name) == high


@given(st.sampled_from(TURNABLE), st.integers(0, 127))
def test_any_controller_value_is_within_bounds_and_of_its_type(name, value):
    new = turned(Params(), name, value)
    assert params.check(new) == new
    assert msgspec.convert(msgspec.structs.asdict(new), Params) == new


@given(bounded, st.integers(0, 126))
def test_a_higher_controller_value_never_lowers_the_parameter(name, value):
    less, more = (getattr(turned(wide, name, v), name) for v in (value, value + 1))
    assert (less or 0) <= more


@pytest.mark.parametrize(
    ("value", "beats"),
    [(0, 0), (31, 0), (32, 1), (63, 1), (64, 2), (95, 2), (96, 4), (127, 4)],
)
def test_commit_takes_its_four_values_and_no_other(value, beats):
    assert turned(Params(), "commit", value).commit == beats


@pytest.mark.parametrize("name", CHOICES)
def test_every_choice_can_be_reached(name):
    assert {getattr(turned(Params(), name, v), name) for v in range(128)} == set(
        CHOICES[name]
    )


def test_controller_value_64_is_the_middle_of_the_bounds():
    assert turned(Params(), "lead", 64).lead == 0.5039
    assert turned(Params(), "polyphony", 64).polyphony == 9
    assert isinstance(turned(Params(), "voices", 64).voices, int)


def test_low_is_not_turned_above_high():
    narrow = Params(low=48, high=60)
    assert turned(narrow, "low", 127) is narrow
    assert turned(narrow, "high", 0) is narrow


def test_the_seed_has_no_controller():
    assert "seed" not in TURNABLE
    with pytest.raises(SettingsError, match="from start to end"):
        merged(Params(), {"seed": 3})


def test_a_change_keeps_the_rest():
    before = Params(role="accompany", bpm=90.0, low=40)
    after = merged(before, {"lead": 1, "chord_lock": "C F"})
    assert after == msgspec.structs.replace(before, lead=1.0, chord_lock="C F")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"loudness": 3}, "'loudness' is no setting"),
        ({"lead": 2}, "lead is 2.0; it must lie between 0.0 and 1.0"),
        ({"low": 99}, "low must not be above high"),
        ({"low": "c"}, "low: expected int"),
        ({"role": "sing"}, "role is "),
        ({"chart": "| H |"}, "chart: line 1"),
        ({"meter": "4/5"}, "meter: "),
        ({"commit": 3}, "commit is 3; choose one of 0, 1, 2, 4"),
        ({"thru": None}, "thru: expected bool"),
    ],
)
def test_an_impossible_change_is_refused_with_a_reason(fields, says):
    with pytest.raises(SettingsError, match=says.replace("(", r"\(")):
        merged(Params(), fields)


@given(st.dictionaries(st.sampled_from(NAMES) | st.text(), st.from_type(object)))
def test_any_change_is_valid_or_refused_in_one_sentence(fields):
    try:
        after = merged(Params(), fields)
    except SettingsError:
        return
    assert params.check(after) == after


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("lead", "0.5", 0.5), ("bpm", "100", 100.0), ("low", "48", 48),
        ("thru", "on", True), ("click", "No", False), ("role", "continue", "continue"),
        ("chord_lock", "C F G7", "C F G7"), ("chart", "", ""), ("meter", "6/8", "6/8"),
    ],
)  # fmt: skip
def test_a_text_is_read_as_what_the_parameter_is(name, text, value):
    found = parsed(name, text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["auto", "none", "0", "0.0"])
@pytest.mark.parametrize("name", ["busy", "thick"])
def test_auto_and_0_are_read_as_none(name, text):
    assert parsed(name, text) is None


@pytest.mark.parametrize("text", ["none", "auto", "0"])
def test_none_auto_and_0_bars_are_no_phrase(text):
    assert parsed("phrase", text) is None


@pytest.mark.parametrize("text", ["auto", "none"])
def test_a_number_that_cannot_be_none_is_not_read_as_none(text):
    with pytest.raises(SettingsError, match="lead is "):
        parsed("lead", text)
    assert parsed("lead", "0") == 0.0


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        (
            "busy",
            "loud",
            "busy is 'loud'; it must be a number between 0.5 and 40.0, or",
        ),
        (
            "phrase",
            "1.5",
            "phrase is '1.5'; it must be a whole number between 1 and 16",
        ),
        ("lead", "loud", "lead is 'loud'; it must be a number between 0.0 and 1.0"),
        ("low", "36.5", "low is '36.5'; it must be a whole number between 0 and 127"),
        ("thru", "perhaps", "thru is 'perhaps'; write yes or no"),
        ("role", "sing", "role is 'sing'; choose one of answer, continue, vary"),
        ("commit", "two", "commit is 'two'; choose one of 0, 1, 2, 4"),
        ("key", "C", "'key' is no setting; choose of role, temperature, top-p"),
    ],
)
def test_a_text_of_another_type_is_refused_with_the_right_one(name, text, says):
    with pytest.raises(SettingsError) as refused:
        parsed(name, text)
    assert str(refused.value).startswith(says)


def test_default_controllers_are_distinct_and_undefined_in_midi():
    numbers = list(check(Settings()).controls.values())
    assert len(set(numbers)) == len(numbers) > 0
    assert set(numbers) <= {
        3,
        9,
        14,
        15,
        *range(20, 32),
        *range(85, 91),
        *range(102, 120),
    }


def test_controls_of_the_file_replace_the_default_ones(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text("[controls]\nlead = 30\nrole = 31\n")
    assert load(path, {}, {}).controls == {"lead": 30, "role": 31}
    path.write_text("[controls]\n")
    assert load(path, {}, {}).controls == {}


@pytest.mark.parametrize(
    ("controls", "says"),
    [
        ({"seed": 20}, "no controller turns 'seed'"),
        ({"loudness": 20}, "no controller turns 'loudness'"),
        ({"lead": 120}, "lead is 120; it must lie between 0 and 119"),
        ({"lead": -1}, "lead is -1"),
        ({"lead": 64}, "no pedal"),
        ({"lead": 20, "busy": 20}, "lead and busy are both 20"),
    ],
)
def test_an_impossible_table_of_controllers_is_refused_with_a_reason(controls, says):
    with pytest.raises(SettingsError, match=says):
        controllers.check_controls(controls)

"""Seats: how they are written, what each one plays by, and what is refused."""

import re

import pytest

from ripieno.commands import arguments, cli
from ripieno.errors import SettingsError
from ripieno.settings import ensemble
from ripieno.settings.config import Settings, load
from ripieno.settings.controllers import check_controls
from ripieno.settings.ensemble import (
    Change,
    Ensemble,
    SeatSettings,
    changed,
    channel_of,
    minds_of,
    selected,
    turned,
)
from ripieno.settings.flags import seat_of, written
from ripieno.settings.params import Params

DUO = Ensemble(
    Params(busy=4.0, bpm=90.0),
    (
        SeatSettings("solo", {"role": "answer", "channel": 1}),
        SeatSettings("keys", {"role": "keys", "channel": 3, "busy": 8.0}),
    ),
)

DUO_IN_A_FILE = """
[play]
busy = 4
bpm = 90
[[seat]]
name = "solo"
role = "answer"
channel = 1
[[seat]]
name = "keys"
role = "keys"
channel = 3
busy = 8
"""


def from_file(folder, text):
    path = folder / "settings.toml"
    path.write_text(text)
    return load(path, {}, {})


def from_flags(*flags):
    return arguments.settings_of(cli._parser().parse_args(["play", *flags]))


def channels(seats):
    return {name: params.channel for name, params in seats.seated().items()}


def program(channel, number):
    """A MIDI program change; both are counted from 0."""
    return bytes((0xC0 | channel, number))


def refused(says):
    return pytest.raises(SettingsError, match=f"^{re.escape(says)}")


# ── which seats there are ─────────────────────────────────────────────────────────────


def test_a_role_that_is_played_alone_has_one_seat_with_all_parameters():
    params = Params(role="vary", busy=4.0, channel=5)
    assert Ensemble(params).seated() == {"solo": params}


def test_accompany_has_three_seats_on_three_channels():
    seated = Ensemble(Params(role="accompany", channel=2)).seated()
    assert {name: params.role for name, params in seated.items()} == {
        "pad": "pad", "bass": "bass", "keys": "keys",
    }  # fmt: skip
    assert [params.channel for params in seated.values()] == [2, 3, 4]


def test_a_part_of_accompany_that_is_not_named_is_a_muted_seat():
    seated = Ensemble(Params(role="accompany", parts="bass texture")).seated()
    assert {name: params.mute for name, params in seated.items()} == {
        "pad": True, "bass": False, "keys": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("channel", "place", "expected"),
    [(1, 0, 1), (1, 2, 3), (8, 2, 11), (9, 1, 11), (10, 1, 11), (16, 1, 1)],
)
def test_seats_skip_the_drum_channel_unless_the_first_is_on_it(
    channel, place, expected
):
    assert channel_of(channel, place) == expected


def test_a_seat_has_the_parameters_of_all_but_for_its_own():
    seated = DUO.seated()
    assert seated["solo"] == Params(role="answer", busy=4.0, bpm=90.0, channel=1)
    assert seated["keys"] == Params(role="keys", busy=8.0, bpm=90.0, channel=3)


def test_seats_that_follow_the_conductor_share_a_mind_and_others_have_their_own():
    assert minds_of(Ensemble(Params(role="accompany"))) == ("accompany",)
    assert minds_of(Ensemble(Params(role="continue"))) == ("answer",)
    own = [("a", "answer"), ("b", "continue"), ("c", "bass"), ("d", "keys")]
    seats = tuple(SeatSettings(name, {"role": role}) for name, role in own)
    assert minds_of(Ensemble(seats=seats)) == ("accompany", "answer", "answer")


# ── how seats are written ─────────────────────────────────────────────────────────────


def test_seats_are_tables_of_the_settings_file(tmp_path):
    settings = from_file(tmp_path, DUO_IN_A_FILE)
    assert settings.ensemble == DUO
    assert settings.seats == DUO.seats


def test_seats_are_flags_of_the_command_line():
    settings = from_flags(
        "--busy=4", "--bpm=90", "--seat", "solo role=answer channel=1",
        "--seat=keys role=keys channel=3 busy=8",
    )  # fmt: skip
    assert settings.ensemble == DUO


def test_seats_of_the_command_line_replace_those_of_the_file(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text(DUO_IN_A_FILE)
    settings = from_flags("--config", str(path), "--seat", "echo role=harmonize")
    assert settings.seats == (SeatSettings("echo", {"role": "harmonize"}, 0),)
    assert settings.play.busy == 4.0


def test_seats_are_handed_to_another_process_by_their_flags():
    settings = Settings(play=DUO.params, seats=DUO.seats)
    again = from_flags(*written(settings, seed=9))
    assert (again.seats, again.play.busy) == (DUO.seats, 4.0)


def test_a_seat_may_have_a_text_with_spaces():
    table = seat_of("echo role=harmonize hears='channel 2'")
    assert table == {"name": "echo", "role": "harmonize", "hears": "channel 2"}


@pytest.mark.parametrize("value", ['"auto"', "0"])
def test_auto_and_0_of_a_seat_in_a_file_leave_the_value_to_the_music(tmp_path, value):
    settings = from_file(
        tmp_path, f'[play]\nbusy = 4\n[[seat]]\nname = "solo"\nbusy = {value}\n'
    )
    assert settings.ensemble.seated()["solo"].busy is None


def test_an_old_name_in_a_seat_means_the_new_one(tmp_path):
    settings = from_file(tmp_path, '[[seat]]\nname = "keys"\nstyle = "pop"\n')
    assert settings.seats == (SeatSettings("keys", {"texture": "pop"}, 0),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("seat = 3", "seat: write each seat as a table [[seat]]."),
        ("[[seat]]\nrole = 'answer'", "a seat needs a name; write 1 to 20"),
        ("[[seat]]\nname = 'Solo'", "'Solo' is no name of a seat; write 1 to 20"),
        ("[[seat]]\nname = 'a'\n[[seat]]\nname = 'a'", "two seats are called 'a'"),
        (
            "[[seat]]\nname = 'a'\nrole = 'sing'",
            "seat a: role is 'sing'; choose one of answer, continue, vary",
        ),
        (
            "[[seat]]\nname = 'a'\nrole = 'accompany'",
            "seat a: accompany takes several seats; choose one of answer, continue",
        ),
        (
            "[[seat]]\nname = 'a'\nbpm = 90",
            "a.bpm is the same for all seats; a seat has: role, temperature",
        ),
        (
            "[[seat]]\nname = 'a'\nloudness = 3",
            "a.loudness is no setting; a seat has: role, temperature",
        ),
        ("[[seat]]\nname = 'a'\nlow = 'c'", "seat a: low: expected int"),
        (
            "[[seat]]\nname = 'a'\nbusy = 99",
            "seat a: busy is 99.0; it must lie between 0.5 and 40.0.",
        ),
        (
            "[[seat]]\nname = 'a'\nhears = 'C5-C2'",
            "seat a: hears: the zone 'C5-C2' is empty; no key lies in it.",
        ),
        (
            "[[seat]]\nname = 'a'\nhears = 'left'",
            "seat a: hears: 'left' needs a split",
        ),
        (
            "".join(f"[[seat]]\nname = 'a{n}'\n" for n in range(17)),
            "there are 17 seats; there may be 16.",
        ),
    ],
)
def test_a_wrong_seat_in_a_file_is_refused_with_a_reason(tmp_path, text, says):
    with refused(says):
        from_file(tmp_path, text)


def test_seats_under_another_name_than_seat_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="unknown field seats"):
        from_file(tmp_path, '[[seats]]\nname = "solo"\n')


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "'' is no seat; write its name and its settings"),
        ("solo role='answer", '"solo role=\'answer" is no seat; write its name'),
        ("solo loud", "'loud' is no setting; write name=value."),
        ("solo busy=loud", "busy is 'loud'; it must be a number between 0.5"),
    ],
)
def test_a_flag_that_is_no_seat_is_refused_with_a_reason(text, says):
    with refused(says):
        seat_of(text)


# ── warnings ──────────────────────────────────────────────────────────────────────────


def test_two_seats_on_one_channel_give_a_warning(capsys):
    seats = ("--seat=solo role=answer channel=3", "--seat=keys role=keys channel=3")
    from_flags(*seats)
    assert capsys.readouterr().err == (
        "The seats solo and keys play on channel 3: a note of one ends the same note "
        "of another. Give each its own channel, such as keys.channel=4.\n"
    )


def test_seats_on_their_own_channels_give_no_warning():
    assert list(ensemble.warnings(DUO)) == []
    assert list(ensemble.warnings(Ensemble(Params(role="accompany")))) == []


# ── changes while it plays ────────────────────────────────────────────────────────────


def test_a_change_of_one_seat_leaves_the_others_as_they_are():
    after = changed(DUO, Change({"keys.busy": 2.0})).seated()
    assert (after["keys"].busy, after["solo"]) == (2.0, DUO.seated()["solo"])


def test_a_change_of_all_seats_reaches_those_without_a_value_of_their_own():
    after = changed(DUO, Change({"busy": 6.0, "bpm": 100.0})).seated()
    assert {name: (p.busy, p.bpm) for name, p in after.items()} == {
        "solo": (6.0, 100.0), "keys": (8.0, 100.0),
    }  # fmt: skip


def test_a_change_of_one_seat_of_accompany_keeps_its_three_seats():
    trio = Ensemble(Params(role="accompany", channel=4))
    after = changed(trio, Change({"keys.busy": 8.0}))
    assert channels(after) == {"pad": 4, "bass": 5, "keys": 6}
    assert after.seated()["keys"].busy == 8.0


def test_a_new_role_of_all_replaces_the_seats():
    after = changed(DUO, Change({"role": "accompany"}))
    assert list(after.seated()) == ["pad", "bass", "keys"]


def test_seats_are_added_at_the_end_and_removed_by_name():
    echo = SeatSettings("echo", {"role": "harmonize"})
    after = changed(DUO, Change(add=(echo,), remove=("solo",)))
    assert list(after.seated()) == ["keys", "echo"]


def test_a_seat_is_added_to_those_of_the_role():
    after = changed(Ensemble(), Change(add=(SeatSettings("echo", {"channel": 2}),)))
    assert channels(after) == {"solo": 1, "echo": 2}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (Change({"lute.busy": 8.0}), "there is no seat 'lute'; there are: solo, keys."),
        (Change(remove=("lute",)), "there is no seat 'lute'; there are: solo, keys."),
        (Change(remove=("solo", "keys")), "keys is the only seat; mute it instead."),
        (Change({"keys.bpm": 90.0}), "keys.bpm is the same for all seats"),
        (Change({"keys.tune": 3}), "keys.tune is no setting"),
        (Change({"keys.busy": 99.0}), "seat keys: busy is 99.0"),
        (Change({"keys.low": 97}), "seat keys: low is 97 and high is 96"),
        (Change({"tune": 3}), "'tune' is no setting"),
        (Change(add=(SeatSettings("solo"),)), "two seats are called 'solo'"),
        (
            Change(add=tuple(SeatSettings(f"a{n}") for n in range(15))),
            "there are 17 seats; there may be 16.",
        ),
    ],
)
def test_an_impossible_change_is_refused_with_a_reason(change, says):
    with refused(says):
        changed(DUO, change)


# ── controllers and programs ──────────────────────────────────────────────────────────


def test_a_controller_turns_a_parameter_of_one_seat():
    after = turned(DUO, "keys.busy", 127).seated()
    assert (after["keys"].busy, after["solo"].busy) == (40.0, 4.0)


def test_a_controller_of_all_seats_turns_those_without_a_value_of_their_own():
    after = turned(DUO, "busy", 127).seated()
    assert (after["keys"].busy, after["solo"].busy) == (8.0, 40.0)


@pytest.mark.parametrize(("name", "value"), [("lute.busy", 127), ("keys.low", 127)])
def test_a_controller_of_a_missing_seat_or_out_of_bounds_changes_nothing(name, value):
    assert turned(DUO, name, value) == DUO


def test_a_controller_of_all_seats_that_a_seat_cannot_follow_changes_nothing():
    low = Ensemble(Params(), (SeatSettings("bass", {"high": 60}),))
    assert turned(low, "low", 70) == low
    assert turned(low, "low", 50).seated()["bass"].low == 50


def test_a_controller_of_the_role_of_all_replaces_the_seats():
    roles = {tuple(turned(DUO, "role", value).seated()) for value in range(128)}
    assert roles == {("solo", "keys"), ("solo",), ("pad", "bass", "keys")}


def test_a_controller_may_be_given_to_a_seat_in_a_file(tmp_path):
    controls = '[controls]\nlead = 20\n"keys.busy" = 21\n'
    settings = from_file(tmp_path, controls + DUO_IN_A_FILE)
    assert settings.controls == {"lead": 20, "keys.busy": 21}


@pytest.mark.parametrize("name", ["keys.bpm", "keys.tune", "keys."])
def test_a_controller_of_a_shared_parameter_for_a_seat_is_refused(name):
    with refused(f"controls: no controller turns {name!r}; choose of role"):
        check_controls({name: 20}, seats=DUO.seated())


def test_a_controller_of_a_seat_that_does_not_exist_is_refused():
    name = "lute.busy"
    with refused("controls: 'lute.busy' names no seat; there are: solo, keys."):
        check_controls({name: 20}, seats=DUO.seated())


def test_a_program_change_on_the_channel_of_a_seat_selects_its_role(tmp_path):
    settings = from_file(
        tmp_path, '[programs]\nkeys = ["keys", "loop"]\n' + DUO_IN_A_FILE
    )
    programs = settings.programs
    assert programs == {"keys": ("keys", "loop")}
    after = selected(DUO, programs, program(2, 1))
    assert after.seated()["keys"].role == "loop"
    assert after.seated()["keys"].busy == 8.0
    assert selected(after, programs, program(2, 0)) == DUO


@pytest.mark.parametrize(("channel", "number"), [(0, 1), (2, 2), (5, 1)])
def test_a_program_change_that_names_no_role_of_a_seat_changes_nothing(channel, number):
    data = program(channel, number)
    assert selected(DUO, {"keys": ("keys", "loop")}, data) == DUO


@pytest.mark.parametrize(
    ("programs", "says"),
    [
        ('lute = ["keys"]', "there is no seat 'lute'; there are: solo, keys."),
        ('keys = ["sing"]', "seat keys: role is 'sing'; choose one of answer"),
        ('keys = ["accompany"]', "seat keys: accompany takes several seats"),
    ],
)
def test_a_program_of_no_seat_or_no_role_is_refused(tmp_path, programs, says):
    with refused(says):
        from_file(tmp_path, f"[programs]\n{programs}\n{DUO_IN_A_FILE}")

"""Settings from files and flags, their precedence and their bounds."""

import math
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tables import BOUNDS

from ripieno.errors import FileError, SettingsError
from ripieno.music import chords, scales
from ripieno.music.meter import Meter
from ripieno.music.spans import STYLES
from ripieno.settings import config, params
from ripieno.settings.config import Settings, load
from ripieno.settings.params import COMMITS, MANNERS, PARTS, Params, parse
from ripieno.settings.roles import ROLES

PARAMS = msgspec.json.schema(Params)["$defs"]["Params"]["properties"]


def is_whole(name):
    return not isinstance(BOUNDS[name][0], float)


def inside(name):
    """Any value of a parameter's type within its bounds, bounds included."""
    low, high = BOUNDS[name]
    if is_whole(name):
        return st.integers(int(low), int(high))
    return st.floats(low, high)


def outside(name):
    """Any value of a parameter's type out of its bounds."""
    low, high = BOUNDS[name]
    if is_whole(name):
        low, high = int(low), int(high)
        return st.integers(max_value=low - 1) | st.integers(min_value=high + 1)
    return (
        st.floats(max_value=low, exclude_max=True)
        | st.floats(min_value=high, exclude_min=True)
        | st.just(math.nan)
    )


bounded = st.sampled_from(sorted(BOUNDS))
names = st.text(
    st.characters(exclude_characters=":", codec="utf-8"), min_size=1, max_size=60
)
some_params = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(list(ROLES)),
        "scale": st.sampled_from(["auto", "off", "D dorian", "F# minor"]),
        "thru": st.booleans(),
        "click": st.booleans(),
        "commit": st.sampled_from(COMMITS),
        "manner": st.sampled_from(MANNERS),
        "texture": st.sampled_from(STYLES),
        "parts": st.lists(st.sampled_from(list(PARTS))).map(" ".join),
        "meter": st.sampled_from(["4/4", "3/4", "12/8", "7/8"]),
        "chord_lock": st.sampled_from(["", "Am", "C F G7"]),
        "chart": st.sampled_from(
            ["", "| C | Am |", "title: One\nF | - | ? x2", "C@1", "F#m7@9 Bb@17"]
        ),
        **{name: inside(name) for name in BOUNDS},
    },
).filter(lambda play: play.get("low", 36) <= play.get("high", 96))
some_settings = st.fixed_dictionaries(
    {},
    optional={
        "model": st.text(),
        "provider": st.sampled_from(config.PROVIDERS),
        "backend": st.sampled_from(config.BACKENDS),
        "name_in": names,
        "name_out": names,
        "journal": st.text(),
        "server_wait_s": st.floats(*config.SERVER_WAIT_S),
        "play": some_params,
    },
)


def toml(table):
    """A table as TOML; every JSON string but for DEL is a TOML string."""
    lines = []
    for name, value in table.items():
        if isinstance(value, dict):
            lines.append(f"\n[{name}]\n{toml(value)}")
        else:
            written = msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")
            lines.insert(0, f"{name} = {written}")
    return "\n".join(lines)


@given(table=some_settings)
def test_every_value_of_the_file_is_set(tmp_path_factory, table):
    path = tmp_path_factory.getbasetemp() / "settings.toml"
    path.write_text(toml(table), encoding="utf-8", newline="")
    play = Params(**table.get("play", {}))
    assert load(path, {}, {}) == Settings(**{**table, "play": play})


@given(some_settings, some_params)
def test_flags_alone_make_the_same_settings_as_a_file(table, play):
    top = {name: value for name, value in table.items() if name != "play"}
    assert load(None, top, play) == Settings(**top, play=Params(**play))


@given(bounded, st.data())
def test_any_value_inside_its_bounds_is_accepted(name, data):
    value = data.draw(inside(name))
    play = {"low": 0, "high": 127} | {name: value}
    assert getattr(load(None, {}, play).play, name) == value


@given(bounded, st.data())
def test_any_value_outside_its_bounds_is_refused_with_both(name, data):
    value, (low, high) = data.draw(outside(name)), BOUNDS[name]
    says = f"{name} is {value}; it must lie between {low} and {high}."
    with pytest.raises(SettingsError, match=f"^{re.escape(says)}$"):
        params.check(msgspec.structs.replace(Params(), **{name: value}))


@given(st.integers(0, 127), st.integers(0, 127))
def test_low_may_equal_high_but_not_pass_it(low, high):
    if low <= high:
        assert load(None, {}, {"low": low, "high": high}).play.high == high
    else:
        with pytest.raises(SettingsError, match=f"low is {low} and high is {high}"):
            load(None, {}, {"low": low, "high": high})


def test_the_defaults_lie_within_their_bounds():
    assert config.check(Settings()) == Settings()


def test_every_number_that_may_be_set_has_bounds():
    numbers = {
        name
        for name, kind in PARAMS.items()
        if {"integer", "number"} & {k.get("type") for k in kind.get("anyOf", [kind])}
    }
    assert numbers == set(BOUNDS) | {"commit"}  # which is one of a few


def test_flags_win_over_the_file_and_the_file_over_the_defaults(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text('model = "a"\nprovider = "cpu"\n[play]\nlow = 40\nhigh = 80\n')
    settings = load(path, {"model": "b"}, {"low": 50})
    assert settings == Settings(model="b", provider="cpu", play=Params(low=50, high=80))


@pytest.mark.parametrize("value", ["auto", "none", 0, 0.0])
@pytest.mark.parametrize("name", ["busy", "thick", "phrase"])
def test_a_word_or_0_in_a_file_or_a_flag_leaves_the_value_to_the_music(
    tmp_path, name, value
):
    path = tmp_path / "settings.toml"
    path.write_text(f"[play]\n{toml({name: value})}\n")
    assert getattr(load(path, {}, {}).play, name) is None
    path.write_text(f"[play]\n{name} = 5\n")
    assert getattr(load(path, {}, {}).play, name) == 5
    assert getattr(load(path, {}, {name: value}).play, name) is None


def test_a_flag_may_replace_an_invalid_value_of_the_file(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text("[play]\nlow = 200\n")
    assert load(path, {}, {"low": 40}).play.low == 40


def test_a_whole_number_is_accepted_for_a_fraction(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text("server_wait_s = 3\n[play]\ntemperature = 1\n")
    settings = load(path, {}, {})
    assert (settings.server_wait_s, settings.play.temperature) == (3.0, 1.0)


def test_an_empty_settings_file_gives_the_defaults(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text("")
    assert load(path, {}, {}) == Settings()


def test_the_message_names_the_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[play]\nlouder = 1")
    with pytest.raises(SettingsError, match=r"mine\.toml: play: .*louder"):
        load(path, {}, {})


def test_a_file_that_is_not_utf8_is_refused_as_toml(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes(b'model = "\xff"')
    with pytest.raises(FileError, match=r"mine\.toml is not TOML"):
        load(path, {}, {})


def test_a_missing_file_is_refused():
    with pytest.raises(FileError, match=r"Cannot read nowhere.toml: No such file"):
        load(Path("nowhere.toml"), {}, {})


def test_settings_cannot_be_changed_while_it_plays():
    with pytest.raises(AttributeError):
        Settings().play.low = 3  # type: ignore[misc]


def test_a_named_scale_is_what_the_model_is_limited_to():
    limits = parse(Params(scale="D dorian")).limits
    assert limits.scale is not None
    allowed = {pc for pc in range(12) if limits.scale >> pc & 1}
    assert allowed == set(scales.named("D dorian")) == {0, 2, 4, 5, 7, 9, 11}


def test_scale_off_allows_every_pitch_class():
    assert parse(Params(scale="off")).limits.scale == 0xFFF


def test_landings_are_bars_from_zero_and_chords():
    play = params.check(Params(chart="C@1  F#m7@17"))
    assert parse(play).guidance.landings == {
        0: chords.named("C"),
        16: chords.named("F#m7"),
    }
    assert parse(play).chart is None
    assert parse(Params(chart="| C | F |")).guidance.landings == {}


def test_a_chart_of_landings_leaves_the_chords_between_them_free():
    assert parse(Params(chart="C@9")).chart is None
    mixed = Params(chart="C@9 | F")
    with pytest.raises(SettingsError, match="'C@9' is not a chord"):
        params.check(mixed)


def test_the_chord_lock_is_a_list_of_chords():
    play = params.check(Params(chord_lock="C F G7"))
    assert [chords.name_of(c) for c in parse(play).guidance.allowed_chords] == [
        "C",
        "F",
        "G7",
    ]


def test_a_chart_is_parsed_once_however_often_other_parameters_change():
    play = Params(role="accompany", chart="C | F G7")
    louder = msgspec.structs.replace(play, lead=0.5)
    assert parse(louder).chart is parse(play).chart
    waltz = msgspec.structs.replace(play, meter="3/4")
    assert parse(waltz).chart != parse(play).chart


def test_a_chart_is_read_in_the_meter():
    play = params.check(Params(chart="| C . Am |", meter="3/4"))
    sheet = parse(play).chart
    assert sheet is not None
    assert (sheet.bar_ticks, parse(play).meter) == (1440, Meter(3, 4))
    assert parse(Params(chart="  ")).chart is None


@pytest.mark.parametrize(
    ("play", "says"),
    [
        (Params(meter="waltz"), r"meter: 'waltz' is not a meter; write one as 4/4"),
        (Params(meter="17/4"), r"meter: .*17 beats in a bar; it must have 1 to 16"),
        (Params(meter="4/5"), r"meter: .*1/5; it must count in one of 2, 4, 8, 16"),
        (Params(chart="C@1 G@"), r"chart: 'G@' is no landing; write C@9"),
        (Params(chart="C@0"), r"chart: 'C@0' is no landing; write C@9"),
        (Params(chart="C@10000"), r"chart: 'C@10000' is no landing; .* at most 9999"),
        (Params(chart=f"C@{'9' * 5000}"), r"chart: .* is no landing; .* at most 9999"),
        (Params(chart="H@9"), r"chart: 'H' is not a chord"),
        (Params(chord_lock="C H"), r"chord_lock: 'H' is not a chord; .*one of: C, Cm"),
        (Params(chart="| C | H |"), r"chart: line 1: 'H' is not a chord"),
        (Params(chart="meter: 3/4\n| C |"), r"chart: it is in 3/4 and meter is 4/4"),
        (Params(parts="bass drums"), r"parts names 'drums'; .*chords, bass, texture"),
        (Params(commit=3), r"commit is 3; choose one of 0, 1, 2, 4"),
        (Params(texture="polka"), r"texture is 'polka'; choose one of auto, pop, song"),
        (Params(manner="tenths"), r"manner is 'tenths'; choose one of learned, thi"),
    ],
)
def test_a_text_that_cannot_be_read_is_refused_with_what_can(play, says):
    with pytest.raises(SettingsError, match=f"^{says}"):
        params.check(play)

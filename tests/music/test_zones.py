"""Which messages belong to a zone, and how a zone is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripieno.music import messages, zones
from ripieno.music.zones import ALL, Zone

SPLIT = 60
keys, channels = st.integers(0, 127), st.integers(0, 15)


@pytest.mark.parametrize(
    ("text", "split", "zone"),
    [
        ("all", None, ALL),
        ("all", SPLIT, ALL),
        ("auto", None, ALL),
        ("auto", SPLIT, Zone(low=60)),
        ("right", SPLIT, Zone(low=60)),
        (" Left ", SPLIT, Zone(0, 59)),
        ("channel 2", None, Zone(channel=1)),
        ("channel16", SPLIT, Zone(channel=15)),
        ("C2-B3", None, Zone(36, 59)),
        ("C-1 - G9", None, ALL),
        ("bb2-f#3", SPLIT, Zone(46, 54)),
    ],
)
def test_a_zone_is_read_as_a_person_writes_it(text, split, zone):
    assert zones.parse(text, split) == zone


@pytest.mark.parametrize(
    ("text", "split", "why"),
    [
        ("left", None, "needs a split point"),
        ("right", None, "needs a split point"),
        ("left", 0, "is empty"),
        ("C4-B3", None, "is empty"),
        ("channel 0", None, "there are 1 to 16"),
        ("channel 17", None, "there are 1 to 16"),
        ("C2-H3", None, "is no zone"),
        ("", None, "is no zone"),
        ("C9-C10", None, "no MIDI key"),
    ],
)
def test_what_names_no_zone_is_refused_with_the_reason(text, split, why):
    with pytest.raises(ValueError, match=why):
        zones.parse(text, split)


@given(channels, keys, st.integers(1, 127), st.integers(1, 127))
def test_left_and_right_take_each_note_on_once(channel, key, velocity, split):
    left, right = (zones.parse(side, split) for side in ("left", "right"))
    data = messages.note_on(channel, key, velocity)
    assert left.takes(data) != right.takes(data)
    assert left.takes(data) == (key < split)


@given(channels, channels)
def test_a_channels_zone_takes_what_is_played_on_it_alone(wanted, channel):
    zone = Zone(channel=wanted)
    for data in (messages.note_on(channel, 60, 70), messages.control(channel, 64, 127)):
        assert zone.takes(data) == (channel == wanted)


@given(channels, keys, st.builds(Zone, keys, keys, st.none() | channels))
def test_a_note_off_belongs_to_every_zone(channel, key, zone):
    assert zone.takes(messages.note_off(channel, key))


def test_a_pedal_belongs_to_every_range_of_keys():
    assert Zone(36, 47).takes(messages.control(3, messages.SUSTAIN, 127))

"""Several seats in simulated time: what happens where they meet, change and stop."""

import pytest

from ripieno.engine import Engine
from ripieno.hear.listener import Listener
from ripieno.music import messages
from ripieno.music.zones import Zone
from ripieno.settings.beginning import Beginning
from ripieno.settings.config import load
from ripieno.settings.ensemble import Change, Ensemble, SeatSettings, changed
from ripieno.settings.params import Params
from ripieno.simulation import Simulation
from ripieno.testing import ScriptedDuet

MS = 1_000_000
BEAT = 500 * MS
C, F = (48, 52, 55), (48, 53, 57)


def performed(params, *seats):
    """A performance that has begun, with an accompanist that plays C and 36."""
    engine = Engine(Beginning(params, seats, seed=1))
    return Simulation(engine, ScriptedDuet(), ready=ScriptedDuet.ready)


def held(pitches, from_ns, until_ns):
    """The messages of some keys that go down and come up together."""
    downs = [(from_ns, messages.note_on(0, pitch, 80)) for pitch in pitches]
    return [*downs, *((until_ns, messages.note_off(0, pitch)) for pitch in pitches)]


def struck(played, channel, from_ns=0):
    """When and what a channel, from 0 on, strikes."""
    return [
        (at_ns, send.data[1])
        for at_ns, send in played.sent
        if send.data[0] == 0x90 | channel and at_ns >= from_ns
    ]


def hanging(played):
    """The keys that are down at the end, by channel."""
    down = set()
    for _, send in played.sent:
        key = send.data[0] & 15, send.data[1]
        if messages.is_note_on(send.data):
            down.add(key)
        elif messages.is_note_off(send.data):
            down.discard(key)
    return down


SPLIT = Params(role="accompany", split="C4", listen=0)


def test_a_left_hand_chord_starts_a_band_that_has_not_played():
    played = performed(Params(role="accompany", split="C4"))
    begin = 4 * BEAT + 200 * MS
    played.play(held(C, begin, begin + 3 * BEAT))
    first, _ = struck(played, 0)[0]
    assert first - begin == 22 * MS
    assert played.engine.status().chord == "C"


def test_the_same_chord_again_starts_a_band_that_rests():
    played = performed(SPLIT)
    played.play(held(C, 2 * BEAT, 3 * BEAT))
    played.run_until(60 * BEAT)
    assert played.engine.status().sounding == 0
    again = 60 * BEAT + 200 * MS
    played.play(held(C, again, again + BEAT))
    assert struck(played, 0, again)


@pytest.mark.parametrize("commit", [0, 1, 2, 4])
@pytest.mark.parametrize("before_ms", range(0, 60, 7))
def test_a_chord_just_before_a_beat_sounds_and_leaves_nothing(commit, before_ms):
    engine = Engine(Beginning(Params(
        role="accompany", split="C4", listen=0, commit=commit,
    ), reach_ns=46 * MS, seed=1))  # fmt: skip
    played = Simulation(engine, ScriptedDuet(), ready=ScriptedDuet.ready)
    played.play(held(C, 2 * BEAT, 6 * BEAT))
    at_ns = 7 * BEAT - before_ms * MS
    played.play(held(F, at_ns, at_ns + 2 * BEAT))
    assert engine.status().chord == "F/C"
    played.stop()
    assert not hanging(played)


def test_keys_that_come_up_while_the_split_is_off_are_not_held_afterwards():
    played = performed(SPLIT)
    played.play(held(C, 2 * BEAT, 200 * BEAT)[:3])
    engine = played.engine
    engine.turned(played.now_ns, changed(engine.ensemble, Change({"split": "off"})))
    played.play([(4 * BEAT, messages.note_off(0, pitch)) for pitch in C])
    engine.turned(played.now_ns, changed(engine.ensemble, Change({"split": "C4"})))
    played.run_until(80 * BEAT)
    assert engine.status().sounding == 0


def test_the_bass_plays_the_lowest_key_of_the_left_hand():
    played = performed(SPLIT)
    played.play(held((52, 55, 60 - 12), 2 * BEAT, 6 * BEAT))
    played.play(held((52, 55, 60 - 24 + 12), 6 * BEAT, 8 * BEAT))
    at_ns = 8 * BEAT + 100 * MS
    played.play(held((40, 48, 55), at_ns, at_ns + 2 * BEAT))
    assert played.engine.status().chord == "C/E"
    _, pitch = struck(played, 1, at_ns)[0]
    assert pitch % 12 == 4


def test_each_seat_of_a_texture_plays_in_its_own_register():
    seats = (
        SeatSettings("keys", {"role": "keys", "channel": 1, "low": 60}),
        SeatSettings("bass", {"role": "bass", "channel": 2, "low": 24, "high": 35}),
        SeatSettings("high", {"role": "keys", "channel": 3, "low": 84, "high": 96}),
    )
    played = performed(Params(listen=0), *seats)
    for beat in range(2, 12):
        played.play(held((72,), beat * BEAT, beat * BEAT + 300 * MS))
    bounds = [(60, 96), (24, 35), (84, 96)]
    for channel, (low, high) in enumerate(bounds):
        pitches = [pitch for _, pitch in struck(played, channel)]
        assert pitches
        assert low <= min(pitches) <= max(pitches) <= high


def test_a_seat_that_is_added_hears_the_keys_that_are_down_come_up():
    played = performed(Params(), SeatSettings("solo"))
    played.play(held((60, 64), BEAT, 20 * BEAT)[:2])
    engine = played.engine
    echo = SeatSettings("echo", {"role": "answer", "channel": 2})
    engine.turned(played.now_ns, changed(engine.ensemble, Change(add=(echo,))))
    played.play([(2 * BEAT, messages.note_off(0, pitch)) for pitch in (60, 64)])
    played.run_until(20 * BEAT)
    assert [seat.turn for seat in engine.status().seats] != ["human", "human"]


def test_a_listener_for_a_zone_has_only_the_keys_of_the_zone():
    listener = Listener()
    listener.hear(0, messages.note_on(1, 40, 80))
    listener.hear(0, messages.note_on(2, 70, 80))
    assert listener.within(Zone(high=59)).holds_keys
    assert not listener.within(Zone(high=59, channel=2)).holds_keys


def test_a_panic_lets_nothing_begin():
    played = performed(SPLIT)
    played.play(held(C, 2 * BEAT, 20 * BEAT)[:3])
    played.run_until(7 * BEAT)
    count = len([0 for _, send in played.sent if messages.is_note_on(send.data)])
    played.stop()
    assert count == len([0 for _, s in played.sent if messages.is_note_on(s.data)])
    assert not hanging(played)


def test_a_note_that_another_seat_on_the_channel_ends_is_known_to_its_owner():
    played = performed(
        Params(listen=0),
        SeatSettings("one", {"role": "keys", "channel": 1}),
        SeatSettings("two", {"role": "keys", "channel": 1}),
    )
    for beat in range(2, 12):
        played.play(held((72,), beat * BEAT, beat * BEAT + 300 * MS))
    played.stop()
    assert not hanging(played)
    by_seat = {1: 0, 2: 0}
    for _, send in played.sent:
        by_seat[send.seat] += 1 if messages.is_note_on(send.data) else -1
    assert by_seat == {1: 0, 2: 0}


def test_parts_mute_the_seats_of_accompany_also_after_one_was_changed():
    ensemble = changed(Ensemble(Params(role="accompany")), Change({"keys.busy": 8.0}))
    after = changed(ensemble, Change({"parts": "bass"})).seated()
    assert [name for name, params in after.items() if params.mute] == ["pad", "keys"]


def test_the_same_role_again_keeps_the_seats_and_another_one_replaces_them():
    solo = SeatSettings("solo", {"role": "answer", "channel": 5})
    ensemble = changed(Ensemble(Params(role="accompany")), Change(add=(solo,)))
    assert list(changed(ensemble, Change({"role": "accompany"})).seated()) == [
        "pad", "bass", "keys", "solo",
    ]  # fmt: skip
    assert list(changed(ensemble, Change({"role": "loop"})).seated()) == ["solo"]


def test_seats_are_added_to_those_of_a_role_on_free_channels():
    seats = [{"name": "solo", "role": "answer"}, {"name": "bass", "level": 0.5}]
    settings = load(None, {"seat": seats}, {"role": "accompany"})
    seated = settings.ensemble.seated()
    assert [(name, params.channel) for name, params in seated.items()] == [
        ("pad", 1), ("bass", 2), ("keys", 3), ("solo", 4),
    ]  # fmt: skip
    assert seated["bass"].level == 0.5
    assert list(load(None, {"seat": seats[:1]}, {}).ensemble.seated()) == ["solo"]

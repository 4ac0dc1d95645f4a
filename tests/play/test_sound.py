"""Programs and volumes: what a seat sends before it plays, when, and its replay."""

import pytest
from tests.band import Band
from tests.inputs import S

from ripieno.engine import Engine, Send
from ripieno.music import messages
from ripieno.music.messages import EXPRESSION, VOLUME, control, select
from ripieno.play import sound
from ripieno.settings.beginning import Beginning
from ripieno.settings.ensemble import Change, SeatSettings, changed
from ripieno.settings.params import Params
from ripieno.settings.roles import ROLES

PAD, BASS, KEYS = (ROLES[name] for name in ("pad", "bass", "keys"))
SOLO = SeatSettings("solo", {"role": "answer", "channel": 5})


def begun(**play):
    return Engine(Beginning(Params(**play), sets_up=True))


def set_up(engine, now_ns=0):
    """What an advance sends besides notes."""
    sent = [e.data for e in engine.advance(now_ns) if isinstance(e, Send)]
    return [data for data in sent if data[0] >= messages.CONTROL]


def turn(engine, at_ns=S, **change):
    engine.turned(at_ns, changed(engine.ensemble, Change(**change)))
    return set_up(engine, at_ns)


def test_each_seat_sends_its_program_and_its_volume_at_the_start_and_once():
    engine = begun(role="accompany")
    expected = []
    for channel, role in enumerate((PAD, BASS, KEYS)):
        expected += [
            select(channel, role.program),
            control(channel, VOLUME, role.volume),
            control(channel, EXPRESSION, 127),
        ]
    assert set_up(engine) == expected
    assert set_up(engine, S) == []


def test_a_pad_has_less_volume_than_what_the_soloist_has_by_default():
    assert PAD.volume < 100


@pytest.mark.parametrize(
    ("off", "kept"), [("sends_program", 0xB0), ("sends_volume", 0xC0)]
)
def test_what_is_switched_off_is_not_sent(off, kept):
    sent = set_up(begun(role="pad", **{off: False}))
    assert {data[0] for data in sent} == {kept}


def test_no_program_is_sent_on_the_drum_channel():
    assert sound.maybe_program(Params(role="keys", channel=10)) is None


def test_a_seat_that_changes_role_or_channel_sends_its_sound_again():
    engine = begun(role="answer")
    set_up(engine)
    assert turn(engine, fields={"role": "pad"})[0] == select(0, PAD.program)
    assert turn(engine, fields={"channel": 4})[0] == select(3, PAD.program)
    assert turn(engine, fields={"level": 0.5}) == []


def test_a_seat_that_is_added_sends_its_sound_and_the_others_do_not():
    engine = begun(role="accompany")
    set_up(engine)
    added = turn(engine, add=(SOLO,))
    assert {messages.channel_of(data) for data in added} == {4}


def test_a_panic_sends_every_sound_again():
    engine = begun(role="accompany")
    before = set_up(engine)
    engine.release(S)
    assert set_up(engine, S) == before


def test_a_new_connection_sends_every_sound_again_and_once():
    engine = begun(role="accompany")
    before = set_up(engine)
    engine.connected(S)
    assert set_up(engine, S) == before
    assert set_up(engine, 2 * S) == []


def test_a_player_that_is_restarted_sends_every_sound_again():
    begins = Beginning(Params(role="pad"), epoch=1, sets_up=True)
    assert set_up(Engine(begins))[0] == select(0, PAD.program)


def test_an_engine_that_renders_a_file_sends_no_sound():
    assert set_up(Engine(Beginning(Params(role="accompany")))) == []


def test_a_program_of_ours_that_comes_back_selects_no_role():
    begins = Beginning(
        Params(role="pad"), sets_up=True, programs={"solo": ("answer",) * 128}
    )
    engine = Engine(begins)
    (program, *_) = set_up(engine)
    engine.heard(1_000_000, program)
    assert engine.params.role == "pad"
    engine.heard(S, program)
    assert engine.ensemble.seated()["solo"].role == "answer"


def test_a_live_player_sends_sounds_through_the_journal(tmp_path):
    band = Band(tmp_path, Params(role="accompany", listen=0))
    band.run(0.1)
    band.player.release()
    band.run(0.1)
    band.player.connected()
    band.run(0.1)
    assert band.sent.count(select(0, PAD.program)) == 3
    assert band.replayed().differing == 0

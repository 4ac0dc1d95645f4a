"""The player between its port and its rings: what is lost is counted, nothing hangs."""

from tests.band import Band, sounding

from ripieno.music import messages
from ripieno.params import Params


def test_what_the_thinker_had_no_room_for_is_counted(tmp_path):
    full, roomy = Band(tmp_path, told_bytes=64), Band(tmp_path)
    for band in (full, roomy):
        band.play(60, 62, 64, 65)
    assert full.player.status().untold >= 8
    assert roomy.player.status().untold == 0


def test_when_nobody_plays_to_us_any_more_what_is_held_ends(tmp_path):
    band = Band(tmp_path, Params(role="harmonize", thru=True))
    band.feed(messages.note_on(0, 72, 80), messages.control(0, messages.SUSTAIN, 127))
    band.run(0.1)
    assert len(sounding(band.sent)) == 4
    band.player.cut_off()
    band.run(0.1)
    assert not sounding(band.sent)
    assert messages.control(0, messages.SUSTAIN, 0) in band.sent
    assert band.replayed().differing == 0


def test_a_key_that_was_held_then_keeps_no_phrase_open(tmp_path):
    band = Band(tmp_path)
    band.feed(messages.note_on(0, 72, 80))
    band.run(1.0)
    band.player.cut_off()
    band.play(60, 62, 64, 65)
    band.run(4.0)
    assert band.player.status().turns == 1

"""The player between its port and its rings: losses are counted, no note hangs."""

from itertools import pairwise

import pytest
from tests.band import Band
from tests.outputs import unbalanced

from ripieno.clock import NS_PER_S
from ripieno.commands.replay import replay
from ripieno.files import journal
from ripieno.music import messages
from ripieno.processes.player import MOST_HEARD
from ripieno.settings.params import Params


def test_messages_that_do_not_fit_the_thinkers_ring_are_counted(tmp_path):
    full, roomy = Band(tmp_path, told_bytes=64), Band(tmp_path)
    for band in (full, roomy):
        band.play(60, 62, 64, 65)
    assert full.player.status().untold >= 8
    assert roomy.player.status().untold == 0


def test_a_lost_input_ends_held_notes_and_pedals(tmp_path):
    band = Band(tmp_path, Params(role="harmonize", thru=True))
    band.feed(messages.note_on(0, 72, 80), messages.control(0, messages.SUSTAIN, 127))
    band.run(0.1)
    assert len(unbalanced(band.sent)) == 4
    band.player.cut_off()
    band.run(0.1)
    assert not unbalanced(band.sent)
    assert messages.control(0, messages.SUSTAIN, 0) in band.sent
    assert band.replayed().differing == 0


def test_a_key_held_when_the_input_was_lost_keeps_no_phrase_open(tmp_path):
    band = Band(tmp_path)
    band.feed(messages.note_on(0, 72, 80))
    band.run(1.0)
    band.player.cut_off()
    band.play(60, 62, 64, 65)
    band.run(4.0)
    assert band.player.status().turns == 1


def test_a_turn_takes_some_of_a_burst_and_the_next_ones_take_the_rest(tmp_path):
    band = Band(tmp_path, Params(role="harmonize", thru=True))
    for place in range(2_000):
        key = 60 + place % 12
        band.port.feed(messages.note_on(0, key, 80), messages.note_off(0, key))
    heard = [0]
    while heard[-1] < 2_000 and len(heard) < 100:
        band.player.turn()
        heard.append(band.player.status().heard)
        now_ns = band.clock.now_ns()
        assert (band.player.wake_ns(now_ns) == now_ns) == (heard[-1] < 2_000)
    assert heard[-1] == 2_000
    assert all(later - before <= MOST_HEARD for before, later in pairwise(heard))
    band.run(0.1)
    assert not unbalanced(band.sent)
    assert band.replayed().differing == 0


def test_a_journal_that_lost_entries_says_so_and_is_compared_up_to_there(tmp_path):
    band = Band(tmp_path, Params(role="harmonize"), log_bytes=22_528)
    band.play(60, 62, 64, 65)
    assert band.keep() is None
    lost_s = band.clock.now_ns() / NS_PER_S - 5.0
    band.play(*range(40, 90))
    unlogged = band.player.status().unlogged
    assert unlogged > 50
    assert band.keep() is None  # what there was room for is there
    band.play(60)
    assert band.keep() == journal.LOSES
    band.play(62)
    assert band.keep() is None
    found = band.replayed()
    assert (found.differing, found.differing_plans) == (0, 0), found.first
    assert found.outputs > 8
    assert [(gap.until_s, gap.lost) for gap in found.gaps] == [(None, unlogged)]
    assert lost_s < found.gaps[0].from_s < band.clock.now_ns() / NS_PER_S - 6.0
    assert band.file is not None
    assert band.file.lost == unlogged


def test_without_the_entry_that_tells_of_a_loss_the_replay_differs(tmp_path):
    """The same journal without the entry is compared and differs."""
    band = Band(tmp_path, Params(role="harmonize"), log_bytes=22_528)
    band.play(*range(40, 90))
    band.keep()
    band.play(60, 62)
    assert band.replayed().differing == 0
    lines = band.path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(b'{"type":"Lost"')]
    assert len(kept) < len(lines)
    band.path.write_bytes(b"".join(kept))
    assert replay(band.path).differing > 0


def test_a_loss_at_the_very_end_is_told_as_well(tmp_path):
    band = Band(tmp_path, Params(role="harmonize"), log_bytes=22_528)
    band.play(*range(40, 90))
    found = band.replayed()
    assert found.differing == 0, found.first
    assert [gap.lost for gap in found.gaps] == [band.player.status().unlogged]


def clocks_with_a_loss(band, *, tells):
    """Four beats of MIDI clock at 125 bpm, a loss of five clocks, and two beats."""
    band.feed(b"\xfa")
    for clock in range(24 * 6):
        if not 96 <= clock < 101:
            band.port.gaps_heard += tells and clock == 101
            band.port.feed(b"\xf8")
        band.run(0.02)


def test_a_report_of_lost_messages_is_replayed_bit_for_bit(tmp_path):
    band = Band(tmp_path, Params(role="accompany", listen=0))
    clocks_with_a_loss(band, tells=True)
    for beat in range(12):
        band.feed(messages.note_on(0, 60 + beat, 80))
        for clock in range(24):
            band.feed(b"\xf8")
            band.run(0.018)
            if clock == 12:
                band.feed(messages.note_off(0, 60 + beat))
    found = band.replayed()
    assert found.outputs > 10
    assert found.differing == 0, found.first
    written = band.path.read_bytes()
    assert written.count(b'{"type":"Missed"') == 1


def test_a_journal_without_a_report_is_replayed_differently(tmp_path):
    """The same bytes without the entry give another performance."""
    band = Band(tmp_path, Params(role="accompany", listen=0))
    clocks_with_a_loss(band, tells=True)
    for _ in range(24):
        band.feed(messages.note_on(0, 60, 80))
        for _ in range(24):
            band.feed(b"\xf8")
            band.run(0.018)
        band.feed(messages.note_off(0, 60))
    assert band.replayed().differing == 0
    lines = band.path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(b'{"type":"Missed"')]
    assert len(kept) == len(lines) - 1
    band.path.write_bytes(b"".join(kept))
    assert replay(band.path).differing > 0


@pytest.mark.parametrize("role", ["answer", "harmonize", "accompany"])
def test_what_is_cut_off_amid_a_burst_leaves_nothing_sounding(tmp_path, role):
    """Keys that wait to be heard are heard before what is held is let go."""
    band = Band(tmp_path, Params(role=role, thru=True))
    for _ in range(300):
        band.port.feed(messages.note_on(0, 60, 70))
        band.port.feed(messages.note_off(0, 60))
    band.port.feed(messages.note_on(0, 40, 70))
    band.player.turn()
    band.player.cut_off()
    band.run(20)
    assert not unbalanced(band.sent)

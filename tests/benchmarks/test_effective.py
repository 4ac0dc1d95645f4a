"""Which MIDI messages of a stream change what a receiver sounds."""

from benchmarks.effective import effective, sounding

from ripieno.music import messages

ON, OFF = messages.note_on(1, 60, 70), messages.note_off(1, 60)
FAST_OFF = bytes((0x81, 60, 99))
DOWN, UP = messages.control(0, 64, 127), messages.control(0, 64, 0)


def test_a_repeated_note_off_changes_nothing():
    assert list(effective([ON, OFF, OFF, FAST_OFF])) == [ON, OFF]


def test_a_repeated_note_off_makes_good_for_a_lost_one():
    assert list(effective([ON, FAST_OFF])) == list(effective([ON, OFF]))


def test_a_lost_note_off_is_missed():
    assert list(effective([ON, ON, OFF])) == [ON, ON, OFF]
    assert list(effective([ON, OFF, ON, OFF])) == [ON, OFF, ON, OFF]


def test_a_repeated_note_on_counts():
    assert list(effective([ON, ON])) == [ON, ON]


def test_pedals_that_are_up_and_silences_change_nothing():
    silence = messages.control(0, messages.ALL_NOTES_OFF, 0)
    assert list(effective([UP, silence, DOWN, UP, UP])) == [DOWN, UP]


def test_other_messages_stay_as_they_are():
    others = [messages.control(3, 1, 100), b"\xe0\x00\x40"]
    assert list(effective([*others, b"\xf8"])) == others


def test_programs_and_volumes_are_left_out():
    assert not list(
        effective([b"\xc0\x05", *(messages.control(3, n, 9) for n in (7, 11))])
    )


def test_a_key_sounds_until_its_note_off():
    assert sounding([ON, OFF, ON]) == {(1, 60): 1}
    assert not sounding([ON, ON, OFF])
    assert not sounding([OFF, OFF])

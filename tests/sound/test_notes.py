"""Raw messages become notes with a length."""

from ripieno.sound.notes import SoundingNote, sounding_notes

S = 1_000_000_000


def test_an_on_and_its_off_are_a_note() -> None:
    messages = [(0, b"\x90\x3c\x50"), (S // 2, b"\x80\x3c\x00")]
    assert sounding_notes(messages) == [SoundingNote(0.0, 0.5, 60, 80)]


def test_a_note_on_of_velocity_zero_is_an_off() -> None:
    messages = [(0, b"\x90\x3c\x50"), (S, b"\x90\x3c\x00")]
    assert sounding_notes(messages) == [SoundingNote(0.0, 1.0, 60, 80)]


def test_the_pedal_holds_a_note_until_it_comes_up() -> None:
    messages = [
        (0, b"\x90\x3c\x50"),
        (1, b"\xb0\x40\x7f"),
        (S, b"\x80\x3c\x00"),
        (2 * S, b"\xb0\x40\x00"),
    ]
    assert sounding_notes(messages) == [SoundingNote(0.0, 2.0, 60, 80)]


def test_a_pedal_of_another_channel_holds_nothing() -> None:
    messages = [(0, b"\xb1\x40\x7f"), (0, b"\x90\x3c\x50"), (S, b"\x80\x3c\x00")]
    assert sounding_notes(messages) == [SoundingNote(0.0, 1.0, 60, 80)]


def test_a_key_struck_again_ends_its_first_note() -> None:
    messages = [(0, b"\x90\x3c\x50"), (S, b"\x90\x3c\x51"), (2 * S, b"\x80\x3c\x00")]
    assert sounding_notes(messages) == [
        SoundingNote(0.0, 1.0, 60, 80),
        SoundingNote(1.0, 2.0, 60, 81),
    ]


def test_a_note_that_never_ends_is_ended_by_the_last_message() -> None:
    messages = [(0, b"\x90\x3c\x50"), (S, b"\xb0\x07\x64"), (S, b"\xc0\x01")]
    assert sounding_notes(messages) == [SoundingNote(0.0, 1.0, 60, 80)]


def test_no_messages_are_no_notes() -> None:
    assert sounding_notes([]) == []


def test_a_note_has_the_gain_of_its_channel() -> None:
    messages = [
        (0, b"\xb0\x07\x32"),  # half of the volume that a channel begins with
        (0, b"\x90\x3c\x50"),
        (0, b"\x91\x3c\x50"),
        (S, b"\x80\x3c\x00"),
        (S, b"\x81\x3c\x00"),
    ]
    assert [note.gain for note in sounding_notes(messages)] == [0.25, 1.0]

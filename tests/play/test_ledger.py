from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ripieno.music import messages
from ripieno.play.ledger import SIZE, THRU, Ledger
from ripieno.play.scheduler import MOST_SEATS, owner_of

note_ids = st.integers(0, 5)
calls = st.one_of(
    st.tuples(st.just("on"), st.integers(0, 1), st.integers(60, 63), note_ids),
    st.tuples(st.just("off"), st.integers(0, 1), st.integers(60, 63), note_ids),
    st.tuples(st.just("settle")),
    st.tuples(st.just("machine")),
)


def is_planned(note_id):
    return owner_of(note_id) >= 0


def play(ledger, stream):
    out = []
    for name, *rest in stream:
        if name == "on":
            channel, pitch, note_id = rest
            out += ledger.on(channel, pitch, 70, note_id)
        elif name == "off":
            out += ledger.off(*rest)
        elif name == "machine":
            out += ledger.release(is_planned)
        else:
            ledger.settle()
    return out


def balance(out):
    """Note-ons minus note-offs of each key; asserts that it stays 0 or 1."""
    sounding: Counter[tuple[int, int]] = Counter()
    for data in out:
        key = (messages.channel_of(data), data[1])
        sounding[key] += 1 if messages.is_note_on(data) else -1
        assert sounding[key] in {0, 1}
    return +sounding


@given(st.lists(calls, max_size=60))
def test_after_a_release_note_ons_equal_note_offs(stream):
    memory = bytearray(SIZE)
    ledger = Ledger(memory)
    out = play(ledger, stream) + ledger.release_all()
    ledger.settle()
    assert not balance(out)
    assert ledger.sounding == 0
    assert not any(memory)


@given(st.lists(calls, max_size=60))
def test_a_new_ledger_releases_what_the_last_one_left_sounding(stream):
    memory = bytearray(SIZE)
    out = play(Ledger(memory), stream)
    heir = Ledger(memory)
    offs = Counter((data[0] & 15, data[1]) for data in heir.release_all())
    left = balance(out)
    assert all(offs[key] for key in left)


def test_a_retrigger_releases_first():
    ledger = Ledger()
    ledger.on(0, 60, 70, 1)
    assert ledger.on(0, 60, 80, 2) == [
        messages.note_off(0, 60),
        messages.note_on(0, 60, 80),
    ]


def test_the_late_off_of_an_old_note_does_not_end_a_restruck_key():
    ledger = Ledger()
    ledger.on(0, 60, 70, 1)
    ledger.on(0, 60, 80, 2)
    assert ledger.off(0, 60, 1) == []
    assert ledger.off(0, 60, 2) == [messages.note_off(0, 60)]


def test_releasing_planned_notes_keeps_the_humans_notes():
    ledger = Ledger()
    ledger.on(0, 60, 70, THRU)
    ledger.on(0, 64, 70, 1)
    assert ledger.release(is_planned) == [messages.note_off(0, 64)]
    assert ledger.sounding == 1


def test_releasing_the_notes_of_a_seat_keeps_those_of_the_others():
    ledger = Ledger()
    for seat, pitch in ((1, 60), (2, 64), (1, 67)):
        ledger.on(0, pitch, 70, 5 * MOST_SEATS + seat)
    mine = ledger.release(lambda note_id: owner_of(note_id) == 1)
    assert mine == [messages.note_off(0, 60), messages.note_off(0, 67)]
    assert ledger.sounding == 1


def test_a_pedal_left_down_is_lifted():
    ledger = Ledger()
    ledger.pedal(2, messages.SUSTAIN, 127)
    assert ledger.release_all() == [messages.control(2, messages.SUSTAIN, 0)]
    assert ledger.release_all() == []


def test_a_note_struck_again_before_settling_stays_in_memory():
    memory = bytearray(SIZE)
    ledger = Ledger(memory)
    ledger.on(0, 60, 70, 1)
    ledger.off(0, 60, 1)
    ledger.on(0, 60, 70, 2)
    ledger.settle()
    assert Ledger(memory).release_all() == [messages.note_off(0, 60)]

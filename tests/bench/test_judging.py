"""What the jitter measurement makes of what was planned and what came."""

from hypothesis import given
from hypothesis import strategies as st

from ripieno.bench.lateness import judged, wrapped
from ripieno.bench.pairing import Stamped
from ripieno.bench.planned import Done, planned

NOTES = planned((4_000_000,) * 20, 0)


def done(notes=NOTES):
    return Done(list(notes), [note.at_ns - 8 for note in notes])


def test_lateness_is_arrived_minus_due():
    heard = [note._replace(at_ns=note.at_ns + 3) for note in NOTES]
    found = judged(done(), heard, is_realtime=True)
    assert found.late_ns == [3] * 20
    assert found.handed_ns == [-8] * 20
    assert (found.lost, found.doubled) == (0, 0)


def test_what_arrived_before_it_was_sent_is_unclear_and_not_lost():
    heard = [note._replace(at_ns=note.at_ns - 9) for note in NOTES[:5]]
    found = judged(done(), heard + list(NOTES[5:]), is_realtime=True)
    assert (found.unclear, found.lost) == (5, 0)
    assert found.late_ns == [0] * 15


@given(st.sets(st.integers(0, 19)), st.sets(st.integers(0, 19)))
def test_what_is_lost_or_doubled_is_counted(lost, doubled):
    heard = [note for index, note in enumerate(NOTES) if index not in lost]
    again = [NOTES[index] for index in doubled - lost]
    found = judged(done(), heard + again, is_realtime=True)
    assert found.lost == len(lost)
    assert found.doubled == len(doubled - lost)


def test_frames_count_across_the_end_of_the_servers_clock():
    last = (1 << 32) - 2
    notes = [note._replace(frame=last) for note in NOTES]
    heard = [Stamped(note.at_ns, note.data, frame=1) for note in NOTES]
    assert judged(done(notes), heard, is_realtime=True).late_frames == [3] * 20


@given(st.integers(-(1 << 31), (1 << 31) - 1))
def test_a_short_distance_is_itself(frames):
    assert wrapped(frames) == wrapped(frames + (1 << 32)) == frames

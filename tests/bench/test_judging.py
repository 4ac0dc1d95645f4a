"""The jitter measurement compares planned messages with arrived ones."""

from hypothesis import given
from hypothesis import strategies as st

from ripieno.bench.lateness import judged, wrapped
from ripieno.bench.pairing import Stamped
from ripieno.bench.planned import Done, planned
from ripieno.music import messages

MS = 1_000_000
MESSAGES = planned(tuple((4 * n * MS, 4 * n * MS + 6 * MS) for n in range(20)), 0)
ONS = {n for n, sent in enumerate(MESSAGES) if messages.is_note_on(sent.data)}
OFFS = set(range(40)) - ONS


def done(sent=MESSAGES):
    return Done(list(sent), [message.at_ns - 8 for message in sent])


def lost(outcome):
    """How many note-ons and how many note-offs never came."""
    assert (outcome.counts["note-ons"], outcome.counts["note-offs"]) == (20, 20)
    return outcome.counts["note-ons lost"], outcome.counts["note-offs lost"]


def test_lateness_is_arrived_minus_due():
    heard = [message._replace(at_ns=message.at_ns + 3) for message in MESSAGES]
    found = judged(done(), heard)
    assert found.late_ns == [3] * 40
    assert found.handed_ns == [-8] * 40
    assert (lost(found), found.counts["doubled"]) == ((0, 0), 0)


def test_what_arrived_before_it_was_sent_is_unclear_and_not_lost():
    heard = [message._replace(at_ns=message.at_ns - 9) for message in MESSAGES[:5]]
    found = judged(done(), heard + list(MESSAGES[5:]))
    assert (found.counts["unclear"], lost(found)) == (5, (0, 0))
    assert found.late_ns == [0] * 35


def test_a_lost_note_off_is_counted_where_every_note_on_arrived():
    found = judged(done(), [MESSAGES[n] for n in sorted(ONS)])
    assert lost(found) == (0, 20)


@given(st.sets(st.integers(0, 39)), st.sets(st.integers(0, 39)))
def test_lost_messages_and_doubled_note_ons_are_counted(missing, doubled):
    heard = [each for index, each in enumerate(MESSAGES) if index not in missing]
    again = [MESSAGES[index] for index in doubled - missing]
    found = judged(done(), heard + again)
    assert lost(found) == (len(missing & ONS), len(missing & OFFS))
    assert found.counts["doubled"] == len((doubled - missing) & ONS)


def test_frames_count_across_the_end_of_the_servers_clock():
    last = (1 << 32) - 2
    sent = [message._replace(frame=last) for message in MESSAGES]
    heard = [Stamped(message.at_ns, message.data, frame=1) for message in MESSAGES]
    assert judged(done(sent), heard).late_frames == [3] * 40


@given(st.integers(-(1 << 31), (1 << 31) - 1))
def test_a_short_distance_is_itself(frames):
    assert wrapped(frames) == wrapped(frames + (1 << 32)) == frames

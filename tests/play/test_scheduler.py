from hypothesis import given
from hypothesis import strategies as st

from ripieno.play.scheduler import Scheduler
from ripieno.protocol import PlannedNote

notes = st.builds(
    lambda start, length, pitch: PlannedNote(start, start + length, pitch, 70),
    st.integers(0, 2000),
    st.integers(0, 500),
    st.integers(50, 70),
)


@given(st.lists(notes, max_size=40), st.integers(1, 300))
def test_every_on_that_is_handed_out_has_its_off(planned, stride):
    scheduler, due = Scheduler(), []
    scheduler.add(planned)
    for now in range(0, 3000, stride):
        due += scheduler.take(now)
    due += scheduler.take(10_000)
    ons = [d.note_id for d in due if d.velocity]
    offs = [d.note_id for d in due if not d.velocity]
    assert sorted(ons) == sorted(offs)
    assert len(ons) + scheduler.dropped == len(planned)


@given(st.lists(notes, max_size=40))
def test_nothing_is_handed_out_before_its_time(planned):
    scheduler = Scheduler()
    scheduler.add(planned)
    for now in range(0, 2600, 37):
        assert all(d.ticks <= now for d in scheduler.take(now))


def test_an_off_comes_before_an_on_at_the_same_tick():
    scheduler = Scheduler()
    scheduler.add([PlannedNote(0, 10, 60, 70), PlannedNote(10, 20, 60, 71)])
    scheduler.take(0)
    assert [d.velocity for d in scheduler.take(10)] == [0, 71]


def test_a_note_whose_end_has_passed_is_dropped():
    scheduler = Scheduler()
    scheduler.add([PlannedNote(0, 10, 60, 70)])
    assert scheduler.take(11) == []
    assert scheduler.dropped == 1


def test_a_cleared_scheduler_hands_out_nothing():
    scheduler = Scheduler()
    scheduler.add([PlannedNote(5, 10, 60, 70)])
    scheduler.clear()
    assert scheduler.take(100) == []
    assert scheduler.is_empty


def test_a_note_added_with_an_exact_time_is_due_at_that_time_and_no_other_note_is():
    scheduler = Scheduler()
    scheduler.add([PlannedNote(0, 10, 60, 70)], at_ns=300)
    scheduler.add([PlannedNote(0, 10, 62, 70)], at_ns=700)
    scheduler.add([PlannedNote(0, 10, 64, 70)])
    assert [due.exact_ns for due in scheduler.take(0)] == [300, 700, None]
    assert [due.exact_ns for due in scheduler.take(10)] == [None, None, None]

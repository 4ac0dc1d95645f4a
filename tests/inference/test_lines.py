"""Lines through a window: following copies few rows, going back copies none.

`Rows` is a graph whose cache can be read: each row is the event that was written there.
"""

import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripieno.clock import SystemClock
from ripieno.inference.controls import Controls
from ripieno.inference.lines import MASKS, WindowLine
from ripieno.inference.manifest import find
from ripieno.inference.session import Loaded
from ripieno.layouts.vocabulary import FIELDS, SIZES, Event

CONTEXT = 16
US = 1_000
MOST_US = 50.0


class Rows:
    """A cache of rows; counts what is copied into it, over all of its twins."""

    def __init__(self, copied=None):
        self.copied = [0] if copied is None else copied
        names = ("event", "noise", "temperature", "top_p")
        self.put: dict[str, np.typing.NDArray[np.float64]]
        self.put = {name: np.zeros((1, len(FIELDS))) for name in names}
        sizes = zip(MASKS, SIZES, strict=True)
        self.put |= {name: np.zeros((1, size)) for name, size in sizes}
        self.put |= {name: np.zeros(1) for name in ("position", "total")}
        self.cache = np.full((CONTEXT, len(FIELDS)), -1)
        self.out = {"next_event": np.array([[0, 0, 0, 1]])}

    def run(self):
        position = int(self.put["position"][0])
        assert self.put["total"][0] == position + 1
        self.cache[position] = self.put["event"][0]
        # The output depends on every row up to this one.
        heard = self.cache[: position + 1, 2]
        self.out["next_event"][0, 2] = int(heard @ np.arange(1, position + 2)) % 127

    def twin(self):
        return Rows(self.copied)

    def follow(self, other, rows=None, first=0):
        self.copied[0] += CONTEXT if rows is None else rows - first
        self.cache[first:rows] = other.cache[first:rows]

    def reset(self):
        pass

    def state(self):
        return (self.cache.copy(),)

    def restore(self, state):
        self.cache[...] = state[0]


def feed(line, *pitches):
    """Feed notes of these pitches; return the key that is sampled after each."""
    return [line.step(Event(0, 0, pitch, 1), Controls()).key for pitch in pitches]


steps = st.lists(
    st.tuples(
        st.sampled_from(["play", "follow", "branch", "back"]), st.integers(1, 40)
    ),
    max_size=30,
)


@given(steps)
def test_a_line_that_follows_another_is_a_copy_of_it(steps):
    graph, heard = Rows(), 0
    trunk, bough = (WindowLine(graph, CONTEXT) for _ in range(2))
    for what, count in steps:
        if what == "play":
            feed(trunk, *range(heard, heard := heard + count))
        elif what == "back":
            trunk.rewind(trunk.position - min(count, trunk.position))
        elif what == "branch":
            feed(bough, *range(1000, 1000 + count))
        else:
            bough.follow(trunk)
            plain = WindowLine(Rows(), CONTEXT)
            plain.follow(trunk)
            more = range(500, 500 + count)
            assert feed(bough, *more) == feed(plain, *more)


@pytest.mark.parametrize("branch", [1, 5, 9])
def test_following_after_one_more_event_copies_one_row_of_each_window(branch):
    graph = Rows()
    trunk, bough = (WindowLine(graph, CONTEXT) for _ in range(2))
    feed(trunk, 1, 2, 3, 4, 5)
    bough.follow(trunk)
    for pitch in range(6, 10):
        feed(bough, *range(100, 100 + branch))
        feed(trunk, pitch)
        graph.copied[0] = 0
        bough.follow(trunk)
        assert graph.copied[0] == 1


@pytest.mark.parametrize("branch", [1, 8, 11])
def test_following_again_without_new_events_copies_nothing(branch):
    graph = Rows()
    trunk, bough = (WindowLine(graph, CONTEXT) for _ in range(2))
    feed(trunk, 1, 2, 3, 4, 5)
    bough.follow(trunk)
    feed(bough, *range(100, 100 + branch))
    graph.copied[0] = 0
    bough.follow(trunk)
    assert graph.copied[0] == 0


@pytest.mark.parametrize("name", ["event-gru", "event-transformer"])
@pytest.mark.realtime
@pytest.mark.slow
def test_a_branch_of_any_length_is_dropped_in_fifty_microseconds(name):
    """The median is bounded, because the machine may stall some runs."""
    clock, session = SystemClock(), Loaded(find(name), "cpu")
    trunk, bough = session.line(), session.line()
    event, took_us = Event(0, 3, 60, 16), {}
    for _ in range(300):
        trunk.step(event, Controls())
    bough.follow(trunk)
    for length in (1, 10, 100):
        took_ns = []
        for _ in range(15):
            for _ in range(length):
                bough.step(event, Controls())
            began_ns = clock.now_ns()
            bough.follow(trunk)
            took_ns.append(clock.now_ns() - began_ns)
        took_us[length] = statistics.median(took_ns) / US
    assert max(took_us.values()) <= MOST_US, took_us


@pytest.mark.realtime
@pytest.mark.slow
def test_going_back_takes_the_same_time_at_any_position():
    clock, session = SystemClock(), Loaded(find("event-transformer"), "cpu")
    line, took_us = session.line(), {}
    assert isinstance(line, WindowLine)
    for back in (1, 30, 250):
        took_ns = []
        for _ in range(5):
            while line.position < 300:
                line.step(Event(0, 3, 60, 16), Controls())
            began_ns = clock.now_ns()
            line.rewind(line.position - back)
            took_ns.append(clock.now_ns() - began_ns)
        took_us[back] = statistics.median(took_ns) / US
    assert max(took_us.values()) <= MOST_US, took_us

"""Minds: one for each seat, the order in which they are served, and how they load."""

import pytest
from tests.asked import ask

from ripieno.errors import ModelError, OutputError
from ripieno.minds.backlog import MOST_MESSAGES
from ripieno.minds.minds import Minds
from ripieno.protocol import (
    EVERYONE,
    FALLBACK,
    Ask,
    Letter,
    Limits,
    Plan,
    Played,
    Ready,
    Reply,
    Reset,
    Sing,
    Voices,
)

PLAYED = Played(0, 0, 60, 70)
SING = Sing(7, 0, 72, 3, Limits())
ASK = ask(revision=3)
TURNER, SINGER, LATER = 1, 2, 3
"""The numbers of seats."""


class Scripted:
    """Answers the asks of its roles, and keeps all that it received."""

    def __init__(self, *roles, hears=(Played,), fails=False):
        self.roles, self.hears, self._fails = roles, hears, fails
        self.received, self._says = [], []

    def receive(self, message):
        self.received.append(message)
        if isinstance(message, Sing) and "harmonize" in self.roles:
            self._says.append(Voices(message.revision, (60,)))
        if isinstance(message, Ask) and "answer" in self.roles:
            self._says.append(Plan(message.revision, 0, (), 480, complete=True))

    def answer(self):
        if self._fails and self._says:
            raise OutputError("not a number")
        return self._says.pop(0) if self._says else None


class House:
    """Loads the minds that it is given, each once, by role."""

    def __init__(self, *minds):
        self._minds, self.woken = list(minds), []

    def wake(self, role):
        self.woken.append(role)
        for mind in self._minds:
            if role in mind.roles:
                self._minds.remove(mind)
                return mind, ready_of(mind)
        raise ModelError(f"nobody plays {role}")


def ready_of(mind):
    return Ready("scripted", "", "script", "here", mind.roles)


def said(minds):
    """Return all answers."""
    out = []
    while (each := minds.answer()) is not None:
        out.append(each)
    return out


def kinds(replies):
    return [(each.seat, type(each.message)) for each in replies]


def tell(minds, seat, *messages):
    for message in messages:
        minds.receive(Letter(seat, message))


def minds_of(*scripted, **how):
    """Minds that have loaded all of these, and a seat for each: 1, 2, …"""
    minds = Minds(House(*scripted).wake, **how)
    for seat, each in enumerate(scripted, start=1):
        minds.load(each.roles[0])
        tell(minds, seat, Reset(each.roles[0]))
    return minds


def played(count):
    return [Played(at_ns, 0, 60, 70) for at_ns in range(count)]


def test_a_seat_without_a_mind_loads_no_model_by_what_it_hears_or_asks():
    house = House(Scripted("answer"))
    minds = Minds(house.wake)
    tell(minds, TURNER, PLAYED, ASK)
    assert (said(minds), house.woken) == ([], [])


def test_a_reset_gives_a_seat_the_mind_that_was_loaded_for_its_role():
    mind = Scripted("answer", "continue")
    house = House(mind)
    minds = Minds(house.wake)
    assert minds.load("answer").roles == ("answer", "continue")
    tell(minds, TURNER, Reset("answer"), PLAYED, ASK)
    assert kinds(said(minds)) == [(TURNER, Plan)]
    assert mind.received == [Reset("answer"), PLAYED, ASK]
    assert house.woken == ["answer"]


def test_a_reset_for_a_role_without_a_mind_loads_it_and_says_so_to_that_seat():
    house = House(Scripted("answer"), Scripted("harmonize"))
    minds = Minds(house.wake)
    minds.load("answer")
    tell(minds, SINGER, Reset("harmonize"))
    assert kinds(said(minds)) == [(SINGER, Ready)]
    tell(minds, SINGER, SING)
    assert said(minds) == [Reply(SINGER, Voices(7, (60,)))]
    assert house.woken == ["answer", "harmonize"]


def test_a_mind_receives_only_the_messages_of_its_seat():
    turner, singer = Scripted("answer"), Scripted("harmonize", hears=())
    minds = minds_of(turner, singer)
    tell(minds, TURNER, PLAYED, Reset("answer"), PLAYED, ASK)
    tell(minds, SINGER, PLAYED, SING)
    assert kinds(said(minds)) == [(SINGER, Voices), (TURNER, Plan)]
    assert turner.received == [Reset("answer"), PLAYED, ASK]
    assert singer.received == [Reset("harmonize"), SING]


def test_an_ask_of_another_role_than_the_seats_is_not_delivered():
    mind = Scripted("answer", "harmonize")
    minds = minds_of(mind)
    tell(minds, TURNER, PLAYED, SING)
    assert said(minds) == []
    assert mind.received == [Reset("answer"), PLAYED]


def test_a_key_is_answered_before_other_minds_receive_what_came_before_it():
    turner, singer = Scripted("answer"), Scripted("harmonize", hears=())
    minds = minds_of(turner, singer)
    tell(minds, TURNER, *played(100), ASK)
    tell(minds, SINGER, SING)
    assert minds.is_urgent
    assert minds.answer() == Reply(SINGER, Voices(7, (60,)))
    assert turner.received == []
    assert kinds(said(minds)) == [(TURNER, Plan)]
    assert not minds.is_urgent
    assert turner.received == [Reset("answer"), *played(100), ASK]


def test_of_two_asks_the_one_that_is_due_first_is_answered_first():
    minds = minds_of(Scripted("answer"), Scripted("answer"))
    tell(minds, 1, ask(revision=1, start_ticks=960))
    tell(minds, 2, ask(revision=2, start_ticks=480))
    assert [reply.seat for reply in said(minds)] == [2, 1]


def test_a_key_that_comes_while_a_mind_catches_up_waits_for_one_message():
    turner, singer = Scripted("answer"), Scripted("harmonize", hears=())
    minds = minds_of(turner, singer, is_interrupted=lambda: True)
    tell(minds, TURNER, *played(100))
    assert minds.answer() is None
    assert minds.was_interrupted
    tell(minds, SINGER, SING)
    assert minds.answer() == Reply(SINGER, Voices(7, (60,)))
    assert turner.received == [Reset("answer")]


def test_a_mind_that_is_interrupted_again_and_again_loses_nothing():
    turner = Scripted("answer")
    minds = minds_of(turner, is_interrupted=lambda: True)
    tell(minds, TURNER, *played(100), ASK)
    answers = [minds.answer() for _ in range(103)]
    assert kinds(each for each in answers if each is not None) == [(TURNER, Plan)]
    assert turner.received == [Reset("answer"), *played(100), ASK]


def test_a_full_backlog_delivers_its_oldest_message_and_loses_nothing():
    turner = Scripted("answer")
    minds = minds_of(turner)
    tell(minds, TURNER, *played(MOST_MESSAGES + 3))
    assert turner.received == [Reset("answer"), *played(3)]
    assert said(minds) == []
    assert turner.received == [Reset("answer"), *played(MOST_MESSAGES + 3)]


def test_a_model_that_cannot_be_loaded_is_not_tried_again():
    house = House(Scripted("answer"))
    minds = Minds(house.wake)
    minds.load("answer")
    for _ in range(3):
        tell(minds, SINGER, Reset("harmonize"), SING)
    why = "nobody plays harmonize"
    missing = Ready(FALLBACK, "", FALLBACK, why, ("harmonize",), shift=-1)
    assert said(minds) == [Reply(EVERYONE, missing)]
    assert house.woken == ["answer", "harmonize"]
    tell(minds, TURNER, Reset("answer"), ASK)
    assert kinds(said(minds)) == [(TURNER, Plan)]


def test_a_model_that_fails_as_it_answers_is_dropped_and_the_other_seat_plays_on():
    shown: list[Ready] = []
    failing = Scripted("harmonize", fails=True)
    minds = minds_of(Scripted("answer"), failing, show=shown.append)
    tell(minds, SINGER, SING)
    tell(minds, TURNER, ASK)
    lost, plan = said(minds)
    assert (lost.message.model, lost.message.roles) == (FALLBACK, ("harmonize",))
    assert shown == [lost.message]
    assert kinds([plan]) == [(TURNER, Plan)]
    tell(minds, SINGER, Reset("harmonize"), SING)
    assert said(minds) == []


def test_a_role_that_cannot_be_loaded_at_the_start_is_an_error():
    with pytest.raises(ModelError, match="nobody plays accompany"):
        Minds(House().wake).load("accompany")


def test_the_other_roles_are_loaded_once_and_each_says_so():
    house = House(Scripted("answer", "continue"), Scripted("harmonize"))
    minds = Minds(house.wake)
    minds.load("answer")
    minds.load_all(("harmonize", "answer", "continue", "loop"))
    assert house.woken == ["answer", "harmonize", "loop"]
    assert kinds(said(minds)) == [(EVERYONE, Ready)]
    tell(minds, SINGER, Reset("harmonize"), SING)
    assert said(minds) == [Reply(SINGER, Voices(7, (60,)))]


# ── several seats, and seats that change ──────────────────────────────────────────────


def test_two_seats_of_one_role_have_a_mind_each():
    first, second = Scripted("answer"), Scripted("answer")
    house = House(first, second)
    minds = Minds(house.wake)
    minds.load("answer")
    tell(minds, 1, Reset("answer"), PLAYED, ASK)
    tell(minds, 2, Reset("answer"), ASK)
    assert kinds(said(minds)) == [(2, Ready), (1, Plan), (2, Plan)]
    assert first.received == [Reset("answer"), PLAYED, ASK]
    assert second.received == [Reset("answer"), ASK]
    assert house.woken == ["answer", "answer"]


def test_a_seat_that_takes_another_role_leaves_its_mind_to_the_next_seat():
    turner, singer = Scripted("answer"), Scripted("harmonize", hears=())
    house = House(turner, singer)
    minds = Minds(house.wake)
    minds.load("answer")
    minds.load("harmonize")
    tell(minds, 1, Reset("answer"), PLAYED, ASK, Reset("harmonize"), SING)
    assert kinds(said(minds)) == [(1, Voices)]
    tell(minds, 2, Reset("answer"), ASK)
    assert kinds(said(minds)) == [(2, Plan)]
    assert turner.received == [Reset("answer"), ASK]
    assert house.woken == ["answer", "harmonize"]


def test_a_seat_that_goes_leaves_its_mind_to_the_next_seat_of_the_role():
    house = House(Scripted("answer"))
    minds = Minds(house.wake)
    minds.load("answer")
    tell(minds, 1, Reset("answer"), PLAYED, Reset(), ASK)
    assert said(minds) == []
    tell(minds, 2, Reset("answer"), ASK)
    assert kinds(said(minds)) == [(2, Plan)]
    assert house.woken == ["answer"]


def test_a_second_seat_of_a_role_has_a_mind_of_its_own():
    first, second = Scripted("answer"), Scripted("answer")
    house = House(first, second)
    minds = Minds(house.wake)
    minds.load("answer")
    tell(minds, 1, Reset("answer"), PLAYED)
    tell(minds, 2, Reset("answer"), ASK)
    assert kinds(said(minds)) == [(2, Ready), (2, Plan)]
    assert (first.received, second.received) == (
        [Reset("answer"), PLAYED], [Reset("answer"), ASK],
    )  # fmt: skip

"""Minds: who receives what, in which order minds are served, and when they load."""

import pytest
from tests.asked import ask

from ripieno.errors import ModelError
from ripieno.minds.backlog import MOST_MESSAGES
from ripieno.minds.minds import Minds
from ripieno.protocol import (
    FALLBACK,
    Ask,
    Limits,
    Plan,
    Played,
    Ready,
    Reset,
    Sing,
    Voices,
)

PLAYED = Played(0, 0, 60, 70)
SING = Sing(7, 0, 72, 3, Limits())
ASK = ask(revision=3)


class Scripted:
    """Answers the asks of its roles, and keeps all that it received."""

    def __init__(self, *roles, hears=(Played,)):
        self.roles, self.hears = roles, hears
        self.received, self._says = [], []

    def receive(self, message):
        self.received.append(message)
        if isinstance(message, Sing) and "harmonize" in self.roles:
            self._says.append(Voices(message.revision, (60,)))
        if isinstance(message, Ask) and "answer" in self.roles:
            self._says.append(Plan(message.revision, 0, (), 480, complete=True))

    def answer(self):
        return self._says.pop(0) if self._says else None


class House:
    """Loads the minds that it is given, by role."""

    def __init__(self, *minds):
        self._minds, self.woken = minds, []

    def wake(self, role):
        self.woken.append(role)
        for mind in self._minds:
            if role in mind.roles:
                return mind, Ready("scripted", "", "script", "here", mind.roles)
        raise ModelError(f"nobody plays {role}")


def said(minds):
    """Return all answers."""
    out = []
    while (each := minds.answer()) is not None:
        out.append(each)
    return out


def minds_of(*scripted, **how):
    """Minds that have loaded all of these."""
    minds = Minds(House(*scripted).wake, **how)
    for each in scripted:
        minds.load(each.roles[0])
    return minds


def played(count):
    return [Played(at_ns, 0, 60, 70) for at_ns in range(count)]


def test_a_message_that_asks_nothing_loads_no_model():
    house = House(Scripted("answer"))
    minds = Minds(house.wake)
    minds.receive(Reset())
    minds.receive(PLAYED)
    assert (said(minds), house.woken) == ([], [])


def test_a_loaded_mind_answers_what_its_role_is_asked():
    mind = Scripted("answer", "continue")
    minds = Minds(House(mind).wake)
    assert minds.load("answer").roles == ("answer", "continue")
    minds.receive(PLAYED)
    minds.receive(ASK)
    assert [type(each) for each in said(minds)] == [Plan]
    assert mind.received == [PLAYED, ASK]


def test_an_ask_for_a_role_without_a_mind_loads_it_and_has_to_be_repeated():
    house = House(Scripted("answer"), Scripted("harmonize"))
    minds = Minds(house.wake)
    minds.load("answer")
    minds.receive(SING)
    assert [type(each) for each in said(minds)] == [Ready]
    minds.receive(SING)
    assert said(minds) == [Voices(7, (60,))]
    assert house.woken == ["answer", "harmonize"]


def test_a_mind_receives_its_asks_every_reset_and_the_types_that_it_hears():
    turner, singer = Scripted("answer", "continue"), Scripted("harmonize", hears=())
    minds = minds_of(turner, singer)
    for message in (PLAYED, Reset(), PLAYED, SING, ASK):
        minds.receive(message)
    assert len(said(minds)) == 2
    assert turner.received == [Reset(), PLAYED, ASK]
    assert singer.received == [Reset(), SING]


def test_a_mind_of_two_roles_receives_a_message_once():
    mind = Scripted("answer", "harmonize")
    minds = minds_of(mind)
    minds.receive(PLAYED)
    minds.receive(SING)
    assert said(minds) == [Voices(7, (60,))]
    assert mind.received == [PLAYED, SING]


def test_a_key_is_answered_before_other_minds_receive_what_came_before_it():
    turner, singer = Scripted("answer"), Scripted("harmonize", hears=())
    minds = minds_of(turner, singer)
    for message in (*played(100), ASK, SING):
        minds.receive(message)
    assert minds.is_urgent
    assert minds.answer() == Voices(7, (60,))
    assert turner.received == []
    assert [type(each) for each in said(minds)] == [Plan]
    assert not minds.is_urgent
    assert turner.received == [*played(100), ASK]


def test_a_key_that_comes_while_a_mind_catches_up_waits_for_one_message():
    turner, singer = Scripted("answer"), Scripted("harmonize", hears=())
    minds = minds_of(turner, singer, is_interrupted=lambda: True)
    for message in played(100):
        minds.receive(message)
    assert minds.answer() is None
    assert minds.was_interrupted
    minds.receive(SING)
    assert minds.answer() == Voices(7, (60,))
    assert turner.received == played(1)


def test_a_mind_that_is_interrupted_again_and_again_loses_nothing():
    turner = Scripted("answer")
    minds = minds_of(turner, is_interrupted=lambda: True)
    for message in (*played(100), ASK):
        minds.receive(message)
    answers = [minds.answer() for _ in range(102)]
    assert [type(each) for each in answers if each is not None] == [Plan]
    assert turner.received == [*played(100), ASK]


def test_a_full_backlog_delivers_its_oldest_message_and_loses_nothing():
    turner = Scripted("answer")
    minds = minds_of(turner)
    for message in played(MOST_MESSAGES + 3):
        minds.receive(message)
    assert turner.received == played(3)
    assert said(minds) == []
    assert turner.received == played(MOST_MESSAGES + 3)


def test_a_model_that_cannot_be_loaded_is_not_tried_again():
    house = House(Scripted("answer"))
    minds = Minds(house.wake)
    minds.load("answer")
    for _ in range(3):
        minds.receive(SING)
    news = [(each.roles, each.model, each.why) for each in said(minds)]
    assert news == [(("harmonize",), FALLBACK, "nobody plays harmonize")]
    assert house.woken == ["answer", "harmonize"]
    minds.receive(ASK)
    assert [type(each) for each in said(minds)] == [Plan]


def test_a_role_that_cannot_be_loaded_at_the_start_is_an_error():
    with pytest.raises(ModelError, match="nobody plays accompany"):
        Minds(House().wake).load("accompany")


def test_the_other_roles_are_loaded_once_and_each_says_so():
    house = House(Scripted("answer", "continue"), Scripted("harmonize"))
    minds = Minds(house.wake)
    minds.load("answer")
    minds.load_all(("harmonize", "answer", "continue", "loop"))
    assert house.woken == ["answer", "harmonize", "loop"]
    assert [type(each) for each in said(minds)] == [Ready]
    minds.receive(SING)
    assert said(minds) == [Voices(7, (60,))]

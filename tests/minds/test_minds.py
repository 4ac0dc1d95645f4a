"""Minds: one a role, each woken when it is first asked for."""

import pytest

from ripieno.errors import ModelError
from ripieno.minds.minds import Minds
from ripieno.music.timeline import Timeline
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
ASK = Ask(
    revision=3,
    timeline=Timeline(),
    start_ticks=0,
    until_ticks=480,
    closing=True,
    pulse_ticks=240,
    grid_ticks=0,
    seed=1,
    limits=Limits(),
)


class Scripted:
    """Answers what is its own to answer, and remembers all that it was told."""

    def __init__(self, *roles):
        self.roles, self.told_of, self._says = roles, [], []

    def told(self, message):
        self.told_of.append(message)
        if isinstance(message, Sing) and "harmonize" in self.roles:
            self._says.append(Voices(message.revision, (60,)))
        if isinstance(message, Ask) and "answer" in self.roles:
            self._says.append(Plan(message.revision, 0, (), 480, complete=True))

    def answer(self):
        return self._says.pop(0) if self._says else None


class House:
    """Where minds sleep, by role."""

    def __init__(self, *minds):
        self._minds, self.woken = minds, []

    def wake(self, role):
        self.woken.append(role)
        for mind in self._minds:
            if role in mind.roles:
                return mind, Ready("scripted", "", "script", "here", mind.roles)
        raise ModelError(f"nobody plays {role}")


def said(minds):
    """All that there is to be said."""
    out = []
    while (each := minds.answer()) is not None:
        out.append(each)
    return out


def test_no_mind_is_loaded_before_the_first_ask():
    house = House(Scripted("answer"))
    minds = Minds(house.wake)
    minds.told(Reset())
    minds.told(PLAYED)
    assert (said(minds), house.woken) == ([], [])


def test_a_loaded_mind_answers():
    mind = Scripted("answer", "continue")
    minds = Minds(House(mind).wake)
    assert minds.load("answer").roles == ("answer", "continue")
    minds.told(PLAYED)
    minds.told(ASK)
    assert mind.told_of == [PLAYED, ASK]
    assert [type(each) for each in said(minds)] == [Plan]


def test_an_ask_of_a_new_role_loads_the_mind_of_that_role():
    turner, singer = Scripted("answer"), Scripted("harmonize")
    house = House(turner, singer)
    minds = Minds(house.wake)
    minds.load("answer")
    minds.told(SING)
    assert [type(each) for each in said(minds)] == [
        Ready
    ]  # who is there, and asks again
    minds.told(SING)
    assert said(minds) == [Voices(7, (60,))]
    assert house.woken == ["answer", "harmonize"]


def test_an_event_reaches_every_loaded_mind_once():
    turner, singer = Scripted("answer", "continue"), Scripted("harmonize")
    minds = Minds(House(turner, singer).wake)
    minds.load("answer")
    minds.load("harmonize")
    minds.told(PLAYED)
    assert (turner.told_of, singer.told_of) == ([PLAYED], [PLAYED])


def test_a_mind_that_plays_all_roles_is_loaded_once():
    mind = Scripted("answer", "harmonize")
    house = House(mind)
    minds = Minds(house.wake)
    minds.load("answer")
    minds.told(SING)
    assert said(minds) == [Voices(7, (60,))]
    assert (house.woken, mind.told_of) == (["answer"], [SING])


def test_a_mind_that_failed_to_load_is_not_tried_again():
    house = House(Scripted("answer"))
    minds = Minds(house.wake)
    minds.load("answer")
    for _ in range(3):
        minds.told(SING)
    told = [(each.roles, each.model, each.why) for each in said(minds)]
    assert told == [(("harmonize",), FALLBACK, "nobody plays harmonize")]
    assert house.woken == ["answer", "harmonize"]
    minds.told(ASK)
    assert [type(each) for each in said(minds)] == [Plan]


def test_a_missing_mind_of_the_first_role_is_an_error():
    with pytest.raises(ModelError, match="nobody plays accompany"):
        Minds(House().wake).load("accompany")


def test_preloading_loads_and_introduces_every_mind_once():
    house = House(Scripted("answer", "continue"), Scripted("harmonize"))
    minds = Minds(house.wake)
    minds.load("answer")
    minds.load_all(("harmonize", "answer", "continue", "loop"))
    assert house.woken == ["answer", "harmonize", "loop"]
    assert [type(each) for each in said(minds)] == [Ready]
    minds.told(SING)
    assert said(minds) == [Voices(7, (60,))]

"""The musician of the demo plays its phrases and waits for replies."""

from itertools import pairwise

import pytest

from ripieno.clock import NS_PER_MS, NS_PER_S
from ripieno.commands.demo_musician import (
    BEAT_S,
    BREATH_S,
    CLOCK,
    COUNT_IN_BEATS,
    PATIENCE_S,
    PHRASES,
    START,
    STOP,
    Performer,
)
from ripieno.music import messages

STEP_NS = NS_PER_MS


def play(performer, *, until_s, machine_plays=lambda _: False, from_s=0.0):
    """Let it play in simulated time; (seconds, message) of all it played."""
    played = []
    for now_ns in range(int(from_s * NS_PER_S), int(until_s * NS_PER_S), STEP_NS):
        plays = machine_plays(now_ns / NS_PER_S)
        heard = performer.advance(now_ns, machine_plays=plays)
        played += [(now_ns / NS_PER_S, data) for data in heard]
        if performer.is_done:
            break
    return played


def onsets(played):
    return [(at_s, data[1]) for at_s, data in played if messages.is_note_on(data)]


def length_s(phrase):
    return sum(beats for _, beats in phrase) * BEAT_S


def test_it_begins_after_a_breath_with_the_ode_to_joy():
    first = onsets(play(Performer(1, 0), until_s=12))
    assert [pitch for _, pitch in first] == [pitch for pitch, _ in PHRASES[0]]
    assert first[0][0] == pytest.approx(BREATH_S, abs=0.04)


def test_it_plays_in_time_but_not_like_a_machine():
    at_s = [at for at, _ in onsets(play(Performer(1, 0), until_s=12))]
    on_paper_s = [
        BREATH_S + sum(beats for _, beats in PHRASES[0][:place]) * BEAT_S
        for place in range(len(PHRASES[0]))
    ]
    off_s = [a - b for a, b in zip(at_s, on_paper_s, strict=True)]
    assert all(abs(off) < 0.04 for off in off_s)
    assert len({round(off, 3) for off in off_s}) > 5


def test_every_note_it_begins_it_ends():
    played = [data for _, data in play(Performer(4, 0), until_s=90)]
    sounding = set()
    for data in played:
        if messages.is_note_on(data):
            sounding.add(data[1])
        else:
            assert messages.is_note_off(data)
            sounding.discard(data[1])
    assert not sounding
    assert len(played) == 2 * sum(len(phrase) for phrase in PHRASES)


def test_it_plays_one_note_at_a_time():
    played = play(Performer(4, 0), until_s=90)
    held = 0
    for _, data in played:
        held += 1 if messages.is_note_on(data) else -1
        assert held in (0, 1)


def test_without_a_reply_it_goes_on_when_its_patience_ends():
    first = onsets(play(Performer(2, 0), until_s=40))
    gaps_s = [b - a for (a, _), (b, _) in pairwise(first)]
    assert PATIENCE_S <= max(gaps_s) < PATIENCE_S + 1.1


def test_it_waits_while_the_machine_plays_and_a_breath_longer():
    ends_s = BREATH_S + length_s(PHRASES[0]) + 5.0

    def machine_plays(now_s):
        return BREATH_S + length_s(PHRASES[0]) <= now_s < ends_s

    first = onsets(play(Performer(2, 0), until_s=30, machine_plays=machine_plays))
    second_s = first[len(PHRASES[0])][0]
    assert second_s == pytest.approx(ends_s + BREATH_S, abs=0.05)


def test_it_plays_on_while_the_machine_plays_over_it():
    alone = onsets(play(Performer(1, 0), until_s=9))
    over = onsets(play(Performer(1, 0), until_s=9, machine_plays=lambda s: s > 1.0))
    assert over == alone


@pytest.mark.parametrize("phrases", [1, 2, 3, 4])
def test_it_ends_after_the_chosen_number_of_phrases(phrases):
    performer = Performer(phrases, 0)
    first = onsets(play(performer, until_s=120))
    assert performer.is_done
    assert len(first) == sum(len(phrase) for phrase in PHRASES[:phrases])


def test_the_same_seed_gives_the_same_performance():
    one, same, other = (play(Performer(1, 0, seed), until_s=12) for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_it_begins_when_it_is_told_to():
    early = onsets(play(Performer(1, 0), until_s=9))
    late = onsets(play(Performer(1, 50 * NS_PER_S), from_s=50, until_s=59))
    assert [at - 50 for at, _ in late] == pytest.approx([at for at, _ in early])


def test_with_an_accompanist_it_plays_without_a_pause_to_its_own_clock():
    played = play(Performer(2, 0, waits=False), until_s=40)
    times = [at_s for at_s, data in played if data == CLOCK]
    assert played[0][1] == START
    assert times[24 * 4] == pytest.approx(4 * BEAT_S, abs=0.002)
    first = [at_s for at_s, _ in onsets(played)]
    assert first[0] == pytest.approx(COUNT_IN_BEATS * BEAT_S, abs=0.04)
    second = first[len(PHRASES[0])]
    assert second - first[0] == pytest.approx(length_s(PHRASES[0]), abs=0.06)
    assert played[-1][1] == STOP

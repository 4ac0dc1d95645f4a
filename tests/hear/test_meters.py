"""What speaks for a metre, and when it is changed to."""

import pytest

from ripieno.hear.meter_choice import MOST_CHANGES, NOTICE_TICKS, MeterChoice
from ripieno.hear.meters import METRICS, TOLD, MeterEvidence
from ripieno.music.meter import Meter

FRAME = 120
WALTZ = (12, ((0, 67), (4, 71), (8, 72)))
WALTZ_TURN = (12, ((0, 72), (4, 69), (6, 71), (8, 69)))
MARCH = (16, ((0, 67), (4, 67), (8, 72), (12, 74)))
MARCH_TURN = (16, ((0, 76), (6, 74), (8, 72)))


def notes(bars, times, begin=0):
    """Frame and pitch of bars that are played some times."""
    found = []
    for length, played in bars * times:
        found += [(begin + frame, pitch) for frame, pitch in played]
        begin += length
    return found


def chosen(played, choice, *, every=1):
    """The tick and the metre of each change, looked for every so many frames."""
    changes, waiting = [], list(played)
    for frame in range(0, played[-1][0] + 4, every):
        while waiting and waiting[0][0] <= frame:
            at, pitch = waiting.pop(0)
            choice.on_note(at * FRAME, pitch)
        if choice.advance(frame * FRAME):
            changes.append((frame * FRAME, str(choice.meter)))
    return changes


def heard(played):
    evidence = MeterEvidence()
    for frame, pitch in played:
        evidence.on_note(frame * FRAME, pitch)
    return evidence


def test_the_places_of_a_bar_are_those_of_its_metre():
    places = {metric.name: metric.places for metric in METRICS}
    assert places["4/4"] == (0, 4, 3, 4, 2, 4, 3, 4, 1, 4, 3, 4, 2, 4, 3, 4)
    assert places["6/8"] == (0, 4, 3, 4, 3, 4, 2, 4, 3, 4, 3, 4)
    assert places["7/8=3+2+2"] == (0, 4, 3, 4, 3, 4, 2, 4, 3, 4, 2, 4, 3, 4)


def test_the_shares_of_all_metres_are_one_together():
    shares = heard(notes((WALTZ, WALTZ_TURN), 8)).probabilities()
    assert sum(shares.values()) == pytest.approx(1.0)
    assert tuple(shares) == TOLD
    assert max(shares, key=shares.__getitem__) == "3/4"


def test_a_rest_does_not_speak_for_any_metre():
    evidence = heard(notes((WALTZ, WALTZ_TURN), 8))
    evidence.advance(240 * FRAME)
    before = evidence.probabilities()
    evidence.advance(5000 * FRAME)
    assert evidence.is_resting
    assert evidence.probabilities() == before


def test_only_the_highest_of_simultaneous_notes_counts():
    line = notes((WALTZ, WALTZ_TURN), 8)
    chords = [(frame, pitch - low) for frame, pitch in line for low in (12, 0, 7)]
    assert heard(chords).probabilities() == heard(line).probabilities()


def test_a_change_comes_before_a_bar_line_of_the_new_metre():
    ((at, name),) = chosen(notes((WALTZ, WALTZ_TURN), 16), MeterChoice(Meter()))
    assert name == "3/4"
    assert (at + NOTICE_TICKS) % Meter(3, 4).bar_ticks == 0
    assert at > 16 * 480


def test_it_does_not_depend_on_how_often_it_is_asked():
    played = notes((WALTZ, WALTZ_TURN), 16)
    often, rarely = MeterChoice(Meter()), MeterChoice(Meter())
    ((at, _),) = chosen(played, often)
    ((later, _),) = chosen(played, rarely, every=3)
    assert at <= later < at + 3 * FRAME


def test_the_present_metre_stays_where_it_fits():
    assert chosen(notes((MARCH, MARCH_TURN), 16), MeterChoice(Meter())) == []


def test_it_wakes_at_each_beat_while_somebody_plays_and_then_no_more():
    choice = MeterChoice(Meter())
    assert choice.next_ticks() is None
    choice.on_note(480, 60)
    assert choice.next_ticks() == 2 * 480 - FRAME // 2
    choice.advance(40 * 480)
    assert choice.next_ticks() is None


def test_a_jump_takes_a_planned_change_back():
    choice, played = MeterChoice(Meter()), notes((WALTZ, WALTZ_TURN), 16)
    ((at, _),) = chosen(played, MeterChoice(Meter()))
    for frame, pitch in played:
        if frame * FRAME < at:
            choice.on_note(frame * FRAME, pitch)
    choice.jump(at)
    assert choice.next_ticks() is None
    assert not choice.advance(at)


def test_it_changes_at_most_three_times_until_a_long_rest():
    played, begin = [], 0
    for number in range(6):
        bars = ((WALTZ, WALTZ_TURN), (MARCH, MARCH_TURN))[number % 2]
        played += notes(bars, 40, begin)
        begin += 960 if number % 2 == 0 else 40 * 32
        begin += -begin % 48
    choice = MeterChoice(Meter())
    assert len(chosen(played, choice)) == MOST_CHANGES

"""Measured answers are paired with the keys that caused them."""

from hypothesis import given
from hypothesis import strategies as st

from ripieno.bench import pairing
from ripieno.bench.pairing import Paired, Reply, Stamped
from ripieno.clock import NS_PER_MS
from ripieno.files import journal
from ripieno.music import messages
from ripieno.music.timeline import Timeline
from ripieno.protocol import Ask, Limits, Sing, Voices

MS = NS_PER_MS


def key(at_ms, pitch=60):
    return Stamped(int(at_ms * MS), messages.note_on(0, pitch, 70))


def answer(at_ms, pitch=55, channel=1):
    return Stamped(int(at_ms * MS), messages.note_on(channel, pitch, 60))


def test_thru_is_the_key_itself_and_the_answer_the_first_of_the_machines():
    keys = [key(100), key(200, 62)]
    heard = [key(103), answer(105), answer(106, 52), key(203, 62), answer(204)]
    assert pairing.paired(keys, heard) == [
        Paired(100 * MS, 103 * MS, 105 * MS),
        Paired(200 * MS, 203 * MS, 204 * MS),
    ]


def test_what_comes_after_the_next_key_is_not_an_answer_to_this_one():
    keys = [key(100), key(200)]
    pairs = pairing.paired(keys, [answer(205)])
    assert [pair.answer_ns for pair in pairs] == [None, 205 * MS]


def test_another_pitch_is_no_thru_and_an_off_is_nothing():
    heard = [key(101, 61), Stamped(102 * MS, messages.note_off(0, 60))]
    assert pairing.paired([key(100)], heard) == [Paired(100 * MS, None, None)]


gaps = st.lists(
    st.tuples(
        st.integers(60, 140),
        st.integers(1, 29),
        st.one_of(st.none(), st.integers(1, 59)),
    ),
    min_size=1,
    max_size=50,
)


@given(gaps, st.randoms())
def test_every_answer_finds_its_key_in_whatever_order_they_are_told(told, chance):
    keys, heard, at_ms = [], [], 0
    for gap_ms, thru_ms, answer_ms in told:
        at_ms += gap_ms
        keys.append(key(at_ms))
        heard.append(key(at_ms + thru_ms))
        if answer_ms is not None:
            heard.append(answer(at_ms + answer_ms))
    chance.shuffle(heard)
    pairs = pairing.paired(keys, heard)
    through = pairing.gaps_ms((p.key_ns, p.thru_ns) for p in pairs)
    assert through == [thru_ms for _, thru_ms, _ in told]
    answered = [ms for _, _, ms in told if ms is not None]
    assert pairing.gaps_ms((p.key_ns, p.answer_ns) for p in pairs) == answered
    beyond = [ms - thru for _, thru, ms in told if ms is not None]
    assert pairing.gaps_ms((p.thru_ns, p.answer_ns) for p in pairs) == beyond


def test_the_sample_clocks_times_count_where_there_are_any():
    stamped = [Stamped(5, b"\x90<F", frame=48), Stamped(7, b"\x90<F")]
    found = pairing.by_samples(stamped, 48_000)
    assert [each.at_ns for each in found] == [1 * MS, 7]


def test_a_reply_that_came_is_judged_by_when_it_was_due():
    on = messages.note_on(1, 64, 70)
    found = [Reply(100 * MS, 93 * MS, on), Reply(300 * MS, 293 * MS, on)]
    heard = [Stamped(101 * MS, on), Stamped(150 * MS, on), Stamped(304 * MS, on)]
    assert pairing.arrival_ms(found, heard) == [1.0, 4.0]


def test_the_journal_says_how_long_the_thinker_took():
    entries: list[journal.Entry] = [
        journal.Tick(10 * MS),
        journal.Told(Sing(1, 10 * MS, 60, 3, Limits())),
        journal.Thought(12 * MS, Voices(1, (55,))),
        journal.Thought(15 * MS, Voices(1, (55,))),
    ]
    assert pairing.responses_ms(entries) == [2.0]


def test_a_note_on_without_a_velocity_is_no_key_and_no_answer():
    lifted = messages.note_on(1, 60, 0)
    assert not pairing.is_answer(lifted)
    keys = [key(200), Stamped(150 * MS, lifted), key(100)]
    assert pairing.onsets(keys) == [key(100), key(200)]


def test_a_silence_lasts_from_the_last_key_up_however_it_is_said():
    def up(at_ms, data):
        return Stamped(at_ms * MS, data)

    off, lifted = messages.note_off(0, 60), messages.note_on(0, 60, 0)
    played = [key(0), up(50, off), key(100), up(150, lifted), key(900), up(950, off)]
    heard = [key(1), answer(250), answer(300), answer(990)]
    assert pairing.silences_ms(played, heard, 200 * MS) == [100.0, 40.0]


def ask(revision, start_ms, *, foreseen=False):
    timeline = Timeline()
    start = timeline.ticks_at(start_ms * MS)
    return Ask(
        revision=revision, timeline=timeline, start_ticks=start,
        until_ticks=start + 480, closing=True, pulse_ticks=480, grid_ticks=0,
        seed=1, limits=Limits(), foreseen=foreseen,
    )  # fmt: skip


def test_a_reply_begins_where_it_was_asked_for_not_where_it_was_foreseen():
    asked, foreseen = ask(1, 1000), ask(2, 2000, foreseen=True)
    due_ns = asked.timeline.ns_at(asked.start_ticks)
    foreseen_ns = foreseen.timeline.ns_at(foreseen.start_ticks)
    on = messages.note_on(1, 60, 70)
    entries: list[journal.Entry] = [
        journal.Tick(900 * MS),
        journal.Told(asked),
        journal.Told(foreseen),
        journal.Tick(990 * MS),
        journal.Sent(due_ns, messages.note_on(1, 60, 0)),
        journal.Sent(due_ns, on),
        journal.Sent(foreseen_ns, on),
    ]
    assert pairing.replies(entries) == [Reply(due_ns, 990 * MS, on)]

"""A DAW that plays a loop, in simulated time: the bytes that Ardour 7.3 sends.

At each pass it sends stop one period before the loop's end, then song position,
continue and a clock in one frame at the loop's start. The track's first note of the
next pass comes two periods before its clock, so before the stop. At a stop it also
sends sustain off and all notes off on every channel. A beat is half a second.
"""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.inputs import BEAT, CLOCK, CONTINUE, MS, START, STOP, S, song_position
from tests.outputs import hanging

from ripieno.engine import Engine
from ripieno.music import messages
from ripieno.settings.beginning import Beginning
from ripieno.settings.params import Params
from ripieno.simulation import Simulation
from ripieno.testing import ScriptedDuet

PERIOD = 2_666_667
EARLY = 2 * PERIOD + MS // 3
"""Ardour sends its tracks' notes so long before the clock of their position."""
LATEST = 26 * MS
TUNE = (60, 67, 69, 67, 65, 64, 62, 60)
SILENCE = [
    messages.control(channel, number, 0)
    for channel in range(16)
    for number in (64, 123)
]


def looped(first, beats, passes, *, note_beats=None, silences_at=None):
    """What a DAW sends that loops from a beat on.

    Args:
        first: the song's beat at which the loop begins, and the performance.
        beats: how long it is.
        passes: how often it is played.
        note_beats: the beats of the loop that have a note; all if None.
        silences_at: when the all-notes-off of each stop comes, in ns after the stop;
            None for never.
    """
    notes = range(beats) if note_beats is None else note_beats
    sent: list[tuple[int, bytes]] = []
    for number in range(passes):
        begin = 2 * S + number * beats * BEAT
        begins = [START] if not first else [song_position(4 * first), CONTINUE]
        if number:
            sent.append((begin - PERIOD, STOP))
            if silences_at is not None:
                sent += [(begin - PERIOD + silences_at, cc) for cc in SILENCE]
        sent += [(begin, data) for data in begins]
        sent += [(begin + n * BEAT // 24, CLOCK) for n in range(24 * beats)]
        for beat in notes:
            at, pitch = begin + beat * BEAT - EARLY, TUNE[beat % 8]
            sent.append((at, messages.note_on(0, pitch, 80)))
            sent.append((at + BEAT // 2, messages.note_off(0, pitch)))
    return sorted(sent, key=lambda message: message[0])


def performed(inputs, role, mind=None, *, reach_ns=0, **play):
    engine = Engine(
        Beginning(Params(**{"role": role, **play}), seed=1, reach_ns=reach_ns)
    )
    ready = None if mind is None else ScriptedDuet.ready
    played = Simulation(engine, mind, ready=ready)
    played.play(inputs)
    played.run_until(played.now_ns + BEAT // 2)
    return played


def accompanied(played, beats, passes, since=1):
    """For each beat since a pass, whether a note of ours begins on it or sounds."""
    sent = [(send.due_ns, send.data) for _, send in played.sent]
    notes = [each for each in sent if messages.is_note_on(each[1])]
    notes += [each for each in sent if messages.is_note_off(each[1])]
    notes.sort(key=lambda each: each[0])
    found: list[bool] = []
    down: set[bytes] = set()
    for beat in range(since * beats, passes * beats):
        at_ns, begins = 2 * S + beat * BEAT, False
        while notes and notes[0][0] <= at_ns + LATEST:
            due_ns, data = notes.pop(0)
            is_on, key = messages.is_note_on(data), bytes((data[0] & 15, data[1]))
            begins |= is_on and due_ns >= at_ns - MS
            (down.add if is_on else down.discard)(key)
        found.append(begins or bool(down))
    return found


@pytest.mark.parametrize(
    "silences_at", [None, -PERIOD, 0, PERIOD - 1, PERIOD, 2 * PERIOD]
)
@pytest.mark.parametrize("first", [0, 8])
@pytest.mark.parametrize(
    "beats", [2, *(pytest.param(n, marks=pytest.mark.slow) for n in (4, 8)), 16]
)
@pytest.mark.parametrize("role", ["accompany", "loop"])
def test_from_the_second_pass_on_every_beat_of_a_loop_is_accompanied(
    role, beats, first, silences_at
):
    passes = 2 + 16 // beats
    inputs = looped(first, beats, passes, silences_at=silences_at)
    mind = ScriptedDuet() if role == "accompany" else None
    played = performed(inputs, role, mind)
    on_beat = accompanied(played, beats, passes)
    if role == "loop" and silences_at is not None and silences_at >= PERIOD:
        # What has begun is cut off by it, and the bar goes on with the next beat.
        on_beat = [on for n, on in enumerate(on_beat) if n % beats]
    assert all(on_beat), on_beat


def test_the_listening_of_the_first_pass_still_takes_eight_beats():
    played = performed(looped(8, 16, 2), "accompany", ScriptedDuet())
    assert accompanied(played, 16, 1, since=0) == [False] * 8 + [True] * 8


@pytest.mark.parametrize("role", ["accompany", "loop"])
def test_a_first_beat_without_a_note_is_accompanied_too(role):
    inputs = looped(8, 4, 6, note_beats=(1, 2, 3))
    mind = ScriptedDuet() if role == "accompany" else None
    played = performed(inputs, role, mind)
    assert all(accompanied(played, 4, 6))


def test_a_loop_of_the_second_half_of_a_bar_is_played():
    played = performed(looped(10, 2, 10), "loop")
    assert all(accompanied(played, 2, 10))


def test_the_chord_of_the_first_beat_knows_the_note_that_came_before_the_jump():
    mind = ScriptedDuet()
    performed(looped(8, 4, 4), "accompany", mind)
    decided = [ask for ask in mind.asked if ask.index == 8]
    assert [ask.beat and ask.beat.struck[0] for ask in decided] == [(TUNE[0],)] * 3


def test_a_bar_that_the_song_returns_to_has_its_pattern_again():
    played = performed(looped(0, 8, 4), "loop", listen=0)
    by_pass = [
        [
            (send.due_ns - begin, send.data)
            for _, send in played.sent
            if begin <= send.due_ns < begin + 7 * BEAT
            and messages.is_note_on(send.data)
        ]
        for begin in (2 * S + n * 8 * BEAT for n in (2, 3))
    ]
    assert by_pass[0]
    assert [data for _, data in by_pass[0]] == [data for _, data in by_pass[1]]


def test_after_a_real_stop_it_waits_for_the_human_and_then_plays_at_once():
    inputs = [m for m in looped(0, 16, 1) if m[0] < 2 * S + 16 * BEAT]
    stop = 2 * S + 16 * BEAT
    again = stop + 20 * S
    inputs += [(stop, STOP), (again, START)]
    inputs += [(again + n * BEAT // 24, CLOCK) for n in range(24 * 8)]
    inputs += [(again + 4 * BEAT, messages.note_on(0, 60, 80))]
    played = performed(sorted(inputs, key=lambda m: m[0]), "accompany", ScriptedDuet())
    ons = [at for at, send in played.sent if messages.is_note_on(send.data)]
    assert min(at for at in ons if at > stop) == pytest.approx(
        again + 4 * BEAT, abs=LATEST
    )


def test_listening_goes_on_where_the_song_jumps_elsewhere():
    jump = 2 * S + 5 * BEAT
    inputs = [m for m in looped(0, 16, 1) if m[1] != CLOCK or m[0] < jump]
    inputs += [(jump, song_position(400))]
    inputs += [(jump + 1 + n * BEAT // 24, CLOCK) for n in range(24 * 10)]
    played = performed(sorted(inputs, key=lambda m: m[0]), "accompany", ScriptedDuet())
    ons = [at for at, send in played.sent if messages.is_note_on(send.data)]
    assert 8 * BEAT <= min(ons) - 2 * S <= 10 * BEAT


@given(
    st.sampled_from(["accompany", "loop"]),
    st.integers(0, 40),
    st.integers(1, 16),
    st.sampled_from([None, 0, PERIOD, 4 * PERIOD]),
    st.sampled_from([0, 8 * MS]),
)
def test_any_loop_leaves_no_note_hanging(role, first, beats, silences_at, reach):
    inputs = looped(first, beats, 1 + 12 // beats, silences_at=silences_at)
    mind = ScriptedDuet() if role == "accompany" else None
    played = performed(inputs, role, mind, reach_ns=reach)
    played.stop()
    assert not hanging(played.sent)


# ── a stop ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("reach_ns", [0, PERIOD + 5 * MS])
@pytest.mark.parametrize("role", ["accompany", "loop"])
def test_nothing_is_decided_after_a_stop(role, reach_ns):
    """Whatever is due after the stop was handed over before it, and is taken back."""
    mind = ScriptedDuet() if role == "accompany" else None
    for stop in range(2 * S + 12 * BEAT - 30 * MS, 2 * S + 12 * BEAT + 30 * MS, 2 * MS):
        inputs = [m for m in looped(0, 16, 1) if m[0] < stop]
        played = performed([*inputs, (stop, STOP)], role, mind, reach_ns=reach_ns)
        late = [
            send.data
            for at, send in played.sent
            if messages.is_note_on(send.data) and at > stop
        ]
        assert not late
        ends = [at for at, send in played.sent if messages.is_note_off(send.data)]
        assert max(itertools.chain(ends, [0])) <= stop


def test_after_a_panic_it_waits_for_the_human():
    played = performed([], "accompany", ScriptedDuet())
    begin = 2 * S
    tune = [m for m in looped(0, 16, 1) if m[0] < begin + 12 * BEAT]
    played.play(tune)
    panic = played.now_ns
    played.stop()
    clocks = [m for m in looped(0, 16, 1) if m[0] > panic and m[1] == CLOCK]
    played.play(clocks)
    assert not [
        at for at, send in played.sent if messages.is_note_on(send.data) and at > panic
    ]

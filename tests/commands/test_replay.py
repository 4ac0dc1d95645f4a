"""A journal is played again: what is equal, what differs, what is damaged."""

import re
import tracemalloc
import zlib

import msgspec
import pytest
from tests.command import S
from tests.journaled import Performance

from ripieno.commands.cli import main
from ripieno.commands.replay import replay
from ripieno.errors import FileError
from ripieno.files import journal
from ripieno.music import messages
from ripieno.protocol import EVERYONE, Ask, Plan, Ready
from ripieno.settings.ensemble import SeatSettings
from ripieno.settings.params import Params
from ripieno.settings.roles import asked_of


@pytest.fixture(scope="module")
def performance(tmp_path_factory):
    """The journal of three replies."""
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    live = Performance(path)
    for pitches in ((60, 62, 64, 65), (67, 65, 64), (60, 64, 67, 72, 67)):
        live.play(*pitches)
    assert live.player.status().turns == 3
    live.end()
    return path


def altered(path, entries):
    """The same journal with other entries."""
    path.write_bytes(b"".join(journal.encode(entry) + b"\n" for entry in entries))
    return path


def place_of(entries, kind, is_it=lambda _: True):
    """Where the third such entry is."""
    places = [i for i, e in enumerate(entries) if isinstance(e, kind) and is_it(e)]
    return places[2]


def is_onset(entry):
    return messages.is_note_on(entry.data)


def test_a_journal_replays_bit_for_bit_with_its_model(performance):
    found = replay(performance)
    assert found.outputs > 40
    assert found.inputs > 24
    assert found.plans >= 3
    assert (found.differing, found.differing_plans) == (0, 0), found.first
    assert found.why_no_plans == ""


def test_replay_reports_that_nothing_differs(performance, capsys):
    assert main(["replay", str(performance)]) == 0
    assert capsys.readouterr().out.count("all as then.") == 2


@pytest.mark.parametrize(
    ("params", "thinks_every_ms"),
    [
        (Params(role="continue"), 1),
        (Params(role="continue", thru=True, seed=77), 40),
        (Params(scale="D dorian", polyphony=1), 300),
    ],
    ids=["continue", "slow and through", "too slow"],
)
def test_a_journal_of_any_events_replays(tmp_path, params, thinks_every_ms):
    path = tmp_path / "journal.jsonl"
    live = Performance(path, params, thinks_every_ms=thinks_every_ms)
    live.play(60, 62, 64, 65, silence_s=8.0)
    live.play(67, silence_s=1.0)
    live.play(72, 71, 69)
    live.end()
    found = replay(path)
    assert found.outputs > 40
    assert (found.differing, found.differing_plans) == (0, 0), found.first


@pytest.mark.parametrize(
    ("play", "thinks_every_ms"),
    [({}, 1), ({"lead": 1.0, "click": True}, 9), ({"meter": "6/8"}, 150)],
    ids=["on the beat", "leading, with clicks", "slow, in six eight"],
)
def test_an_accompaniment_replays(tmp_path, play, thinks_every_ms):
    path = tmp_path / "journal.jsonl"
    params = Params(role="accompany", listen=2, bpm=150.0, **play)
    live = Performance(path, params, thinks_every_ms=thinks_every_ms)
    live.play(60, 64, 67, 64, 65, 69, 72, 69, 67, 71, 74, 71, silence_s=2.0)
    live.play(62, 65, 69, silence_s=1.0)
    live.end()
    found = replay(path)
    assert found.outputs > 60
    assert found.plans > 10
    assert (found.differing, found.differing_plans) == (0, 0), found.first


@pytest.mark.parametrize("commit", [1, 4])
def test_promised_chords_replay_after_a_thinker_was_replaced(tmp_path, commit):
    path = tmp_path / "journal.jsonl"
    live = Performance(path, Params(role="accompany", listen=2, commit=commit))
    live.play(60, 64, 67, 64, 65, 69, silence_s=0.3)
    live.new_thinker()
    live.player.meet(live.ready)
    live.play(72, 69, 67, 71, 74, 71, silence_s=2.0)
    live.end()
    found = replay(path)
    assert found.outputs > 60
    assert (found.differing, found.differing_plans) == (0, 0), found.first


def test_a_performance_whose_seats_change_come_and_go_replays(tmp_path):
    path = tmp_path / "journal.jsonl"
    solo = SeatSettings("solo", {"role": "answer"})
    keys = SeatSettings("keys", {"role": "keys", "channel": 2})
    play = Params(listen=2, bpm=150.0, split="C3", thru=True)
    live = Performance(path, play, seats=(solo, keys))
    live.play(60, 62, 64, 65, silence_s=2.0)
    echo = SeatSettings("echo", {"role": "answer", "channel": 3, "level": 0.5})
    live.change(fields={"keys.busy": 12.0, "solo.role": "vary"}, add=(echo,))
    live.play(67, 65, 64, 36, 40, silence_s=3.0)
    live.change(fields={"echo.role": "harmonize"}, remove=("keys",))
    live.play(60, 64, 67, silence_s=2.0)
    live.change(fields={"role": "accompany"})
    live.play(60, 64, 67, 72, 67, silence_s=1.0)
    for role in ("answer", "accompany", "answer"):
        live.change(fields={"role": role})
        live.run(0.1)
    live.play(60, 64, 67)
    assert live.player.status().refused == 0
    live.end()
    asked = {
        (entry.seat, type(entry.message).__name__)
        for entry in journal.read(path)
        if isinstance(entry, journal.Told) and asked_of(entry.message) is not None
    }
    assert asked == {(0, "Decide"), (1, "Ask"), (3, "Ask"), (3, "Sing"), (11, "Ask")}
    loaded_for = {
        entry.seat
        for entry in journal.read(path)
        if isinstance(entry, journal.Thought) and isinstance(entry.message, Ready)
    }
    assert loaded_for == {EVERYONE}  # a seat that comes takes the mind of one that went
    found = replay(path)
    assert found.outputs > 100
    assert found.plans > 20
    assert (found.differing, found.differing_plans) == (0, 0), found.first


@pytest.mark.slow
def test_a_performance_with_player_and_thinker_replaced_replays(tmp_path):
    path = tmp_path / "journal.jsonl"
    live = Performance(path, Params(role="continue"))
    live.play(60, 62, 64, 65)
    live.new_thinker()
    live.player.meet(live.ready)
    live.play(67, 65, 64)
    while not live.player.status().sounding:
        live.run(0.01)
    live.new_player()
    assert not live.player.status().sounding
    live.play(60, 64, 67)
    live.end()
    headers = [e for e in journal.read(path) if isinstance(e, journal.Header)]
    assert [header.epoch for header in headers] == [0, 1]
    assert headers[1].adopted
    found = replay(path)
    assert (found.differing, found.differing_plans) == (0, 0), found.first


def test_a_message_that_the_thinker_never_got_is_not_replayed_to_it(tmp_path):
    path = tmp_path / "journal.jsonl"
    live = Performance(path, thinks_every_ms=40, told_bytes=400)
    live.play(60, 62, 64, 65)
    for pitch in range(60, 72):
        live.port.feed(messages.note_on(0, pitch, 70), messages.note_off(0, pitch))
    live.play(67, 65, 64)
    live.play(60, 64, 67)
    assert live.player.status().untold > 10
    live.end()
    found = replay(path)
    assert found.plans >= 2
    assert (found.differing, found.differing_plans) == (0, 0), found.first


@pytest.fixture(scope="module")
def two_players(tmp_path_factory):
    """The journal of a player that was replaced while it sounded."""
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    live = Performance(path, Params(role="continue"))
    live.play(60, 62, 64, 65)
    live.new_player()
    live.play(60, 64, 67)
    live.end()
    return path


@pytest.fixture(scope="module")
def outputs_of_two(two_players):
    """How many outputs are compared where nothing is lost."""
    return replay(two_players).outputs


def with_a_loss(entries, place, count):
    """The same entries without some of them, as a journal says it."""
    return [*entries[:place], journal.Lost(count), *entries[place + count :]]


def header_places(entries):
    return [n for n, entry in enumerate(entries) if isinstance(entry, journal.Header)]


@pytest.mark.parametrize(
    "share",
    [0.05, 0.3, 0.6, 0.9]
    + [pytest.param(share, marks=pytest.mark.slow) for share in (0.31, 0.32, 0.33)],
)
def test_after_a_loss_the_next_player_is_compared_again(
    two_players, outputs_of_two, tmp_path, share
):
    entries = list(journal.read(two_players))
    _, second = header_places(entries)
    place = int(share * second)
    entries = with_a_loss(entries, place, 3)
    found = replay(altered(tmp_path / "altered.jsonl", entries))
    assert (found.differing, found.differing_plans) == (0, 0), found.first
    assert 20 < found.outputs < outputs_of_two
    assert found.plans > 0
    (gap,) = found.gaps
    begin_ns, again_ns = entries[0].start_ns, entries[second - 2].start_ns
    assert gap.until_s == (again_ns - begin_ns) / S
    assert 0 <= gap.from_s < (again_ns - begin_ns) / S
    assert gap.lost == 3


def test_a_lost_header_leaves_the_rest_uncompared(two_players, tmp_path):
    entries = list(journal.read(two_players))
    _, second = header_places(entries)
    entries = with_a_loss(entries, second, 1)
    found = replay(altered(tmp_path / "altered.jsonl", entries))
    assert (found.differing, found.differing_plans) == (0, 0), found.first
    assert [(gap.until_s, gap.lost) for gap in found.gaps] == [(None, 1)]


def test_replay_reports_what_it_could_not_compare(performance, tmp_path, capsys):
    entries = list(journal.read(performance))
    entries = with_a_loss(entries, place_of(entries, journal.Heard), 7)
    assert main(["replay", str(altered(tmp_path / "altered.jsonl", entries))]) == 1
    out = capsys.readouterr().out
    assert "all as then" in out
    assert re.search(
        r"^Not compared from \d\.\d{3} s on: entries are missing \(7\)\.$",
        out,
        re.MULTILINE,
    )


def test_a_ledger_that_would_unpack_to_256_mb_is_refused(performance, tmp_path):
    packing = zlib.compressobj()
    bomb = b"".join(packing.compress(bytes(1 << 20)) for _ in range(1 << 8))
    bomb += packing.flush()
    header, *rest = journal.read(performance)
    entries = [msgspec.structs.replace(header, adopted=bomb), *rest]
    path = altered(tmp_path / "altered.jsonl", entries)
    tracemalloc.start()
    with pytest.raises(FileError, match=r"is damaged.*ledger"):
        replay(path)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 1 << 25  # the file itself is read whole


@pytest.mark.parametrize("adopted", [b"not zlib", zlib.compress(b"short")])
def test_an_invalid_ledger_is_refused_as_damage(performance, tmp_path, adopted):
    header, *rest = journal.read(performance)
    entries = [msgspec.structs.replace(header, adopted=adopted), *rest]
    with pytest.raises(FileError, match=r"is damaged.*ledger"):
        replay(altered(tmp_path / "altered.jsonl", entries))


def test_replay_finds_one_altered_byte_of_an_output(performance, tmp_path):
    entries = list(journal.read(performance))
    at = place_of(entries, journal.Sent, is_onset)
    data = bytearray(entries[at].data)
    data[1] ^= 1
    entries[at] = msgspec.structs.replace(entries[at], data=bytes(data))
    found = replay(altered(tmp_path / "altered.jsonl", entries))
    assert found.differing == 1
    assert f"then Send(due_ns={entries[at].due_ns}" in found.first
    assert found.differing_plans == 0


def test_replay_reports_what_differs(performance, tmp_path, capsys):
    entries = list(journal.read(performance))
    at = place_of(entries, journal.Sent)
    later_ns = entries[at].due_ns + 1
    entries[at] = msgspec.structs.replace(entries[at], due_ns=later_ns)
    path = altered(tmp_path / "altered.jsonl", entries)
    assert main(["replay", str(path)]) == 1
    out = capsys.readouterr().out
    assert "1 differ." in out
    assert "First difference at " in out


def test_replay_finds_a_missing_output(performance, tmp_path):
    entries = list(journal.read(performance))
    del entries[place_of(entries, journal.Sent)]
    assert replay(altered(tmp_path / "altered.jsonl", entries)).differing > 0


def test_replay_of_a_changed_input_differs(performance, tmp_path):
    entries = list(journal.read(performance))
    at = place_of(entries, journal.Heard, is_onset)
    other = messages.note_on(0, entries[at].data[1] + 1, 70)
    entries[at] = msgspec.structs.replace(entries[at], data=other)
    assert replay(altered(tmp_path / "altered.jsonl", entries)).differing > 0


def place_of_a_plan(entries):
    """Where a section came that was played: of a plan that was not only foreseen."""
    played = {
        entry.message.revision
        for entry in entries
        if isinstance(entry, journal.Told)
        and isinstance(entry.message, Ask)
        and not entry.message.foreseen
    }

    def is_played(entry):
        plan = entry.message
        return isinstance(plan, Plan) and plan.notes and plan.revision in played

    return place_of(entries, journal.Thought, is_played)


def test_replay_finds_a_plan_that_the_model_did_not_make(performance, tmp_path):
    entries = list(journal.read(performance))
    at = place_of_a_plan(entries)
    plan = entries[at].message
    first = msgspec.structs.replace(plan.notes[0], pitch=plan.notes[0].pitch ^ 1)
    forged = msgspec.structs.replace(plan, notes=(first, *plan.notes[1:]))
    entries[at] = msgspec.structs.replace(entries[at], message=forged)
    found = replay(altered(tmp_path / "altered.jsonl", entries))
    assert found.differing_plans == 1
    assert found.differing > 0


def test_an_invalid_plan_is_refused_as_damage(performance, tmp_path):
    entries = list(journal.read(performance))
    at = place_of_a_plan(entries)
    plan = entries[at].message
    high = msgspec.structs.replace(plan.notes[0], pitch=999)
    forged = msgspec.structs.replace(plan, notes=(high, *plan.notes[1:]))
    entries[at] = msgspec.structs.replace(entries[at], message=forged)
    with pytest.raises(FileError, match="is damaged"):
        replay(altered(tmp_path / "altered.jsonl", entries))


def test_without_its_model_the_outputs_are_still_compared(performance, tmp_path):
    entries = [
        msgspec.structs.replace(
            entry, message=msgspec.structs.replace(entry.message, sha256="0" * 64)
        )
        if isinstance(entry, journal.Thought) and isinstance(entry.message, Ready)
        else entry
        for entry in journal.read(performance)
    ]
    found = replay(altered(tmp_path / "altered.jsonl", entries))
    assert found.differing == 0
    assert found.outputs > 40
    assert "is not installed" in found.why_no_plans


def test_an_incomplete_last_line_is_left_out(performance, tmp_path):
    path = tmp_path / "cut.jsonl"
    path.write_bytes(performance.read_bytes()[:-9])
    found = replay(path)
    assert found.differing <= 1  # what the lost line said
    assert found.outputs > 40

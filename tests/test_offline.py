"""The engine without a clock: a file becomes a duet, a journal is played again."""

import re
import tracemalloc
import zlib
from itertools import pairwise

import mido
import msgspec
import pytest
from tests.command import S, write_tune
from tests.tracks import notes, ons_minus_offs

from ripieno.clock import NS_PER_MS, SimulatedClock, SystemClock
from ripieno.commands.cli import main
from ripieno.commands.render import render
from ripieno.commands.replay import replay
from ripieno.errors import FileError
from ripieno.files import journal
from ripieno.files.journal import JournalFile
from ripieno.files.midi import read_performance
from ripieno.inference.manifest import for_role
from ripieno.inference.tables import maybe_tables
from ripieno.ipc.ring import Ring
from ripieno.music import messages
from ripieno.play import ledger
from ripieno.ports.memory import MemoryPort
from ripieno.processes.loading import wake
from ripieno.processes.player import Player, Start, begin
from ripieno.processes.thinker import Thinker
from ripieno.protocol import Ask, Plan, Ready
from ripieno.settings.config import Settings
from ripieno.settings.params import Params

NEAR_NS = 1_100_000
"""A tick at 120 bpm is 1.04 ms."""
RING_BYTES = 1 << 18


def rendered(source, target, *, seed=1, tail_s=10.0, progress=lambda _: None, **play):
    """Render with some parameters; the duet, and how it went."""
    settings = Settings(provider="cpu", play=Params(**play))
    done = render(source, target, settings, seed=seed, tail_s=tail_s, progress=progress)
    return read_performance(target), done.status


def assert_unchanged(tracks, originals):
    """Same names, same bytes, at times that a sequencer cannot tell apart."""
    assert [track.name for track in tracks] == [track.name for track in originals]
    for track, original in zip(tracks, originals, strict=True):
        pairs = list(zip(track.messages, original.messages, strict=True))
        assert [new for (_, new), _ in pairs] == [old for _, (_, old) in pairs]
        assert all(abs(new - old) <= NEAR_NS for (new, _), (old, _) in pairs)


@pytest.fixture(scope="module")
def tune(tmp_path_factory):
    return write_tune(tmp_path_factory.mktemp("tune") / "tune.mid", phrases=2)


# ── render ───────────────────────────────────────────────────────────────────────────


def test_render_keeps_the_humans_tracks_and_adds_the_machines(tune, tmp_path):
    duet, status = rendered(tune, tmp_path / "duet.mid")
    assert_unchanged(duet.tracks[:-1], read_performance(tune).tracks)
    machine = duet.tracks[-1]
    assert machine.name == "Ripieno"
    assert len(notes(machine)) == status.sent > 4
    assert not ons_minus_offs(machine)
    assert status.turns == status.on_time == 2


def orchestra(path, ticks_per_beat):
    """Three tracks, two channels, a pedal, a bend, and a tempo that changes twice."""
    beat = ticks_per_beat
    conductor = [
        mido.MetaMessage("set_tempo", tempo=600_000),
        mido.MetaMessage("time_signature", numerator=3, denominator=4),
        mido.MetaMessage("set_tempo", tempo=419_287, time=3 * beat + 7),
        mido.MetaMessage("set_tempo", tempo=731_001, time=beat - 5),
    ]
    upper = [mido.MetaMessage("track_name", name="Oboe")]
    upper += [mido.Message("program_change", program=68)]
    lower = [mido.MetaMessage("track_name", name="Left hand")]
    lower += [mido.Message("control_change", channel=1, control=64, value=127)]
    for place in range(9):
        upper += [mido.Message("note_on", note=72 + place, velocity=70, time=beat // 3)]
        upper += [mido.Message("pitchwheel", pitch=100 * place, time=beat // 5)]
        upper += [mido.Message("note_on", note=72 + place, velocity=0, time=beat // 3)]
        lower += [mido.Message("note_on", channel=1, note=48, velocity=40, time=beat)]
        lower += [mido.Message("note_off", channel=1, note=48, velocity=3)]
    lower += [mido.Message("control_change", channel=1, control=64, value=0)]
    tracks = [mido.MidiTrack(each) for each in (conductor, upper, lower)]
    file = mido.MidiFile(ticks_per_beat=ticks_per_beat, tracks=tracks)
    file.save(path)
    return path


@pytest.mark.parametrize("ticks_per_beat", [48, 97, 480, 1000])
def test_tempos_tracks_and_gestures_survive(tmp_path, ticks_per_beat):
    source = orchestra(tmp_path / "source.mid", ticks_per_beat)
    duet, _ = rendered(source, tmp_path / "duet.mid")
    original = read_performance(source)
    assert_unchanged(duet.tracks[:-1], original.tracks)
    assert [us for _, us in duet.tempos] == [us for _, us in original.tempos]
    assert [n for _, *n in duet.time_signatures] == [[3, 4]]


def test_the_same_seed_gives_the_same_file_and_another_one_other_notes(tune, tmp_path):
    paths = [tmp_path / f"{name}.mid" for name in ("one", "same", "other")]
    duets = [
        rendered(tune, path, seed=seed)[0]
        for path, seed in zip(paths, (1, 1, 2), strict=True)
    ]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert notes(duets[0].tracks[-1]) != notes(duets[2].tracks[-1])


def test_render_answers_after_the_phrase_is_over(tune, tmp_path):
    duet, _ = rendered(tune, tmp_path / "duet.mid")
    human = notes(read_performance(tune).tracks[0])
    for start_ns, _, _ in notes(duet.tracks[-1]):
        heard = [end_ns for onset_ns, end_ns, _ in human if onset_ns <= start_ns]
        assert start_ns >= max(heard)


def test_continue_fills_the_tail(tune, tmp_path):
    duet, _ = rendered(tune, tmp_path / "duet.mid", role="continue", tail_s=20.0)
    length_ns = read_performance(tune).length_ns
    onsets = [start_ns for start_ns, _, _ in notes(duet.tracks[-1])]
    tail = [at_ns for at_ns in onsets if at_ns > length_ns]
    silences_s = [(b - a) / S for a, b in pairwise([*tail, length_ns + 20 * S])]
    assert len(tail) > 10
    assert max(silences_s) < 8.0  # how long a model may well rest
    assert duet.length_ns <= length_ns + 20 * S + NEAR_NS


def test_without_a_tail_nothing_sounds_beyond_the_end(tune, tmp_path):
    duet, _ = rendered(tune, tmp_path / "duet.mid", role="continue", tail_s=0.0)
    assert duet.length_ns <= read_performance(tune).length_ns + NEAR_NS


def test_render_keeps_register_scale_polyphony_and_channel(tune, tmp_path):
    duet, _ = rendered(
        tune, tmp_path / "duet.mid",
        role="continue", tail_s=20.0, low=60, high=72, scale="D major",
        polyphony=2, channel=7,
    )  # fmt: skip
    machine = duet.tracks[-1]
    found = notes(machine)
    assert {messages.channel_of(data) for _, data in machine.messages} == {6}
    assert {pitch for _, _, pitch in found} <= set(range(60, 73))
    assert {pitch % 12 for _, _, pitch in found} <= {2, 4, 6, 7, 9, 11, 1}
    for start_ns, _, _ in found:
        assert sum(a <= start_ns < b - NEAR_NS for a, b, _ in found) <= 2


def test_a_file_may_be_written_over_itself(tune, tmp_path):
    path = tmp_path / "tune.mid"
    path.write_bytes(tune.read_bytes())
    duet, _ = rendered(path, path)
    assert_unchanged(duet.tracks[:-1], read_performance(tune).tracks)


def test_progress_rises_from_0_to_1(tune, tmp_path):
    seen: list[float] = []
    rendered(tune, tmp_path / "duet.mid", progress=seen.append)
    assert seen == sorted(seen)
    assert 0.0 <= seen[0] < 0.2
    assert seen[-1] == pytest.approx(1.0)


@pytest.mark.slow
def test_ten_minutes_take_a_fraction_of_ten_minutes(tmp_path):
    clock = SystemClock()
    source = write_tune(tmp_path / "long.mid", phrases=75)
    began_ns = clock.now_ns()
    duet, status = rendered(source, tmp_path / "duet.mid")
    took_s = (clock.now_ns() - began_ns) / S
    assert status.turns == status.on_time == 75
    assert len(duet.tracks) == 2
    assert took_s < 60  # half a second on an idle machine


def test_render_prints_a_summary(tune, tmp_path, capsys):
    target = tmp_path / "duet.mid"
    assert main(["render", str(tune), "-o", str(target), "--seed", "5"]) == 0
    out = capsys.readouterr().out
    assert f"{target}: 2 replies, " in out
    assert "event-gru; seed 5." in out


def test_a_random_seed_is_printed_and_repeats_the_render(tune, tmp_path, capsys):
    first, again = tmp_path / "first.mid", tmp_path / "again.mid"
    assert main(["render", str(tune), "-o", str(first)]) == 0
    seed = capsys.readouterr().out.rpartition("seed ")[2].strip(" .\n")
    assert main(["render", str(tune), "-o", str(again), "--seed", seed]) == 0
    assert first.read_bytes() == again.read_bytes()


# ── replay ───────────────────────────────────────────────────────────────────────────


class Performance:
    """A player and a thinker in one process, in simulated time, with a journal."""

    def __init__(self, path, params=None, *, thinks_every_ms=1, told_bytes=RING_BYTES):
        self.clock = SimulatedClock(7 * S)
        self.port = MemoryPort(self.clock)
        self.params = params or Params()
        sizes = (RING_BYTES, told_bytes, RING_BYTES)
        self._rings = [Ring(memoryview(bytearray(size))) for size in sizes]
        self._file, self._every_ms = JournalFile(path), thinks_every_ms
        self._memory = memoryview(bytearray(ledger.SIZE))
        self._epoch = 0
        self.new_thinker()
        self.new_player()

    def new_thinker(self):
        """The model, fresh; a player that is there hears of it through the ring."""
        to_player, to_thinker, _ = self._rings
        mind, self.ready = wake(for_role(self.params.role), "cpu")
        to_thinker.skip()
        self._thinker = Thinker(mind, to_thinker, to_player)

    def new_player(self):
        """A player; whatever one before it left sounding is released."""
        to_player, to_thinker, log = self._rings
        engine = begin(
            Settings(play=self.params), self.clock,
            Start(1, maybe_tables(), self._epoch, self._memory), log, self.port,
        )  # fmt: skip
        self._epoch += 1
        self.player = Player(
            self.port, engine, self.clock, inbox=to_player, outbox=to_thinker, log=log
        )
        self.player.meet(self.ready)
        self.player.release()

    def play(self, *pitches, silence_s=4.0):
        """Five notes a second, then a silence."""
        for pitch in pitches:
            self.port.feed(messages.note_on(0, pitch, 70))
            self.run(0.15)
            self.port.feed(messages.note_off(0, pitch))
            self.run(0.05)
        self.run(silence_s)

    def run(self, for_s):
        """Let time pass, a millisecond at a time."""
        for _ in range(int(for_s * 1000)):
            self.clock.wait_until(self.clock.now_ns() + NS_PER_MS)
            self.player.turn()
            if self.clock.now_ns() // NS_PER_MS % self._every_ms == 0:
                for message in self._thinker.hear():
                    self._thinker.tell(message)
                self._thinker.answer()
            self._log()

    def end(self):
        """Release everything and end the journal."""
        self.player.release()
        self._log()
        self._file.close()

    def _log(self):
        assert self._file.write(self._rings[2].read()) is None


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


def with_a_loss(entries, place, count):
    """The same entries without some of them, as a journal says it."""
    return [*entries[:place], journal.Lost(count), *entries[place + count :]]


def header_places(entries):
    return [n for n, entry in enumerate(entries) if isinstance(entry, journal.Header)]


@pytest.mark.parametrize("share", [0.05, 0.3, 0.31, 0.32, 0.33, 0.6, 0.9])
def test_after_a_loss_the_next_player_is_compared_again(two_players, tmp_path, share):
    entries = list(journal.read(two_players))
    _, second = header_places(entries)
    place, rest = int(share * second), replay(two_players).outputs
    entries = with_a_loss(entries, place, 3)
    found = replay(altered(tmp_path / "altered.jsonl", entries))
    assert (found.differing, found.differing_plans) == (0, 0), found.first
    assert 20 < found.outputs < rest
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


def test_a_ledger_that_would_unpack_to_a_gigabyte_is_refused(performance, tmp_path):
    packing = zlib.compressobj()
    bomb = b"".join(packing.compress(bytes(1 << 20)) for _ in range(1 << 10))
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

"""Journals of live takes, and one live take on a JACK server."""

import shutil

import msgspec
import numpy as np
import pytest
from tests.export.judge.players import READY, Plain, need_model
from tests.export.judge.tunes import piece, scale
from tests.journaled import Performance

from ripieno import protocol
from ripieno.clock import SimulatedClock
from ripieno.errors import SettingsError
from ripieno.files import journal
from ripieno.inference.tables import maybe_tables
from ripieno.ports.memory import MemoryPort
from ripieno.processes.player import Player, Start, begin
from ripieno.protocol import CONDUCTOR, Comp, Decide, Reply
from ripieno.settings.config import Settings, load
from ripieno.settings.params import Params
from ripieno_export.judge import live, server
from ripieno_export.judge.again import Again
from ripieno_export.judge.human import Human, perform
from ripieno_export.judge.simulated import Trace, params_for

MS = 1_000_000
SONG = piece(scale(64), frames=64)


class Wire(list[bytes]):
    """A ring in this process: what one side writes, the other reads."""

    def write(self, payload):
        self.append(payload)
        return True

    def read(self):
        read, self[:] = list(self), []
        return read


def performed(tmp_path):
    """The journal of a player in simulated time, with a plain mind."""
    clock, mind = SimulatedClock(), Plain()
    port = MemoryPort(clock)
    log, told, said = Wire(), Wire(), Wire()
    settings = Settings(play=params_for(SONG, Human(), listen=0))
    engine = begin(settings, clock, Start(1, maybe_tables()), log, port)
    player = Player(port, engine, clock, inbox=said, outbox=told, log=log)
    player.meet(READY)
    for at_ns, data in perform(SONG, Human()).messages:
        while (now := clock.now_ns()) < at_ns:
            clock.wait_until(min(at_ns, now + MS))
            player.turn()
            for record in told.read():
                mind.receive(protocol.decode_letter(record).message)
            while (answer := mind.answer()) is not None:
                said.write(protocol.encode(Reply(CONDUCTOR, answer)))
        port.feed(data)
    player.turn()
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in log))
    return list(journal.read(path))


def test_a_journal_comes_out_again_with_its_status(tmp_path):
    entries = performed(tmp_path)
    found = Again.of(entries, 8_000 * MS)
    assert found.is_same
    assert found.status.isr > 0.9
    assert found.status.sent > 10
    sent = next(e for e in entries if isinstance(e, journal.Sent))
    other = msgspec.structs.replace(sent, data=bytes((0x90, 1, 1)))
    assert not Again.of([other if e is sent else e for e in entries], 0).is_same


def test_a_journal_that_lost_entries_is_not_the_same(tmp_path):
    entries = [*performed(tmp_path), journal.Lost(1)]
    assert not Again.of(entries, 0).is_same


def test_a_journal_comes_out_again_though_its_player_was_replaced(tmp_path):
    need_model()
    path = tmp_path / "journal.jsonl"
    performance = Performance(path, Params(role="continue"))
    performance.play(60, 62, 64, 65)
    while not performance.player.status().sounding:
        performance.run(0.01)
    performance.new_player()
    performance.play(60, 64, 67)
    performance.end()
    entries = list(journal.read(path))
    assert any(isinstance(e, journal.Header) and e.adopted for e in entries)
    assert Again.of(entries, 0).is_same


def test_a_journal_of_what_cannot_be_played_by_is_refused(tmp_path):
    header, *rest = performed(tmp_path)
    assert isinstance(header, journal.Header)
    wrong = msgspec.structs.replace(header.params, polyphony=999)
    header = msgspec.structs.replace(header, params=wrong)
    with pytest.raises(SettingsError, match="polyphony"):
        Again.of([header, *rest], 0)


def test_response_times_are_those_of_finished_answers(tmp_path):
    trace = live.trace_of(performed(tmp_path))
    assert len(trace.ahead) > 10
    assert len(trace.on_beat) > 5
    assert (trace.ahead[:, 0] <= trace.ahead[:, 1]).all()
    assert np.median(trace.on_beat[:, 0]) <= 2 * MS


def decide(revision, index):
    fields = dict.fromkeys(Decide.__struct_fields__, 0)
    return Decide(**(fields | {"revision": revision, "index": index}))


def test_an_ask_for_the_same_span_is_one_on_the_beat():
    def comp(revision, section, *, complete):
        return Comp(revision, section, 0, 1.0, (), 4, complete=complete)

    entries: list[journal.Entry] = [
        journal.Tick(0),
        journal.Told(decide(1, 7)),
        journal.Thought(3 * MS, comp(1, 0, complete=False)),
        journal.Tick(10 * MS),
        journal.Told(decide(2, 7)),
        journal.Thought(12 * MS, comp(2, 0, complete=False)),
        journal.Thought(15 * MS, comp(2, 1, complete=True)),
    ]
    trace = live.trace_of(entries)
    assert trace.ahead.tolist() == []
    assert trace.on_beat.tolist() == [[2 * MS, 5 * MS]]


def test_without_asks_on_the_beat_response_times_are_of_earlier_asks():
    none, some = np.zeros((0, 2), np.int64), np.array([[3, 4]])
    assert live.joined([Trace(some, none)]).on_beat.tolist() == [[3, 4]]
    assert live.joined([]).ahead.tolist() == [[0, 0]]


def test_settings_are_written_as_the_daemon_reads_them(tmp_path):
    params = Params(role="accompany", bpm=97.5, meter="6/8", click=True, chart="C@9")
    path = tmp_path / "live.toml"
    path.write_text(live.as_toml(params))
    assert load(path, {}, {}).play == params


def test_a_missing_server_is_one_sentence(monkeypatch):
    monkeypatch.setenv("PATH", "")
    why = server.why_not_live()
    assert why is not None
    assert "apt-get install jackd2" in why


@pytest.mark.jack
@pytest.mark.slow
def test_a_live_take_is_punctual_and_whole(tmp_path):
    need_model()
    if shutil.which("jackd") is None:
        pytest.skip("jackd is not installed")
    session = live.Session(SONG, Human(), overrides={"listen": 0})
    (take,) = live.play_lane([session], 0, tmp_path)
    assert take.replayed
    assert take.answer.take.stuck_notes == 0
    assert len(take.arrived_late_ms) > 10  # all that was sent has arrived
    assert np.median(take.arrived_late_ms) < 20
    assert len(take.answer.take.notes) > 10
    assert len(take.trace.ahead) > 5

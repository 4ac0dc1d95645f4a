"""Live takes: `ripieno play` as a program, a human at its real MIDI ports.

The human sends in real time and stamps what comes back on arrival. The daemon's journal
says when each message was due and when it was sent, how long the thinker took, and what
was played in every span; played again through an engine, bit for bit, it also gives the
daemon's own status. Both sides read one clock.

What a stamp means: the human looks into its port every half millisecond, and a JACK
period is 2.7 ms.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from ripieno.clock import NS_PER_MS, NS_PER_S, Clock, SystemClock
from ripieno.errors import PortError, RipienoError
from ripieno.files import journal
from ripieno.music.messages import is_channel_message, is_note_on
from ripieno.ports.client_port import ClientPort
from ripieno.protocol import Beat, Comp, Decide
from ripieno.settings.params import Params
from ripieno_export.judge.again import Again
from ripieno_export.judge.answer import Answer, Spans, answer_of, named
from ripieno_export.judge.human import Human, Performance, perform
from ripieno_export.judge.pieces import Floats, Ints, TestPiece
from ripieno_export.judge.server import end, jack_server
from ripieno_export.judge.simulated import Trace, params_for
from ripieno_export.judge.take import Timed, Timing, paired

LOOK_NS: Final = NS_PER_MS // 2
READY_NS: Final = 60 * NS_PER_S
TRY_NS: Final = 300 * NS_PER_MS
SETTLE_NS: Final = NS_PER_S // 2
IN: Final = "Ripieno In"
OUT: Final = "Ripieno Out"
TOGETHER_NS: Final = 60 * NS_PER_MS
"""An onset of ours within this of a human's, on a beat, was meant to be together."""


@dataclass(frozen=True, slots=True)
class Session:
    """A live take to be played.

    Attributes:
        piece: what the human plays.
        human: how.
        model: whose; the first one that plays the role if empty.
        overrides: parameters other than the product's defaults.
        seed: what chance starts from.
    """

    piece: TestPiece
    human: Human
    model: str = ""
    overrides: dict[str, object] = field(default_factory=dict)
    seed: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class LiveTake:
    """A live take, and what it says about time.

    Attributes:
        answer: with its timing.
        trace: how long the thinker took.
        arrived_late_ms: arrival at the human − due, per note-on.
        replayed: whether the journal, played again, came out bit for bit.
    """

    answer: Answer
    trace: Trace
    arrived_late_ms: Floats
    replayed: bool


def play_lane(sessions: Sequence[Session], lane: int, folder: Path) -> list[LiveTake]:
    """Play sessions one after the other, on a JACK server of their own.

    Args:
        sessions: in order.
        lane: which server; two can run side by side.
        folder: where journals and logs go.

    Raises:
        RipienoError: JACK is missing, or the daemon ended.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with jack_server(f"ripieno-judge-{lane}", folder):
        return [
            play(session, folder / f"live-{lane}-{number}")
            for number, session in enumerate(sessions)
        ]


def play(session: Session, path: Path) -> LiveTake:
    """Play one session on the JACK server of this process's environment.

    Args:
        session: what to play.
        path: of the journal, the settings and the log, without an ending.

    Raises:
        RipienoError: the daemon ended, or its ports are not to be had.
    """
    params = params_for(session.piece, session.human, **session.overrides)
    performance = perform(session.piece, session.human)
    log, clock = path.with_suffix(".log"), SystemClock()
    daemon = _daemon(session, params, path, log)
    try:
        _wait(daemon, log, clock)
        port = _connected(daemon, log, clock)
        try:
            begin_ns, arrived = _played(port, performance, clock)
        finally:
            port.close()
    finally:
        end(daemon)
    entries = list(journal.read(path.with_suffix(".jsonl")))
    return _take(session, params, performance, begin_ns, arrived, entries)


def _daemon(
    session: Session, params: Params, path: Path, log: Path
) -> "subprocess.Popen[bytes]":
    settings = path.with_suffix(".toml")
    settings.write_text(as_toml(params), encoding="utf-8")
    command = [sys.executable, "-m", "ripieno", "play", "--backend", "jack"]
    command += ["--config", str(settings), "--seed", str(session.seed)]
    command += ["--journal", str(path.with_suffix(".jsonl"))]
    command += ["--provider", "cpu"]
    command += ["--model", session.model] if session.model else []
    with log.open("wb") as out:
        return subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)


def as_toml(params: Params) -> str:
    """Parameters as the ``[play]`` table of a settings file."""
    values = {k: v for k, v in msgspec.structs.asdict(params).items() if v is not None}
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    return "\n".join(["[play]", *lines, ""])


def _wait(daemon: "subprocess.Popen[bytes]", log: Path, clock: Clock) -> None:
    """Until the daemon has ports and a model."""
    until_ns = clock.now_ns() + READY_NS
    while daemon.poll() is None and clock.now_ns() < until_ns:
        said = log.read_text(errors="replace")
        if "Ports:" in said and "Model:" in said:
            return
        clock.wait_until(clock.now_ns() + TRY_NS)
    raise _last_words(log)


def _connected(
    daemon: "subprocess.Popen[bytes]", log: Path, clock: Clock
) -> ClientPort:
    until_ns = clock.now_ns() + READY_NS
    while daemon.poll() is None:
        try:
            return ClientPort("jack", IN, OUT)
        except PortError:
            if clock.now_ns() > until_ns:
                raise
        clock.wait_until(clock.now_ns() + TRY_NS)
    raise _last_words(log)


def _last_words(log: Path) -> RipienoError:
    said = log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
    return RipienoError(f"The daemon did not come up: {said[-1]}")


def _played(
    port: ClientPort, performance: Performance, clock: Clock
) -> tuple[int, list[Timed]]:
    """Send everything at its time; when that began, and all that came back."""
    begin_ns = clock.now_ns() + SETTLE_NS
    arrived: list[Timed] = []

    def listen_until(at_ns: int) -> None:
        while (now_ns := clock.now_ns()) < at_ns:
            arrived.extend((now_ns, heard.data) for heard in port.receive())
            clock.wait_until(min(at_ns, now_ns + LOOK_NS))

    for at_ns, data in performance.messages:
        listen_until(begin_ns + at_ns)
        port.send(data)
    listen_until(clock.now_ns() + SETTLE_NS)
    return begin_ns, arrived


# ── what it says ──────────────────────────────────────────────────────────────────


def _take(
    session: Session,
    params: Params,
    performance: Performance,
    begin_ns: int,
    arrived: list[Timed],
    entries: Sequence[journal.Entry],
) -> LiveTake:
    spans = Spans()
    for entry in entries:
        if isinstance(entry, journal.Told) and isinstance(entry.message, Beat):
            spans.add(entry.message)
    stop_ns = begin_ns + performance.end_ns
    replayed = Again.of(entries, stop_ns)
    heard = [(at_ns - begin_ns, data) for at_ns, data in arrived]
    answer = answer_of(
        session.piece, performance, params, heard, spans, replayed.status
    )
    stuck = paired(message for message in arrived if is_channel_message(message[1]))[1]
    timing = Timing(
        late_ms=_late_ms(entries, begin_ns, stop_ns),
        asynchrony_ms=_asynchrony_ms(performance, heard),
        age_frames=np.zeros(0, np.int64),
        is_ready=np.zeros(0, np.bool_),
    )
    answer = named(answer, "", timing)
    answer = replace(answer, take=replace(answer.take, stuck_notes=stuck))
    due = [(e.due_ns, e.data) for e in entries if isinstance(e, journal.Sent)]
    return LiveTake(
        answer, trace_of(entries, begin_ns), _arrivals(due, arrived), replayed.is_same
    )


def _late_ms(entries: Sequence[journal.Entry], begin_ns: int, stop_ns: int) -> Floats:
    """Sent − due of every note-on of the song."""
    late, tick_ns = [], 0
    for entry in entries:
        if isinstance(entry, journal.Tick):
            tick_ns = entry.at_ns
        elif not begin_ns <= tick_ns < stop_ns:
            continue
        elif isinstance(entry, journal.Sent) and is_note_on(entry.data):
            late.append((tick_ns - entry.due_ns) / NS_PER_MS)
    return np.array(late, np.float64)


def _arrivals(due: Sequence[Timed], arrived: Sequence[Timed]) -> Floats:
    """Arrival − due of every note-on; empty where some were lost."""
    ours = [(at, data) for at, data in due if is_note_on(data)]
    theirs = [(at, data) for at, data in arrived if is_note_on(data)]
    if [data for _, data in ours] != [data for _, data in theirs]:
        return np.zeros(0)
    late = [a - d for (d, _), (a, _) in zip(ours, theirs, strict=True)]
    return np.array(late, np.float64) / NS_PER_MS


def _asynchrony_ms(performance: Performance, arrived: Sequence[Timed]) -> Floats:
    """Our first onset − the human's, for each of the human's onsets on a beat."""
    ours = np.array([at for at, data in arrived if is_note_on(data)], np.int64)
    theirs = [at for at, data in performance.messages if is_note_on(data)]
    beats = performance.beats_ns
    found = []
    for at_ns in theirs:
        nearest = int(np.argmin(np.abs(beats - at_ns)))
        if abs(int(beats[nearest]) - at_ns) > TOGETHER_NS:
            continue
        near = ours[np.abs(ours - at_ns) <= TOGETHER_NS]
        if len(near):
            found.append(float(near.min() - at_ns) / NS_PER_MS)
    return np.array(found, np.float64)


def trace_of(entries: Sequence[journal.Entry], begin_ns: int = 0) -> Trace:
    """How long the thinker took for each answer of a journal that it finished."""
    asked: dict[int, tuple[int, bool]] = {}
    first: dict[int, int] = {}
    rows: dict[bool, list[tuple[int, int]]] = {False: [], True: []}
    index, tick_ns = None, 0
    for entry in entries:
        if isinstance(entry, journal.Tick):
            tick_ns = entry.at_ns
        elif isinstance(entry, journal.Told) and isinstance(entry.message, Decide):
            asked[entry.message.revision] = (tick_ns, entry.message.index == index)
            index = entry.message.index
        elif isinstance(entry, journal.Thought) and isinstance(entry.message, Comp):
            revision = entry.message.revision
            if revision not in asked or asked[revision][0] < begin_ns:
                continue
            took_ns = entry.at_ns - asked[revision][0]
            first.setdefault(revision, took_ns)
            if entry.message.complete:
                rows[asked[revision][1]].append((first[revision], took_ns))
    return Trace(_rows(rows[False]), _rows(rows[True]))


def _rows(rows: list[tuple[int, int]]) -> Ints:
    return np.array(rows, np.int64).reshape(-1, 2)


def joined(traces: Sequence[Trace]) -> Trace:
    """All response times of several takes; who was never asked took no time."""
    none = np.zeros((1, 2), np.int64)
    ahead = np.concatenate([t.ahead for t in traces] or [none])
    on_beat = np.concatenate([t.on_beat for t in traces] or [none])
    return Trace(ahead if len(ahead) else none, on_beat if len(on_beat) else ahead)

"""T0: what must hold before any figure means anything.

Nothing that was due before an instant may hang on what the human played after it: with
a commit horizon, no chord and no planned note that was due before the horizon's end.
How loud it is, and how the pad is voiced, follow the human to the last and are no part
of the promise. The same inputs give the same outputs. What is written as tokens, or as
lines of JSON, comes back as it was.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ripieno.layouts import duet
from ripieno.music.chords import N_CHORDS
from ripieno.music.messages import channel_of, is_note_off, is_note_on
from ripieno.protocol import (
    CONDUCTOR,
    Letter,
    Reply,
    decode_letter,
    decode_reply,
    encode,
)
from ripieno_export.judge.answer import judged_channels
from ripieno_export.judge.human import Human, Performance, perform
from ripieno_export.judge.pieces import FRAMES_PER_BEAT, TestPiece
from ripieno_export.judge.simulated import (
    AT_ONCE,
    Players,
    Run,
    Trace,
    params_for,
)
from ripieno_export.judge.take import Timed, ns_at

INSTANTS: Final = (0.3, 0.52, 0.77)
"""Where the future is changed, as shares of the piece: on no beat in particular."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether something holds.

    Attributes:
        claim: what should.
        holds: whether it does.
        detail: on how much it was tried, or the first exception.
    """

    claim: str
    holds: bool
    detail: str


def changed(performance: Performance, from_ns: int) -> Performance:
    """The same performance, other notes from an instant on: higher, soft for loud.

    Keys that are down then still come up as they would have.
    """
    moved: Counter[int] = Counter()
    found: list[Timed] = []
    for at_ns, data in performance.messages:
        after = data
        if at_ns >= from_ns and is_note_on(data):
            moved[data[1]] += 1
            after = bytes((data[0], min(data[1] + 2, 127), max(128 - data[2], 1)))
        elif is_note_off(data) and moved[data[1]]:
            moved[data[1]] -= 1
            after = bytes((data[0], min(data[1] + 2, 127), data[2]))
        found.append((at_ns, after))
    return replace(performance, messages=tuple(found))


def findings(
    pieces: Sequence[TestPiece], players: Players, trace: Trace, human: Human
) -> list[Finding]:
    """Everything of T0, on some pieces in simulated time."""
    found = [deterministic(pieces[:1], players, trace, human)]
    found += [causal(pieces, players, trace, human, commit) for commit in (0, 1, 4)]
    return [*found, tokens_return(), messages_return(pieces[0], players, human)]


def deterministic(
    pieces: Sequence[TestPiece], players: Players, trace: Trace, human: Human
) -> Finding:
    """Two runs from one seed send the same, at the same instants."""
    runs = [_runs(piece, players, trace, human, 0, 2) for piece in pieces]
    same = all(one.due == other.due for one, other in runs)
    count = sum(len(one.due) for one, _ in runs)
    claim = "the same performance is answered the same, bit for bit"
    return Finding(claim, same, f"{count} messages")


def causal(
    pieces: Sequence[TestPiece],
    players: Players,
    trace: Trace,
    human: Human,
    commit: int,
) -> Finding:
    """Nothing due before t (of a promise: t + commit) hangs on what comes after."""
    tried, broken = 0, ""
    for piece in pieces:
        performance = perform(piece, human)
        params = params_for(piece, human, commit=commit)
        whole = _run(piece, players, trace, human, commit, performance)
        for share in INSTANTS:
            beat = share * piece.frames / FRAMES_PER_BEAT
            at_ns, end_ns = ns_at([beat, beat + commit], performance.beats_ns).tolist()
            other = changed(performance, at_ns)
            again = _run(piece, players, trace, human, commit, other)
            chords = [
                run.spans.chords(piece, params, performance.lead_frames)
                for run in (whole, again)
            ]
            until = int((beat + commit) * FRAMES_PER_BEAT)
            is_same = _before(whole, at_ns) == _before(again, at_ns)
            is_kept = np.array_equal(chords[0][:until], chords[1][:until])
            is_kept &= _promised(whole, end_ns) == _promised(again, end_ns)
            tried += 1
            if not (is_same and is_kept):
                what = "a promise" if is_same else "a message"
                broken = broken or f"{piece.name}: {what} before beat {beat:.1f}"
    claim = "nothing due before t hangs on what is played after t"
    if commit:
        claim += f"; no chord, bass or texture note before t + {commit} beats"
    return Finding(claim, not broken, broken or f"{tried} changed futures")


def _before(run: Run, at_ns: int) -> list[Timed]:
    return [message for message in run.due if message[0] < at_ns]


def _promised(run: Run, until_ns: int) -> list[tuple[int, int, int]]:
    """When and what the bass and the texture strike, but not how loud."""
    return [
        (due_ns, data[0], data[1])
        for due_ns, data in run.due
        if due_ns < until_ns
        and is_note_on(data)
        and channel_of(data) in judged_channels(run.params)
    ]


def _run(
    piece: TestPiece,
    players: Players,
    trace: Trace,
    human: Human,
    commit: int,
    performance: Performance,
) -> Run:
    run = Run(params_for(piece, human, commit=commit), players, trace, 1)
    run.play(performance)
    return run


def _runs(
    piece: TestPiece,
    players: Players,
    trace: Trace,
    human: Human,
    commit: int,
    count: int,
) -> list[Run]:
    performance = perform(piece, human)
    return [
        _run(piece, players, trace, human, commit, performance) for _ in range(count)
    ]


def tokens_return() -> Finding:
    """Every token is a pitch of its own on every chord, and comes back from it."""
    pairs = [(t, c) for c in range(N_CHORDS) for t in range(1, duet.TOKENS)]
    lost = [
        (token, chord)
        for token, chord in pairs
        if duet.token_of(duet.pitch_of(token, chord), chord) != token
    ]
    lengths = [duet.LENGTHS[duet.length_of(n)] for n in duet.LENGTHS]
    holds = not lost and lengths == list(duet.LENGTHS)
    claim = "every token and length comes back from the note that it means"
    return Finding(claim, holds, f"{len(pairs)} tokens, {len(lengths)} lengths")


def messages_return(piece: TestPiece, players: Players, human: Human) -> Finding:
    """What player and thinker say to each other is the same after encoding."""
    run = Run(params_for(piece, human), players, AT_ONCE, 1)
    run.play(perform(piece, human))
    told, said = run.told, run.said
    letters = [Letter(CONDUCTOR, message) for message in told]
    replies = [Reply(CONDUCTOR, message) for message in said]
    holds = all(decode_letter(encode(letter)) == letter for letter in letters)
    holds &= all(decode_reply(encode(reply)) == reply for reply in replies)
    claim = "what player and thinker tell each other comes back from its encoding"
    return Finding(claim, holds, f"{len(told) + len(said)} messages")

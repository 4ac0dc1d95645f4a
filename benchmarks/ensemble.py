"""Four seats beside one: what an ensemble costs, heard by an independent receiver.

``python -m benchmarks.ensemble [--minutes 10] [--block 30]``

The daemon plays to a melody with MIDI clock (`benchmarks.beside`). Blocks of one seat
(`keys`) and of four (`keys`, `pad`, `bass`, and `answer` on another channel) alternate:
seats are added and removed while they sound. It prints, for either kind of block, the
share of beats that the model decided and how long after a key on the beat the first
note is due; then what was lost of either sender, what hangs, and whether the journal
replays bit for bit.

Needs jackd, its headers and a C compiler.
"""

import argparse
import random
import subprocess
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from benchmarks.beside import Stage, stage
from tests.live_daemon import Captured, pause

from ripieno.clock import NS_PER_S, SystemClock
from ripieno.files import journal
from ripieno.music import messages
from ripieno.processes.remote import change, status_of
from ripieno.settings.ensemble import SeatSettings

ADDED = (
    SeatSettings("pad", {"role": "pad", "channel": 2}),
    SeatSettings("bass", {"role": "bass", "channel": 3}),
    SeatSettings("solo", {"role": "answer", "channel": 5}),
)
BPM = 120
SPREAD_S = 0.008
"""Standard deviation of the melody's onsets from the beat, in seconds."""
CLOCK, CLOCKS_A_BEAT = b"\xf8", 24
BAND = (0, 1, 2)
"""The channels, from 0 on, of the seats that play on the beat."""
SETTLED_S = 1.0
"""Removed seats have released their notes within this time."""
ANSWERED_NS = 120_000_000
"""A note that is due later is no answer to the key."""


@dataclass
class Block:
    """Some seconds with the same seats.

    Attributes:
        seats: how many.
        from_ns, until_ns: when, on the daemon's clock.
        decided, by_model: beats that were decided, and those by the model.
    """

    seats: int
    from_ns: int
    until_ns: int = 0
    decided: int = 0
    by_model: int = 0


@dataclass
class Count:
    """The conductor's count, read from the status twice and subtracted."""

    decided: int = 0
    by_rules: int = 0

    def since(self) -> tuple[int, int]:
        """Return the beats that were decided since the last call: all, by the model."""
        status = status_of("Ripieno In")
        assert status is not None
        seat = next(seat for seat in status.seats if seat.name == "keys")
        decided, by_rules = seat.asked - self.decided, seat.fallbacks - self.by_rules
        self.decided, self.by_rules = seat.asked, seat.fallbacks
        return decided, decided - by_rules


@dataclass
class Answers:
    """How long after the beat, or a later key, a note of the band is due, in ms."""

    ms: list[float] = field(default_factory=list)
    beats: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--block", type=float, default=30.0, help="seconds")
    given = parser.parse_args()
    for_s = given.minutes * 60
    flags = ("--listen", "0", "--seat", "keys role=keys channel=1")
    with stage(for_s) as on:
        with on.playing(*flags) as playing:
            playing.daemon.begin(*melody(for_s))
            pause(5.0)
            blocks = list(played(for_s - 10.0, given.block))
        report(on, blocks)


def played(for_s: float, block_s: float) -> Iterator[Block]:
    """Add and remove seats; yield a block for each time with the same seats."""
    clock, count = SystemClock(), Count()
    count.since()
    until_ns = clock.now_ns() + int(for_s * NS_PER_S)
    seats = 1
    while clock.now_ns() < until_ns:
        block = Block(seats, clock.now_ns())
        pause(block_s)
        block.until_ns = clock.now_ns()
        pause(0.3)  # the status is written four times a second
        block.decided, block.by_model = count.since()
        yield block
        if seats == 1:
            change((), add=ADDED)
        else:
            change((), remove=tuple(seat.name for seat in ADDED))
        seats = 5 - seats
        pause(SETTLED_S)
        count.since()


def melody(for_s: float) -> list[tuple[float, bytes]]:
    """A tune with a note on nearly every beat, and 24 clocks a beat, in time order.

    After each three bars it rests for one, so that a seat that answers does.
    """
    chance = random.Random(1)
    beat_s = 60 / BPM
    clocks = range(int(for_s / beat_s * 24))
    timed = [(0.0, b"\xfa"), *((clock * beat_s / 24, b"\xf8") for clock in clocks)]
    for beat in range(4, int(for_s / beat_s) - 4):
        if beat // 4 % 4 == 3:
            continue
        at_s = beat * beat_s + chance.gauss(0, SPREAD_S)
        pitch = (60, 62, 64, 65, 67, 69, 71, 72)[chance.randrange(8)]
        timed.append((at_s, messages.note_on(0, pitch, chance.randrange(60, 100))))
        timed.append((at_s + 0.7 * beat_s, messages.note_off(0, pitch)))
    timed.sort(key=lambda each: each[0])
    at_s = [0.0, *(each[0] for each in timed)]
    waits = [after - before for before, after in pairwise(at_s)]
    return [(wait, data) for wait, (_, data) in zip(waits, timed, strict=True)]


def report(on: Stage, blocks: list[Block]) -> None:
    """Print all figures."""
    entries = on.entries()
    for seats in (1, 4):
        mine = [block for block in blocks if block.seats == seats]
        decided = sum(block.decided for block in mine)
        by_model = sum(block.by_model for block in mine)
        found = answers(entries, mine)
        ordered = sorted(found.ms)
        print(
            f"{seats} seats: {decided} beats, {by_model / max(decided, 1):.2%} by the "
            f"model; beat or later key to first note: p50 {at(ordered, 0.5):.1f}, "
            f"p99 {at(ordered, 0.99):.1f} ms ({len(ordered)} of {found.beats} keys)"
        )
    on.report_losses()
    captured = on.captured()
    print(f"hanging at the end: {len(captured.sounding())}")
    left = sum(hanging_after(captured, block) for block in blocks if block.seats == 4)
    print(f"notes that a removed seat left: {left}")
    command = [sys.executable, "-m", "ripieno", "replay", str(on.journal)]
    replayed = subprocess.run(command, check=False, capture_output=True, text=True)
    print(replayed.stdout.strip())


def answers(entries: list[journal.Entry], blocks: list[Block]) -> Answers:
    """Find the first note due after each key, or after its beat if that is later.

    A key that comes before its beat is answered on the beat.
    """
    heard = [e for e in entries if isinstance(e, journal.Heard)]
    clocks = [e.at_ns for e in heard if e.data == CLOCK]
    beats = clocks[::CLOCKS_A_BEAT]
    keys = [
        e.at_ns
        for e in heard
        if messages.is_channel_message(e.data) and messages.is_note_on(e.data)
    ]
    band = sorted(
        e.due_ns
        for e in entries
        if isinstance(e, journal.Sent)
        and messages.is_note_on(e.data)
        and messages.channel_of(e.data) in BAND
    )
    found = Answers()
    for key_ns in keys:
        if not any(block.from_ns <= key_ns < block.until_ns for block in blocks):
            continue
        found.beats += 1
        at_ns = max(key_ns, min(beats, key=lambda beat: abs(beat - key_ns)))
        index = bisect_left(band, at_ns)
        if index < len(band) and band[index] - at_ns <= ANSWERED_NS:
            found.ms.append((band[index] - at_ns) / 1e6)
    return found


def hanging_after(captured: Captured, block: Block) -> int:
    """Count the keys of removed seats that sound when they have settled."""
    until_us = (block.until_ns + int((0.3 + SETTLED_S) * NS_PER_S)) // 1000
    times = [at_us for at_us, _ in captured.events]
    before = Captured(captured.events[: bisect_right(times, until_us)])
    channels = {seat.own["channel"] - 1 for seat in ADDED}
    return sum(channel in channels for channel, _ in before.sounding())


def at(ordered: list[float], share: float) -> float:
    return ordered[int(share * (len(ordered) - 1))] if ordered else float("nan")


if __name__ == "__main__":
    main()

"""Chords of the left hand: are they named rightly, and how soon do they sound?

``python -m benchmarks.left_hand [--chords 200] [--seed 1] [--jack]``

Random chords of every quality that a chart can have, in all inversions, are held below
a split point: the keys all at once or spread over 40 ms, detached or in legato, on the
beat and off it. In simulated time, or through a JACK server with the real daemon.

A name is right if it has the notes that are held, its bass is the lowest key, and its
root is that key where one of the chords with these notes has it as its root.
"""

import argparse
import random
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from benchmarks.ensemble import at
from tests.jack_fixture import JackServer, build_native
from tests.live_daemon import Daemon, pause

from ripieno.engine import Engine
from ripieno.files import journal
from ripieno.music import chords, messages
from ripieno.settings.beginning import Beginning
from ripieno.settings.params import Params
from ripieno.simulation import Simulation
from ripieno.testing import ScriptedDuet

MS = 1_000_000
BEAT_NS = 500 * MS
LOWEST, HIGHEST = 36, 59
LOOKS_AFTER_NS = 400 * MS
"""When the name is read: after the last key, and before the next chord."""


class Chord(NamedTuple):
    """A chord as it is played.

    Attributes:
        pitches: the keys.
        at_ns: of each key, in the same order.
        is_legato: whether the keys before it come up after its first key.
        is_on_beat, is_spread: when its first key comes, and over how long the others.
    """

    pitches: tuple[int, ...]
    at_ns: tuple[int, ...]
    is_legato: bool
    is_on_beat: bool
    is_spread: bool

    @property
    def last_ns(self) -> int:
        """When its last key goes down."""
        return max(self.at_ns)


def made(count: int, seed: int) -> list[Chord]:
    """Make chords, each two beats after the one before."""
    chance = random.Random(seed)
    found: list[Chord] = []
    every = [
        (quality, inversion)
        for quality, shape in enumerate(chords.INTERVALS)
        for inversion in range(len(shape))
    ]
    for number in range(count):
        quality, inversion = every[number % len(every)]
        shape = chords.INTERVALS[quality]
        root = chance.randrange(12)
        steps = [*shape[inversion:], *(step + 12 for step in shape[:inversion])]
        low = LOWEST + (root + steps[0] - LOWEST) % 12
        pitches = [low + step - steps[0] for step in steps]
        if pitches[-1] > HIGHEST:
            pitches = [pitch - 12 for pitch in pitches]
        if found and found[-1].pitches == tuple(pitches):
            pitches = [
                pitch + (1 if pitches[-1] < HIGHEST else -1) for pitch in pitches
            ]
        is_on_beat, is_spread = chance.random() < 0.5, chance.random() < 0.5
        begin = (4 + 2 * number) * BEAT_NS
        begin += (
            chance.randrange(-10, 10) * MS
            if is_on_beat
            else chance.randrange(100, 400) * MS
        )
        gap_ns = (
            40 * MS // (len(pitches) - 1) if is_spread else chance.randrange(3) * MS
        )
        chance.shuffle(pitches)
        times = tuple(begin + place * gap_ns for place in range(len(pitches)))
        legato = chance.random() < 0.5
        found.append(Chord(tuple(pitches), times, legato, is_on_beat, is_spread))
    return found


def played(line: list[Chord], seed: int) -> list[tuple[int, bytes]]:
    """Return the messages of the chords, in time order."""
    chance = random.Random(seed)
    timed: list[tuple[int, bytes]] = []
    for number, chord in enumerate(line):
        timed += [
            (at_ns, messages.note_on(0, pitch, 80))
            for pitch, at_ns in zip(chord.pitches, chord.at_ns, strict=True)
        ]
        if number + 1 == len(line):
            continue
        after = line[number + 1]
        for pitch in chord.pitches:
            end_ns = after.at_ns[0] - 60 * MS
            if after.is_legato:
                end_ns = after.at_ns[0] + chance.randrange(40) * MS
            if pitch in after.pitches:  # it is struck again
                end_ns = min(end_ns, after.at_ns[after.pitches.index(pitch)] - MS)
            timed.append((end_ns, messages.note_off(0, pitch)))
    return sorted(timed, key=lambda each: each[0])


def is_right(name: str, chord: Chord) -> bool:
    """Whether a name is right, by the rule above."""
    if not name:
        return False
    plain, _, bass = name.partition("/")
    number = chords.named(plain)
    classes = {pitch % 12 for pitch in chord.pitches}
    low = min(chord.pitches) % 12
    named_bass = chords.root_of(chords.named(bass)) if bass else chords.root_of(number)
    rooted = any(
        set(chords.pitch_classes(chords.chord(low, quality))) == classes
        for quality in range(chords.QUALITIES)
    )
    return (
        set(chords.pitch_classes(number)) == classes
        and named_bass == low
        and (not rooted or chords.root_of(number) == low)
    )


def simulated(line: list[Chord], seed: int) -> None:
    """Print how many names are right, how soon they sound, and what comes between."""
    params = Params(role="accompany", split="C4", listen=0)
    engine = Engine(Beginning(params, seed=1))
    played_on = Simulation(engine, ScriptedDuet(), ready=ScriptedDuet.ready)
    inputs = played(line, seed)
    wrong: Counter[str] = Counter()
    between = 0
    place = 0
    for chord in line:
        looks = chord.last_ns + LOOKS_AFTER_NS
        heard: set[str] = set()
        before = engine.status().chord
        while place < len(inputs) and inputs[place][0] <= looks:
            played_on.play([inputs[place]])
            heard.add(engine.status().chord)
            place += 1
        for step in range(40):
            played_on.run_until(max(played_on.now_ns, chord.last_ns + step * 10 * MS))
            heard.add(engine.status().chord)
        name = engine.status().chord
        between += len(heard - {before, name, ""})
        if not is_right(name, chord):
            kind = "legato" if chord.is_legato else "detached"
            wrong[f"{kind}, {'spread' if chord.is_spread else 'at once'}"] += 1
    right = len(line) - wrong.total()
    print(
        f"{right} of {len(line)} named rightly ({right / len(line):.1%}); {dict(wrong)}"
    )
    print(f"chords heard in between: {between}")
    sent = [(send.due_ns, send.data) for _, send in played_on.sent]
    told(line, sent, "simulated time")


def through_jack(line: list[Chord], seed: int) -> None:
    """Play the same to the daemon on a JACK server of its own."""
    inputs = played(line, seed)
    waits = [
        (after[0] - before[0]) / 1e9
        for before, after in zip([(0, b""), *inputs], inputs, strict=False)
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        native = build_native(folder)
        with JackServer(native, folder, is_synchronous=False) as server:
            flags = ("--role", "accompany", "--split", "C4", "--listen", "0")
            with Daemon(server, folder, *flags) as daemon:
                daemon.play(*zip(waits, (data for _, data in inputs), strict=True))
                pause(1.0)
                entries = list(journal.read(daemon.journal))
    heard = [e for e in entries if isinstance(e, journal.Heard) and e.data[0] == 0x90]
    keys = iter(heard)
    real = [
        chord._replace(at_ns=tuple(next(keys).at_ns for _ in chord.pitches))
        for chord in line
    ]
    sent = [(e.due_ns, e.data) for e in entries if isinstance(e, journal.Sent)]
    told(real, sent, "JACK")


def told(line: list[Chord], sent: list[tuple[int, bytes]], where: str) -> None:
    """Print how long after its last key the band plays a chord."""
    pads = [at_ns for at_ns, data in sent if data[0] == 0x90 and data[2]]
    waits = []
    for chord in line:
        later = [at_ns for at_ns in pads if at_ns >= chord.last_ns]
        if later and later[0] - chord.last_ns < LOOKS_AFTER_NS:
            waits.append((later[0] - chord.last_ns) / MS)
    waits.sort()
    print(
        f"{where}: last key to the pad's new chord: p50 {at(waits, 0.5):.1f}, "
        f"p99 {at(waits, 0.99):.1f} ms ({len(waits)} of {len(line)} chords)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chords", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jack", action="store_true")
    given = parser.parse_args()
    line = made(given.chords, given.seed)
    simulated(line, given.seed)
    if given.jack:
        through_jack(line, given.seed)


if __name__ == "__main__":
    main()

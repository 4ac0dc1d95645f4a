"""What the measuring musician plays: messages with their times. Pure.

Everything follows from a seed. Keys never overlap, so that each answer has one key.
"""

import random
from typing import Final

from ripieno.bench.pairing import HUMAN, Stamped
from ripieno.clock import NS_PER_MS, NS_PER_S
from ripieno.music import messages

SHORTEST_GAP_MS: Final = 60
LONGEST_GAP_MS: Final = 140
"""The time between keys: quick playing, not in step with the server."""
LOW, HIGH = 60, 84
MAJOR: Final = (0, 2, 4, 5, 7, 9, 11)
CLOCKS_PER_BEAT: Final = 24
CLOCK, START, STOP = b"\xf8", b"\xfa", b"\xfc"
BEHIND_MS: Final = 5.0
SCATTER_MS: Final = 4.0
"""Keys come a little after the beat, unevenly: one before the beat needs no answer in
time."""

PHRASE_KEYS: Final = 5

Script = list[Stamped]


def keys(count: int, start_ns: int, seed: int) -> Script:
    """Return single keys at uneven gaps, each followed by its note-off."""
    chance = random.Random(seed)
    at_ns, pitch, script = start_ns, 72, []
    for _ in range(count):
        gap_ns = int(chance.uniform(SHORTEST_GAP_MS, LONGEST_GAP_MS) * NS_PER_MS)
        pitch = _next(pitch, chance)
        script += _key(at_ns, int(gap_ns * chance.uniform(0.4, 0.8)), pitch, chance)
        at_ns += gap_ns
    return script


def phrase(start_ns: int, seed: int, gap_ms: int = 150) -> Script:
    """Return a phrase of single notes."""
    chance = random.Random(seed)
    pitch, script = chance.randint(62, 76), []
    for index in range(PHRASE_KEYS):
        uneven = chance.uniform(-0.05, 0.05)
        at_ns = start_ns + int((index + uneven) * gap_ms * NS_PER_MS)
        pitch = _next(pitch, chance)
        script += _key(at_ns, int(0.7 * gap_ms * NS_PER_MS), pitch, chance)
    return script


def beats(count: int, start_ns: int, seed: int, bpm: float = 120.0) -> Script:
    """Return a MIDI clock with a key a little after each beat, and a stop."""
    chance = random.Random(seed)
    beat_ns = int(60 * NS_PER_S / bpm)
    pitch = 72
    script = [Stamped(start_ns, START)]
    for index in range(count):
        beat_at_ns = start_ns + index * beat_ns
        script += [
            Stamped(beat_at_ns + clock * beat_ns // CLOCKS_PER_BEAT, CLOCK)
            for clock in range(CLOCKS_PER_BEAT)
        ]
        pitch = _next(pitch, chance)
        late_ms = max(0.0, chance.gauss(BEHIND_MS, SCATTER_MS))
        at_ns = beat_at_ns + int(late_ms * NS_PER_MS)
        script += _key(at_ns, int(0.7 * beat_ns), pitch, chance)
    script.append(Stamped(start_ns + count * beat_ns, STOP))
    return sorted(script, key=lambda each: each.at_ns)


def _next(pitch: int, chance: random.Random) -> int:
    """Return another pitch of C major, near this one."""
    near = [
        p
        for p in range(max(LOW, pitch - 5), min(HIGH, pitch + 5) + 1)
        if p != pitch and p % 12 in MAJOR
    ]
    return chance.choice(near)


def _key(at_ns: int, for_ns: int, pitch: int, chance: random.Random) -> Script:
    velocity = chance.randint(55, 95)
    return [
        Stamped(at_ns, messages.note_on(HUMAN, pitch, velocity)),
        Stamped(at_ns + for_ns, messages.note_off(HUMAN, pitch)),
    ]

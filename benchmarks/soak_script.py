"""The script of the soak's musician: one stint after another. Pure.

A stint is one role for a while: the parameters that change as it begins and in its
middle, and the notes that are played. From a seed follow tempo by clock and by number,
a clock that stops and continues, charts, scales, panics, pedals, chords, phrases that
interrupt a reply, and silence.
"""

import random
from dataclasses import dataclass
from typing import Final

from ripieno.bench import script
from ripieno.bench.pairing import HUMAN, Stamped
from ripieno.bench.script import CLOCK, CLOCKS_PER_BEAT, START, STOP, Script
from ripieno.clock import NS_PER_MS, NS_PER_S
from ripieno.music import messages
from ripieno.settings.roles import ROLES

CONTINUE: Final = b"\xfb"
SCALES: Final = ("auto", "off", "D dorian", "C major", "A minor")
CHARTS: Final = ("", "", "C | Am | F | G7 |", "Dm7 | G7 | Cmaj7 | % |")
MIDDLE: Final[dict[str, tuple[str, ...]]] = {
    "answer": ("temperature=0.8", "busy=12"),
    "continue": ("polyphony=2", "low=48"),
    "vary": ("distance=0.9", "rise=0.5"),
    "accompany": ("lead=0.6", "texture=song", "swing=0.5", "busy=8"),
    "pad": ("lead=0.6", "low=48"),
    "bass": ("lead=0.6", "swing=0.5"),
    "keys": ("texture=song", "swing=0.5", "busy=8"),
    "loop": ("bars=2", "busy=10"),
    "harmonize": ("manner=thirds", "voices=1"),
}
"""One of these is changed in the middle of a stint. `commit` is not among them: plans
that are made ahead are older, and that lowers ISRw."""
BACK: Final = (
    "temperature=1", "polyphony=4", "low=36", "distance=0.4", "rise=0",
    "lead=0", "texture=auto", "swing=0", "busy=auto", "bars=4", "manner=learned",
    "voices=3",
)  # fmt: skip
"""Sets everything back for the next stint."""


@dataclass(frozen=True, slots=True)
class Stint:
    """One role for a while.

    Attributes:
        role: that plays.
        words: the changes as it begins, for `ripieno set`.
        middle: the changes in its middle.
        bpm: its tempo, where it has one.
        has_clock: whether a MIDI clock gives the tempo.
        panics: whether it ends with "all notes off".
    """

    role: str
    words: tuple[str, ...]
    middle: tuple[str, ...]
    bpm: float
    has_clock: bool
    panics: bool


def stint(number: int, seed: int) -> Stint:
    """Return the stint with this number, counted from 0: every role in turn."""
    chance = random.Random(f"{seed}/{number}")
    role = list(ROLES)[number % len(ROLES)]
    bpm = float(chance.randint(70, 170))
    words = [*BACK, f"role={role}", f"scale={chance.choice(SCALES)}"]
    words += [f"chart={chance.choice(CHARTS)}", f"bpm={bpm:g}"]
    return Stint(
        role,
        tuple(words),
        (chance.choice(MIDDLE[role]),),
        bpm,
        ROLES[role].is_on_the_beat and chance.random() < 0.6,
        chance.random() < 0.3,
    )


def played(told: Stint, start_ns: int, for_ns: int, seed: int) -> Script:
    """Return what is played in a stint, rising in time; at its end every key is up."""
    chance = random.Random(seed)
    end_ns = start_ns + for_ns
    if ROLES[told.role].is_a_turn:
        found = _phrases(start_ns, end_ns, chance)
    elif ROLES[told.role].is_on_the_beat:
        found = _beats(told, start_ns, end_ns, chance)
    else:
        found = script.keys(
            for_ns // (110 * NS_PER_MS), start_ns, chance.randint(0, 999)
        )
        found += _pedal(start_ns, end_ns)
    found = sorted(found, key=lambda each: each.at_ns)
    kept = [each for each in found if each.at_ns < end_ns]
    return kept + _ups(kept, end_ns) + (_panic(end_ns) if told.panics else [])


def _phrases(start_ns: int, end_ns: int, chance: random.Random) -> Script:
    """Return phrases, with enough time for a reply or too little."""
    at_ns, found = start_ns, []
    while at_ns < end_ns:
        found += script.phrase(at_ns, chance.randint(0, 999), chance.randint(100, 220))
        at_ns = found[-1].at_ns + int(chance.uniform(0.8, 4.0) * NS_PER_S)
    return found


def _beats(told: Stint, start_ns: int, end_ns: int, chance: random.Random) -> Script:
    """Return keys and chords on beats, and a clock that changes, stops, continues."""
    found = [Stamped(start_ns, START)] if told.has_clock else []
    at_ns, beat, bpm = start_ns, 0, told.bpm
    while at_ns < end_ns:
        if told.has_clock and beat % 12 == 11:
            bpm = min(max(bpm * chance.choice((0.8, 0.97, 1.04, 1.2)), 60.0), 180.0)
        beat_ns = int(60 * NS_PER_S / bpm)
        if told.has_clock:
            found += [
                Stamped(at_ns + tick * beat_ns // CLOCKS_PER_BEAT, CLOCK)
                for tick in range(CLOCKS_PER_BEAT)
            ]
        found += _struck(at_ns, beat_ns, chance)
        at_ns, beat = at_ns + beat_ns, beat + 1
        if told.has_clock and beat % 20 == 19:
            found += [Stamped(at_ns, STOP), Stamped(at_ns + NS_PER_S, CONTINUE)]
            at_ns += NS_PER_S
    return found + ([Stamped(end_ns - 1, STOP)] if told.has_clock else [])


def _struck(at_ns: int, beat_ns: int, chance: random.Random) -> Script:
    """Return what is played on one beat: nothing, a note, or a chord."""
    kind = chance.random()
    root = chance.choice((60, 62, 64, 65, 67, 69, 71, 72))
    pitches = (
        [] if kind < 0.15 else [root] if kind < 0.85 else [root, root + 4, root + 7]
    )
    at_ns += int(chance.gauss(0.0, 8.0) * NS_PER_MS) + 20 * NS_PER_MS
    return [
        each
        for pitch in pitches
        for each in (
            Stamped(at_ns, messages.note_on(HUMAN, pitch, 80)),
            Stamped(at_ns + beat_ns // 2, messages.note_off(HUMAN, pitch)),
        )
    ]


def _pedal(start_ns: int, end_ns: int) -> Script:
    """Return the messages of the sustain pedal, down and up again."""
    third_ns = (end_ns - start_ns) // 3
    return [
        Stamped(start_ns + third_ns, messages.control(HUMAN, messages.SUSTAIN, 127)),
        Stamped(start_ns + 2 * third_ns, messages.control(HUMAN, messages.SUSTAIN, 0)),
    ]


def _ups(kept: Script, end_ns: int) -> Script:
    """Return the note-offs of keys down at the end, and the pedal's release."""
    down: set[int] = set()
    for each in kept:
        if messages.is_note_on(each.data):
            down.add(each.data[1])
        elif messages.is_note_off(each.data):
            down.discard(each.data[1])
    offs = [Stamped(end_ns, messages.note_off(HUMAN, pitch)) for pitch in sorted(down)]
    return [*offs, Stamped(end_ns, messages.control(HUMAN, messages.SUSTAIN, 0))]


def _panic(end_ns: int) -> Script:
    return [
        Stamped(end_ns, messages.control(channel, messages.ALL_NOTES_OFF, 0))
        for channel in range(4)
    ]

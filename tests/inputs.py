"""What a musician or a DAW plays to a performance: timed MIDI messages.

A time is in nanoseconds from the beginning of the performance. A beat is half a second.
"""

from collections.abc import Sequence
from typing import Final

from ripieno.music import messages

MS: Final = 1_000_000
S: Final = 1_000 * MS
BEAT: Final = S // 2
CLOCK, START, CONTINUE, STOP = b"\xf8", b"\xfa", b"\xfb", b"\xfc"

Inputs = list[tuple[int, bytes]]


def key(
    at_ns: int, pitch: int, length_ns: int = 9 * BEAT // 10, velocity: int = 80
) -> Inputs:
    """A key that goes down and comes up."""
    return [
        (at_ns, messages.note_on(0, pitch, velocity)),
        (at_ns + length_ns, messages.note_off(0, pitch)),
    ]


def line(
    pitches: Sequence[int] = (60,),
    beats: int = 24,
    at_beat: int = 0,
    every_ns: int = BEAT,
) -> Inputs:
    """A melody of even notes that repeats its pitches.

    Args:
        pitches: of the notes, in order.
        beats: the length of the melody.
        at_beat: the beat on which it begins.
        every_ns: the time from one note to the next.
    """
    notes = [
        key(
            at_beat * BEAT + n * every_ns, pitches[n % len(pitches)], 9 * every_ns // 10
        )
        for n in range(beats * BEAT // every_ns)
    ]
    return sorted(message for note in notes for message in note)


def phrase(
    start_s: float = 1.0,
    pitches: Sequence[int] = (60, 62, 64, 65),
    gap_s: float = 0.25,
    length_s: float = 0.2,
) -> Inputs:
    """A phrase of even notes, in the order of its notes.

    Args:
        start_s: the time of the first note-on.
        pitches: of the notes, in order.
        gap_s: from one note-on to the next.
        length_s: from a note-on to its note-off; above `gap_s` the notes overlap.
    """
    out = []
    for place, pitch in enumerate(pitches):
        at_s = start_s + place * gap_s
        out.append((round(at_s * S), messages.note_on(0, pitch, 70)))
        out.append((round((at_s + length_s) * S), messages.note_off(0, pitch)))
    return out


def song_position(sixteenths: int) -> bytes:
    """A song position pointer."""
    return bytes((0xF2, sixteenths & 0x7F, sixteenths >> 7))

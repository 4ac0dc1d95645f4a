"""Expression: when exactly a planned note is played, and how loud.

Models plan in frames, but people do not play on a grid. Off-beats swing, some notes
come a little late, downbeats are louder, and everything follows how loud the human
plays. Random values are computed from the note, so a note is always played the same
way.
"""

import zlib
from typing import Final

from ripieno.music.spans import FRAME_TICKS, Note, Phase

SWUNG_FRAMES: Final = 4
"""Only a beat of four frames swings. A dotted beat is a triplet already."""
TRIPLET: Final = 1 / 6
"""How far the second half of a beat moves at full swing: from 1/2 to 2/3."""
STRESS: Final = (11, 4, 6, -5, -9)
"""How much louder a note is than the others by its place, in velocity: on the downbeat,
on another beat, in the middle of the bar, half-way between beats, elsewhere."""
HIGH_LOUD: Final = 0.4
"""How much louder a note is that lies a semitone higher, in velocity."""
MIDDLE: Final = 55
"""The pitch that is as loud as the texture as a whole: G3."""
UNEVEN: Final = 2
"""How much velocities vary up or down beyond that."""
JOINS: Final = 0.5
"""How much of a soloist's accent is joined."""
LATE_TICKS: Final = 5
"""How late a note off the beat may come: 5 ms at 120 bpm, a good player's spread."""
QUIETEST: Final = 22
LOUDEST: Final = 112
GAP_TICKS: Final = 12
"""The gap from a note's end to the next frame: a repeated key has to come up."""


def swung(frame: float, frames: int, swing: float) -> float:
    """Return where a frame lies when the beat swings, in frames.

    Args:
        frame: where it is written, 0 … `frames`.
        frames: of the span.
        swing: 0 straight, 1 a triplet.
    """
    if frames != SWUNG_FRAMES:
        return frame
    half = frames / 2
    middle = half + swing * TRIPLET * frames
    if frame <= half:
        return frame * middle / half
    return middle + (frame - half) * (frames - middle) / half


def onset_ticks(note: Note, frames: int, swing: float) -> int:
    """Return when a note of a span starts, in ticks from the span's start."""
    ticks = round(swung(note.frame, frames, swing) * FRAME_TICKS)
    return ticks + (_chance(note, 0) % (LATE_TICKS + 1) if note.frame else 0)


def end_ticks(note: Note, frames: int, swing: float) -> int:
    """Return when a note of a span ends, in ticks from the span's start."""
    beats, frame = divmod(note.frame + note.frames, frames)
    ticks = beats * frames * FRAME_TICKS
    return ticks + round(swung(frame, frames, swing) * FRAME_TICKS) - GAP_TICKS


def velocity(
    note: Note, loudness: float, phase: Phase, human: float, accent: float = 0.0
) -> int:
    """Return the velocity of a note.

    Args:
        note: what is played.
        loudness: of its seat, beside the human's.
        phase: where its span lies.
        human: how loud the human plays, as a velocity.
        accent: how much louder than before the human struck the beat.
    """
    loud = human * loudness + _chance(note, phase.bar) % (2 * UNEVEN + 1) - UNEVEN
    loud += STRESS[_place(note.frame, phase)] + HIGH_LOUD * (note.pitch - MIDDLE)
    if note.frame == 0:
        loud += JOINS * accent
    return bounded(loud)


def bounded(loud: float) -> int:
    """Return the velocity within `QUIETEST` and `LOUDEST`."""
    return int(min(max(loud, QUIETEST), LOUDEST))


def _place(frame: int, phase: Phase) -> int:
    """Return where a frame of a span lies, as an index of `STRESS`."""
    if frame == 0:
        if phase.span == 0:
            return 0
        return 2 if 2 * phase.span == phase.spans else 1
    return 3 if frame % 2 == 0 else 4


def _chance(note: Note, salt: int) -> int:
    """A number that depends only on the note; `hash` differs between processes."""
    return zlib.crc32(
        bytes((note.frame, note.pitch & 127, note.frames & 63, salt & 63))
    )

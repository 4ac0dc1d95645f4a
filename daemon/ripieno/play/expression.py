"""How a plan becomes playing: where a frame falls within its beat, and how loud.

Models decide frames; hands do not play on a grid. Off-beats swing, chords are rolled a
little, downbeats are leaned on, and all of it follows how loud the human plays. Chance
is drawn from the note itself, so the same note is always played the same way.
"""

import zlib
from typing import Final

from ripieno.music.spans import FRAME_TICKS, Note, Phase
from ripieno.protocol import BASS, CHORDS, TEXTURE

SWUNG_FRAMES: Final = 4
"""Only a beat of four sixteenths swings; a dotted one is a triplet by itself."""
TRIPLET: Final = 1 / 6
"""How far the second half of a beat moves at full swing: from 1/2 to 2/3."""
LOUDNESS: Final = {CHORDS: 0.72, BASS: 0.9, TEXTURE: 0.82}
"""Beside the human's own: an accompanist stays below. By ear, on a piano and a pad."""
DOWNBEAT: Final = 8
BEAT: Final = 4
UNEVEN: Final = 5
"""Velocities up or down: POP909's pianos vary by 9 (standard deviation) in a bar."""
LATE_TICKS: Final = 5
"""A note off the beat may come so late: 5 ms at 120 bpm, a good player's spread."""
QUIETEST: Final = 22
LOUDEST: Final = 112
GAP_TICKS: Final = 12
"""Between a note's end and the next frame: repeated keys need to come up."""


def swung(frame: float, frames: int, swing: float) -> float:
    """Where a frame falls, in frames, once the beat swings.

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
    """When a note of a span starts, in ticks from the span's start."""
    ticks = round(swung(note.frame, frames, swing) * FRAME_TICKS)
    return ticks + (_chance(note, 0) % (LATE_TICKS + 1) if note.frame else 0)


def end_ticks(note: Note, frames: int, swing: float) -> int:
    """When it ends, in ticks from the span's start."""
    beats, frame = divmod(note.frame + note.frames, frames)
    ticks = beats * frames * FRAME_TICKS
    return ticks + round(swung(frame, frames, swing) * FRAME_TICKS) - GAP_TICKS


def velocity(note: Note, part: int, phase: Phase, human: float) -> int:
    """How loud a note is played.

    Args:
        note: what is played.
        part: by whom.
        phase: where its span lies.
        human: how loud the human plays, as a velocity.
    """
    loud = human * LOUDNESS[part] + _chance(note, phase.bar) % (2 * UNEVEN + 1) - UNEVEN
    if note.frame == 0:
        loud += DOWNBEAT if phase.span == 0 else BEAT
    return int(min(max(loud, QUIETEST), LOUDEST))


def _chance(note: Note, salt: int) -> int:
    """A number that only the note decides; `hash` differs between processes."""
    return zlib.crc32(
        bytes((note.frame, note.pitch & 127, note.frames & 63, salt & 63))
    )

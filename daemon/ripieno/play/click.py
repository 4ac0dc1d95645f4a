"""The metronome's click: a pure function from a meter to notes.

It knows no tempo and no channel. A range in pieces gives the same notes as the range at
once.

Source: General MIDI System Level 1, table 2 (percussion map).
"""

from typing import Final

from ripieno.music.meter import Meter
from ripieno.music.timeline import TICKS_PER_BEAT
from ripieno.protocol import PlannedNote

HIGH_WOOD_BLOCK: Final = 76
LOW_WOOD_BLOCK: Final = 77
DOWNBEAT_VELOCITY: Final = 112
BEAT_VELOCITY: Final = 80
CLICK_TICKS: Final = TICKS_PER_BEAT // 4
"""A sixteenth. A wood block rings by itself, so the length does not matter."""


def click_notes(
    meter: Meter, from_ticks: int, until_ticks: int
) -> tuple[PlannedNote, ...]:
    """Return the clicks with ``from_ticks <= start < until_ticks``, by start."""
    span = meter.span_ticks
    first = -(-from_ticks // span) * span
    return tuple(
        _click(meter, ticks)
        for ticks in range(first, until_ticks, span)
        if not meter.position(ticks).tick_in_span
    )


def _click(meter: Meter, ticks: int) -> PlannedNote:
    is_downbeat = meter.position(ticks).span == 0
    pitch = HIGH_WOOD_BLOCK if is_downbeat else LOW_WOOD_BLOCK
    velocity = DOWNBEAT_VELOCITY if is_downbeat else BEAT_VELOCITY
    return PlannedNote(ticks, ticks + CLICK_TICKS, pitch, velocity)

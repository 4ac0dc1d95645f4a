"""What the daemon's own composers play where a human stops.

They receive the music note by note. Then a plan is requested from them, with limits
that allow every note. The callers know which music it is, and where it was cut.
"""

from collections.abc import Sequence

import numpy as np

from ripieno.clock import NS_PER_S
from ripieno.minds.composer import Composer
from ripieno.music.sources import HUMAN
from ripieno.music.timeline import TICKS_PER_BEAT, Timeline
from ripieno.protocol import Ask, Limits, PlannedNote, Played
from ripieno_export.tokenize import NOTE, Floats, Notes


def messages(heard: Notes) -> list[Played]:
    """Messages for the daemon by time; at one instant, note-offs come first."""
    timed = [
        (_ns(note["start"]), 1, int(note["pitch"]), int(note["velocity"]))
        for note in heard
    ] + [(_ns(note["end"]), 0, int(note["pitch"]), 0) for note in heard]
    return [Played(at, HUMAN, pitch, level) for at, _, pitch, level in sorted(timed)]


def _ns(at_s: float) -> int:
    return round(float(at_s) * NS_PER_S)


def ask(cut_s: float, span_s: float, seed: int = 1) -> Ask:
    """A request for a plan of this length; a beat is half a second."""
    timeline = Timeline()
    start_ticks = timeline.ticks_for(cut_s)
    return Ask(
        revision=1,
        timeline=timeline,
        start_ticks=start_ticks,
        until_ticks=start_ticks + timeline.ticks_for(span_s),
        closing=False,
        pulse_ticks=TICKS_PER_BEAT // 2,
        grid_ticks=0,
        seed=seed,
        limits=Limits(),
    )


def play(composer: Composer, heard: Notes, wish: Ask) -> Notes:
    """What a composer plans after some music; seconds from the plan's start."""
    composer.reset()
    for message in messages(heard):
        composer.played(message)
    composer.begin(wish)
    planned: list[PlannedNote] = []
    while (plan := composer.answer()) is not None:
        planned += plan.notes
    return in_seconds(planned, wish)


def in_seconds(planned: Sequence[PlannedNote], wish: Ask) -> Notes:
    """Planned notes, counted from the plan's start."""
    tick_s, first = wish.timeline.seconds_for(1), wish.start_ticks
    return notes_of(
        [(note.start_ticks - first) * tick_s for note in planned],
        [(note.end_ticks - first) * tick_s for note in planned],
        [note.pitch for note in planned],
        [note.velocity for note in planned],
    )


def notes_of(
    starts_s: Sequence[float] | Floats,
    ends_s: Sequence[float] | Floats,
    pitches: Sequence[int],
    velocities: Sequence[int],
) -> Notes:
    """Notes by onset and pitch; all but velocities as they are given."""
    notes = np.zeros(len(pitches), NOTE)
    notes["start"], notes["end"] = starts_s, ends_s
    notes["pitch"], notes["velocity"] = pitches, velocities
    return notes[np.lexsort((notes["pitch"], notes["start"]))]

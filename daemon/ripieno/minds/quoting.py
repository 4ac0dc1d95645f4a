"""What a reply quotes of its call: the head, and later the motif once more.

The *motif* is how the head begins. It returns after the middle of the phrase, moved as
a whole to another pitch: a phrase is then *a b a' c*, as a sentence is. Intervals and
rhythm stay; where it lies is chosen of a few candidates by how well its notes fit the
keys that were heard, and how near it is to the last note.
"""

import math
from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from ripieno.minds.call import (
    CHORD_S,
    LONGEST_NOTE_S,
    MOTIF,
    Head,
    Sounded,
    fitted,
    onsets_of,
)
from ripieno.minds.draft import Moment
from ripieno.protocol import Limits
from ripieno.rules.keys import Floats

RETURNS: Final = 0.5
"""Where the motif returns at the earliest, as a share of the phrase."""
AFTER_THE_HEAD: Final = 0.1
"""How much of the phrase lies between the head and the motif, at least."""
BEFORE_THE_END: Final = 0.12
"""How much of the phrase is left for its end."""
LONGEST_MOTIF: Final = 0.35
MOVES: Final = (0, 5, -5, 7, -7, 2, -2, 12, -12)
"""How far the motif may be moved, in semitones: to where most of its notes stay in the
key. Of equal ones the first is chosen."""
A_SEMITONE: Final = 0.02
"""What a semitone between the last note and the motif costs, beside a note in key."""
AGAIN: Final = 0.15
"""What it costs to play the motif where the call had it."""


class Return(NamedTuple):
    """A motif that returns; `at_s` is from the beginning of the phrase."""

    at_s: float
    notes: Sequence[Sounded]


NEVER: Final = Return(math.inf, ())


def returned(head: Head, phrase_s: float, pulse_s: float) -> Return:
    """Return where the motif comes again, and its notes; `NEVER` if it is too short.

    Args:
        head: of the call.
        phrase_s: the length of the phrase that quotes it.
        pulse_s: the felt beat; the motif returns at a multiple of two of them.
    """
    if not head.notes or not math.isfinite(phrase_s):
        return NEVER
    step_s = 2 * pulse_s or phrase_s / 8
    earliest_s = max(RETURNS, head.cut_s / phrase_s + AFTER_THE_HEAD) * phrase_s
    at_s = step_s * math.ceil(earliest_s / step_s - 1e-6)
    room_s = min((1 - BEFORE_THE_END) * phrase_s - at_s, LONGEST_MOTIF * phrase_s)
    onsets = [*onsets_of(head.notes), head.cut_s]
    ends = [
        (after - before, after)
        for before, after in pairwise(onsets[MOTIF - 1 :])
        if min(after, _released(head.notes, before)) <= room_s
    ]
    if not ends:
        return NEVER
    end_s = max(ends)[1]
    notes = [
        note._replace(end_s=min(note.end_s, end_s))
        for note in head.notes
        if note.start_s < end_s - CHORD_S
    ]
    return Return(at_s, notes)


def moved(
    motif: Sequence[Sounded], last: int, tones: Floats, pitches: Sequence[int]
) -> list[Sounded]:
    """Return the motif on the pitch that fits best.

    Args:
        motif: as the call had it.
        last: the pitch before it.
        tones: how likely each pitch class belongs to the key, [12].
        pitches: those that are allowed.
    """
    allowed = set(pitches)

    def worth(by: int) -> float:
        own = [note.pitch + by for note in motif]
        fit = sum(float(tones[p % 12]) for p in own if p in allowed) / len(own)
        return fit - A_SEMITONE * abs(own[0] - last) - AGAIN * (by == 0)

    by = max(MOVES, key=worth)
    return [note._replace(pitch=note.pitch + by) for note in motif]


def quoted(
    notes: Sequence[Sounded], limits: Limits, pitches: Sequence[int], at_s: float = 0.0
) -> deque[Moment]:
    """Return the events of a quotation, within the limits, in order.

    Args:
        notes: by start, in seconds from its first onset.
        limits: of the plan.
        pitches: those that are allowed.
        at_s: when it begins.
    """
    found: list[Moment] = []
    for note in thinned(notes, limits.polyphony):
        end_s = min(note.end_s, note.start_s + LONGEST_NOTE_S)
        pitch = fitted(note.pitch, limits, pitches)
        found.append(Moment(at_s + note.start_s, 1, pitch, note.velocity))
        found.append(Moment(at_s + end_s, 0, pitch, 0))
    return deque(sorted(found))


def thinned(notes: Sequence[Sounded], most: int) -> list[Sounded]:
    """Return at most so many notes at once: the line, then the bass, then the others.

    The highest note of an onset is always kept. It ends the longest one that sounds if
    there are too many.
    """
    kept: list[Sounded] = []
    for at_s in onsets_of(notes):
        group = [n for n in notes if at_s <= n.start_s < at_s + CHORD_S]
        group.sort(key=lambda note: -note.pitch)
        group = group[:1] + group[:0:-1][:1] + group[1:-1]
        sounding = [n for n in kept if n.end_s > at_s + CHORD_S]
        room = max(most - len(sounding), 0)
        if not room:
            longest = min(sounding, key=lambda note: (note.start_s, note.pitch))
            kept[kept.index(longest)] = longest._replace(end_s=at_s)
            room = 1
        kept += group[:room]
    return sorted(note for note in kept if note.end_s > note.start_s)


def _released(notes: Sequence[Sounded], at_s: float) -> float:
    """Return when the notes of an onset have ended."""
    return max(note.end_s for note in notes if abs(note.start_s - at_s) < CHORD_S)

"""What a system played for a piece, and the way between it and MIDI messages.

A take lies on the same grid of frames as its piece. Times of messages are nanoseconds;
a *beat grid* says when each beat fell, so that tempo may drift. A message that was sent
late counts in the frame in which it was heard, so lateness is judged as a change of
rhythm.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ripieno.clock import NS_PER_S
from ripieno.music import messages
from ripieno_export.judge.harmony import heard_chords
from ripieno_export.judge.pieces import (
    FRAMES_PER_BEAT,
    Bools,
    Floats,
    Ints,
    Notes,
    TestPiece,
    counts,
    line,
    notes_of,
)

Timed = tuple[int, bytes]
"""A message and when: (nanoseconds, raw bytes)."""

DRUMS: Final = 9
SHORTEST_BEATS: Final = 1 / 16
"""A note that is played late still sounds for as long as this."""


@dataclass(frozen=True, slots=True, eq=False)
class Timing:
    """How punctual a system was; every array may be empty.

    Attributes:
        late_ms: sent − due, per message.
        asynchrony_ms: machine's onset − human's, per onset on the beat.
        age_frames: how old each frame is in the plan that it was played from.
        is_ready: whether each frame had something schedulable.
    """

    late_ms: Floats
    asynchrony_ms: Floats
    age_frames: Ints
    is_ready: Bools


@dataclass(frozen=True, slots=True, eq=False)
class Take:
    """What a system played for a piece.

    Attributes:
        system: what a table calls it.
        chords: per frame of the piece; `NO_CHORD` where it rests.
        notes: what sounded; see `ripieno_export.judge.pieces.NOTE`.
        timing: where it was measured.
        stuck_notes: ons without an off.
    """

    system: str
    chords: Ints
    notes: Notes
    timing: Timing | None = None
    stuck_notes: int = 0


def chords_in(notes: Notes, piece: TestPiece) -> Ints:
    """The chords that notes play, span by span, held while nobody plays another.

    An arpeggio that rests for a span keeps its chord; a rest of a bar ends it.
    """
    low_first = notes[np.lexsort((-notes["pitch"], notes["start"]))]
    sounding = counts(notes, piece.frames)
    lowest = line(low_first, piece.frames)
    heard = heard_chords(sounding, lowest, piece.span_frames, piece.pickup)
    played = np.where(heard >= 0, np.arange(piece.frames), -1)
    last = np.maximum.accumulate(played)
    is_held = (last >= 0) & (np.arange(piece.frames) - last < piece.bar_frames)
    return np.asarray(np.where(is_held, heard[last], heard), np.int64)


def even_beats_ns(piece: TestPiece, bpm: float | None = None) -> Ints:
    """A beat grid without drift, at the piece's tempo or another."""
    beats = np.arange(-(-piece.frames // FRAMES_PER_BEAT) + 1)
    beat_ns = 60 * NS_PER_S / (bpm or piece.bpm)
    return np.asarray(np.rint(beats * beat_ns), np.int64)


def beats_at(at_ns: npt.ArrayLike, beats_ns: Ints) -> Floats:
    """Nanoseconds as beats; beyond the grid, at the tempo of its nearest beat.

    Args:
        at_ns: any shape.
        beats_ns: when each beat falls, rising, at least two of them.
    """
    times = np.asarray(at_ns, np.float64)
    place = np.clip(np.searchsorted(beats_ns, times, "right") - 1, 0, len(beats_ns) - 2)
    length = beats_ns[place + 1] - beats_ns[place]
    return np.asarray(place + (times - beats_ns[place]) / length, np.float64)


def ns_at(beats: npt.ArrayLike, beats_ns: Ints) -> Ints:
    """Beats as nanoseconds: the inverse of `beats_at`."""
    at = np.asarray(beats, np.float64)
    place = np.clip(np.floor(at).astype(np.int64), 0, len(beats_ns) - 2)
    length = beats_ns[place + 1] - beats_ns[place]
    return np.rint(beats_ns[place] + (at - place) * length).astype(np.int64)


def take_of(
    system: str,
    piece: TestPiece,
    sent: Iterable[Timed],
    beats_ns: Ints,
    *,
    chords: Ints | None = None,
    timing: Timing | None = None,
) -> Take:
    """The take of what a system sent.

    Args:
        system: what a table calls it.
        piece: what it answered.
        sent: its messages, by time.
        beats_ns: when each beat of the piece fell.
        chords: per frame, if the system says so itself; else they are heard in the
            notes.
        timing: where it was measured.
    """
    ended, stuck = paired(sent)
    columns = np.array([row[:4] for row in ended], np.int64).reshape(-1, 4)
    notes = notes_of(
        beats_at(columns[:, 0], beats_ns),
        beats_at(columns[:, 1], beats_ns),
        columns[:, 2],
        columns[:, 3],
    )
    notes = notes[(notes["start"] >= 0) & (notes["start"] < piece.frames)]
    heard = chords_in(notes, piece) if chords is None else chords
    return Take(system, heard, notes, timing, stuck)


def paired(
    sent: Iterable[Timed],
) -> tuple[list[tuple[int, int, int, int, int]], int]:
    """Note-ons and the offs that end them, first in first out.

    Returns:
        (on, off, pitch, velocity, channel) by onset, and how many never ended; those
        end with the last message.
    """
    down: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    found, last_ns = [], 0
    for at_ns, data in sent:
        last_ns = max(last_ns, at_ns)
        if not messages.is_channel_message(data):
            continue
        key = (messages.channel_of(data), data[1])
        if messages.is_note_on(data):
            down[key].append((at_ns, data[2]))
        elif messages.is_note_off(data) and down[key]:
            on_ns, velocity = down[key].pop(0)
            found.append((on_ns, at_ns, key[1], velocity, key[0]))
    open_notes = [(key, note) for key, notes in down.items() for note in notes]
    for (channel, pitch), (on_ns, velocity) in open_notes:
        found.append((on_ns, last_ns, pitch, velocity, channel))
    return sorted(found), len(open_notes)


def messages_of(notes: Notes, beats_ns: Ints, channel: int = 0) -> list[Timed]:
    """Notes as messages, by time; at one instant what ends comes before what begins."""
    ends = np.maximum(notes["end"] / FRAMES_PER_BEAT, notes["at_beats"])
    ends = np.maximum(ends, notes["at_beats"] + SHORTEST_BEATS)
    on_ns, off_ns = ns_at(notes["at_beats"], beats_ns), ns_at(ends, beats_ns)
    off_ns = _released(on_ns, off_ns, notes["pitch"].astype(np.int64))
    rows: list[tuple[int, int, bytes]] = []
    for on, off, pitch, velocity in zip(
        on_ns.tolist(),
        off_ns.tolist(),
        notes["pitch"].tolist(),
        notes["velocity"].tolist(),
        strict=True,
    ):
        rows.append((on, 1, messages.note_on(channel, pitch, max(velocity, 1))))
        rows.append((off, 0, messages.note_off(channel, pitch)))
    rows.sort(key=lambda row: row[:2])
    return [(at_ns, data) for at_ns, _, data in rows]


def _released(on_ns: Ints, off_ns: Ints, pitches: Ints) -> Ints:
    """Ends no later than the next onset of the same pitch."""
    order = np.lexsort((on_ns, pitches))
    limit = np.full(len(order), np.iinfo(np.int64).max)
    same = np.diff(pitches[order]) == 0
    limit[order[:-1][same]] = on_ns[order[1:][same]]
    return np.asarray(np.minimum(off_ns, limit), np.int64)

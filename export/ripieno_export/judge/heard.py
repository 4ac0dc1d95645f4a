"""What an accompanist, the band or a human, played for a piece, by felt beats.

`Heard` holds everything that the figures of `ripieno_export.judge.listening` are
computed from. The band plays on for 16 bars after the melody's last note, with the
clock running; the end of the file is not told.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from ripieno.music.chords import NO_CHORD, QUALITIES
from ripieno.music.messages import channel_of, is_channel_message
from ripieno.settings.ensemble import Ensemble
from ripieno_export.judge.human import EXACT, perform
from ripieno_export.judge.pieces import (
    Bools,
    Ints,
    Notes,
    TestPiece,
    from_the_melody,
    line,
    on_frames,
)
from ripieno_export.judge.simulated import AT_ONCE, Players, Run, params_for
from ripieno_export.judge.take import take_of

AFTER_BARS: Final = 16
"""Bars for which the clock runs after the melody's last note."""
NOBODY: Final = on_frames([], [], [])
"""No notes."""


@dataclass(frozen=True, eq=False)
class Heard:
    """A piece and one accompaniment of it.

    Attributes:
        piece: its melody, metre and length; frames as in `TestPiece`.
        chords: per frame; `NO_CHORD` where none is known.
        texture: all notes but the pad's, with the bass.
        bass: the lowest line.
        pad: held chords; empty for a human.
        since: the first felt beat that may be judged.
    """

    piece: TestPiece
    chords: Ints
    texture: Notes
    bass: Notes
    pad: Notes
    since: int = 0

    @cached_property
    def beats(self) -> Ints:
        """The chord that fills most of each felt beat, shape (beats,)."""
        return chords_of_beats(self.piece, self.chords)

    @cached_property
    def runs(self) -> Ints:
        """Maximal runs of one chord over felt beats within the melody.

        Returns:
            Shape (runs, 3): chord, first beat, number of beats; `NO_CHORD` is left out.
        """
        beats, first, last = self.beats, *self.window
        if first == last:
            return np.zeros((0, 3), np.int64)
        edges = [first, *(first + 1 + np.flatnonzero(np.diff(beats[first:last])))]
        lengths = np.diff([*edges, last])
        rows = np.column_stack([beats[edges], edges, lengths])
        return np.asarray(rows[rows[:, 0] != NO_CHORD])

    @cached_property
    def changes(self) -> Ints:
        """Changes from one chord to another without a rest between.

        Returns:
            Shape (changes, 3): chord before, chord after, felt beat of the change.
        """
        runs = self.runs
        ends = runs[:-1, 1] + runs[:-1, 2]
        joined = ends == runs[1:, 1]
        rows = np.column_stack([runs[:-1, 0], runs[1:, 0], runs[1:, 1]])
        return np.asarray(rows[joined])

    @cached_property
    def window(self) -> tuple[int, int]:
        """Felt beats from the first chord within the melody to the melody's end.

        Where no chord is known: from the melody's first note.
        """
        melody = self.piece.melody
        first = max(int(beat_of(self.piece, melody["start"].min())), self.since)
        last = int(beat_of(self.piece, melody["end"].max() - 1)) + 1
        known = np.flatnonzero(self.beats[first:last] != NO_CHORD)
        return first + (int(known[0]) if len(known) else 0), last

    @cached_property
    def frames(self) -> tuple[int, int]:
        """First and last (exclusive) frame of `window`."""
        offset, span = offset_of(self.piece), self.piece.span_frames
        first, last = self.window
        return max(first * span + offset, 0), min(
            last * span + offset, self.piece.frames
        )

    def within(self, notes: Notes) -> Notes:
        """The notes that begin in `window`."""
        first, last = self.frames
        return notes[(notes["start"] >= first) & (notes["start"] < last)]

    @property
    def end(self) -> int:
        """The frame at which the melody's last note ends."""
        return int(self.piece.melody["end"].max())

    def is_downbeat(self, beats: Ints) -> Bools:
        """Whether felt beats are the first of their bar."""
        frames = beats * self.piece.span_frames + offset_of(self.piece)
        return np.asarray((frames - self.piece.pickup) % self.piece.bar_frames == 0)


def offset_of(piece: TestPiece) -> int:
    """The frame at which felt beat 0 begins: at most 0, before a pickup below it."""
    remainder = piece.pickup % piece.span_frames
    return remainder - piece.span_frames if remainder else 0


def beat_of(piece: TestPiece, frames: Ints) -> Ints:
    """The felt beat of frames."""
    return np.asarray((frames - offset_of(piece)) // piece.span_frames)


def chords_of_beats(piece: TestPiece, chords: Ints) -> Ints:
    """The chord that fills most of each felt beat; of two, the one that is first."""
    span, offset = piece.span_frames, offset_of(piece)
    padded = np.concatenate([np.full(-offset, NO_CHORD), chords])
    padded = np.append(padded, np.full(-len(padded) % span, NO_CHORD))
    rows = padded.reshape(-1, span)
    counts = (rows[:, :, None] == rows[:, None, :]).sum(axis=2)
    return np.asarray(rows[np.arange(len(rows)), counts.argmax(axis=1)])


def roots(chords: Ints) -> Ints:
    """Pitch classes of the roots of chords."""
    return np.asarray(chords // QUALITIES)


def prepared(piece: TestPiece) -> TestPiece:
    """A piece from the bar of its first note to 16 bars after its last."""
    begun = from_the_melody(piece)
    end = int(begun.melody["end"].max()) + AFTER_BARS * begun.bar_frames
    frames = max(begun.frames, end)
    rest = np.full(frames - begun.frames, NO_CHORD)
    return replace(begun, frames=frames, chords=np.concatenate([begun.chords, rest]))


def human(piece: TestPiece, since: int = 0) -> Heard:
    """The piece's own accompaniment, judged from a felt beat on."""
    notes = piece.accompaniment
    return Heard(piece, piece.chords, notes, lowest(notes, piece), NOBODY, since)


def lowest(notes: Notes, piece: TestPiece) -> Notes:
    """The bass of a piano or a choir: notes below which nothing sounds at their onset.

    Of the notes of one felt beat the lowest counts, so that an arpeggio has one bass.
    """
    order = np.lexsort((notes["start"], -notes["pitch"]))
    floor = np.full(piece.frames + 1, 128)
    for note in notes[order]:  # the lowest comes last
        floor[note["start"] : note["end"]] = note["pitch"]
    found = notes[notes["pitch"] <= floor[np.minimum(notes["start"], piece.frames)]]
    beats = beat_of(piece, found["start"].astype(np.int64))
    by_pitch = np.lexsort((found["pitch"], beats))
    _, first = np.unique(beats[by_pitch], return_index=True)
    return np.asarray(found[np.sort(by_pitch[first])])


def band(piece: TestPiece, players: Players, **overrides: object) -> Heard:
    """What the band plays to a piece of `prepared`, in simulated time.

    Args:
        piece: its melody, tempo and metre are given to the band, and nothing else.
        players: who thinks.
        overrides: parameters other than the defaults.
    """
    params = params_for(piece, EXACT, **overrides)
    performance = perform(piece, EXACT)
    run = Run(params, players, AT_ONCE, 1)
    run.play(performance)
    sent = [message for message in run.sent if is_channel_message(message[1])]
    chords = run.spans.chords(piece, params, performance.lead_frames)

    def of(names: tuple[str, ...]) -> Notes:
        channels = {seats[name].channel - 1 for name in names}
        own = [message for message in sent if channel_of(message[1]) in channels]
        return take_of("", piece, own, performance.beats_ns, chords=chords).notes

    seats = Ensemble(params).seated()
    return Heard(piece, chords, of(("bass", "keys")), of(("bass",)), of(("pad",)))


def melody_line(piece: TestPiece) -> Ints:
    """The melody's pitch in each frame; `SILENT` in rests."""
    return line(piece.melody, piece.frames)

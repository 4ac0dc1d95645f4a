"""What a melody says about its end, where it falls silent."""

import math
from collections import deque
from typing import Final

from ripieno.music import chords
from ripieno.music.chords import NO_CHORD
from ripieno.music.spans import Span

TONIC, FIFTH, HIGH = 1.0, -0.75, -0.75
LONGEST, WHOLE_BAR, EIGHT_BARS = 1.25, 0.75, 1.0
DOUBLED: Final = 1.5
"""Log odds of an end, for what `Evidence` weighs; `DOUBLED` for each doubling of the
melody's length. From a logistic regression on the last notes of 576 melodies (pop,
jazz, art song, dance, hymn) and their other phrase ends; see decision 22."""
LONGEST_BARS: Final = 32
"""A melody that has lasted for longer is no likelier to end for that."""
SLOWER: Final = 1.5
"""Log odds for a ritardando. By judgement: the corpora have none."""
RITARDANDO: Final = 1.08
"""A beat so much longer than those before is a ritardando. The tempo of a player drifts
by 1 to 3 %."""
TEMPO_SPANS: Final = 32
"""Over how many spans the tempo is averaged."""
RECENT: Final = 48
"""With how many of the last notes a note is compared."""
HIGHEST: Final = 0.3
"""A note is high if fewer of the last ones are as high or higher."""
APART_BARS: Final = 2
"""After so many silent bars the count of eight bars begins anew."""
FORM_BARS: Final = 8


class Evidence:
    """Weighs the last note. Thread: one. Cost: O(frames) a span.

    It counts whether the note is the tonic, the fifth, high, as long as any other,
    almost a bar long; whether eight bars are full; how long the melody has lasted; and
    whether the tempo falls.

    Attributes:
        quiet_frame: the first frame after the last one that sounded; None before the
            first note.
    """

    def __init__(self) -> None:
        self._lengths: deque[int] = deque(maxlen=RECENT)
        self._pitches: deque[int] = deque(maxlen=RECENT)
        self._first = self._phrase = self._onset = 0
        self._beat_ns = 0.0
        self._is_slower = False
        self.quiet_frame: int | None = None

    def hear(self, first: int, span: Span, bar_frames: int, beat_ns: int) -> None:
        """Take in a span whose first frame is `first`, and the length of its beat."""
        for frame, struck in enumerate(span.struck, first):
            if struck:
                self._strike(frame, max(struck), bar_frames)
            if span.sounding[frame - first]:
                self.quiet_frame = frame + 1
        self._beat_ns = self._beat_ns or beat_ns
        self._is_slower = beat_ns > RITARDANDO * self._beat_ns
        self._beat_ns += (beat_ns - self._beat_ns) / TEMPO_SPANS

    def degree(self, tonic: int) -> int | None:
        """Return the last note's semitones above a tonic; None where it has none."""
        if tonic == NO_CHORD or not self._pitches:
            return None
        return (self._pitches[-1] - chords.root_of(tonic)) % 12

    def of_end(self, bar_frames: int, tonic: int) -> float:
        """Return the log odds, but for a constant, that the last note was the last one.

        Args:
            bar_frames: the length of a bar.
            tonic: the tonic chord; `NO_CHORD` if it is not known.
        """
        if self.quiet_frame is None or tonic == NO_CHORD:
            return 0.0
        length, degree = self.quiet_frame - self._onset, self.degree(tonic)
        above = sum(other >= self._pitches[-1] for other in self._pitches)
        full = FORM_BARS * bar_frames
        until = self._phrase + (1 + (self._onset - self._phrase) // full) * full
        bars = (self._onset - self._first) / bar_frames
        return (
            TONIC * (degree == 0)
            + FIFTH * (degree == 7)
            + HIGH * (above < HIGHEST * len(self._pitches))
            + LONGEST * (length >= max(self._lengths, default=0))
            + WHOLE_BAR * (4 * length >= 3 * bar_frames)
            + EIGHT_BARS * (until - self.quiet_frame <= bar_frames)
            + DOUBLED * math.log2(min(max(bars, 1), LONGEST_BARS))
            + SLOWER * self._is_slower
        )

    def _strike(self, frame: int, pitch: int, bar_frames: int) -> None:
        if self.quiet_frame is None:
            self._first = self._phrase = frame
        else:
            self._lengths.append(min(self.quiet_frame, frame) - self._onset)
            if frame - self.quiet_frame >= APART_BARS * bar_frames:
                self._phrase = frame
        self._onset = frame
        self._pitches.append(pitch)

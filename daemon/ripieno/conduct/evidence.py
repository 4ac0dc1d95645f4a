"""What a melody says about its end, where it falls silent."""

import math
from collections import deque
from typing import Final

from ripieno.music.spans import Span

REST: Final = 2
"""From so many frames on a gap is a rest: shorter ones are articulation."""
TUNE: Final = 0.03
"""A melody that rests for a smaller share of its time is a tune: it does not rest
before its end."""
SONG: Final = 0.2
"""One that rests for a larger share is a song, which may have interludes."""
AS_SONG, TWICE, WHOLE_BAR, HIGH = -2.25, 1.25, 0.5, -0.5
DOUBLED: Final = 0.75
"""For each doubling of a tune's bars, from 4 to 16."""
SONG_DOUBLED: Final = 1.5
"""For each doubling of a song's bars, from 32 to 64."""
SONG_MINUTE: Final = 1.25
"""For each minute of a song after the second, up to two. Log odds of an end against a
rest of four bars or more: a logistic regression on 789 such rests and the ends of 1696
melodies (pop, jazz, art song, dance, hymn); see decision 22."""
SLOWER: Final = 1.5
OPEN: Final = -1.0
"""Log odds for a ritardando, and for a tune whose last note is not the tonic. By
judgement: the corpora have no ritardando, and no tune that rests for four bars."""
RITARDANDO: Final = 1.08
"""A beat so much longer than those before is a ritardando. The tempo of a player drifts
by 1 to 3 %."""
TEMPO_SPANS: Final = 32
"""Over how many spans the tempo is averaged."""
RECENT: Final = 48
"""With how many of the last notes a note is compared."""
HIGHEST: Final = 0.3
"""A note is high if fewer of the last ones are as high or higher."""
CLOSE: Final = 6
"""A close is the pitches of so many notes."""
CLOSES: Final = 1024
"""How many closes are kept."""
FRAMES_PER_BEAT: Final = 4
NS_PER_MINUTE: Final = 60e9


class Evidence:
    """Weighs the last note, and the melody up to it. Thread: one.

    Cost: O(frames) a span, and O(`CLOSES`) where the melody falls silent.

    A tune without rests is at its end when it falls silent for bars, unless it has
    hardly begun. A song has interludes. It ends after some minutes and many bars, and
    rather with a close that was heard twice before.

    Attributes:
        quiet_frame: the first frame after the last one that sounded; None before the
            first note.
    """

    def __init__(self) -> None:
        self._pitches: deque[int] = deque(maxlen=RECENT)
        self._closes: deque[tuple[int, ...]] = deque(maxlen=CLOSES)
        self._first = self._onset = self._rested = 0
        self._minutes = self._beat_ns = 0.0
        self._is_slower = False
        self.quiet_frame: int | None = None

    def hear(self, first: int, span: Span, beat_ns: int) -> None:
        """Take in a span whose first frame is `first`, and the length of its beat.

        A note that was struck before the first span does not count.
        """
        for frame, struck in enumerate(span.struck, first):
            if struck:
                self._strike(frame, max(struck))
            if span.sounding[frame - first] and self._pitches:
                self.quiet_frame = frame + 1
        if self.quiet_frame is not None:
            beats = len(span.struck) / FRAMES_PER_BEAT
            self._minutes += beats * beat_ns / NS_PER_MINUTE
        self._beat_ns = self._beat_ns or beat_ns
        self._is_slower = beat_ns > RITARDANDO * self._beat_ns
        self._beat_ns += (beat_ns - self._beat_ns) / TEMPO_SPANS

    def of_end(self, bar_frames: int, *, is_home: bool) -> float:
        """Return the log odds of an end; 0 is even, were both as frequent.

        Args:
            bar_frames: the length of a bar.
            is_home: whether the last note is the tonic.
        """
        if self.quiet_frame is None:
            return 0.0
        last = self._pitches[-1]
        above = sum(other >= last for other in self._pitches)
        bars = max(self._onset - self._first, 1) / bar_frames
        song = self.song
        as_tune = DOUBLED * _doublings(bars, 4, 16) + OPEN * (not is_home)
        as_song = AS_SONG + SONG_DOUBLED * _doublings(bars, 32, 64)
        as_song += SONG_MINUTE * min(max(self._minutes - 2, 0), 2)
        return (
            song * as_song
            + (1 - song) * as_tune
            + TWICE * (self._heard() >= 2)
            + WHOLE_BAR * (4 * (self.quiet_frame - self._onset) >= 3 * bar_frames)
            + HIGH * (above < HIGHEST * len(self._pitches))
            + SLOWER * self._is_slower
        )

    @property
    def song(self) -> float:
        """How much the melody is like a song that rests, 0 … 1."""
        if self.quiet_frame is None:
            return 0.0
        rests = self._rested / (self.quiet_frame - self._first)
        return _doublings(rests, TUNE, SONG) / _doublings(SONG, TUNE, SONG)

    def _heard(self) -> int:
        """How often the last close was heard before, by its pitches."""
        *before, close = self._closes
        return before[: -CLOSE + 1].count(close) if len(close) == CLOSE else 0

    def _strike(self, frame: int, pitch: int) -> None:
        if self.quiet_frame is None:
            self._first = frame
        elif frame - self.quiet_frame >= REST:
            self._rested += frame - self.quiet_frame
        self._onset = frame
        self._pitches.append(pitch)
        if self._closes:
            pitches = (*self._closes[-1], pitch)
            self._closes.append(pitches[-CLOSE:])
        else:
            self._closes.append((pitch,))


def _doublings(value: float, low: float, high: float) -> float:
    """How often `low` is doubled to reach a value, which is limited to `low … high`."""
    return math.log2(min(max(value, low), high) / low)

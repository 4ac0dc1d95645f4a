"""Which metre the human plays in, by rhythm and repetition.

The song's tick 0 is a bar line, so each metre says where all its bar lines are. For
each metre, running sums say how often notes begin on its downbeats, on its other felt
beats and between them, how long these notes are, and how much of the rhythm and of the
pitches is repeated after one, two and four bars. The sums decay. A linear model with
the same weights for all metres turns them into scores, and the softmax of these into
probabilities.

Of the pitches of a frame only the highest counts. Loudness and low notes are left out,
because no music with a known metre could say what they are worth. This module knows no
time but ticks, and it does not decide when the metre changes
(`ripieno.hear.meter_choice`).

Cost: 25 µs a frame.
"""

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

from ripieno.hear.beats import frame_of
from ripieno.hear.meter_weights import LEARNED, Weights
from ripieno.music.meter import Meter
from ripieno.music.spans import FRAME_TICKS
from ripieno.music.timeline import TICKS_PER_BEAT

PLACES: Final = 5
"""Downbeats, beats on which a group begins, other felt beats, eighths, other frames."""
RETURNS: Final = (1, 2, 4)
"""After how many bars music is compared with itself."""
FRAMES_A_BEAT: Final = TICKS_PER_BEAT // FRAME_TICKS
DECAY: Final = 0.5 ** (1 / 48)
"""Each beat (quarter note) weighs this much less than the next: half after 48."""
LONGEST_FRAMES: Final = 24
"""A longer note counts as one of this length, and what follows as a rest: it says
nothing about the metre."""
HIDDEN: Final = {"2/4": "4/4", "12/8": "6/8"}
"""Metres that are not told: they are played as the other one, with the same beats."""


def told_as(name: str) -> str:
    """Return the name of the metre as which one is told."""
    return HIDDEN.get(name, name)


class Metric(NamedTuple):
    """A metre on the grid.

    Attributes:
        name: of the metre; see `ripieno.music.meter.Meter`.
        places: for each frame of a bar, its place: 0 … `PLACES` - 1.
        lags: how many frames `RETURNS` are.
    """

    name: str
    places: tuple[int, ...]
    lags: tuple[int, ...]


def _metric(name: str) -> Metric:
    meter = Meter.parse(name)
    frames = meter.bar_ticks // FRAME_TICKS
    starts = [start // FRAME_TICKS for start in meter.starts]
    is_grouped = len(meter.strong) < meter.spans_in_bar
    strong = {starts[beat] for beat in meter.strong if is_grouped}
    places = []
    for frame in range(frames):
        found = (frame == 0, frame in strong, frame in starts, frame % 2 == 0, True)
        places.append(found.index(True))
    lags = tuple(frames * bars for bars in RETURNS)
    return Metric(name, tuple(places), lags)


METRICS: Final = tuple(map(_metric, LEARNED.of_meters))
TOLD: Final = tuple(dict.fromkeys(told_as(each.name) for each in METRICS))
"""The metres that can be told."""
_MEMORY: Final = max(lag for metric in METRICS for lag in metric.lags) + 1


class _Sums:
    """The running sums of one metre, all decayed."""

    def __init__(self) -> None:
        self.frames = [0.0] * PLACES
        self.onsets = [0.0] * PLACES
        self.lengths = [0.0] * PLACES  # of notes that began there: log2(1 + frames)
        self.either = [0.0] * len(RETURNS)  # frames with an onset now or then
        self.both = [0.0] * len(RETURNS)
        self.same = [0.0] * len(RETURNS)  # of these, with the same pitch

    def decay(self) -> None:
        """Let everything weigh less: a beat has passed."""
        for sums in (
            self.frames, self.onsets, self.lengths, self.either, self.both, self.same,
        ):  # fmt: skip
            sums[:] = [DECAY * each for each in sums]

    def compare(self, which: int, now: int, then: int) -> None:
        """Count the pitches that begin now, and began some bars ago; 0 for none."""
        if now or then:
            self.either[which] += 1.0
            self.both[which] += bool(now and then)
            self.same[which] += now == then

    def features(self) -> list[float]:
        """Return onsets and lengths a place, then rhythms and pitches that return."""
        frames = [1.0 + each for each in self.frames]
        either = [2.0 + each for each in self.either]
        return [
            *(a / n for a, n in zip(self.onsets, frames, strict=True)),
            *(a / n for a, n in zip(self.lengths, frames, strict=True)),
            *((0.8 + a) / n for a, n in zip(self.both, either, strict=True)),
            *((0.2 + a) / n for a, n in zip(self.same, either, strict=True)),
        ]


class MeterEvidence:
    """What was heard so far, for each metre. Thread: one.

    Attributes:
        beats: how many beats were heard, decayed.
    """

    def __init__(self, weights: Weights = LEARNED) -> None:
        """Begin without evidence."""
        self._weights = weights
        self.clear()

    def clear(self) -> None:
        """Forget everything: another song begins."""
        self.beats = 0.0
        self._sums = [_Sums() for _ in METRICS]
        self._pitches = [0] * _MEMORY  # by frame; 0 where no note began
        self._frame: int | None = None  # the frame that is heard now
        self._begin = 0
        self._last: int | None = None  # the frame of the last onset

    def jump(self) -> None:
        """Note that the song goes on elsewhere: what was played is no longer near."""
        self._frame = self._last = None

    def on_note(self, ticks: int, pitch: int) -> None:
        """Hear a note that began at a tick of the song."""
        frame = frame_of(ticks)
        if self._frame is None:
            self._frame = self._begin = frame
            self._pitches = [0] * _MEMORY
        self.advance(ticks)
        if frame == self._frame:
            at = frame % _MEMORY
            self._pitches[at] = max(self._pitches[at], pitch)

    def advance(self, ticks: int) -> None:
        """Let time pass up to a tick."""
        until = frame_of(ticks)
        while self._frame is not None and self._frame < until:
            self._close(self._frame)
            self._frame += 1
            self._pitches[self._frame % _MEMORY] = 0

    @property
    def is_resting(self) -> bool:
        """Whether no note has begun for so long that nothing is counted."""
        frame, last = self._frame, self._last
        return frame is None or last is None or frame - last > LONGEST_FRAMES

    def probabilities(self) -> dict[str, float]:
        """Return the probability of each of `TOLD`."""
        root, (shared, of_meters) = math.sqrt(self.beats), self._weights
        scores = []
        for metric, features in zip(METRICS, self.features(), strict=True):
            a_beat, once = of_meters[metric.name]
            scored = sum(w * each for w, each in zip(shared, features, strict=True))
            scores.append(root * (a_beat + scored) + once)
        most = max(scores)
        found = dict.fromkeys(TOLD, 0.0)
        for metric, score in zip(METRICS, scores, strict=True):
            found[told_as(metric.name)] += math.exp(score - most)
        total = sum(found.values())
        return {name: each / total for name, each in found.items()}

    def features(self) -> Iterator[list[float]]:
        """Yield the features of each of `METRICS`."""
        return (sums.features() for sums in self._sums)

    def _close(self, frame: int) -> None:
        """Count a frame that is over."""
        pitch, last = self._pitches[frame % _MEMORY], self._last
        if not pitch and self.is_resting:
            return
        length = math.log2(1 + min(frame - (last or 0), LONGEST_FRAMES))
        for metric, sums in zip(METRICS, self._sums, strict=True):
            places = metric.places
            sums.frames[places[frame % len(places)]] += 1.0
            if pitch:
                sums.onsets[places[frame % len(places)]] += 1.0
            if pitch and last is not None:
                sums.lengths[places[last % len(places)]] += length
            for which, lag in enumerate(metric.lags):
                if frame - lag >= self._begin:
                    then = self._pitches[(frame - lag) % _MEMORY]
                    sums.compare(which, pitch, then)
        if pitch:
            self._last = frame
        if (frame + 1) % FRAMES_A_BEAT == 0:
            self.beats = DECAY * self.beats + 1.0
            for sums in self._sums:
                sums.decay()

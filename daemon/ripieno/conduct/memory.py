"""What was played before under the melody of now: chords and texture that return.

For each felt beat of this performance the memory keeps the highest note struck in each
frame, the chord and the texture. The melody of now is aligned with each earlier place
at once: one score for each distance of whole bars and each transposition. A note that
returns in its frame adds one; each note too many, missing or different takes a share of
the score away. So a score is about the number of notes since the last few differences.

The place with the best score is where the melody seems to be again. The melody that
followed there is likely to come now. So its chords are likelier, and so are the chords
that fit the rest of that bar: the first time, they were chosen before it was heard. The
texture of that place is played again, on the chord of now.

Places are counted by the time that was played, not by the position in the song. So the
memory also knows the last pass of a loop.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ripieno.music.chords import N_CHORDS, NO_CHORD, transposed
from ripieno.music.spans import Note, Phase, Span
from ripieno.rules.harmony import TONES

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SPANS: Final = 512
"""How many felt beats are kept."""
FRAMES: Final = 16
"""The most frames of a felt beat that count."""
VOID: Final = -2
"""The frames of a felt beat that was not heard. A frame without an onset is `QUIET`."""
QUIET: Final = -1
KEEPS: Final = 0.75
"""The share of a score that remains after a note that differs."""
HIGHEST: Final = 32.0
"""The highest score. From there, eight notes that differ take it below `KNOWN`."""
HELD: Final = 0.25
"""What a felt beat without a difference adds to a score besides its notes."""
OTHER_KEY: Final = 2.0
"""By how much less a transposed place counts."""
NEARER: Final = 1e-3
"""By how much less a place counts for each bar that it is further away."""
SIMILAR: Final = 3.0
"""From this score on, the texture returns."""
KNOWN: Final = 6.0
"""From this score on, chords return, and a section may."""
SURE: Final = 16.0
"""From this score on, the chords that return have their full weight."""
AGAIN: Final = 4.0
"""By how many nats the chord is likelier that was played at the earlier place."""
AROUND: Final = 10.0
"""By how many nats, in a rest of more than a bar, the chord is likelier that was played
`ROUND_BARS` before."""
ROUND_BARS: Final = 8, 4
"""How many bars back the chords of a long rest are taken from. The second number counts
where the music has not lasted for the first."""
HINDSIGHT: Final = 2.0
"""The weight of how likely the melody of the rest of the bar is under each chord."""
LATER: Final = 0.5
"""On a beat of the first half of a bar, the melody of the second half has this share of
`HINDSIGHT`."""
INSIDE: Final = 0.8
"""The share of a melody that lies in its chord."""


def _likelihoods() -> Floats:
    """Return the log probability of each pitch class under each chord, [N_CHORDS, 12].

    The tones of a chord share `INSIDE`; the other pitch classes share the rest.
    """
    inside = TONES.sum(axis=1, keepdims=True)
    spread = (1.0 - INSIDE) / (12.0 - inside)
    return np.asarray(np.log(np.where(TONES > 0, INSIDE / inside, spread)))


LIKELIHOODS: Final = _likelihoods()


class Return(NamedTuple):
    """An earlier place that the melody seems to be at again.

    Attributes:
        bars: how many bars ago it was.
        shift: by how many semitones the melody is higher now, 0 … 11.
        score: about how many notes have returned.
        since: how many felt beats ago the alignment began.
    """

    bars: int
    shift: int
    score: float
    since: int


class Played(NamedTuple):
    """What was played to a felt beat.

    Attributes:
        chord: `NO_CHORD` where nothing was.
        notes: the texture above the bass.
        asked: what the musician asked of the texture; None where it does not return.
    """

    chord: int = NO_CHORD
    notes: tuple[Note, ...] = ()
    asked: object = None


class Memory:
    """The memory of one performance. Thread: one. Cost: some 0.1 ms a felt beat."""

    def __init__(self) -> None:
        self._spans = 0  # in a bar
        self._index = 0  # of the last felt beat that was heard
        self._clear(1)

    def _clear(self, spans: int) -> None:
        """Forget everything, for bars of so many felt beats."""
        self._now, self._in_bar = -1, spans
        self._silent = 0  # felt beats since the human was heard
        self._frames: dict[int, int] = {}  # of the felt beats of a bar
        self._lags: Ints = np.arange(spans, SPANS, spans)
        self._struck = np.full((SPANS, FRAMES), VOID, np.int64)
        self._sung = np.zeros((SPANS, 12))
        self._chords = np.full(SPANS, NO_CHORD, np.int64)
        self._played = [Played()] * SPANS
        self._scores = np.zeros((len(self._lags), 12))
        self._since = np.zeros((len(self._lags), 12), np.int64)

    def hear(self, index: int, span: Span, phase: Phase, played: Played) -> None:
        """Take in a felt beat that is over.

        Args:
            index: the beat.
            span: the human's part in it.
            phase: where it lies. Another metre makes the memory begin anew.
            played: to it.
        """
        frames = len(span.struck)
        is_other = self._frames.get(phase.span, frames) != frames
        if phase.spans != self._in_bar or is_other or self._now < 0:
            self._clear(phase.spans)
        self._frames[phase.span] = frames
        begins = self._now + 1
        now = begins + (phase.span - begins) % self._in_bar
        if index != self._index + 1:
            self._scores[:] = 0.0
        self._index, self._now = index, now
        for skipped in range(begins, now):
            self._struck[skipped % SPANS] = VOID
            self._sung[skipped % SPANS] = 0.0
            self._chords[skipped % SPANS] = NO_CHORD
        at = now % SPANS
        row = self._struck[at]
        row[:] = QUIET
        for frame, pitches in enumerate(span.struck[:FRAMES]):
            row[frame] = max(pitches, default=QUIET)
        self._sung[at] = 0.0
        for sounding in span.sounding:
            for pitch in sounding:
                self._sung[at, pitch % 12] += 1.0 / len(span.sounding)
        self._chords[at], self._played[at] = played.chord, played
        self._silent = 0 if any(span.sounding) else self._silent + 1
        self._align(row)

    def _align(self, row: Ints) -> None:
        """Go on with every alignment by the felt beat of now."""
        rows = self._struck[(self._now - self._lags) % SPANS]
        heard, mine = rows >= 0, row >= 0
        both = heard & mine
        hits = np.zeros_like(self._scores)
        for frame in np.flatnonzero(mine).tolist():
            lags = np.flatnonzero(both[:, frame])
            hits[lags, (row[frame] - rows[lags, frame]) % 12] += 1.0
        wrong = (heard | mine).sum(axis=1)[:, None] - hits
        scores = self._scores * KEEPS**wrong
        scores[scores < 1.0] = 0.0
        is_new = scores == 0.0
        self._since[is_new] = self._now
        sounds = self._sung[self._now % SPANS].any()
        held = HELD * ((wrong == 0.0) & ~is_new & sounds)
        self._scores = np.minimum(scores + hits + held, HIGHEST)
        self._scores[rows[:, 0] == VOID] = 0.0

    @property
    def bar(self) -> int:
        """The bar of the last felt beat that was heard, by the time that was played."""
        return self._now // self._in_bar

    def now(self) -> Return | None:
        """Return where the melody that was heard last was before; None if nowhere."""
        found = self._best(self._scores, KNOWN)
        if found is None:
            return None
        place, shift, score = found
        since = self._now - int(self._since[place, shift])
        return Return(int(self._lags[place]) // self._in_bar, shift, score, since)

    def _best(self, scores: Floats, least: float) -> tuple[int, int, float] | None:
        """Return the best place, its shift and its score; None below `least`."""
        ranked = scores - NEARER * np.arange(len(scores))[:, None]
        ranked[:, 1:] -= OTHER_KEY
        place, shift = divmod(int(ranked.argmax()), 12)
        score = float(scores[place, shift])
        return (place, shift, score) if ranked[place, shift] >= least else None

    def _expected(
        self, index: int, beat: Span | None, least: float
    ) -> tuple[int, int, float] | None:
        """Return what a felt beat to come is likely to repeat.

        Args:
            index: the beat.
            beat: the human's part in it so far; None where it was not heard.
            least: the lowest score.

        Returns:
            When that was, the shift and the score; None if there is no such place.
        """
        ahead = index - self._index
        if self._now < 0 or not 0 < ahead <= self._in_bar:
            return None
        times = self._now + ahead - self._lags
        slots = times % SPANS
        scores = self._scores
        if beat is not None and beat.struck[0]:
            first = self._struck[slots, 0]
            shifts = (max(beat.struck[0]) - first) % 12
            fits = (first >= 0)[:, None] & (shifts[:, None] == np.arange(12))
            scores = np.where(fits, scores + 1.0, scores * KEEPS)
        scores = np.where(self._chords[slots, None] == NO_CHORD, 0.0, scores)
        found = self._best(scores, least)
        return None if found is None else (int(times[found[0]]), *found[1:])

    def texture(self, index: int, beat: Span) -> Played | None:
        """Return what a felt beat repeats, on its old chord; None if it is new."""
        found = self._expected(index, beat, SIMILAR)
        return None if found is None else self._played[found[0] % SPANS]

    def weights(self, index: int, beat: Span | None, before: int) -> Floats:
        """Return the log weights of the chords of a felt beat, [N_CHORDS].

        A note on the beat that differs from that of the place takes all of it back.

        Args:
            index: the felt beat.
            beat: the human's part in it so far; None where it was not heard.
            before: the chord of the beat before it.
        """
        weights = np.zeros(N_CHORDS)
        if self._silent >= self._in_bar and not (beat is not None and beat.struck[0]):
            return self._around(index, before)
        found = self._expected(index, beat, KNOWN)
        if found is None:
            return weights
        then, shift, score = found
        if beat is not None and beat.struck[0]:
            first = int(self._struck[then % SPANS, 0])
            if first < 0 or (max(beat.struck[0]) - first - shift) % 12:
                return weights
        place, rest = then % self._in_bar, self._rest_of_bar(then)
        half = self._in_bar / 2
        is_later = (place + np.arange(len(rest)) >= half) & (place < half)
        shares = np.where(is_later, LATER, 1.0)
        sung = np.roll(shares @ self._sung[rest], shift)
        weights += HINDSIGHT * (LIKELIHOODS @ sung)
        weights -= weights.max()
        chord = transposed(_main(self._chords[rest].tolist()), shift)
        if chord == before or self._is_strong(place):
            weights[chord] += AGAIN
        return min(score / SURE, 1.0) * weights

    def _around(self, index: int, before: int) -> Floats:
        """Return the weights of the chords of eight bars before, or of four.

        Where the human rests there is no melody to go by. A chord would stay as long
        as the rest lasts. So the last chords are gone through once more.
        """
        weights = np.zeros(N_CHORDS)
        ahead = index - self._index
        for bars in ROUND_BARS:
            then = self._now + ahead - bars * self._in_bar
            if not 0 < ahead <= self._in_bar or then < max(0, self._now - SPANS + 1):
                continue
            chord = _main(self._chords[self._rest_of_bar(then)].tolist())
            if chord != NO_CHORD and self._chords[then % SPANS] != NO_CHORD:
                is_strong = self._is_strong(then % self._in_bar)
                weights[chord] = AROUND * (chord == before or is_strong)
                break
        return weights

    def _rest_of_bar(self, then: int) -> Ints:
        """Return where the felt beats from a time to the end of its bar are kept."""
        until = min(then - then % self._in_bar + self._in_bar, self._now + 1)
        return np.arange(then, until) % SPANS

    def _is_strong(self, place: int) -> bool:
        """Whether chords may change on a felt beat of the bar because they did."""
        return place == 0 or 2 * place == self._in_bar


def _main(chords: list[int]) -> int:
    """Return the chord that most felt beats had; the first of them counts twice."""
    counts = dict.fromkeys(chords, 0)
    for chord in (chords[0], *chords):
        counts[chord] += chord != NO_CHORD
    return max(counts, key=counts.__getitem__)

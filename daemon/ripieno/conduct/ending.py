"""When the band ends, and the cadence with which it does.

The melody says how likely an end is where it falls silent (`Evidence`). From that
follows when the last chord ends at the latest::

    sure      a bar after the next bar line
    likely    four bars after the last key came up
    else      twelve bars after it: the human may rest for eight bars

The last chord is the tonic, struck on a bar line. Before it comes the dominant, for
half a bar or at least a felt beat. A note of the human takes everything back, and the
next beat is played as any other. With `ending=now` the cadence comes at once, and no
note takes it back.

This module does not know what a seat plays to the last chord.
"""

from typing import Final, NamedTuple

from ripieno.conduct.evidence import Evidence
from ripieno.conduct.home import Home
from ripieno.conduct.presence import LEADS
from ripieno.conduct.spans import Spans
from ripieno.music import chords
from ripieno.music.chords import NO_CHORD
from ripieno.music.spans import FRAME_TICKS, Span
from ripieno.play.seat import Seat
from ripieno.settings.params import Guidance

SURE: Final = 1.0
LIKELY: Final = 0.0
"""From how much evidence on an end is sure, or likely; see decision 22. An end is sure
only if it is on the tonic and the melody hardly rests."""
MOST_SONG: Final = 0.5
"""A melody hardly rests if `Evidence.song` is at most so much."""
LIKELY_BARS: Final = 4
"""How many bars of silence there are before the band is silent after a likely end."""
OPEN_BARS: Final = 12
"""The same where no end is likely: interludes of eight bars, and of ten, are played
through."""
UNHEARD_BARS: Final = 1
"""After `ending=now`, the human has to be silent for so long before a note counts."""
SEVENTH: Final = chords.SUFFIXES.index("7")


class Cadence(NamedTuple):
    """A cadence that is planned; times are ticks of the song.

    Attributes:
        from_ticks: the dominant begins; `tonic_ticks` if there is none.
        tonic_ticks: the last chord begins.
        end_ticks: it ends.
        dominant, tonic: the chords.
        is_forced: whether the musician asked for it.
    """

    from_ticks: int
    tonic_ticks: int
    end_ticks: int
    dominant: int
    tonic: int
    is_forced: bool


class Ending:
    """Decides when the band ends. Thread: the engine's.

    Cost: some 5 µs a span; 0.3 ms where the melody falls silent.
    """

    def __init__(self, seat: Seat, spans: Spans) -> None:
        """Begin with the music: the conductor's seat, and the spans of the song."""
        self._seat, self._spans = seat, spans
        self._evidence, self._home = Evidence(), Home()
        self._weighed: tuple[int | None, float] | None = None
        self._is_asked = False
        self._heard_ticks = 0
        self._cadence: Cadence | None = None

    def clear(self) -> None:
        """Forget the melody: the song stopped or jumped."""
        self._evidence, self._weighed = Evidence(), None
        self.go_on()

    def go_on(self) -> None:
        """Take back the cadence, also one that is over."""
        self._is_asked, self._cadence = False, None

    def ask(self) -> None:
        """End now: the musician said so."""
        self._is_asked = True
        if self._cadence is not None:
            self._cadence = self._cadence._replace(is_forced=True)

    def on_note(self, ticks: int) -> None:
        """Note that the human plays, at a tick of the song."""
        since, self._heard_ticks = ticks - self._heard_ticks, ticks
        cadence = self._cadence
        if cadence is None:
            return
        is_heard = ticks >= cadence.end_ticks and since >= UNHEARD_BARS * self._bar
        if is_heard or not cadence.is_forced:
            self.go_on()

    def hear(self, index: int, span: Span) -> None:
        """Take in a span that is over."""
        first, beat_ns = self._spans.first_frame(index), self._seat.timeline.beat_ns
        self._evidence.hear(first, span, beat_ns)
        self._home.hear(span)

    def plan(self, index: int, sounding: int, promised: int) -> None:
        """Plan the cadence, if it has to begin in a span that is to be decided.

        Args:
            index: the span.
            sounding: the chord that sounds; `NO_CHORD` while the band rests.
            promised: how many spans from this one on are promised already.
        """
        if self._cadence is not None:
            return
        if sounding == NO_CHORD:
            self._is_asked = False
            return
        self._cadence = self._planned(index, promised, sounding)

    def closing(self, index: int) -> int | None:
        """Return when the last chord ends, where it sounds in a span; else None.

        The time is in ticks of the song.
        """
        ticks, cadence = self._spans.start_ticks(index), self._cadence
        if cadence is None or not cadence.tonic_ticks <= ticks < cadence.end_ticks:
            return None
        return cadence.end_ticks

    def is_over(self, index: int) -> bool:
        """Whether in a span the last chord has ended."""
        ticks, cadence = self._spans.start_ticks(index), self._cadence
        return cadence is not None and ticks >= cadence.end_ticks

    def chord(self, index: int) -> int | None:
        """Return the chord of the cadence in a span; None where it has none."""
        ticks, cadence = self._spans.start_ticks(index), self._cadence
        if cadence is None or not cadence.from_ticks <= ticks < cadence.end_ticks:
            return None
        return cadence.dominant if ticks < cadence.tonic_ticks else cadence.tonic

    @property
    def is_forced(self) -> bool:
        """Whether the cadence has begun, and no note takes it back."""
        return self._cadence is not None and self._cadence.is_forced

    @property
    def decides(self) -> bool:
        """Whether it says when the band rests; else the human's silence alone does."""
        is_known = self._evidence.quiet_frame is not None
        return self._cadence is not None or (is_known and self._is_free)

    @property
    def _is_free(self) -> bool:
        """Whether the band may end by itself. With a chart, the chart goes on."""
        seat = self._seat
        is_auto = seat.params.ending != "off" and seat.parsed.chart is None
        return is_auto and seat.params.lead < LEADS

    @property
    def _bar(self) -> int:
        return self._seat.meter.bar_ticks

    def _planned(self, index: int, promised: int, sounding: int) -> Cadence | None:
        """The cadence, as soon as it has to begin."""
        bar, spans = self._bar, self._spans
        ticks = spans.start_ticks(index)
        limit = ticks if self._is_asked else self._limit_ticks(ticks)
        if limit is None:
            return None
        first = spans.start_ticks(index + promised)
        soonest = -(-spans.start_ticks(index + promised + 1) // bar) * bar
        tonic_ticks = max(soonest, (limit - bar) // bar * bar)
        half = max(1, spans.in_bar // 2)
        from_ticks = max(first, spans.start_ticks(spans.at(tonic_ticks) - half))
        if from_ticks > first:
            return None
        end_ticks = max(tonic_ticks + bar, spans.start_ticks(spans.at(limit)))
        dominant, tonic = self._chords(sounding)
        return Cadence(
            from_ticks if dominant != NO_CHORD else tonic_ticks,
            tonic_ticks, end_ticks, dominant, tonic, self._is_asked,
        )  # fmt: skip

    def _limit_ticks(self, ticks: int) -> int | None:
        """When the last chord ends at the latest; None while the music goes on."""
        quiet = self._evidence.quiet_frame
        if quiet is None or not self._is_free:
            return None
        quiet_ticks, bar = max(quiet * FRAME_TICKS, self._heard_ticks), self._bar
        if ticks - quiet_ticks < self._seat.meter.span_ticks:
            return None
        weight = self._weigh()
        has_waited = ticks - self._heard_ticks >= bar
        is_tune = self._evidence.song <= MOST_SONG
        if weight >= SURE and has_waited and is_tune and self._home.is_last():
            return ticks
        if weight >= LIKELY:
            return quiet_ticks + LIKELY_BARS * bar
        return quiet_ticks + OPEN_BARS * bar

    def _weigh(self) -> float:
        """The evidence, computed once for each silence."""
        silence = self._evidence.quiet_frame
        if self._weighed is None or self._weighed[0] != silence:
            frames, is_home = self._bar // FRAME_TICKS, self._home.is_last()
            weight = self._evidence.of_end(frames, is_home=is_home)
            self._weighed = silence, weight
        return self._weighed[1]

    def _chords(self, sounding: int) -> tuple[int, int]:
        """The dominant, `NO_CHORD` if it is not allowed, and the tonic.

        In place of a tonic that is not allowed stays what sounds.
        """
        guidance, tonic = self._seat.parsed.guidance, self._home.chord()
        if tonic == NO_CHORD or not _allows(guidance, tonic):
            return NO_CHORD, sounding
        fifth = chords.root_of(tonic) + 7
        for quality in (SEVENTH, 0):
            dominant = chords.chord(fifth, quality)
            if _allows(guidance, dominant):
                return dominant, tonic
        return NO_CHORD, tonic


def _allows(guidance: Guidance, chord: int) -> bool:
    """Whether chord lock and scale allow a chord."""
    if guidance.allowed_chords:
        return chord in guidance.allowed_chords
    scale = guidance.scale
    return scale is None or scale.issuperset(chords.pitch_classes(chord))

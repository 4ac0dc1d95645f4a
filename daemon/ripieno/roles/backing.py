"""The notes of a loop: one bar at a time, onto the schedule.

A bar is a value: its chords and its notes, on the grid. It can be moved to other
chords. So a pattern goes on if no new bar came, and the rest of a bar can follow a
chord that was not expected. When a bar is played, off-beats swing, and it is as loud as
the human plays.
"""

from dataclasses import dataclass, replace
from typing import Final

from ripieno.hear.loudness import AT_FIRST, Loudness
from ripieno.music import voicing
from ripieno.music.chords import NO_CHORD
from ripieno.music.meter import Meter
from ripieno.music.spans import FRAME_TICKS
from ripieno.play.expression import GAP_TICKS, LOUDEST, QUIETEST, swung
from ripieno.play.scheduled import SHORTEST_TICKS, ScheduledNotes, distinct
from ripieno.play.scheduler import Due
from ripieno.play.seat import Seat
from ripieno.protocol import PlannedNote
from ripieno.settings.params import Params

BELOW: Final = 0.85
"""Loudness beside the human's: a backing stays below. By ear, on a piano and a pad."""
VOICES: Final = 3
BASS_LOUD, CHORD_LOUD = 88, 76


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a loop.

    Attributes:
        first: the span that it begins with.
        chords: one a span.
        notes: straight, in ticks of the song.
        meter: which says where its spans begin.
    """

    first: int
    chords: tuple[int, ...]
    notes: tuple[PlannedNote, ...]
    meter: Meter

    def since(self, ticks: int) -> "Bar":
        """The same bar, without the notes that begin before a tick."""
        left = tuple(note for note in self.notes if note.start_ticks >= ticks)
        return replace(self, notes=left)

    def moved_to(self, first: int, wanted: tuple[int, ...]) -> "Bar":
        """The same pattern from another span on, on as many other chords."""
        begin = self.meter.start_of(self.first)
        by_ticks = self.meter.start_of(first) - begin
        notes = []
        for note in self.notes:
            span = self.meter.index_at(note.start_ticks) - self.first
            if wanted[span] == NO_CHORD:
                continue
            pitch = voicing.moved(note.pitch, self.chords[span], wanted[span])
            start, end = note.start_ticks + by_ticks, note.end_ticks + by_ticks
            notes.append(PlannedNote(start, end, pitch, note.velocity))
        return Bar(first, wanted, tuple(notes), self.meter)


def plain(first: int, wanted: tuple[int, ...], meter: Meter, params: Params) -> Bar:
    """A bar by rule: bass and chord in turn; in a waltz, one bass and two chords."""
    notes: list[PlannedNote] = []
    voices: tuple[int, ...] = ()
    for span, chord in enumerate(wanted):
        if chord == NO_CHORD:
            continue
        is_bass = not (span % 2 if len(wanted) % 3 else span % 3)
        start, end = meter.start_of(first + span), meter.start_of(first + span + 1)
        register = voicing.BASS_REGISTER if is_bass else voicing.CHORD_REGISTER
        low, high = voicing.common_register(register, params.low, params.high)
        if is_bass:
            pitches: tuple[int, ...] = (voicing.bass_of(chord, None, low, high),)
        else:
            count = min(VOICES, params.polyphony)
            pitches = voices = voicing.voiced(chord, voices, low, high, count)
        loud = BASS_LOUD if is_bass else CHORD_LOUD
        notes += [PlannedNote(start, end, p, loud) for p in pitches]
    return Bar(first, wanted, tuple(notes), meter)


class Backing:
    """The bar that plays. Thread: one.

    Attributes:
        human: how loud the human plays.
    """

    def __init__(self, seat: Seat) -> None:
        self._seat, self.human = seat, Loudness()
        self._bar: Bar | None = None
        self._chords: list[int] = []
        self._notes = ScheduledNotes(seat)

    @property
    def is_playing(self) -> bool:
        """Whether a bar is under way."""
        return self._bar is not None

    def chord_at(self, index: int) -> int:
        """The chord that is played in a span of this bar; else `NO_CHORD`."""
        place = -1 if self._bar is None else index - self._bar.first
        return self._chords[place] if 0 <= place < len(self._chords) else NO_CHORD

    def play(self, bar: Bar, now_ns: int) -> None:
        """Begin a bar."""
        self._bar, self._chords = bar, list(bar.chords)
        self._notes.forget()
        self._notes.add(distinct(map(self._real, self._thinned(bar))), now_ns)

    def move(self, index: int, chord: int, now_ns: int) -> None:
        """Play another chord from a span on, for as long as one chord was expected.

        Notes that sound and do not belong to it end. Those that began on this beat are
        played again where they belong.
        """
        bar = self._bar
        if bar is None:
            return
        expected, first = self.chord_at(index), index - bar.first
        last = first
        while last < len(self._chords) and self._chords[last] == expected:
            self._chords[last] = chord
            last += 1
        start_of = self._seat.meter.start_of
        span = start_of(index), start_of(bar.first + last)
        self._notes.move(expected, chord, span, now_ns)

    def on_sent(self, due: Due) -> None:
        """Note that a note began: from now on a change of chord may cut it."""
        self._notes.on_sent(due)

    def stop(self, at_ns: int) -> None:
        """Stop playing; what sounds ends."""
        if self._bar is None:
            return
        self._bar = None
        self._chords.clear()
        self._notes.stop(at_ns)

    def _real(self, note: PlannedNote) -> PlannedNote:
        """A note as it is played: swung, loud as is wanted, its key up in time."""
        params = self._seat.params
        start, end = self._swung(note.start_ticks), self._swung(note.end_ticks)
        end = max(end - GAP_TICKS, start + SHORTEST_TICKS)
        loud = note.velocity * BELOW * self.human.velocity / AT_FIRST
        loud = round(min(max(loud, QUIETEST), LOUDEST))
        pitch = voicing.within(note.pitch, params.low, params.high)
        return PlannedNote(start, end, pitch, loud)

    def _swung(self, ticks: int) -> int:
        meter = self._seat.meter
        index, into = meter.index_at(ticks), meter.position(ticks).tick_in_span
        frames = meter.ticks_of(index) // FRAME_TICKS
        late = swung(into / FRAME_TICKS, frames, self._seat.params.swing)
        return ticks - into + round(late * FRAME_TICKS)

    def _thinned(self, bar: Bar) -> list[PlannedNote]:
        """The notes that the limits allow: those off the beat are left out first."""
        bar_s = self._seat.timeline.seconds_for(bar.meter.bar_ticks)
        most = max(int(self._seat.parsed.limits.density * bar_s), 1)
        begin = bar.meter.start_of(bar.first)

        def weight(note: PlannedNote) -> tuple[int, int, int]:
            into = note.start_ticks - begin
            off = sum(bool(into % part) for part in (480, 240))
            return off, into, note.pitch

        kept = sorted(bar.notes, key=weight)[:most]
        return sorted(kept, key=lambda note: (note.start_ticks, note.pitch))

"""The notes of a loop: one bar of them at a time, onto the schedule.

A bar is a value: its chords and its notes, on the grid. It can be moved to other
chords; so a pattern goes on though no new bar came, and what is left of a bar can
follow a chord that nobody expected. On the way out off-beats swing, and all follows how
loud the human plays.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ripieno.music import chords
from ripieno.music.chords import NO_CHORD
from ripieno.music.spans import FRAME_TICKS
from ripieno.music.voicing import bass_of, moved, voiced
from ripieno.play.expression import GAP_TICKS, LOUDEST, QUIETEST, swung
from ripieno.play.scheduler import Due
from ripieno.protocol import PlannedNote
from ripieno.roles.stand import Stand
from ripieno.settings.params import Params

PART: Final = 0
"""All of it plays on the player's own channel."""
LOUD: Final = 80.0
"""How loud the human is taken to play before a note of theirs is heard."""
MEMORY: Final = 0.85
"""How much of the human's loudness is kept at each of their notes."""
BELOW: Final = 0.85
"""A backing stays below what it backs. By ear, on a piano and a pad."""
SHORTEST_TICKS: Final = 20
ROOTS: Final = (36, 50)
"""C2 … D3: where a plain bar has its bass …"""
CHORDS: Final = (50, 69)
"""… and D3 … A4 its chords."""
VOICES: Final = 3
BASS_LOUD, CHORD_LOUD = 88, 76


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a loop.

    Attributes:
        first: the span that it begins with.
        chords: one a span.
        notes: straight, in ticks of the song.
    """

    first: int
    chords: tuple[int, ...]
    notes: tuple[PlannedNote, ...]

    def since(self, ticks: int) -> "Bar":
        """The same bar, without what begins before a tick."""
        left = tuple(note for note in self.notes if note.start_ticks >= ticks)
        return Bar(self.first, self.chords, left)

    def moved_to(self, first: int, told: tuple[int, ...], span_ticks: int) -> "Bar":
        """The same pattern elsewhere, on as many other chords."""
        by_ticks = (first - self.first) * span_ticks
        notes = []
        for note in self.notes:
            span = (note.start_ticks - self.first * span_ticks) // span_ticks
            if told[span] == NO_CHORD:
                continue
            pitch = moved(note.pitch, self.chords[span], told[span])
            start, end = note.start_ticks + by_ticks, note.end_ticks + by_ticks
            notes.append(PlannedNote(start, end, pitch, note.velocity, note.part))
        return Bar(first, told, tuple(notes))


def plain(first: int, told: tuple[int, ...], span_ticks: int, params: Params) -> Bar:
    """A bass on one beat, a chord on the next; a waltz has its bass on the first."""
    notes: list[PlannedNote] = []
    voices: tuple[int, ...] = ()
    for span, chord in enumerate(told):
        if chord == NO_CHORD:
            continue
        is_bass = not (span % 2 if len(told) % 3 else span % 3)
        start = (first + span) * span_ticks
        if is_bass:
            low, high = _register(ROOTS, params)
            pitches: tuple[int, ...] = (bass_of(chord, None, low, high),)
        else:
            low, high = _register(CHORDS, params)
            wanted = min(VOICES, params.polyphony)
            pitches = voices = voiced(chord, voices, low, high, wanted)
        loud = BASS_LOUD if is_bass else CHORD_LOUD
        notes += [PlannedNote(start, start + span_ticks, p, loud) for p in pitches]
    return Bar(first, told, tuple(notes))


class Backing:
    """What plays. Thread: one."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._loud = LOUD
        self._bar: Bar | None = None
        self._told: list[int] = []
        self._waiting: dict[int, PlannedNote] = {}
        self._sounding: dict[int, PlannedNote] = {}

    @property
    def is_playing(self) -> bool:
        """Whether a bar is under way."""
        return self._bar is not None

    def human(self, struck: int) -> None:
        """The human struck a note so hard."""
        self._loud = MEMORY * self._loud + (1 - MEMORY) * struck

    def chord_at(self, index: int) -> int:
        """The chord that is played to a span of this bar; else `NO_CHORD`."""
        place = -1 if self._bar is None else index - self._bar.first
        return self._told[place] if 0 <= place < len(self._told) else NO_CHORD

    def play(self, bar: Bar) -> None:
        """A bar begins now."""
        self._bar, self._told = bar, list(bar.chords)
        self._waiting.clear()
        self._sounding.clear()
        notes = _distinct(self._real(note) for note in self._thinned(bar))
        ids = self._stand.scheduler.add(notes)
        self._waiting |= zip(ids, notes, strict=True)

    def move(self, index: int, chord: int, now_ns: int) -> None:
        """From a span on, for as long as one chord was expected, another is played.

        What sounds and does not belong to it ends; what was struck on this very beat is
        struck again where it belongs.
        """
        bar = self._bar
        if bar is None:
            return
        expected, first = self.chord_at(index), index - bar.first
        last = first
        while last < len(self._told) and self._told[last] == expected:
            self._told[last] = chord
            last += 1
        span_ticks = self._stand.meter.span_ticks
        now = self._stand.timeline.ticks_at(now_ns)
        tones = chords.pitch_classes(chord)
        cut = {i: n for i, n in self._sounding.items() if n.pitch % 12 not in tones}
        self._sounding = {i: n for i, n in self._sounding.items() if i not in cut}
        self._stand.release(now_ns, cut.__contains__)
        begin, end = index * span_ticks, (bar.first + last) * span_ticks
        late = {
            i: PlannedNote(now, n.end_ticks, n.pitch, n.velocity, n.part)
            for i, n in cut.items()
            if n.start_ticks >= begin and n.end_ticks > now + SHORTEST_TICKS
        }
        ahead = {
            i: n
            for i, n in self._waiting.items()
            if n.start_ticks < end and n.pitch % 12 not in tones
        }
        self._stand.scheduler.cancel(ahead.__contains__)
        self._waiting = {i: n for i, n in self._waiting.items() if i not in ahead}
        taken = {(n.start_ticks, n.pitch) for n in self._waiting.values()}
        taken |= {(now, n.pitch) for n in self._sounding.values()}
        placed = (*late.values(), *ahead.values())
        found = _distinct(self._on(chord, expected, note) for note in placed)
        notes = [n for n in found if (n.start_ticks, n.pitch) not in taken]
        ids = self._stand.scheduler.add(notes)
        self._waiting |= zip(ids, notes, strict=True)

    def started(self, due: Due) -> None:
        """A note sounds."""
        note = self._waiting.pop(due.note_id, None)
        if note is not None:
            self._sounding[due.note_id] = note

    def stop(self, at_ns: int) -> None:
        """Stop playing; what sounds ends."""
        if self._bar is None:
            return
        self._bar = None
        self._told.clear()
        self._waiting.clear()
        self._sounding.clear()
        self._stand.scheduler.clear()
        self._stand.release(at_ns)

    def _on(self, chord: int, expected: int, note: PlannedNote) -> PlannedNote:
        """A note on the chord that was heard, within the register."""
        params = self._stand.params
        pitch = moved(note.pitch, expected, chord)
        pitch = _between(pitch, params.low, params.high)
        start, end = note.start_ticks, note.end_ticks
        return PlannedNote(start, end, pitch, note.velocity, note.part)

    def _real(self, note: PlannedNote) -> PlannedNote:
        """A note as it is played: swung, as loud as is wanted, its key up in time."""
        params = self._stand.params
        start, end = self._swung(note.start_ticks), self._swung(note.end_ticks)
        end = max(end - GAP_TICKS, start + SHORTEST_TICKS)
        loud = min(max(note.velocity * BELOW * self._loud / LOUD, QUIETEST), LOUDEST)
        pitch = _between(note.pitch, params.low, params.high)
        return PlannedNote(start, end, pitch, round(loud), PART)

    def _swung(self, ticks: int) -> int:
        span_ticks = self._stand.meter.span_ticks
        beats, into = divmod(ticks, span_ticks)
        frames = span_ticks // FRAME_TICKS
        late = swung(into / FRAME_TICKS, frames, self._stand.params.swing)
        return beats * span_ticks + round(late * FRAME_TICKS)

    def _thinned(self, bar: Bar) -> list[PlannedNote]:
        """No more notes than the density allows: those off the beat go first."""
        stand = self._stand
        bar_s = stand.timeline.seconds_for(len(bar.chords) * stand.meter.span_ticks)
        most = max(int(stand.params.density * bar_s), 1)
        begin = bar.first * stand.meter.span_ticks

        def weight(note: PlannedNote) -> tuple[int, int, int]:
            into = note.start_ticks - begin
            off = sum(bool(into % part) for part in (480, 240))
            return off, into, note.pitch

        kept = sorted(bar.notes, key=weight)[:most]
        return sorted(kept, key=lambda note: (note.start_ticks, note.pitch))


def _distinct(notes: Iterable[PlannedNote]) -> list[PlannedNote]:
    """Of notes that would strike one key at one instant, the longest."""
    longest: dict[tuple[int, int], PlannedNote] = {}
    for note in notes:
        key = note.start_ticks, note.pitch
        if key not in longest or note.end_ticks > longest[key].end_ticks:
            longest[key] = note
    return list(longest.values())


def _between(pitch: int, low: int, high: int) -> int:
    """The pitch in another octave, where the register asks for it."""
    while pitch < low:
        pitch += 12
    while pitch > high:
        pitch -= 12
    return min(max(pitch, 0), 127)


def _register(wanted: tuple[int, int], params: Params) -> tuple[int, int]:
    """A register of its own, where the musician leaves it an octave; else theirs."""
    low, high = max(wanted[0], params.low), min(wanted[1], params.high)
    return (low, high) if high - low >= 11 else (params.low, params.high)

"""The bass: a line of its own, on the chords that the conductor decides.

The line is struck once or twice a bar, by how long that lasts, or on every beat if the
musician wants a busy texture. Beat one and every new chord have the root. Within a
chord the line moves to the fifth and, on slow beats, back to the root; where every beat
is struck, it walks over the notes of the chord. The last beat of a phrase of four bars
leads by a step into the chord that is likely to come. Where the line walks, that of
every bar does.

Under a slow melody that moves from beat to beat, as in a hymn, the line sings: it
strikes every beat, and steps to the root or the third of each new chord.

The line does not know how notes are sent. A note lasts until the next planned one. A
note that comes earlier ends it (`ripieno.roles.bass`).
"""

from collections import deque
from math import log
from typing import Final

from ripieno.conduct.cue import Cue
from ripieno.conduct.span_clock import Key
from ripieno.music import chords, voicing
from ripieno.music.spans import FRAME_TICKS, Note
from ripieno.play.seat import Seat

NOTE_S: Final = (1.0, 4.0, 2.8, 2.0, 1.4, 1.1, 0.9, 0.65, 0.5)
"""How long a note is to last, by the class of density (`Manner.density`); the first one
where it is automatic: half notes up to 170 bpm in 4/4."""
APPROACH_BARS: Final = 4
"""Of so many bars the last one leads into the next chord, unless the line walks."""
HEARD: Final = 32
"""From how many of the soloist's onsets the rhythm is judged."""
FEWEST: Final = 8
SUNG: Final = 0.85
"""From which share of onsets on felt beats on the melody is a hymn's."""
SUNG_SPAN_S: Final = 0.45
"""How long a felt beat of a hymn lasts at least."""
OCTAVE: Final = 11
"""From the lowest to the highest note of an octave that has each pitch class once."""
INVERTED_DOWNBEAT: Final = 3
"""A third on beat one costs as much as a leap of so many semitones."""
TURN_S: Final = 0.48
"""How long a felt beat lasts at least for the last one to return to the root."""
FEW_SPANS: Final = 2
"""In bars of so few felt beats the line does not walk: it has root and fifth."""
STEP: Final = 2
"""The widest step in semitones."""


class BassLine:
    """Writes the bass of the spans. Thread: one. Cost: some 20 µs a span."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._on_beat: deque[bool] = deque(maxlen=HEARD)
        self._rises = True
        self._pitch: int | None = None
        self._bar: int | None = None
        self._onsets: tuple[int, ...] = (0,)

    def on_note(self, key: Key) -> None:
        """Note where in the beat a note of the soloist's lies."""
        at = self._seat.meter.position(key.frame * FRAME_TICKS)
        self._on_beat.append(not at.tick_in_span)

    def rest(self) -> None:
        """Forget where the line is: it begins anew."""
        self._pitch = self._bar = None

    def write(self, cue: Cue) -> list[Note]:
        """Return the bass of a span that begins: one note, or none."""
        phase = cue.phase
        if phase.bar != self._bar or not phase.span:
            self._bar, self._onsets = phase.bar, self._divided(phase.spans)
        if cue.is_new or not phase.span or self._pitch is None:
            pitch = self._first(cue)
        elif self._leads(cue):
            pitch = self._approach(cue, self._pitch)
        elif phase.span in self._onsets:
            pitch = self._next(cue, self._pitch)
        else:
            return []
        return [self._note(cue, pitch)]

    def change(self, cue: Cue) -> list[Note]:
        """Return the bass of a chord that begins within a span."""
        return [self._note(cue, self._root(cue))]

    def close(self, cue: Cue, frames: int) -> list[Note]:
        """Return the root of the last chord, held for so many frames."""
        note = self._note(cue, self._root(cue))
        return [Note(note.frame, note.pitch, frames)]

    @property
    def is_sung(self) -> bool:
        """Whether the melody moves from beat to beat, slowly, as that of a hymn."""
        heard = len(self._on_beat)
        if heard < FEWEST or sum(self._on_beat) < SUNG * heard:
            return False
        meter = self._seat.meter
        bar_s = self._seat.timeline.seconds_for(meter.bar_ticks)
        return bar_s >= SUNG_SPAN_S * meter.spans_in_bar

    def _divided(self, spans: int) -> tuple[int, ...]:
        """Return on which felt beats of a bar the line is struck."""
        every = tuple(range(spans))
        if self.is_sung:
            return every
        strong, density = self._seat.meter.strong, self._seat.parsed.manner.density
        ways: list[tuple[int, ...]] = [(0,)]
        if 1 < len(strong) < spans:
            ways.append(strong)
        elif spans == 2 or len(strong) > 1:  # a waltz has one bass a bar
            ways.append((0, spans - spans // 2))
        if density:
            ways.append(every)
        bar_s = self._seat.timeline.seconds_for(self._seat.meter.bar_ticks)
        wanted_s = NOTE_S[density]
        way = min(ways, key=lambda way: abs(log(bar_s / len(way) / wanted_s)))
        is_slow = bar_s >= TURN_S * spans
        if len(way) == len(strong) == FEW_SPANS and is_slow and spans - 1 not in way:
            return (*way, spans - 1)
        return way

    def _walks(self, spans: int) -> bool:
        """Whether every felt beat of a bar is struck."""
        return len(self._onsets) == spans > FEW_SPANS

    def _leads(self, cue: Cue) -> bool:
        """Whether a span leads to the chord that is likely to come."""
        phase = cue.phase
        if phase.span != phase.spans - 1 or cue.bass is not None:
            return False
        if chords.NO_CHORD in (cue.chord, cue.upcoming):
            return False
        if chords.root_of(cue.chord) == chords.root_of(cue.upcoming):
            return False
        is_turn = phase.bar % APPROACH_BARS == APPROACH_BARS - 1
        return is_turn or self._walks(phase.spans)

    def _first(self, cue: Cue) -> int:
        """Return the bass of beat one or of a new chord."""
        if self._pitch is None or cue.bass is not None or not self.is_sung:
            return self._root(cue)
        return self._nearest(cue, self._pitch)

    def _next(self, cue: Cue, before: int) -> int:
        """Return another bass of a chord that goes on."""
        if cue.bass is not None or cue.chord == chords.NO_CHORD or self.is_sung:
            return before
        if not self._walks(cue.phase.spans):
            is_root = before % 12 == chords.root_of(cue.chord)
            return self._fifth(cue) if is_root else self._root(cue)
        tones, root = self._tones(cue.chord), chords.root_of(cue.chord)
        if cue.phase.span == cue.phase.spans - 1:  # beat one has the root
            tones = [pitch for pitch in tones if pitch % 12 != root]
        above = [pitch for pitch in tones if pitch > before]
        below = [pitch for pitch in tones if pitch < before]
        self._rises = bool(above) and (self._rises or not below)
        ahead = above[:1] if self._rises else below[-1:]
        return next(iter(ahead), before)

    def _approach(self, cue: Cue, before: int) -> int:
        """Return a pitch a step from the next root, rather a note of the chord."""
        target = voicing.bass_of(cue.upcoming, before, *self._register)
        tones = chords.pitch_classes(cue.chord)
        low, high = self._register
        steps = (target + by for by in (-2, -1, 1, 2) if low <= target + by <= high)
        scale = [p for p in steps if voicing.is_in_scale(p, cue.chord)]

        def effort(pitch: int) -> tuple[bool, bool, int, int]:
            is_back = (pitch - target) * (before - target) < 0
            return pitch % 12 not in tones, is_back, abs(pitch - before), pitch

        return min(scale, key=effort, default=before)

    def _nearest(self, cue: Cue, before: int) -> int:
        """Return the root or the third of a chord, a step away if possible."""
        root, third, *_ = chords.pitch_classes(cue.chord)
        inverted = 1 if cue.phase.span else INVERTED_DOWNBEAT

        def effort(pitch: int) -> tuple[int, int, int]:
            far = abs(pitch - before)
            cost = far + 2 * (not far) if far > STEP or not far else 0
            return cost + inverted * (pitch % 12 != root), far, pitch

        ways = [p for p in self._tones(cue.chord) if p % 12 in (root, third)]
        return min(ways, key=effort, default=before)

    def _fifth(self, cue: Cue) -> int:
        """Return the fifth of the chord, below its root if the register has it."""
        root = voicing.bass_of(cue.chord, self._pitch, *self._register)
        fifth = chords.pitch_classes(cue.chord)[2]
        ways = [pitch for pitch in self._tones(cue.chord) if pitch % 12 == fifth]
        return min(ways, key=lambda p: (abs(p - root), p), default=root)

    def _root(self, cue: Cue) -> int:
        """Return the root of the chord, or the bass that the left hand says."""
        low, high = self._register
        if cue.bass is None:
            return voicing.bass_of(cue.chord, self._pitch, low, high)
        aim = (low + high) // 2 if self._pitch is None else self._pitch
        pitches = range(low + (cue.bass - low) % 12, high + 1, 12)
        return min(pitches, key=lambda pitch: (abs(pitch - aim), pitch), default=aim)

    def _tones(self, chord: int) -> list[int]:
        """Return the notes of a chord in the register, rising."""
        low, high = self._register
        tones = chords.pitch_classes(chord)
        return [pitch for pitch in range(low, high + 1) if pitch % 12 in tones]

    @property
    def _register(self) -> tuple[int, int]:
        """An octave at least, where the musician's register has one."""
        params, (low, high) = self._seat.params, voicing.BASS_REGISTER
        low = max(low, params.low)
        high = min(max(high, low + OCTAVE), params.high)
        return max(params.low, min(low, high - OCTAVE)), high

    def _note(self, cue: Cue, pitch: int) -> Note:
        """Return a note on the span's beat that lasts until the next planned one."""
        phase, meter, self._pitch = cue.phase, self._seat.meter, pitch
        later = (span for span in self._onsets if span > phase.span)
        until = cue.index + next(later, phase.spans) - phase.span
        ticks = meter.start_of(until) - meter.start_of(cue.index)
        return Note(0, pitch, ticks // FRAME_TICKS)

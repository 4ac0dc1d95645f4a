"""The three parts of an accompaniment: a pad, a bass, and a texture over both.

The pad is voiced here, by rule, close to its last voicing. Bass and texture come from
the thinker as one piano part; the lowest note of a frame, if it is low, is the bass's.
Notes planned for one chord are moved to the chord that was decided, note by note, so a
late change of chord costs nothing. If there is no plan, the last bar's pattern is
played on the new chord.
"""

from collections.abc import Sequence
from typing import Final

from ripieno.hear.loudness import Loudness
from ripieno.music import chords, voicing
from ripieno.music.spans import FRAME_TICKS, Note, Phase
from ripieno.play.expression import end_ticks, onset_ticks, velocity
from ripieno.play.scheduler import Due
from ripieno.protocol import BASS, CHORDS, TEXTURE, PlannedNote
from ripieno.roles.scheduled import ScheduledNotes
from ripieno.roles.seat import Seat

BASS_BELOW: Final = 52
"""E3. The lowest note of a frame, if it is below, is the bass of a pianist's left
hand."""
BASS_FRAMES: Final = 8
"""How long a root rings that is added here."""
PAD_VOICES: Final = 3
AGAIN_BARS: Final = 2
"""A pad that does not change is struck again after so many bars: most instruments
fade."""
RINGS_BARS: Final = 3
"""How long a pad rings if nothing ends it."""
SHORTEST_TICKS: Final = 20
KEPT_SPANS: Final = 4
"""How many spans a note may begin after its own. Later it is taken for dropped."""


class Band:
    """What plays, and what it has played. Thread: one.

    Attributes:
        chord: the chord that sounds; `NO_CHORD` while the band rests.
        human: how loud the human plays.
    """

    def __init__(self, seat: Seat) -> None:
        self._seat, self.human = seat, Loudness()
        self.chord = chords.NO_CHORD
        self._pad: tuple[int, ...] = ()
        self._pad_bar = 0
        self._is_new = False
        self._low: int | None = None
        self._notes = ScheduledNotes(seat)
        self._texture: dict[int, tuple[int, Note]] = {}
        self._played: dict[int, tuple[int, list[Note]]] = {}
        self._patterns: dict[int, tuple[int, list[Note]]] = {}

    def sent(self, index: int) -> tuple[int, tuple[Note, ...]]:
        """The chord and the texture that were played in a span."""
        chord, notes = self._played.get(index, (chords.NO_CHORD, []))
        ordered = sorted(notes, key=lambda note: (note.frame, note.pitch))
        return chord, tuple(ordered)

    def change(
        self, index: int, phase: Phase, chord: int, now_ns: int, melody: Sequence[int]
    ) -> None:
        """Begin a span with its chord.

        Args:
            index: the span.
            phase: where it lies.
            chord: what is to sound; `NO_CHORD` to rest.
            now_ns: no note of it starts before.
            melody: the human's pitches on the beat; the pad avoids what rubs with them.
        """
        if chord == chords.NO_CHORD:
            if self.chord != chords.NO_CHORD:
                self.rest(now_ns)
            self._played = {index: (chords.NO_CHORD, [])}
            return
        oldest = index - KEPT_SPANS
        self._texture = {i: t for i, t in self._texture.items() if t[0] > oldest}
        self._played = {i: p for i, p in self._played.items() if i > oldest}
        self._played[index] = (chord, [])
        self._is_new = is_new = chord != self.chord
        self.chord = chord
        if is_new:
            tones = chords.pitch_classes(chord)
            self._notes.cut(
                lambda note: note.part == CHORDS or note.pitch % 12 not in tones, now_ns
            )
        is_faded = phase.span == 0 and phase.bar - self._pad_bar >= AGAIN_BARS
        if is_new or is_faded:
            self._strike_pad(index, phase, now_ns, melody)

    def play(
        self,
        index: int,
        phase: Phase,
        notes: Sequence[Note] | None,
        planned_for: int | None,
        now_ns: int,
    ) -> None:
        """Play a section of a span's texture, on the chord that sounds.

        Args:
            index: the span.
            phase: where it lies.
            notes: planned for the chord `planned_for`; None if there is no plan.
            planned_for: that chord.
            now_ns: no note on the beat starts before.
        """
        if self.chord == chords.NO_CHORD:
            return
        if notes is None:
            planned_for, notes = self._pattern(phase)
        elif planned_for is not None:
            is_rest = index not in self._played or not self._played[index][1]
            kept = [] if is_rest else self._patterns.get(phase.span, (0, []))[1]
            self._patterns[phase.span] = (planned_for, [*kept, *notes])
        real = [self._real(note, planned_for) for note in notes]
        if self._is_new:
            real = [*self._root(real), *real]
        self._played[index][1].extend(real)
        basses = _basses(real)
        for note in real:
            part = BASS if note in basses else TEXTURE
            if part in self._seat.parsed.parts:
                self._schedule(index, phase, note, part, now_ns)

    def on_sent(self, due: Due) -> None:
        """Note that a note began: from now on a change of chord may cut it."""
        self._notes.on_sent(due)

    def rest(self, at_ns: int) -> None:
        """Stop playing; what sounds ends."""
        self.chord, self._pad = chords.NO_CHORD, ()
        for note_id, (index, note) in self._texture.items():
            if note_id in self._notes.waiting and index in self._played:
                self._played[index][1].remove(note)  # it did not begin
        self._texture.clear()
        self._notes.stop(at_ns)

    def _strike_pad(
        self, index: int, phase: Phase, now_ns: int, melody: Sequence[int]
    ) -> None:
        params, meter = self._seat.params, self._seat.meter
        self._pad_bar = phase.bar
        rubs = frozenset((p + step) % 12 for p in melody for step in (-1, 1))
        register = voicing.common_register(
            voicing.CHORD_REGISTER, params.low, params.high
        )
        self._pad = voicing.voiced(
            self.chord, self._pad, *register, PAD_VOICES, avoid=rubs
        )
        if CHORDS not in self._seat.parsed.parts:
            return
        start = max(index * meter.span_ticks, self._seat.timeline.ticks_at(now_ns))
        pad = Note(0, self._pad[0] if self._pad else 0, 0)
        loud = velocity(pad, CHORDS, phase, self.human.velocity)
        end = start + RINGS_BARS * meter.bar_ticks
        notes = [PlannedNote(start, end, pitch, loud, CHORDS) for pitch in self._pad]
        self._notes.add(notes, now_ns)

    def _real(self, note: Note, planned_for: int | None) -> Note:
        """A planned note on the chord that sounds, within the register."""
        params, pitch = self._seat.params, note.pitch
        if planned_for is not None:
            pitch = voicing.moved(pitch, planned_for, self.chord)
        return Note(
            note.frame, voicing.within(pitch, params.low, params.high), note.frames
        )

    def _root(self, notes: Sequence[Note]) -> list[Note]:
        """The root of a new chord, if the texture has no bass on the beat."""
        self._is_new = False
        below = [n.pitch for n in notes if not n.frame and n.pitch < BASS_BELOW]
        if below:
            self._low = min(below)
            return []
        self._low = voicing.bass_of(self.chord, self._low, *voicing.BASS_REGISTER)
        return [self._real(Note(0, self._low, BASS_FRAMES), None)]

    def _pattern(self, phase: Phase) -> tuple[int, list[Note]]:
        """What was last played at this place of the bar, or root and fifth."""
        found = self._patterns.get(phase.span)
        if found is not None:
            return found
        root = voicing.bass_of(self.chord, None, 36, 48)
        notes = [Note(0, root, 4), Note(2, self._pad[-1] if self._pad else root, 2)]
        return self.chord, notes

    def _schedule(
        self, index: int, phase: Phase, note: Note, part: int, now_ns: int
    ) -> None:
        swing, span_ticks = self._seat.params.swing, self._seat.meter.span_ticks
        frames, begin = span_ticks // FRAME_TICKS, index * span_ticks
        start = begin + onset_ticks(note, frames, swing)
        end = begin + end_ticks(note, frames, swing)
        if note.frame == 0:
            start = max(start, self._seat.timeline.ticks_at(now_ns))
        end = max(end, start + SHORTEST_TICKS)
        loud = velocity(note, part, phase, self.human.velocity)
        planned = PlannedNote(start, end, note.pitch, loud, part)
        self._texture |= dict.fromkeys(
            self._notes.add([planned], now_ns), (index, note)
        )


def _basses(notes: Sequence[Note]) -> set[Note]:
    """The lowest note of each frame, where it is low."""
    lowest: dict[int, Note] = {}
    for note in notes:
        if note.frame not in lowest or note.pitch < lowest[note.frame].pitch:
            lowest[note.frame] = note
    return {note for note in lowest.values() if note.pitch < BASS_BELOW}

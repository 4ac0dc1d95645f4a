"""A pad: it holds the chord of the cue, voiced close to its last voicing.

It leaves room. It sounds in a register where the soloist does not play and where the
texture has few notes, below the soloist if possible, and it is quieter than both.

A major triad that leads to the chord a fifth below gets its seventh before it does.
"""

from collections.abc import Sequence
from typing import Final

from ripieno.conduct.cue import Cue, Section
from ripieno.music import chords, voicing
from ripieno.music.chords import NO_CHORD, SUFFIXES
from ripieno.play.expression import bounded
from ripieno.play.scheduled import ScheduledNotes
from ripieno.play.scheduler import Due
from ripieno.play.seat import Seat
from ripieno.protocol import PlannedNote
from ripieno.roles.following import Following

VOICES: Final = 3
FEW: Final = 2
"""With two voices, root and third, it finds room where three would not."""
AGAIN_BARS: Final = 2
"""A pad that does not change is struck again after so many bars: most instruments
fade."""
RINGS_BARS: Final = 3
"""How long a pad rings if nothing ends it."""
LOUDNESS: Final = 0.6
"""Loudness beside the human's."""
CHOICES: Final = (
    (45, FEW), (48, FEW), (55, FEW),
    (48, VOICES), (55, VOICES), (62, VOICES), (69, VOICES), (76, VOICES),
)  # fmt: skip
"""The registers to choose from, by their lowest pitch, with how many voices. Three
voices so close are muddy below C3."""
HEIGHT: Final = 13
"""From the lowest to the highest pitch of a register."""
BLUR: Final = (0.2, 0.5, 0.8, 0.95, 1.0, 0.95, 0.8, 0.5, 0.2)
"""How much a note of the texture occupies its pitch and those up to 4 semitones off."""
KEPT: Final = 0.94
"""How much each section leaves of what the texture occupied before."""
CROWDED: Final = 1.5
"""The cost of a pitch that every note of the texture occupies."""
IN_THE_WAY: Final = 0.5
"""The cost of a pitch among the soloist's."""
ABOVE: Final = 0.4
"""The cost of a chord above the soloist."""
THIN: Final = 0.1
"""The cost of a voice that is left out."""
MOTION: Final = 0.03
"""The cost of moving a voice by a semitone."""
MAJOR: Final = SUFFIXES.index("")
FOURTH: Final = 5
SEVENTH: Final = 10
"""Semitones above a root: of the chord a fifth below it, and of the minor seventh."""


class Pad(Following):
    """Plays `pad`; see the module."""

    def __init__(self, seat: Seat) -> None:
        self._seat, self._notes = seat, ScheduledNotes(seat)
        self._voicing: voicing.Voices = ()
        self._struck_bar = 0
        self._crowd = [0.0] * 128  # by pitch: how much the texture occupies it
        self._crowded = 0.0  # by how many notes

    def on_cue(self, cue: Cue, now_ns: int) -> None:
        """Hold the chord of the cue; strike it again where it has faded."""
        if cue.is_new:
            self._notes.cut(lambda _: True, now_ns)
        since_bars = cue.phase.bar - self._struck_bar
        if cue.is_new or (cue.phase.span == 0 and since_bars >= AGAIN_BARS):
            self._strike(cue, now_ns)
        elif (seventh := self._seventh(cue)) is not None:
            self._play(cue, [seventh], now_ns)
            self._voicing = tuple(sorted((*self._voicing, seventh)))

    def on_section(self, cue: Cue, section: Section, now_ns: int) -> None:
        """Learn where the texture lies."""
        del cue, now_ns
        if not section.above:
            return
        self._crowd = [KEPT * each for each in self._crowd]
        self._crowded = KEPT * self._crowded + len(section.above)
        for note in section.above:
            for pitch, share in enumerate(BLUR, note.pitch - len(BLUR) // 2):
                if 0 <= pitch < len(self._crowd):
                    self._crowd[pitch] += share

    def on_note_sent(self, due: Due, late_ns: int) -> None:
        """Keep a note that sounds: the next chord ends it."""
        del late_ns
        self._notes.on_sent(due)

    def clear_plans(self, at_ns: int) -> None:
        """Stop playing; what sounds ends."""
        self._voicing = ()
        self._notes.stop(at_ns)

    def _strike(self, cue: Cue, now_ns: int) -> None:
        self._struck_bar = cue.phase.bar
        self._voicing = self._roomiest(cue)
        seventh = self._seventh(cue)
        if seventh is not None:
            self._voicing = tuple(sorted((*self._voicing, seventh)))
        self._play(cue, self._voicing, now_ns)

    def _play(self, cue: Cue, pitches: Sequence[int], now_ns: int) -> None:
        start = max(cue.start_ticks, self._seat.timeline.ticks_at(now_ns))
        loud = bounded(LOUDNESS * cue.velocity)
        end = start + RINGS_BARS * self._seat.meter.bar_ticks
        notes = [PlannedNote(start, end, pitch, loud) for pitch in pitches]
        self._notes.add(notes, now_ns)

    def _seventh(self, cue: Cue) -> int | None:
        """Return the seventh that is to be added to the voicing; None for none.

        It is added to a major triad if the chord a fifth below comes next, and nothing
        in the melody or the voicing is a semitone beside it. Chords that the musician
        prescribes are played as they are.
        """
        if not self._is_free or cue.bass is not None or cue.closing is not None:
            return None
        seventh = (chords.root_of(cue.chord) + SEVENTH) % 12
        is_triad = chords.quality_of(cue.chord) == MAJOR
        leads = cue.upcoming != NO_CHORD and (
            chords.root_of(cue.upcoming) == (chords.root_of(cue.chord) + FOURTH) % 12
        )
        if not (is_triad and leads and self._voicing):
            return None
        params, centre = self._seat.params, sum(self._voicing) // len(self._voicing)
        places = range(params.low + (seventh - params.low) % 12, params.high + 1, 12)
        place = min(places, key=lambda pitch: abs(pitch - centre), default=None)
        others = {*cue.melody, *self._voicing}
        beside = {(pitch + step) % 12 for pitch in others for step in (-1, 0, 1)}
        return None if seventh in beside else place

    @property
    def _is_free(self) -> bool:
        """Whether the musician leaves the chords open."""
        parsed = self._seat.parsed
        guidance = parsed.guidance
        is_asked = guidance.allowed_chords or guidance.scale or guidance.landings
        return parsed.chart is None and not is_asked

    def _roomiest(self, cue: Cue) -> voicing.Voices:
        """Return the voicing that leaves most room. Cost: some 0.2 ms."""
        params = self._seat.params
        rubs = frozenset((p + step) % 12 for p in cue.melody for step in (-1, 1))
        choices = dict.fromkeys(
            (*voicing.common_register((low, low + HEIGHT), params.low, params.high), n)
            for low, n in CHOICES
        )
        found = [
            voicing.voiced(cue.chord, self._voicing, *choice, avoid=rubs)
            for choice in choices
        ]
        return min(found, key=lambda chord: (self._cost(chord, cue), chord))

    def _cost(self, chord: voicing.Voices, cue: Cue) -> float:
        """Return how much a voicing is in the way of texture and soloist."""
        cost = MOTION * voicing.motion(self._voicing, chord)
        cost += THIN * (VOICES - len(chord))
        if self._crowded:
            occupied = sum(self._crowd[pitch] for pitch in chord)
            cost += CROWDED * occupied / self._crowded
        if cue.soloist is not None:
            low, high = cue.soloist
            cost += IN_THE_WAY * sum(low - 1 <= pitch <= high + 1 for pitch in chord)
            cost += ABOVE * any(pitch > high for pitch in chord)
        return cost

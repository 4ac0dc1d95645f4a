"""Leads the seats that follow the conductor: cues, sections of the texture, rests."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from ripieno.conduct.bass_line import BassLine
from ripieno.conduct.cue import Cue, Follower, Section
from ripieno.conduct.dynamics import ARC_BARS, Dynamics
from ripieno.conduct.filling import Filling
from ripieno.conduct.form import Form
from ripieno.conduct.memory import Memory, Played
from ripieno.conduct.span_clock import Key
from ripieno.conduct.spans import Spans
from ripieno.conduct.texture import BASS_BELOW, Texture
from ripieno.music import chords
from ripieno.music.chords import NO_CHORD
from ripieno.music.held import Held
from ripieno.music.sources import HUMAN
from ripieno.music.spans import FRAME_TICKS, Note, Span
from ripieno.play.seat import Seat
from ripieno.settings.status import Status

VARIED_BARS: Final = 4
"""Where texture returns, the second half of the last of so many bars is new."""
SOLO: Final = 32
"""From how many of the soloist's last notes their register is known."""


class Leader:
    """Hands decisions to the seats that follow. Thread: the engine's.

    Attributes:
        followers: those seats.
        cue: the last one; None while nothing plays.
        memory: what was played before.
        form: its sections so far.
    """

    def __init__(
        self, seat: Seat, spans: Spans, is_replying: Callable[[], bool]
    ) -> None:
        """Begin without followers; see `Cue.is_replying`."""
        self._is_replying = is_replying
        self._seat, self._spans, self._texture = seat, spans, Texture(seat)
        self._line = BassLine(seat)
        self._dynamics, self._filling = Dynamics(), Filling()
        self._is_written = False  # whether the span has a section above the bass
        self.memory, self.form = Memory(), Form()
        self._again: Played | None = None  # what the span repeats
        self._solo: deque[int] = deque(maxlen=SOLO)
        self._led: set[Follower] = set()  # those that have had a cue
        self.followers: Sequence[Follower] = ()
        self.cue: Cue | None = None

    @property
    def chord(self) -> int:
        """The chord that sounds; `NO_CHORD` while nothing plays."""
        return NO_CHORD if self.cue is None else self.cue.chord

    @property
    def chord_name(self) -> str:
        """Its name, with the bass that the left hand says; empty for none."""
        if (cue := self.cue) is None:
            return ""
        bass = chords.root_of(cue.chord) if cue.bass is None else cue.bass
        return str(Held(cue.chord, bass))

    def report(self, status: Status) -> Status:
        """Add the section and the chord that sounds."""
        return msgspec.structs.replace(
            status, section=self.form.name, chord=self.chord_name
        )

    def sent(self, index: int) -> tuple[int, tuple[Note, ...]]:
        """The chord and the texture that were played in a span."""
        return self._texture.sent(index)

    def told(self, index: int, heard: Span) -> tuple[int, tuple[Note, ...]]:
        """The chord and the texture of a span that is over, to be remembered."""
        chord, notes = self.sent(index)
        above = tuple(note for note in notes if note.pitch >= BASS_BELOW)
        phase = self._spans.phase(index)
        is_last = self.cue is not None and self.cue.closing is not None
        asked = None if is_last else self._asked  # a last chord does not return
        self.memory.hear(index, heard, phase, Played(chord, above, asked))
        self.form.hear(index, heard, phase, self.memory)
        return chord, notes

    def on_note(self, key: Key) -> None:
        """Note what the soloist plays, and how loud the human is."""
        self._solo.append(key.pitch)
        self._line.on_note(key)
        self._filling.on_note(key.frame)
        if key.source == HUMAN:
            self._dynamics.on_note(key.frame, key.pitch, key.velocity)

    def begin(
        self,
        index: int,
        chord: int,
        bass: int | None,
        now_ns: int,
        upcoming: int = NO_CHORD,
        closing: int | None = None,
    ) -> None:
        """Begin a span with its chord and bass; `NO_CHORD` lets nothing sound.

        `upcoming` is the likely chord of the next span. A last chord (see
        `Cue.closing`) is struck once, with all of its notes.
        """
        start_ticks = self._spans.start_ticks(index)
        self._is_written = False
        cue = self._cue_of(index, chord, bass, start_ticks, upcoming)
        is_last = closing is not None and (self.cue is None or self.cue.closing is None)
        cue = msgspec.structs.replace(
            cue, closing=closing, is_new=cue.is_new or is_last
        )
        if chord == NO_CHORD:
            if self.cue is not None:
                self.rest(now_ns)
            self._texture.begin(cue, [])
            return
        self.cue = cue
        if closing is None:
            line = self._line.write(cue)
            frames = 0
        else:
            frames = (closing - start_ticks) // FRAME_TICKS
            line = self._line.close(cue, frames) if is_last else []
        self._texture.begin(cue, line)
        self._again = self._repeated(cue)
        self._lead(cue, now_ns)
        above = self._texture.close(cue, frames) if is_last else []
        self._share(cue, Section(line, above), now_ns)

    def write(
        self, notes: Sequence[Note] | None, planned_for: int | None, now_ns: int
    ) -> None:
        """Play a section of the span, as loud as the soloist plays now.

        Args:
            notes: planned for the chord `planned_for`; None if there is no plan.
            planned_for: that chord.
            now_ns: no note on the beat starts before.
        """
        if self.cue is None or self.cue.closing is not None:
            return
        index = self.cue.index
        cue = msgspec.structs.replace(
            self.cue, velocity=self._velocity(index), accent=self._accent(index)
        )
        frames, is_free = self._spans.frames(index), self._is_free
        if (again := self._again) is not None:
            is_free = False
            if self._is_written:
                return
            planned_for, notes = again.chord, again.notes
        if notes is not None and is_free:
            first = self._spans.first_frame(index)
            notes = self._filling.thinned(notes, first, frames)
        above = self._texture.write(cue, notes, planned_for)
        self._share(cue, Section([], above), now_ns)
        if not self._is_written and is_free and self._is_rest(index):
            ticks = self._seat.meter.ticks_of(index)
            span_s = self._seat.timeline.seconds_for(ticks)
            added = self._filling.fill(cue, above, frames, span_s)
            filled = self._texture.write(cue, added, cue.chord)
            self._share(cue, Section([], filled), now_ns)
        self._is_written = True

    def change(self, index: int, held: Held, start_ticks: int, now_ns: int) -> None:
        """Play another chord from a tick within a span on."""
        before = self.chord
        cue = self.cue = self._cue_of(index, *held, start_ticks)
        if before == NO_CHORD:
            self._texture.begin(cue, [])
        self._texture.change(cue, before)
        self._lead(cue, now_ns)
        self._share(cue, Section(self._line.change(cue), []), now_ns)

    def rest(self, at_ns: int) -> None:
        """Let nothing sound."""
        self.cue = self._again = None
        self._texture.rest(at_ns)
        self._line.rest()
        for follower in self.followers:
            follower.on_rest(at_ns)

    def _cue_of(
        self,
        index: int,
        chord: int,
        bass: int | None,
        start_ticks: int,
        upcoming: int = NO_CHORD,
    ) -> Cue:
        before = self.cue
        is_same = before is not None and (before.chord, before.bass) == (chord, bass)
        return Cue(
            index=index,
            phase=self._spans.phase(index),
            chord=chord,
            bass=bass,
            is_new=not is_same,
            start_ticks=start_ticks,
            melody=tuple(self._spans.heard(index).sounding[0]),
            velocity=self._velocity(index),
            soloist=(min(self._solo), max(self._solo)) if self._solo else None,
            is_replying=self._is_replying(),
            upcoming=upcoming,
            accent=self._accent(index),
        )

    def _repeated(self, cue: Cue) -> Played | None:
        """What a span repeats; None where the thinker writes something new.

        It is as the musician asked for then. So nothing returns that was asked for
        otherwise, and no note is moved out of a scale that was asked for. A texture
        that is promised beforehand is the thinker's: what returns is not known yet.
        """
        if self._seat.params.commit:
            return None
        phase = cue.phase
        is_last_bar = phase.bar % VARIED_BARS == VARIED_BARS - 1
        if is_last_bar and 2 * phase.span >= phase.spans:
            return None
        again = self.memory.texture(cue.index, self._spans.heard(cue.index))
        if again is None or again.asked != self._asked:
            return None
        is_moved = again.chord != cue.chord
        return None if is_moved and self._seat.parsed.limits.scale else again

    @property
    def _asked(self) -> object:
        """What the musician asks of the texture."""
        return self._seat.parsed.manner, self._seat.parsed.limits

    def _is_rest(self, index: int) -> bool:
        """Whether the soloist rests in a span."""
        spans = self._spans
        sounds = bool(spans.heard(index).sounding[0])
        first, frames = spans.first_frame(index), spans.frames(index)
        return self._filling.is_rest(first, frames, sounds=sounds)

    @property
    def _is_free(self) -> bool:
        """Whether the musician leaves the density to the music."""
        return not self._seat.parsed.manner.density

    def _velocity(self, index: int) -> float:
        bars = self._seat.parsed.guidance.phrase or ARC_BARS
        return self._dynamics.velocity(self._spans.phase(index), bars)

    def _accent(self, index: int) -> float:
        return self._dynamics.accent(self._spans.first_frame(index))

    def _lead(self, cue: Cue, now_ns: int) -> None:
        """Hand over a cue; to a seat that had none before, as a new chord."""
        for follower in self.followers:
            is_first = follower not in self._led
            its = msgspec.structs.replace(cue, is_new=True) if is_first else cue
            follower.on_cue(its, now_ns)
        self._led = set(self.followers)

    def _share(self, cue: Cue, section: Section, now_ns: int) -> None:
        for follower in self.followers:
            follower.on_section(cue, section, now_ns)

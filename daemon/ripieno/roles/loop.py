"""A backing pattern, bar by bar, on the chords that are played or written.

Each span (a felt beat) takes these steps; `STEPS` is their table::

    AHEAD   until half a frame before the beat. Then the harmony rules hear the span
            before.
    READY   until the beat. If a bar begins there, the thinker's bar is played. If it is
            not there, the last bar's pattern is played on the new chords; if there was
            none, a bass and chords by rule.
    BEGUN   until shortly after the beat. If the human's chord is then clearly another
            than the expected one, the rest of the bar is moved to it. In a bar's last
            span the next bar is asked for, with the chords of the chart or the
            likeliest ones.

Where a conductor plays, its chord is played instead, and the human's is not looked at.

Bars are counted in the song, and so are patterns: after `bars` bars comes another one.
So patterns change where the song's phrases do, and a place of the song that is played
again has its pattern again. No note lasts over a bar line.
"""

from typing import Final

import msgspec

from ripieno.conduct.cue import Cue
from ripieno.conduct.guide import Guide
from ripieno.conduct.span_clock import Cause, Key, SpanClock, Step, Transitions
from ripieno.music import chords
from ripieno.music.chords import NO_CHORD
from ripieno.music.meter import Meter
from ripieno.music.spans import FRAME_TICKS
from ripieno.play.scheduler import Due
from ripieno.play.seat import Seat
from ripieno.protocol import Groove, Plan, Played, Reset, ToPlayer
from ripieno.roles.backing import Backing, Bar, plain
from ripieno.roles.performer import Performer
from ripieno.settings.status import Status, Turn

STEPS: Final[Transitions] = {
    (Step.AWAY, Cause.ENTER): Step.AHEAD,
    (Step.AHEAD, Cause.TIME): Step.READY,
    (Step.READY, Cause.TIME): Step.BEGUN,
    (Step.BEGUN, Cause.TIME): Step.AHEAD,
}
HEED_NS: Final = 25_000_000
"""How long after the beat the human's chord is looked at: by then it is struck. An
ensemble notices an asynchrony at 20–30 ms (Schuett 2002)."""
PLAINLY: Final = 1.0
"""By so many nats another chord has to be likelier than the expected one. Share of the
played chord's notes that are in the true one, twelve held-out songs of POP909 with the
melody alone as the human: never heeding 42.4 %; from 4, 2, 1, 0.5, 0 nats on 47.9,
51.5, 52.5, 52.4, 52.4, while chords change ever more often."""
MOST_BARS: Final = 64
"""How many bars are kept, to be played again where the song returns."""


class Loop(Performer):
    """Plays `loop`; see the module."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        # It is a backing track: it goes on wherever the song does, and does not wait.
        self._clock = SpanClock(seat, STEPS, self, waits=False)
        self._spans, self._presence = self._clock.spans, self._clock.presence
        self._backing = Backing(seat)
        self._guide = Guide(seat.tables, seat.seed)
        self._last: Bar | None = None
        self._bars: dict[tuple[Meter, int], Bar] = {}
        self._cue: Cue | None = None  # the conductor's last; None while it rests
        self._clear()

    def _clear(self) -> None:
        """Forget what is asked for."""
        self._is_cut = False  # by all notes off: begin again at the next span
        self._asked: Groove | None = None
        self._answer: Plan | None = None

    @property
    def turn(self) -> Turn:
        """The machine's as soon as it plays, though the human goes on."""
        if self._backing.is_playing:
            return "machine"
        return "idle" if self._presence.heard_ticks is None else "human"

    def on_key(self, event: Played) -> None:
        """Handle a key."""
        self._clock.hear(event)

    def on_note(self, key: Key) -> None:
        """Note that the human plays, and how loud."""
        self._backing.human.add(key.velocity)
        self._presence.on_note(key.ticks, key.ticks)

    def on_plan(self, at_ns: int, message: ToPlayer) -> bool:
        """Take the bar that was asked for; a bar that has begun does not change."""
        del at_ns
        if not isinstance(message, Plan) or self._asked is None:
            return False
        if message.revision != self._asked.revision:
            return False
        self._answer = message
        return True

    def on_thinker_ready(self) -> None:
        """Ask again for the bar that has not come."""
        self._seat.tell(Reset(self._seat.role.models))
        if self._asked is not None and self._answer is None:
            revision = self._seat.next_revision()
            self._asked = msgspec.structs.replace(self._asked, revision=revision)
            self._seat.tell(self._asked)

    def on_cue(self, cue: Cue, now_ns: int) -> None:
        """Play the conductor's chord: where there is one, it decides."""
        self._cue = cue
        self._spans.held = None if cue.bass is None else cue.chord
        if self._backing.chord_at(cue.index) not in (NO_CHORD, cue.chord):
            self._backing.move(cue.index, cue.chord, now_ns)

    def on_rest(self, at_ns: int) -> None:
        """Decide on chords alone again: the conductor rests."""
        del at_ns
        self._cue = self._spans.held = None

    def on_stop(self, at_ns: int) -> None:
        """Stop. If it was the pass of a DAW's loop, go on with the next span."""
        self._backing.stop(at_ns)
        self._clock.stop(at_ns)
        self._is_cut = self._presence.entered_ticks is not None

    def clear_plans(self, at_ns: int) -> None:
        """Leave the song. What was learned of the harmony stays."""
        self._backing.stop(at_ns)
        self._clock.leave(at_ns)
        self._clear()

    def advance(self, now_ns: int) -> None:
        """Take the steps whose time has come."""
        for step, index in self._clock.steps(now_ns):
            if step is Step.AHEAD:
                self._prepare(index)
            elif step is Step.READY:
                self._begin(index, now_ns)
            else:
                self._heed(index, now_ns)

    def next_ns(self) -> int | None:
        """Return when the step is over."""
        return self._clock.next_ns()

    def on_note_sent(self, due: Due, late_ns: int) -> None:
        """Keep a note that sounds: a change of chord may cut it."""
        del late_ns
        self._backing.on_sent(due)

    def report(self, status: Status) -> Status:
        """Add position and chord while the song moves."""
        if self._clock.step is Step.AWAY:
            return status
        index = self._clock.index - (self._clock.step is not Step.BEGUN)
        chord = self._backing.chord_at(index)
        return msgspec.structs.replace(
            status,
            position=self._spans.name(index),
            chord="" if chord == NO_CHORD else chords.name_of(chord),
        )

    def due_ns(self, step: Step, index: int) -> int:
        """When a step is over: on the beat or shortly after."""
        start_ns = self._spans.start_ns(index)
        if step is Step.BEGUN:
            return start_ns + HEED_NS
        return start_ns - self._seat.reach_ns  # the first notes have to be there

    def _prepare(self, index: int) -> None:
        """End the span before: the harmony rules hear it."""
        if index == self._clock.resumed:
            return  # it was before the song jumped
        self._guide.hear(self._spans.heard(index - 1), self._spans.phase(index - 1))

    def _begin(self, index: int, now_ns: int) -> None:
        """Begin a bar, or what is left of it from a span on."""
        is_cut, self._is_cut = self._is_cut, False
        place = self._spans.phase(index).span
        if place and index != self._clock.resumed and not is_cut:
            return
        asked, answer = self._asked, self._answer
        self._asked = self._answer = None
        if self._rests(index):
            self._backing.stop(now_ns)
            return
        first = index - place
        if asked is None or asked.start_ticks != self._spans.start_ticks(first):
            bar = self._known(first)
            bar = bar or self._fallback(first, self._expected(first, index))
        elif answer is None:
            bar = self._fallback(first, asked.chords)
        else:
            bar = Bar(first, asked.chords, answer.notes, self._seat.meter)
            self._keep(bar)
        bar = self._led(bar, index).since(self._spans.start_ticks(index))
        self._backing.play(bar, now_ns)

    def _led(self, bar: Bar, index: int) -> Bar:
        """The bar, from a span on with the chord that the conductor has decided."""
        cue, chord = self._cue, self._spans.held
        if chord is None and cue is not None and cue.index == index:
            chord = cue.chord
        if chord is None:
            return bar
        place = index - bar.first
        kept, led = bar.chords[:place], (chord,) * (len(bar.chords) - place)
        return bar.moved_to(bar.first, (*kept, *led))

    def _keep(self, bar: Bar) -> None:
        """Keep a bar of the thinker's, for the next one and when the song returns."""
        self._last = bar
        self._bars[self._seat.meter, bar.first] = bar
        while len(self._bars) > MOST_BARS:
            del self._bars[next(iter(self._bars))]

    def _known(self, first: int) -> Bar | None:
        """The bar that was played here before, on the chords that are written now."""
        bar = self._bars.get((self._seat.meter, first))
        if bar is None:
            return None
        wanted = [
            own if (written := self._spans.written(first + span)) is None else written
            for span, own in enumerate(bar.chords)
        ]
        return bar.moved_to(first, tuple(wanted))

    def _fallback(self, index: int, wanted: tuple[int, ...]) -> Bar:
        """The last bar's pattern on new chords; a bar by rule if there was none."""
        last, meter = self._last, self._seat.meter
        self._seat.count("fallbacks")
        if last is None or last.meter != meter:
            return plain(index, wanted, meter, self._seat.params)
        return last.moved_to(index, wanted)

    def _heed(self, index: int, now_ns: int) -> None:
        """Follow the human's chord on the beat, and ask for the next bar in time."""
        expected = self._backing.chord_at(index)
        span = self._spans.heard(index)
        is_free = self._cue is None and self._spans.written(index) is None
        if is_free and expected != NO_CHORD and span.sounding[0]:
            weights = self._guide.weights(
                self._seat.parsed.guidance, self._spans.phase, index, span, 0, expected
            ).alone
            heard = int(weights.argmax())
            if weights[heard] - weights[expected] > PLAINLY:
                self._backing.move(index, heard, now_ns)
        if self._spans.phase(index + 1).span == 0 and not self._is_alone(index):
            self._ask(index + 1, index)

    def _ask(self, first: int, heard: int) -> None:
        """Ask the thinker for the bar that begins with a span."""
        seat, params = self._seat, self._seat.params
        bar, meter = self._spans.phase(first).bar, seat.meter
        starts = () if meter.is_even else meter.starts
        self._answer = None
        self._asked = Groove(
            revision=seat.next_revision(),
            index=bar,
            start_ticks=self._spans.start_ticks(first),
            bar_ticks=meter.bar_ticks,
            chords=self._expected(first, heard),
            pattern=bar // params.bars,
            busy=params.busy,
            seed=seat.seed,
            limits=seat.parsed.limits,
            starts=tuple(ticks // FRAME_TICKS for ticks in starts),
        )
        seat.tell(self._asked)

    def _expected(self, first: int, heard: int) -> tuple[int, ...]:
        """The chords of a bar: written, or likeliest after what was heard."""
        beat, before = self._spans.heard(heard), self._backing.chord_at(first - 1)
        found: list[int] = []
        for index in range(first, first + self._spans.in_bar):
            chord = self._spans.written(index)
            if chord is None:
                weights = self._guide.weights(
                    self._seat.parsed.guidance, self._spans.phase, index, beat,
                    index - heard, before,
                ).alone  # fmt: skip
                chord = int(weights.argmax())
            found.append(before := chord)
        return tuple(found)

    def _rests(self, index: int) -> bool:
        """Whether it still listens, or the human has not played for long."""
        return self._is_alone(index) or self._presence.is_too_short(index)

    def _is_alone(self, index: int) -> bool:
        """Whether the human has not played, or not for long, and there is no chart."""
        presence = self._presence
        if presence.heard_ticks is None or presence.entered_ticks is None:
            return True
        return self._seat.parsed.chart is None and presence.is_over(index)

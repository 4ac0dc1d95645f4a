"""A backing pattern, bar by bar, to the chords that are played or written.

Of each span (a felt beat) three moments count, and bars begin among them::

    before   half a frame ahead: the span before is over, the harmony engine hears it
    begin    on the dot. Where a bar begins: the thinker's bar is played. If it is not
             there, the pattern that was last played is, moved to the new chords; before
             there was one, a bass and chords by rule
    heed     shortly after: where the human's chord is plainly another than the expected
             one, what is left of the bar is moved to it. On a bar's last span the next
             bar is asked for, with the chords of the chart or those to be expected

Bars are counted in the song, and so are patterns: every `bars` of them another one, so
that they change where the song's phrases do, and a place of the song that is played
again has its pattern again. No note lasts over a bar line.
"""

from typing import Final

import msgspec

from ripieno.conduct.guide import Guide, landing_at
from ripieno.music import chords
from ripieno.music.chords import NO_CHORD
from ripieno.play.scheduler import Due
from ripieno.protocol import Groove, Plan, Played, Ready, Reset, ToPlayer
from ripieno.roles.backing import Backing, Bar, plain
from ripieno.roles.moments import HALF_FRAME, Moments
from ripieno.roles.stand import Stand
from ripieno.settings.status import Status, Turn

HEED_NS: Final = 25_000_000
"""An ensemble notices at 20–30 ms (Schuett 2002): by then a chord is struck."""
PLAINLY: Final = 1.0
"""By so many nats another chord has to be likelier than the one expected. Share of the
played chord's notes that are in the true one, twelve held-out songs of POP909 with the
melody alone as the human: never heeding 42.4 %; from 4, 2, 1, 0.5, 0 nats on 47.9,
51.5, 52.5, 52.4, 52.4, while chords change ever more often."""


MOST_BARS: Final = 64
"""So many bars are remembered, to be played again where the song returns."""


class Loop(Moments):
    """The role; see the module and `ripieno.roles.stand.Player`."""

    waits = False  # it is a backing track: it goes on wherever the song does

    def __init__(self, stand: Stand) -> None:
        super().__init__(stand)
        self._backing = Backing(stand)
        self._guide = Guide(stand.tables, stand.seed)
        self._last: Bar | None = None
        self._bars: dict[tuple[int, int], Bar] = {}
        self._restart()

    def _restart(self) -> None:
        super()._restart()
        self._is_begun = self._is_cut = False
        self._asked: Groove | None = None
        self._answer: Plan | None = None

    @property
    def turn(self) -> Turn:
        """Both at once, once we are in."""
        if self._backing.is_playing:
            return "machine"
        return "idle" if self._heard_ticks is None else "human"

    # ── in ────────────────────────────────────────────────────────────────────────

    def _down(self, event: Played, ticks: int, frame: int) -> None:
        """The human plays."""
        del frame
        self._backing.human(event.velocity)
        self._heard_ticks = ticks
        if self._entered is None:
            self._entered = ticks

    def thought(self, at_ns: int, message: ToPlayer) -> bool:
        """The bar that was asked for; a bar that has begun keeps what it began with."""
        del at_ns
        asked = self._asked
        if asked is None or not isinstance(message, Plan):
            return False
        if message.revision != asked.revision:
            return False
        self._answer = message
        return True

    def met(self, ready: Ready) -> None:
        """A thinker is there, perhaps a new one: what is open is asked again."""
        del ready
        self._stand.tell(Reset())
        if self._asked is not None and self._answer is None:
            self._asked = self._again(self._asked)

    def silenced(self, at_ns: int) -> None:
        """The DAW stopped; if that was a loop's pass, the next span goes on."""
        super().silenced(at_ns)
        self._is_cut = self._entered is not None

    def forget(self, at_ns: int) -> None:
        """The song is elsewhere: what it taught us stays, plans do not."""
        self._rest(at_ns)
        self._leave(at_ns)
        self._spans.beats.clear()
        self._restart()

    # ── out ───────────────────────────────────────────────────────────────────────

    def started(self, due: Due, late_ns: int) -> None:
        """A planned note sounds: it may have to be cut when the chord is another."""
        del late_ns
        self._backing.started(due)

    def told(self, status: Status) -> Status:
        """While the song runs, position and chords."""
        if self._index is None:
            return status
        index = self._index if self._is_begun else self._index - 1
        chord = self._backing.chord_at(index)
        return msgspec.structs.replace(
            status,
            position=self._spans.name(index),
            chord="" if chord == NO_CHORD else chords.name_of(chord),
        )

    # ── moments ───────────────────────────────────────────────────────────────────

    def _rest(self, at_ns: int) -> None:
        """Stop playing; what sounds ends."""
        self._backing.stop(at_ns)

    def _prepare(self, index: int) -> None:
        """The span before is over: it is heard."""
        if index == self._resumes:
            return  # it was before the song jumped
        span = self._spans.heard(index - 1)
        self._guide.heard(span, self._spans.phase(index - 1))

    def _moment_ns(self, index: int) -> int:
        """The dot; then shortly after."""
        start_ns = self._spans.start_ns(index)
        begin_ns = start_ns - self._stand.reach_ns  # its first notes have to be there
        return start_ns + HEED_NS if self._is_begun else begin_ns

    def _moment(self, index: int, now_ns: int) -> None:
        """Begin a bar; or heed the human, and turn to the next span."""
        if self._is_begun:
            self._heed(index, now_ns)
            self._is_begun = False
            self._turn_to(index + 1)
            return
        self._is_begun = True
        is_cut, self._is_cut = self._is_cut, False
        if not self._spans.phase(index).span or index == self._resumes or is_cut:
            self._begin(index, now_ns)

    def _begin(self, index: int, now_ns: int) -> None:
        """A bar, or from its span `index` on what is left of it."""
        asked, answer = self._asked, self._answer
        self._asked = self._answer = None
        if self._rests(index):
            self._rest(now_ns)
            return
        first = index - self._spans.phase(index).span
        is_ours = asked is not None and asked.start_ticks == first * self._spans.ticks
        if asked is not None and answer is not None and is_ours:
            bar = Bar(first, asked.chords, answer.notes)
            self._last = bar
            self._remember(bar)
        elif asked is not None and is_ours:
            bar = self._fallback(first, asked.chords)
        else:
            bar = self._known(first) or self._fallback(
                first, self._expected(first, index)
            )
        self._stand.decided_ns = now_ns
        self._backing.play(bar.since(index * self._spans.ticks))

    def _remember(self, bar: Bar) -> None:
        """Keep a bar of the thinker's, for when the song returns to it."""
        self._bars[self._stand.meter.bar_ticks, bar.first] = bar
        while len(self._bars) > MOST_BARS:
            del self._bars[next(iter(self._bars))]

    def _known(self, first: int) -> Bar | None:
        """The bar that was played here before; on the chords that are written now."""
        bar = self._bars.get((self._stand.meter.bar_ticks, first))
        if bar is None:
            return None
        told = [
            own if (written := self._written(first + span)) is None else written
            for span, own in enumerate(bar.chords)
        ]
        return bar.moved_to(first, tuple(told), self._spans.ticks)

    def _fallback(self, index: int, told: tuple[int, ...]) -> Bar:
        """The pattern that was last played, on new chords; by rule before there was."""
        last = self._last
        self._stand.counts["fallbacks"] += 1
        if last is None or len(last.chords) != len(told):
            return plain(index, told, self._spans.ticks, self._stand.params)
        return last.moved_to(index, told, self._spans.ticks)

    def _heed(self, index: int, now_ns: int) -> None:
        """What the human plays on the beat: does it belong to the chord expected?"""
        guidance = self._stand.parsed.guidance
        expected = self._backing.chord_at(index)
        span = self._spans.heard(index)
        is_free = self._written(index) is None
        if is_free and expected != NO_CHORD and span.sounding[0]:
            weights = self._guide.weights(
                guidance, self._spans.phase, index, span, 0, expected
            )
            heard = int(weights.argmax())
            if weights[heard] - weights[expected] > PLAINLY:
                self._stand.decided_ns = now_ns
                self._backing.move(index, heard, now_ns)
        if self._spans.phase(index + 1).span == 0 and not self._is_alone(index):
            self._ask(index + 1, index)

    # ── asking ────────────────────────────────────────────────────────────────────

    def _ask(self, first: int, heard: int) -> None:
        """Have the thinker make the bar that begins with a span."""
        stand, params = self._stand, self._stand.params
        bar = self._spans.phase(first).bar
        self._answer = None
        self._asked = Groove(
            revision=stand.next_revision(),
            index=bar,
            start_ticks=first * self._spans.ticks,
            bar_ticks=stand.meter.bar_ticks,
            chords=self._expected(first, heard),
            pattern=bar // params.bars,
            busy=params.busy,
            seed=stand.seed,
            limits=stand.parsed.limits,
        )
        stand.tell(self._asked)

    def _again(self, asked: Groove) -> Groove:
        again = msgspec.structs.replace(asked, revision=self._stand.next_revision())
        self._stand.tell(again)
        return again

    def _expected(self, first: int, heard: int) -> tuple[int, ...]:
        """The chords of a bar: written, or likeliest after what was heard."""
        beat, before = self._spans.heard(heard), self._backing.chord_at(first - 1)
        found: list[int] = []
        for index in range(first, first + self._spans.in_bar):
            chord = self._written(index)
            if chord is None:
                weights = self._guide.weights(
                    self._stand.parsed.guidance, self._spans.phase, index, beat,
                    index - heard, before,
                )  # fmt: skip
                chord = int(weights.argmax())
            found.append(chord)
            before = chord
        return tuple(found)

    def _written(self, index: int) -> int | None:
        """The musician's word on a span: the chart's, or what must be reached there."""
        written = self._stand.written(index * self._spans.ticks)
        if written is not None:
            return written
        return landing_at(self._stand.parsed.guidance, self._spans.phase(index))

    # ── resting ───────────────────────────────────────────────────────────────────

    def _rests(self, index: int) -> bool:
        """Whether we listen still, or the human has not played for long."""
        return self._is_alone(index) or self._listens(index)

    @property
    def _listen_ticks(self) -> int:
        """Whoever begins half a frame late has begun on the beat."""
        return super()._listen_ticks - HALF_FRAME

    def _is_alone(self, index: int) -> bool:
        """Whether nobody has played yet, or for long, and nothing tells us to go on."""
        if self._heard_ticks is None or self._entered is None:
            return True
        if self._stand.parsed.chart is not None:
            return False
        return self._is_left_alone(index * self._spans.ticks - self._heard_ticks)

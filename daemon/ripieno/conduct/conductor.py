"""The conductor: decides, once per felt beat, what all seats of the beat share.

It chooses the chord and writes the texture, with the thinker or by the harmony rules.
It hands each decision to the seats that follow as a cue. Each span (a felt beat) takes
these steps; `STEPS` is their table::

    AHEAD       until half a frame before the beat. Then the thinker is told the span
                before, and asked for a backup, as if nothing were struck on the beat.
    LISTENING   until shortly after the beat.
    STRUCK      the human struck the beat, and the thinker decides again, with that
                note, as long as there is time.

Then the span is decided. If the thinker has not answered in time, the harmony rules
choose the chord, and the backup's notes are moved to it. Later sections of the answer
that is played are added as they come.

With a commit horizon of some beats, or a slow thinker, a span is asked for so much
earlier, from what is known then. With a horizon it is played as promised. Notes off the
beat count for the next span. The thinker is told what was played, not what was planned.

Where the keyboard is split, a chord of the left hand is a cue as soon as it is named,
on the beat or off it. From then on it is the harmony, until the hand names another.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

from ripieno.conduct.asks import Answer, Asks
from ripieno.conduct.ending import Ending
from ripieno.conduct.guide import Guide
from ripieno.conduct.leader import Leader
from ripieno.conduct.left_hand import LeftHand
from ripieno.conduct.pace import QUICK_NS, Pace
from ripieno.conduct.presence import LONG_AGO
from ripieno.conduct.preview import Preview
from ripieno.conduct.span_clock import (
    HALF_FRAME,
    Cause,
    Key,
    SpanClock,
    Step,
    Transitions,
)
from ripieno.conduct.tally import Tally
from ripieno.conduct.window import Window
from ripieno.layouts.duet import STALENESS
from ripieno.music.chords import NO_CHORD
from ripieno.music.sources import HUMAN
from ripieno.music.spans import FRAME_TICKS
from ripieno.music.zones import NOWHERE
from ripieno.play.seat import Seat
from ripieno.protocol import Beat, Comp, Played, Reset, ToPlayer
from ripieno.settings.params import Params
from ripieno.settings.roles import CONDUCTING
from ripieno.settings.status import Status, Turn

STEPS: Final[Transitions] = {
    (Step.AWAY, Cause.ENTER): Step.AHEAD,
    (Step.AHEAD, Cause.TIME): Step.LISTENING,
    (Step.LISTENING, Cause.STRIKE): Step.STRUCK,
    (Step.STRUCK, Cause.STRIKE): Step.STRUCK,  # another key of the same chord
    (Step.LISTENING, Cause.TIME): Step.AHEAD,
    (Step.STRUCK, Cause.TIME): Step.AHEAD,
}
PATIENCE_NS: Final = 18_000_000
"""How long after the beat, or the onset, the thinker's answer is waited for."""
RETOLD: Final = 64
"""How many beats a thinker that was restarted is told again."""
SETTLING_NS: Final = 45_000_000
"""For how long a beat waits for a chord of the left hand that is going down."""


class Conductor:
    """Decides the beats; see the module. Thread: the engine's.

    Attributes:
        leader: hands the decisions to the seats that follow.
    """

    def __init__(
        self, seat: Seat, is_replying: Callable[[], bool] = lambda: False
    ) -> None:
        """Begin away from the song; `is_replying` is as in `Cue`."""
        self._seat = seat
        self._clock = SpanClock(seat, STEPS, self, notice_ticks=HALF_FRAME)
        self._spans, self._presence = self._clock.spans, self._clock.presence
        self.leader, self._tally = Leader(seat, self._spans, is_replying), Tally()
        self._guide = Guide(seat.tables, seat.seed)
        self._asks = Asks(seat, self._spans, self._guide, self.leader.memory)
        self._preview = Preview(seat, self._spans, self._asks, self._guide)
        self._ending = Ending(seat, self._spans)
        self._spans.cadence = self._ending.chord
        self._told: deque[Beat] = deque(maxlen=RETOLD)
        self._left, self._window, self._pace = LeftHand(), Window(), Pace()
        self._struck_ns = 0  # when the beat was struck; only in the step STRUCK
        self._clear()

    def _clear(self) -> None:
        """Forget the answer that plays, and what was asked and heard last."""
        self._playing: tuple[int, Answer] | None = None
        self._asked_to: int | None = None
        self._last: Key | None = None
        self._named_at: int | None = None  # the span that a left-hand chord decides

    @property
    def turn(self) -> Turn:
        """The machine's as soon as it plays, though the human goes on."""
        if self.leader.cue is not None:
            return "machine"
        return "idle" if self._last is None else "human"

    @property
    def decided(self) -> tuple[int, int]:
        """How many beats it has decided, and how many of them by the rules."""
        return self._tally.spans, self._tally.by_rules

    def heard(self, at_ns: int, data: bytes) -> None:
        """Handle a channel message that came in."""
        parsed = self._seat.parsed
        if parsed.zone.takes(data):
            for event in self._seat.listener.hear(at_ns, data):
                if not event.is_pedal:
                    self._clock.hear(event)
        if (parsed.left or NOWHERE).takes(data):
            self._left.hear(at_ns, data)

    def on_reply(self, event: Played) -> None:
        """Take a note of a seat that replies: it is the melody meanwhile."""
        self._clock.hear(event)

    def on_note(self, key: Key) -> None:
        """Note a key of the melody, and whether the human struck the beat with it.

        When a reply's notes come is known beforehand. They say nothing about how late
        a person's notes come.
        """
        self.leader.on_note(key)
        self._asks.manners.on_note(key.frame)
        self._last = key
        ticks = key.frame * FRAME_TICKS
        self._presence.on_note(ticks, self._spans.start_ticks(self._spans.at(ticks)))
        self._ending.on_note(ticks)
        if key.source == HUMAN and ticks == self._spans.start_ticks(self._clock.index):
            self._strike(self._clock.index, key.at_ns)

    def on_plan(self, at_ns: int, message: ToPlayer) -> bool:
        """Take a section of the answer that plays, or of one that is asked for."""
        if not isinstance(message, Comp):
            return False
        if self._playing is not None and self._playing[1].revision == message.revision:
            _, answer = self._playing
            answer.add(message)
            self.leader.write(message.notes, message.chord, at_ns)
            return True
        is_wanted, asked_ns = self._asks.take(message)
        if asked_ns is not None:
            self._pace.add(at_ns - asked_ns)
        return is_wanted

    def on_thinker_ready(self) -> None:
        """Tell it the last beats, and ask again what the one before was asked."""
        self._seat.tell(Reset(CONDUCTING))
        for beat in self._told:
            self._seat.tell(beat)
        self._asks.clear()
        self._asked_to = None
        is_open = self._clock.step in {Step.LISTENING, Step.STRUCK}
        if is_open and not self._ahead:
            self._ask_backup(self._clock.index)

    def on_stop(self, at_ns: int) -> None:
        """Stop until the human plays again."""
        self.leader.rest(at_ns)
        self._ending.go_on()
        self._clock.stop(at_ns)
        if not self._left.holds_keys:
            self._forget_left()

    def clear_plans(self, at_ns: int) -> None:
        """Leave the song. What was learned of the harmony stays."""
        self.leader.rest(at_ns)
        self._clock.leave(at_ns)
        self._asks.clear()
        self._ending.clear()
        self._clear()

    def advance(self, now_ns: int) -> None:
        """Prepare and decide the spans whose time has come."""
        if self._left.settle(now_ns):
            self._follow_left(now_ns)
            self._seat.mark_acted()
        for step, index in self._clock.steps(now_ns):
            if step is Step.AHEAD:
                self._prepare(index)
            else:
                self._decide(index, now_ns, is_struck=step is Step.STRUCK)

    def next_ns(self) -> int | None:
        """Return when the step is over, or when the left hand's chord is named."""
        times = (self._clock.next_ns(), self._left.check_at_ns)
        return min((at_ns for at_ns in times if at_ns is not None), default=None)

    def set_params(self, params: Params) -> None:
        """Use other parameters from now on."""
        self._seat.set_params(params)
        if params.ending == "now":
            self._ending.ask()
        if self._seat.parsed.left is None:
            self._forget_left()

    def report(self, status: Status) -> Status:
        """Add figures and, while the song moves, position and chords."""
        status = self._tally.report(status)
        if self._clock.step is Step.AWAY:
            return status
        index = self._clock.index
        return msgspec.structs.replace(
            self.leader.report(status),
            position=self._spans.name(index - 1),
            promised=() if self._rests(index) else self._preview.promised(index),
            tentative=self._preview.tentative(index),
        )

    def due_ns(self, step: Step, index: int) -> int:
        """When a span is decided, as things are."""
        start_ns, on_beat = self._spans.start_ns(index), self._asks.on_beat
        if self._named_at == index:
            return start_ns
        if (named_ns := self._left.check_at_ns) is not None:
            return min(max(start_ns, named_ns), start_ns + SETTLING_NS)
        if self._seat.params.commit:
            return start_ns - self._seat.reach_ns
        if step is Step.LISTENING:
            return start_ns + self._window.ns
        is_open = on_beat is not None and not on_beat.is_there
        return max(start_ns, self._struck_ns) + PATIENCE_NS * is_open

    def _prepare(self, index: int) -> None:
        """End the span before, and ask for what is to come."""
        if self._left.holds_keys:
            self._presence.heard_ticks = start_ticks = self._spans.start_ticks(index)
            self._ending.on_note(start_ticks)
        is_resumed = index == self._clock.resumed
        if not is_resumed:  # else that span was told before the song jumped
            self._tell_beat(index - 1)
        if not self._ahead:
            self._ask_backup(index)
        last = self._last
        if last is not None and last.frame == self._spans.first_frame(index):
            self._clock.strike()
            self._struck_ns = last.at_ns  # so early that the backup knows it
            if is_resumed:  # but the backup is asked for only now: wait for it
                self._asks.on_beat = self._asks.backups.pop(index, None)

    def _tell_beat(self, index: int) -> None:
        """Tell the thinker and the harmony rules what happened in a span."""
        span = self._spans.heard(index)
        beat = Beat(index, span, *self.leader.told(index, span))
        self._told.append(beat)
        self._seat.tell(beat)
        self._guide.hear(span, self._spans.phase(index))
        self._guide.played(index, span, beat.chord)
        self._ending.hear(index, span)

    def _strike(self, index: int, at_ns: int) -> None:
        """Have a beat that the human struck decided again, if there is time."""
        is_first = self._clock.step is Step.LISTENING
        if not self._clock.strike():
            return
        if is_first:
            self._struck_ns = at_ns
            self._window.add(at_ns - self._spans.start_ns(index))
        backup = self._asks.backups.get(index)
        has_backup = backup is not None and backup.is_there
        # So early that two answers can be made before the beat: the backup's comes too.
        is_early = self._spans.start_ns(index) - at_ns >= QUICK_NS
        if (has_backup or is_early) and not self._ahead and self._pace.is_quick:
            self._asks.on_beat = self._asks.ask(index, 0, self._before(index))

    def _decide(self, index: int, now_ns: int, *, is_struck: bool) -> None:
        """Play a span: the chord and the notes, from the best source there is."""
        promised = self._ahead if self._seat.params.commit else 0
        self._ending.plan(index, self.leader.chord, promised)
        closing = self._ending.closing(index)
        chord, answer, by_model = self._chosen(index, is_struck=is_struck)
        self._playing = None if answer is None else (index, answer)
        if self._rests(index):
            chord = NO_CHORD
        elif closing is None:
            self._count(index, answer, by_model=by_model)
            if is_struck:
                played_ns = max(now_ns, self._spans.start_ns(index))
                self._tally.add_asynchrony(played_ns - self._struck_ns)
        left = self._left.chord
        bass = left.bass if left is not None and left.chord == chord else None
        upcoming = self._preview.upcoming(index + 1, chord)
        self.leader.begin(index, chord, bass, now_ns, upcoming, closing)
        notes = answer.notes if answer is not None and answer.is_there else None
        own_chord = None if answer is None else answer.chord
        self.leader.write(notes, own_chord, now_ns)
        self._asks.close(index)
        self._named_at = None
        if ahead := self._ahead:
            self._ask_ahead(index, ahead)

    def _follow_left(self, now_ns: int) -> None:
        """Play the chord that the left hand has just named, at once."""
        named = self._left.chord
        assert named is not None
        self._spans.held = named.chord
        if not self._seat.is_running:
            return
        now_ticks = self._seat.timeline.ticks_at(now_ns)
        index = self._spans.at(now_ticks)
        self._presence.on_note(now_ticks, now_ticks)
        self._presence.entered_ticks = LONG_AGO
        self._ending.on_note(now_ticks)
        if self._clock.step is Step.AWAY or self._ending.is_forced:
            return
        if index >= self._clock.index:  # that beat is not decided yet
            self._named_at = self._clock.index
            return
        cue, begun = self.leader.cue, self._clock.index - 1  # the last one decided
        if cue is None or (cue.chord, cue.bass) != named:
            start_ticks = max(now_ticks, self._spans.start_ticks(begun) + 1)
            self.leader.change(begun, named, start_ticks, now_ns)

    def _forget_left(self) -> None:
        self._left.clear()
        self._spans.held = None

    def _chosen(
        self, index: int, *, is_struck: bool
    ) -> tuple[int, Answer | None, bool]:
        """How a span is played.

        Returns:
            The chord; the answer whose notes are played to it, or None; whether that
            answer is the model's decision, not notes moved to the rules' chord.
        """
        backup, on_beat = self._asks.backups.get(index), self._asks.on_beat
        written = self._spans.written(index)
        answer: Answer | None
        if on_beat is not None and on_beat.chord is not None:
            answer, chord, by_model = on_beat, on_beat.chord, True
        elif backup is not None and self._still_holds(backup, is_struck=is_struck):
            answer, by_model = backup, backup.is_there
            chord = backup.own if backup.chord is None else backup.chord
        else:
            answer = backup if backup is not None and backup.is_there else None
            chord, by_model = self._asks.own(index, self._before(index)), False
        return chord if written is None else written, answer, by_model

    def _still_holds(self, backup: Answer, *, is_struck: bool) -> bool:
        """Whether a backup is played as it is: it is promised, or nothing new came."""
        if self._seat.params.commit:
            return True
        is_fresh = backup.is_there and not backup.staleness
        return is_fresh and (not is_struck or backup.knows_beat)

    def _count(self, index: int, answer: Answer | None, *, by_model: bool) -> None:
        frames = self._spans.frames(index)
        is_planned = answer is not None and answer.is_there
        staleness = answer.staleness * frames if answer and is_planned else None
        self._tally.add_span(frames, staleness, by_model=by_model)
        self._seat.count("fallbacks", not is_planned)

    @property
    def _ahead(self) -> int:
        """How many spans ahead the thinker is asked: by choice, or by its slowness."""
        span_ns = self._spans.start_ns(1) - self._spans.start_ns(0)
        return self._pace.spans_ahead(span_ns, self._seat.params.commit)

    def _ask_backup(self, index: int) -> None:
        self._asks.backups[index] = self._asks.ask(index, 0, self._before(index))

    def _ask_ahead(self, index: int, ahead: int) -> None:
        """Ask for the spans up to so many after one, if that is not done yet."""
        first = index + 1 if self._asked_to is None else self._asked_to + 1
        for wanted in range(max(first, index + 1), index + ahead + 1):
            age = next(s for s in STALENESS if s >= wanted - index)
            answer = self._asks.ask(wanted, age, self._before(wanted))
            self._asks.backups[wanted] = answer
            self._asked_to = wanted

    def _before(self, index: int) -> int:
        """The chord of the span before one, as far as it is known."""
        backup = self._asks.backups.get(index - 1)
        if backup is not None and backup.chord is not None:
            return backup.chord
        return self.leader.chord

    def _rests(self, index: int) -> bool:
        """Whether it still listens, has ended, or has not heard the human for long."""
        silence = self._ending if self._ending.decides else self._presence
        return silence.is_over(index) or self._presence.is_too_short(index)

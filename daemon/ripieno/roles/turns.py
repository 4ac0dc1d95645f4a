"""Call and response: `answer` replies when a phrase is over, `continue` plays on.

`vary` replies with a variation of the phrase, at a distance that the musician sets.

Each time the human may have finished, a speculative reply is asked for at once, a
*guess*. So the plan is there before the silence is over. Nothing of it sounds before
that, and one more event of the human's makes it void. `TRANSITIONS` is the table of all
states.

A reply begins on the human's pulse, or on a beat of the song if there is a tempo.

A plan is played at the ticks that it was planned for, however late it comes. A stale
plan is dropped. When the human plays, the machine stops at once. If there is no plan in
time, the fallback plays.
"""

import math
from collections import deque
from functools import partial
from typing import Final

import msgspec

from ripieno.hear.phrase import Phrase
from ripieno.play.scheduler import Due
from ripieno.play.seat import Seat
from ripieno.protocol import (
    INTERRUPTED_NS,
    Ask,
    Limits,
    Plan,
    Played,
    Reset,
    ToPlayer,
    Variation,
)
from ripieno.roles.performer import Performer
from ripieno.roles.replies import TRANSITIONS, VALUES, Cause, Guess, Reply, State
from ripieno.rules import fallback
from ripieno.settings.status import Turn

HAND_OVER_NS: Final = 20_000_000
"""A reply is decided on at least so long before its first note is handed to the port.
The operating system may delay a thread by up to 10 ms."""
SAME_BEAT_NS: Final = 20_000_000
"""A guess is kept if a MIDI clock has moved its start by less. An ensemble notices an
asynchrony of 20 to 30 ms (Schuett 2002)."""
MOST_VOID: Final = 32
"""How many void guesses are kept, whose sections may still come."""
ON_TIME_NS: Final = 5_000_000
"""A reply counts as on time if its first note is at most so late."""
LATE_NS: Final = 25_000_000
"""A note that comes later than this is left out. An ensemble begins to notice an
asynchrony at 20–30 ms (Schuett 2002)."""
SHORTEST_REPLY_S: Final = 1.0
LONGEST_REPLY_S: Final = 24.0
CHUNK_S: Final = 6.0
"""How much music `continue` asks for at a time."""
AHEAD_S: Final = 3.0
"""`continue` asks for more when less music than this is left."""
BRIDGE_S: Final = 1.0
"""How long the fallback plays if `continue` has no music left."""


class Turns(Performer):
    """Plays `answer`, `continue` and `vary`; see the module."""

    def __init__(
        self, seat: Seat, *, is_closing: bool = True, varies: bool = False
    ) -> None:
        """Begin with an empty phrase.

        Args:
            seat: of the performer.
            is_closing: whether a reply is as long as the phrase was. If not, it goes on
                until the human plays.
            varies: whether a reply is a variation of the phrase.
        """
        self._seat, self._phrase = seat, Phrase()
        self._is_closing, self._varies = is_closing, varies
        self._since_ns = 0  # when the phrase began
        self._state = State.LISTENING
        self._value: Guess | Reply | None = None
        self._void: deque[int] = deque(maxlen=MOST_VOID)

    def _go(self, cause: Cause, value: Guess | Reply | None = None) -> bool:
        """Change the state, if the table has a row; return whether it has.

        `value` is that of the next state; None keeps the one that is there.
        """
        state = TRANSITIONS.get((self._state, cause))
        if state is None:
            return False
        self._state = state
        if state is State.LISTENING or value is not None:
            self._value = value
        assert isinstance(self._value, VALUES.get(state, Reply))
        return True

    @property
    def _reply(self) -> Reply | None:
        return self._value if isinstance(self._value, Reply) else None

    @property
    def turn(self) -> Turn:
        """The machine's from the first note of its reply on."""
        if self._reply is not None and self._reply.started:
            return "machine"
        return "idle" if self._phrase.is_empty else "human"

    def on_key(self, event: Played) -> None:
        """Handle a key. A key that went down ends the reply."""
        if not event.velocity:
            self._dismiss()
            self._phrase.up(event.at_ns, event.pitch)
            return
        if self.turn == "machine" and not self._has_just_begun(event.at_ns):
            self._phrase.clear()
        self._cut(event.at_ns)
        if self._phrase.is_empty:
            self._since_ns = event.at_ns
        self._phrase.down(event.at_ns, event.pitch)

    def _has_just_begun(self, at_ns: int) -> bool:
        """Whether the human has only paused, and plays on into the reply."""
        if (reply := self._reply) is None or reply.over_ns is None:
            return False
        begun_ns = self._seat.timeline.ns_at(reply.ask.start_ticks)
        return at_ns - begun_ns <= INTERRUPTED_NS

    def on_pedal(self, event: Played) -> None:
        """Drop the guess: the thinker is to know the pedal."""
        del event
        self._dismiss()

    def on_plan(self, at_ns: int, message: ToPlayer) -> bool:
        """Take a section of a plan. It is in ticks, so it may come at any time."""
        if not isinstance(message, Plan):
            return False
        if message.revision in self._void:
            return True  # of a guess that did not come true
        asked, section = self._value, (message.revision, message.section)
        if asked is None or section != (asked.ask.revision, asked.sections):
            return False
        if not self._go(Cause.LAST_SECTION if message.complete else Cause.SECTION):
            return False
        if isinstance(asked, Guess):
            asked.plans.append(message)
            return True
        if asked.over_ns is not None and not asked.sections:
            self._seat.add_wait(at_ns - asked.over_ns)
        asked.sections += 1
        earliest_ticks = self._seat.timeline.ticks_at(at_ns - LATE_NS)
        self._seat.schedule(message.notes, earliest_ticks=earliest_ticks)
        self.on_all_sent()
        return True

    def on_thinker_ready(self) -> None:
        """Tell it the history that is kept; what the one before was asked is void."""
        if self.turn != "machine":
            self._cut(self._seat.now_ns)  # so the new thinker is asked
        elif self._is_closing:
            self._go(Cause.LAST_SECTION)
            self.on_all_sent()
        self._seat.tell(Reset(self._seat.role.models))
        for event in self._seat.history:
            self._seat.tell(event)

    def on_stop(self, at_ns: int) -> None:
        """Stop, and give no reply to the phrase that was cut off."""
        self._cut(at_ns)
        if not self._seat.holds_keys:
            self._phrase.lift_all()
            self._phrase.clear()

    def clear_plans(self, at_ns: int) -> None:
        """Drop every plan, and the phrase."""
        self._cut(at_ns)
        self._phrase.clear()

    def advance(self, now_ns: int) -> None:
        """Ask for a guess, decide on it when the phrase is over, and continue it."""
        if (reply := self._reply) is None:
            self._look_ahead(now_ns)
            return
        due_ticks = self._due_ticks(reply)
        now_ticks = self._seat.timeline.ticks_at(now_ns + self._seat.reach_ns)
        if due_ticks is None or now_ticks < due_ticks:
            return
        if self._state is State.AWAITED:
            self._go(Cause.TIME)
            self._fall_back(reply.ask, reply.ask.start_ticks)
        else:
            self._extend(reply, now_ticks)

    def on_note_sent(self, due: Due, late_ns: int) -> None:
        """Begin the machine's turn with the first note of a reply."""
        del due
        reply = self._reply
        if reply is None or reply.started:
            return
        reply.started = True
        by_model = self._state is not State.FALLBACK
        self._seat.count("turns")
        self._seat.count("ready", reply.ready)
        self._seat.count("on_time", by_model and late_ns <= ON_TIME_NS)

    def on_all_sent(self) -> None:
        """End the machine's turn when all of a closing reply was played."""
        if self._is_closing and not self._seat.has_scheduled and self._go(Cause.PLAYED):
            self._phrase.clear()

    def next_ns(self) -> int | None:
        """Return when a guess, a decision, the fallback or more music is due."""
        if isinstance(self._value, Guess):
            return self._value.over_ns
        if self._value is None:
            times = self._times()
            return times and times[0]
        due_ticks = self._due_ticks(self._value)
        if due_ticks is None:
            return None
        return self._seat.timeline.ns_at(due_ticks) - self._seat.reach_ns

    def _times(self) -> tuple[int, int] | None:
        """When the phrase is over and when the reply begins, or None."""
        patience = self._seat.params.patience
        ends_ns = self._phrase.ends_at_ns(patience)
        reply_at_ns = self._phrase.reply_at_ns(patience)
        if ends_ns is None or reply_at_ns is None:
            return None
        if self._seat.has_beat:
            reply_at_ns = self._beat_after(ends_ns)
        handed_ns = reply_at_ns - self._seat.reach_ns
        return min(ends_ns, handed_ns - HAND_OVER_NS), reply_at_ns

    def _beat_after(self, at_ns: int) -> int:
        """When the first beat of the song is that is not before an instant."""
        timeline, span_ticks = self._seat.timeline, self._seat.meter.span_ticks
        beat = (timeline.ticks_at(at_ns - 1) + span_ticks) // span_ticks
        return timeline.ns_at(beat * span_ticks)

    def _due_ticks(self, reply: Reply) -> int | None:
        """When the fallback begins, or `continue` needs more music; None for neither.

        `continue` asks early, but waits for a section that is to come as long as it has
        music.
        """
        if self._state is State.AWAITED:
            return reply.ask.start_ticks
        if self._is_closing:
            return None
        early = 0 if self._state is State.COMING else AHEAD_S
        return reply.ask.until_ticks - self._seat.timeline.ticks_for(early)

    def _look_ahead(self, now_ns: int) -> None:
        """Ask for a guess if there is none, and decide on it when it is time."""
        guess = self._value
        if isinstance(guess, Guess) and guess.params is not self._seat.params:
            self._dismiss()
        if self._value is None and (times := self._times()) is not None:
            self._foresee(now_ns, *times)
        if isinstance(self._value, Guess) and now_ns >= self._value.over_ns:
            self._take_over(now_ns, self._value)

    def _foresee(self, now_ns: int, over_ns: int, reply_at_ns: int) -> None:
        """Ask for the reply that follows if nothing more comes, as speculative."""
        at_ns = max(reply_at_ns, now_ns)
        ask = self._ask(self._seat.timeline.ticks_at(at_ns - 1) + 1, foreseen=True)
        if now_ns < over_ns:
            self._seat.tell(ask)
        self._go(Cause.PAUSE, Guess(ask, at_ns, over_ns, self._seat.params))

    def _take_over(self, now_ns: int, guess: Guess) -> None:
        """Confirm the guess, or ask again if its start has moved."""
        seat, ask, plans = self._seat, guess.ask, guess.plans
        at_ns = max(guess.at_ns, now_ns)
        if abs(at_ns - seat.timeline.ns_at(ask.start_ticks)) <= SAME_BEAT_NS:
            ask = msgspec.structs.replace(ask, foreseen=False)
        else:
            self._void.append(ask.revision)
            ask, plans = self._ask(seat.timeline.ticks_at(at_ns - 1) + 1), []
        self._go(Cause.TIME, Reply(ask, over_ns=now_ns, ready=bool(plans)))
        seat.replies += 1
        seat.tell(ask)
        for plan in plans:
            self.on_plan(now_ns, plan)

    def _dismiss(self) -> None:
        """Make the guess void."""
        if isinstance(self._value, Guess):
            self._void.append(self._value.ask.revision)
            self._go(Cause.HUMAN)

    def _cut(self, at_ns: int) -> None:
        """Drop the guess or the reply, and end what of it sounds."""
        self._dismiss()
        if self._go(Cause.CUT):
            self._seat.clear_schedule()
            self._seat.release(at_ns)

    def _ask(self, start_ticks: int, *, foreseen: bool = False) -> Ask:
        """Return an Ask for what is to be played from a tick on."""
        seat, phrase = self._seat, self._phrase
        ticks_for = seat.timeline.ticks_for
        length_s = CHUNK_S
        if self._is_closing:
            phrase_s = phrase.length_ns() / 1e9
            length_s = max(min(phrase_s, LONGEST_REPLY_S), SHORTEST_REPLY_S)
        return Ask(
            revision=seat.next_revision(),
            timeline=seat.timeline,
            start_ticks=start_ticks,
            until_ticks=start_ticks + ticks_for(length_s),
            closing=self._is_closing,
            pulse_ticks=ticks_for(phrase.pulse_ns / 1e9),
            grid_ticks=ticks_for(phrase.grid_ns / 1e9),
            seed=seat.seed,
            limits=self._limits(),
            role=seat.role.models,
            vary=self._variation() if self._varies else None,
            foreseen=foreseen,
            reply=seat.replies + 1,
        )

    def _variation(self) -> Variation:
        """Return how the phrase is to be varied."""
        params = self._seat.params
        return Variation(
            since_ns=self._since_ns,
            distance=params.distance,
            blend=params.blend,
            fill=self._fill(),
            rise=params.rise,
            offbeat=params.offbeat,
        )

    def _bar_ns(self) -> int:
        """Return the length of a bar by the beat felt in the phrase."""
        return self._phrase.pulse_ns * self._seat.meter.spans_in_bar

    def _fill(self) -> float:
        """Return `Variation.fill`: from the phrase's notes a bar to those wanted."""
        busy, phrase = self._seat.params.busy, self._phrase
        if busy is None:
            return 0.0
        notes_a_bar = phrase.onsets * self._bar_ns() / phrase.length_ns()
        return min(max(math.log2(busy / notes_a_bar), -1.0), 1.0)

    def _limits(self) -> Limits:
        """Return the limits of a plan; outside `vary`, `busy` bounds its density."""
        limits, busy = self._seat.parsed.limits, self._seat.params.busy
        if busy is None or self._varies:
            return limits
        density = min(limits.density, busy / (self._bar_ns() / 1e9))
        return msgspec.structs.replace(limits, density=density)

    def _fall_back(self, ask: Ask, from_ticks: int) -> None:
        """Play a reply without the model, from a tick to the end of what was asked."""
        self._seat.count("fallbacks")
        onsets = self._seat.history.human_onsets()
        self._seat.schedule(fallback.compose(onsets, ask, from_ticks).notes)

    def _extend(self, reply: Reply, now_ticks: int) -> None:
        """Ask for more music of `continue`. If none is left, the fallback bridges."""
        ask, ticks = reply.ask, self._seat.timeline.ticks_for
        if self._state is State.WHOLE:
            until = ask.until_ticks + ticks(CHUNK_S)
            reply.ask = msgspec.structs.replace(ask, until_ticks=until)
            self._go(Cause.TIME)
            self._seat.tell(reply.ask)
            return
        start = max(now_ticks, ask.until_ticks)
        if self._state is State.COMING:
            bridge = msgspec.structs.replace(ask, until_ticks=start + ticks(BRIDGE_S))
            self._fall_back(bridge, now_ticks)
            start = bridge.until_ticks
        ask = self._ask(start)
        self._go(Cause.TIME, Reply(ask, started=reply.started))
        self._seat.replies += 1
        self._seat.tell(ask)


answer: Final = Turns
"""Makes the performer that replies when a phrase is over."""
go_on: Final = partial(Turns, is_closing=False)
"""Makes the performer that plays on until the human plays."""
vary: Final = partial(Turns, varies=True)
"""Makes the performer that replies with a variation of the phrase."""

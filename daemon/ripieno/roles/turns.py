"""Call and response: `answer` replies when a phrase is over, `continue` plays on.

`vary` replies with a variation of the phrase, at a distance that the musician sets.

Each time the human may have finished, a speculative reply is asked for at once, a
*guess*. So the plan is there before the silence is over. Nothing of it sounds before
that, and one more event of the human's makes it void.

A plan is played at the ticks that it was planned for, however late it comes. A stale
plan is dropped. When the human plays, the machine stops at once. If there is no plan in
time, the fallback plays.
"""

import math
from collections import deque
from typing import Final

import msgspec

from ripieno.hear.phrase import Phrase
from ripieno.play.scheduler import Due
from ripieno.protocol import Ask, Limits, Plan, Played, Reset, ToPlayer, Variation
from ripieno.roles.player import Player
from ripieno.roles.replies import Guess, Reply
from ripieno.roles.seat import Seat
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


class Turns(Player):
    """Plays `answer`, `continue` and `vary`; see the module."""

    def __init__(
        self, seat: Seat, *, is_closing: bool = True, varies: bool = False
    ) -> None:
        """Begin with an empty phrase.

        Args:
            seat: of the player.
            is_closing: whether a reply is as long as the phrase was. If not, it goes on
                until the human plays.
            varies: whether a reply is a variation of the phrase.
        """
        self._seat, self._phrase = seat, Phrase()
        self._is_closing, self._varies = is_closing, varies
        self._since_ns = 0  # when the phrase began
        self._reply: Reply | None = None
        self._guess: Guess | None = None
        self._void: deque[int] = deque(maxlen=MOST_VOID)

    @property
    def turn(self) -> Turn:
        """The machine's from the first note of its reply on."""
        if self._reply is not None and self._reply.started:
            return "machine"
        return "idle" if self._phrase.is_empty else "human"

    def on_key(self, event: Played) -> None:
        """Handle a key. A key that went down ends the reply."""
        self._dismiss()
        if event.velocity:
            if self._reply is not None and self._reply.started:
                self._phrase.clear()
            self._drop_reply(event.at_ns)
            if self._phrase.is_empty:
                self._since_ns = event.at_ns
            self._phrase.down(event.at_ns, event.pitch)
        else:
            self._phrase.up(event.at_ns, event.pitch)

    def on_pedal(self, event: Played) -> None:
        """Drop the guess: the thinker is to know the pedal."""
        del event
        self._dismiss()

    def on_plan(self, at_ns: int, message: ToPlayer) -> bool:
        """Take a section of a plan. It is in ticks, so it may come at any time."""
        if not isinstance(message, Plan):
            return False
        guess = self._guess
        if guess is not None and guess.reply.takes(message):
            guess.notes += message.notes
            return True
        if message.revision in self._void:
            return True  # of a guess that did not come true
        reply = self._reply
        if reply is None or not reply.takes(message):
            return False
        if reply.over_ns is not None and not message.section:
            self._seat.add_wait(at_ns - reply.over_ns)
        earliest_ticks = self._seat.timeline.ticks_at(at_ns - LATE_NS)
        self._seat.schedule(message.notes, earliest_ticks=earliest_ticks)
        self.on_all_sent()
        return True

    def on_thinker_ready(self) -> None:
        """Tell it the history that is kept; what the one before was asked is void."""
        self._dismiss()
        reply = self._reply
        if reply is not None and not reply.started:
            self._reply = None  # so the new thinker is asked
            self._seat.clear_schedule()  # nothing of it sounds yet
        elif reply is not None and reply.ask.closing:
            reply.complete = True  # no more of it will come
            self.on_all_sent()
        self._seat.tell(Reset())
        for event in self._seat.history:
            self._seat.tell(event)

    def on_stop(self, at_ns: int) -> None:
        """Stop, and give no reply to the phrase that was cut off."""
        self._dismiss()
        self._drop_reply(at_ns)
        if not self._seat.holds_keys:
            self._phrase.lift_all()
            self._phrase.clear()

    def clear_plans(self, at_ns: int) -> None:
        """Drop every plan, and the phrase."""
        self._dismiss()
        self._drop_reply(at_ns)
        self._phrase.clear()

    def advance(self, now_ns: int) -> None:
        """Ask for a guess, decide on it when the phrase is over, and continue it."""
        if self._reply is None:
            self._look_ahead(now_ns)
        else:
            self._keep_going(now_ns)

    def on_note_sent(self, due: Due, late_ns: int) -> None:
        """Begin the machine's turn with the first note of a reply."""
        del due
        reply = self._reply
        if reply is None or reply.started:
            return
        reply.started = True
        self._seat.count("turns")
        self._seat.count("ready", reply.ready)
        self._seat.count("on_time", reply.by_model and late_ns <= ON_TIME_NS)

    def on_all_sent(self) -> None:
        """End the machine's turn when all of a closing reply was played."""
        reply = self._reply
        if reply is None or not reply.ask.closing or not reply.complete:
            return
        if not self._seat.has_scheduled:
            self._reply = None
            self._phrase.clear()

    def next_ns(self) -> int | None:
        """Return when a guess, a decision, the fallback or more music is due."""
        timeline, reply = self._seat.timeline, self._reply
        reach_ns = self._seat.reach_ns
        if reply is None:
            times = self._times() if self._guess is None else None
            return self._guess.over_ns if self._guess else times and times[0]
        if not reply.sections:
            return timeline.ns_at(reply.ask.start_ticks) - reach_ns
        if not reply.ask.closing:
            return timeline.ns_at(self._extend_at_ticks(reply)) - reach_ns
        return None

    def _times(self) -> tuple[int, int] | None:
        """When the phrase is over and when the reply begins, or None."""
        patience = self._seat.params.patience
        ends_ns = self._phrase.ends_at_ns(patience)
        reply_at_ns = self._phrase.reply_at_ns(patience)
        if ends_ns is None or reply_at_ns is None:
            return None
        handed_ns = reply_at_ns - self._seat.reach_ns
        return min(ends_ns, handed_ns - HAND_OVER_NS), reply_at_ns

    def _look_ahead(self, now_ns: int) -> None:
        """Ask for a guess if there is none, and decide on it when it is time."""
        guess = self._guess
        if guess is None or guess.params is not self._seat.params:
            self._dismiss()
            guess = self._guess = self._foreseen(now_ns)
        if guess is not None and now_ns >= guess.over_ns:
            self._take_over(now_ns, guess)

    def _foreseen(self, now_ns: int) -> Guess | None:
        """Ask for the reply that follows if nothing more comes, as speculative."""
        times = self._times()
        if times is None:
            return None
        over_ns, reply_at_ns = times
        at_ns = max(reply_at_ns, now_ns)
        reply = Reply(self._reply_from(at_ns, foreseen=True))
        if now_ns < over_ns:
            self._seat.tell(reply.ask)
        return Guess(reply, at_ns, over_ns, self._seat.params)

    def _take_over(self, now_ns: int, guess: Guess) -> None:
        """Confirm the guess, or ask again if its start has moved."""
        seat, reply, self._guess = self._seat, guess.reply, None
        at_ns = max(guess.at_ns, now_ns)
        away_ns = at_ns - seat.timeline.ns_at(reply.ask.start_ticks)
        if abs(away_ns) <= SAME_BEAT_NS:
            ask = msgspec.structs.replace(reply.ask, foreseen=False)
        else:
            self._void.append(reply.ask.revision)
            reply, ask = Reply(reply.ask), self._reply_from(at_ns, foreseen=False)
            guess.notes.clear()
        reply.ask, reply.over_ns, reply.ready = ask, now_ns, bool(reply.sections)
        seat.replies += 1
        seat.tell(ask)
        seat.schedule(guess.notes)
        if reply.ready:
            seat.add_wait(0)
        self._reply = reply

    def _dismiss(self) -> None:
        """Make the guess void."""
        if self._guess is not None:
            self._void.append(self._guess.reply.ask.revision)
            self._guess = None

    def _reply_from(self, at_ns: int, *, foreseen: bool) -> Ask:
        """Return an Ask for a reply to the phrase."""
        ticks = self._seat.timeline.ticks_for
        closing = self._is_closing
        length_s = min(self._phrase.length_ns() / 1e9, LONGEST_REPLY_S)
        wanted_s = max(length_s, SHORTEST_REPLY_S) if closing else CHUNK_S
        start = self._seat.timeline.ticks_at(at_ns - 1) + 1
        ask = self._asked(start, start + ticks(wanted_s), closing=closing)
        return msgspec.structs.replace(ask, foreseen=foreseen)

    def _variation(self) -> Variation | None:
        """Return how the phrase is to be varied; None if the role does not vary."""
        if not self._varies:
            return None
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

    def _asked(self, start_ticks: int, until_ticks: int, *, closing: bool) -> Ask:
        """Return an Ask for what is to be played next."""
        vary = self._variation()
        return Ask(
            revision=self._seat.next_revision(),
            timeline=self._seat.timeline,
            start_ticks=start_ticks,
            until_ticks=until_ticks,
            closing=closing,
            pulse_ticks=self._seat.timeline.ticks_for(self._phrase.pulse_ns / 1e9),
            grid_ticks=self._seat.timeline.ticks_for(self._phrase.grid_ns / 1e9),
            seed=self._seat.seed,
            limits=self._limits(),
            role="vary" if self._varies else "answer",
            vary=vary,
            reply=self._seat.replies + 1,
        )

    def _keep_going(self, now_ns: int) -> None:
        reply = self._reply
        assert reply is not None
        handed_ns = now_ns + self._seat.reach_ns
        now_ticks = self._seat.timeline.ticks_at(handed_ns)
        if not reply.sections and now_ticks >= reply.ask.start_ticks:
            self._fall_back(reply, reply.ask.start_ticks)
        elif not reply.ask.closing and now_ticks >= self._extend_at_ticks(reply):
            self._extend(reply, now_ticks)

    def _fall_back(self, reply: Reply, from_ticks: int) -> None:
        """Play a reply without the model, from a tick to the reply's end."""
        self._seat.count("fallbacks")
        onsets = self._seat.history.human_onsets()
        plan = fallback.compose(onsets, reply.ask, from_ticks)
        reply.by_model, reply.complete, reply.sections = False, True, 1
        self._seat.schedule(plan.notes)

    def _extend_at_ticks(self, reply: Reply) -> int:
        """When `continue` has to ask for more, or has no music left."""
        until = reply.ask.until_ticks
        waiting = reply.by_model and not reply.complete
        return until if waiting else until - self._seat.timeline.ticks_for(AHEAD_S)

    def _extend(self, reply: Reply, now_ticks: int) -> None:
        ask, ticks = reply.ask, self._seat.timeline.ticks_for
        if reply.by_model and reply.complete:
            until = ask.until_ticks + ticks(CHUNK_S)
            reply.ask = msgspec.structs.replace(ask, until_ticks=until)
            reply.complete = False
            self._seat.tell(reply.ask)
            return
        started = reply.started
        start = max(now_ticks, ask.until_ticks)
        if reply.by_model:  # no music is left: the fallback bridges the gap
            bridge = msgspec.structs.replace(ask, until_ticks=start + ticks(BRIDGE_S))
            self._fall_back(Reply(bridge), now_ticks)
            start = bridge.until_ticks
        ask = self._asked(start, start + ticks(CHUNK_S), closing=False)
        self._reply = Reply(ask, started=started)
        self._seat.replies += 1
        self._seat.tell(ask)

    def _drop_reply(self, at_ns: int) -> None:
        """Drop the reply, and end what of it sounds."""
        if self._reply is None:
            return
        self._reply = None
        self._seat.clear_schedule()
        self._seat.release(at_ns)


def answer(seat: Seat) -> Turns:
    """Return a player that replies when a phrase is over."""
    return Turns(seat)


def go_on(seat: Seat) -> Turns:
    """Return a player that plays on until the human plays."""
    return Turns(seat, is_closing=False)


def vary(seat: Seat) -> Turns:
    """Return a player that replies with a variation of the phrase."""
    return Turns(seat, varies=True)

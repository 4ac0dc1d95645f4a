"""Call and response: `answer` replies when a phrase is over, `continue` plays on.

`vary` replies too, with a variation of the phrase at a distance that the musician sets.

Whenever the human may have finished, the reply that follows if nothing more comes is
known, and is asked for at once, as a *guess*: so a plan is there before the silence is
over. Nothing of it sounds before that; an event more, and it is void.

A plan plays at the ticks it was planned for, however long it took. A stale plan is
dropped, not patched. When the human plays, the machine yields at once. When no plan is
there in time, the fallback plays.
"""

from collections import deque
from typing import Final

import msgspec

from ripieno.hear.phrase import Phrase
from ripieno.play.scheduler import Due
from ripieno.protocol import (
    Ask,
    Plan,
    Played,
    Ready,
    Reset,
    ToPlayer,
    Variation,
)
from ripieno.roles.replies import Guess, Reply
from ripieno.roles.stand import Stand
from ripieno.rules import fallback
from ripieno.settings.status import Status, Turn

HAND_OVER_NS: Final = 20_000_000
"""A reply is decided on so long before its first note is handed over, at the latest:
time for a stall of the machine, which takes up to 10 ms now and then."""
SAME_BEAT_NS: Final = 20_000_000
"""A guess whose start a MIDI clock has moved by less is still on the beat: an ensemble
notices 20 to 30 ms (Schuett 2002)."""
MOST_VOID: Final = 32
"""Guesses whose sections may still be on their way."""
ON_TIME_NS: Final = 5_000_000
LATE_NS: Final = 25_000_000
"""A note of a section that is later is left out, not played late: an ensemble begins to
notice at 20–30 ms (Schuett 2002)."""
SHORTEST_REPLY_S: Final = 1.0
LONGEST_REPLY_S: Final = 24.0
CHUNK_S: Final = 6.0
"""`continue` is asked for in chunks of so much music …"""
AHEAD_S: Final = 3.0
"""… each when less than this is left of the one before."""
BRIDGE_S: Final = 1.0
"""The fallback plays for so long when `continue` has run dry."""


class Turns:
    """A role of turns; see `ripieno.roles.stand.Player`."""

    def __init__(
        self, stand: Stand, *, is_closing: bool = True, varies: bool = False
    ) -> None:
        """Begin.

        Args:
            stand: what it plays from.
            is_closing: whether a reply is as long as the phrase was; else it goes on
                until the human plays.
            varies: whether a reply is a variation of the phrase.
        """
        self._stand, self._phrase = stand, Phrase()
        self._is_closing, self._varies = is_closing, varies
        self._since_ns = 0  # when the phrase began
        self._reply: Reply | None = None
        self._guess: Guess | None = None
        self._void: deque[int] = deque(maxlen=MOST_VOID)

    @property
    def turn(self) -> Turn:
        """Who plays now."""
        if self._reply is not None and self._reply.started:
            return "machine"
        return "idle" if self._phrase.is_empty else "human"

    # ── in ────────────────────────────────────────────────────────────────────────

    def heard(self, event: Played) -> None:
        """The human did something: it counts before anything that we planned."""
        self._dismiss()
        if event.is_human_onset:
            if self._reply is not None and self._reply.started:
                self._phrase.clear()
            self._drop_reply(event.at_ns)
            if self._phrase.is_empty:
                self._since_ns = event.at_ns
            self._phrase.down(event.at_ns, event.pitch)
        elif event.velocity == 0 and event.pitch < 128:
            self._phrase.up(event.at_ns, event.pitch)

    def thought(self, at_ns: int, message: ToPlayer) -> bool:
        """A section of a plan. They are in ticks: when they come moves nothing."""
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
            self._stand.waits.add(at_ns - reply.over_ns)
        earliest_ticks = self._stand.timeline.ticks_at(at_ns - LATE_NS)
        self._stand.scheduler.add(message.notes, earliest_ticks)
        self.ended()
        return True

    def met(self, ready: Ready) -> None:
        """A thinker is there: tell it the history that is kept."""
        del ready
        self._dismiss()
        reply = self._reply
        if reply is not None and not reply.started:
            self._reply = None  # the one who was asked is gone: ask the new one
            self._stand.scheduler.clear()  # nothing of it sounds yet
        elif reply is not None and reply.ask.closing:
            reply.complete = True  # it ends with what is there
            self.ended()
        self._stand.tell(Reset())
        for event in self._stand.history:
            self._stand.tell(event)

    def silenced(self, at_ns: int) -> None:
        """The DAW stopped: no reply to a phrase that was cut off."""
        self._dismiss()
        self._drop_reply(at_ns)
        if not self._stand.listener.holds_keys:
            self._phrase.lift_all()
            self._phrase.clear()

    def forget(self, at_ns: int) -> None:
        """Drop every plan, and the phrase."""
        self._dismiss()
        self._drop_reply(at_ns)
        self._phrase.clear()

    # ── out ───────────────────────────────────────────────────────────────────────

    def advance(self, now_ns: int) -> None:
        """Foresee a reply, decide on it when the phrase is over, go on with it."""
        if self._reply is None:
            self._look_ahead(now_ns)
        else:
            self._keep_going(now_ns)

    def started(self, due: Due, late_ns: int) -> None:
        """A planned note was just sent: the first one begins our turn."""
        del due
        reply = self._reply
        if reply is None or reply.started:
            return
        reply.started = True
        self._stand.counts["turns"] += 1
        self._stand.counts["ready"] += reply.ready
        self._stand.counts["on_time"] += reply.by_model and late_ns <= ON_TIME_NS

    def ended(self) -> None:
        """Our turn is over when all of a closing reply was played."""
        reply = self._reply
        if reply is None or not reply.ask.closing or not reply.complete:
            return
        if self._stand.scheduler.is_empty:
            self._reply = None
            self._phrase.clear()

    def next_ns(self) -> int | None:
        """When there is next something to ask, or to do without an answer."""
        timeline, reply = self._stand.timeline, self._reply
        reach_ns = self._stand.reach_ns
        if reply is None:
            times = self._times() if self._guess is None else None
            return self._guess.over_ns if self._guess else times and times[0]
        if not reply.sections:
            return timeline.ns_at(reply.ask.start_ticks) - reach_ns
        if not reply.ask.closing:
            return timeline.ns_at(self._extend_at_ticks(reply)) - reach_ns
        return None

    def told(self, status: Status) -> Status:
        """Turns have nothing to add."""
        return status

    # ── asking ────────────────────────────────────────────────────────────────────

    def _times(self) -> tuple[int, int] | None:
        """When the phrase is over, and when a reply begins; None while neither is."""
        patience = self._stand.params.patience
        ends_ns = self._phrase.ends_at_ns(patience)
        reply_at_ns = self._phrase.reply_at_ns(patience)
        if ends_ns is None or reply_at_ns is None:
            return None
        handed_ns = reply_at_ns - self._stand.reach_ns
        return min(ends_ns, handed_ns - HAND_OVER_NS), reply_at_ns

    def _look_ahead(self, now_ns: int) -> None:
        """Foresee the reply, if that is not done; decide on it when it is time."""
        guess = self._guess
        if guess is None or guess.params is not self._stand.params:
            self._dismiss()
            guess = self._guess = self._foreseen(now_ns)
        if guess is not None and now_ns >= guess.over_ns:
            self._take_over(now_ns, guess)

    def _foreseen(self, now_ns: int) -> Guess | None:
        """What will be asked for if nothing more comes; it is asked for already."""
        times = self._times()
        if times is None:
            return None
        over_ns, reply_at_ns = times
        at_ns = max(reply_at_ns, now_ns)
        reply = Reply(self._reply_from(at_ns, foreseen=True))
        if now_ns < over_ns:
            self._stand.tell(reply.ask)
        return Guess(reply, at_ns, over_ns, self._stand.params)

    def _take_over(self, now_ns: int, guess: Guess) -> None:
        """The phrase is over: the guess has come true, or is put right."""
        stand, reply, self._guess = self._stand, guess.reply, None
        at_ns = max(guess.at_ns, now_ns)
        away_ns = at_ns - stand.timeline.ns_at(reply.ask.start_ticks)
        if abs(away_ns) <= SAME_BEAT_NS:
            ask = msgspec.structs.replace(reply.ask, foreseen=False)
        else:
            self._void.append(reply.ask.revision)
            reply, ask = Reply(reply.ask), self._reply_from(at_ns, foreseen=False)
            guess.notes.clear()
        reply.ask, reply.over_ns, reply.ready = ask, now_ns, bool(reply.sections)
        stand.replies += 1
        stand.tell(ask)
        stand.scheduler.add(guess.notes)
        if reply.ready:
            stand.waits.add(0)
        self._reply = reply

    def _dismiss(self) -> None:
        """The guess is void."""
        if self._guess is not None:
            self._void.append(self._guess.reply.ask.revision)
            self._guess = None

    def _reply_from(self, at_ns: int, *, foreseen: bool) -> Ask:
        """An Ask for a reply to the phrase."""
        ticks = self._stand.timeline.ticks_for
        closing = self._is_closing
        length_s = min(self._phrase.length_ns() / 1e9, LONGEST_REPLY_S)
        wanted_s = max(length_s, SHORTEST_REPLY_S) if closing else CHUNK_S
        start = self._stand.timeline.ticks_at(at_ns - 1) + 1
        ask = self._asked(start, start + ticks(wanted_s), closing=closing)
        return msgspec.structs.replace(ask, foreseen=foreseen)

    def _variation(self) -> Variation | None:
        """How the phrase is to be varied, where that is our role."""
        if not self._varies:
            return None
        params = self._stand.params
        return Variation(
            since_ns=self._since_ns,
            distance=params.distance,
            blend=params.blend,
            fill=params.fill,
            rise=params.rise,
            offbeat=params.offbeat,
        )

    def _asked(self, start_ticks: int, until_ticks: int, *, closing: bool) -> Ask:
        """An Ask for what is to be played next."""
        vary = self._variation()
        return Ask(
            revision=self._stand.next_revision(),
            timeline=self._stand.timeline,
            start_ticks=start_ticks,
            until_ticks=until_ticks,
            closing=closing,
            pulse_ticks=self._stand.timeline.ticks_for(self._phrase.pulse_ns / 1e9),
            grid_ticks=self._stand.timeline.ticks_for(self._phrase.grid_ns / 1e9),
            seed=self._stand.seed,
            limits=self._stand.parsed.limits,
            role="vary" if self._varies else "answer",
            vary=vary,
            reply=self._stand.replies + 1,
        )

    # ── the machine's turn ────────────────────────────────────────────────────────

    def _keep_going(self, now_ns: int) -> None:
        reply = self._reply
        assert reply is not None
        handed_ns = now_ns + self._stand.reach_ns
        now_ticks = self._stand.timeline.ticks_at(handed_ns)
        if not reply.sections and now_ticks >= reply.ask.start_ticks:
            self._fall_back(reply, reply.ask.start_ticks)
        elif not reply.ask.closing and now_ticks >= self._extend_at_ticks(reply):
            self._extend(reply, now_ticks)

    def _fall_back(self, reply: Reply, from_ticks: int) -> None:
        """Play without the model, from the start of this reply to its end."""
        self._stand.counts["fallbacks"] += 1
        onsets = self._stand.history.human_onsets()
        plan = fallback.compose(onsets, reply.ask, from_ticks)
        reply.by_model, reply.complete, reply.sections = False, True, 1
        self._stand.scheduler.add(plan.notes)

    def _extend_at_ticks(self, reply: Reply) -> int:
        """When more of an open-ended plan is due to be asked for, or has run dry."""
        until = reply.ask.until_ticks
        waiting = reply.by_model and not reply.complete
        return until if waiting else until - self._stand.timeline.ticks_for(AHEAD_S)

    def _extend(self, reply: Reply, now_ticks: int) -> None:
        ask, ticks = reply.ask, self._stand.timeline.ticks_for
        if reply.by_model and reply.complete:
            until = ask.until_ticks + ticks(CHUNK_S)
            reply.ask = msgspec.structs.replace(ask, until_ticks=until)
            reply.complete = False
            self._stand.tell(reply.ask)
            return
        started = reply.started
        start = max(now_ticks, ask.until_ticks)
        if reply.by_model:  # it ran dry: bridge what is missing
            bridge = msgspec.structs.replace(ask, until_ticks=start + ticks(BRIDGE_S))
            self._fall_back(Reply(bridge), now_ticks)
            start = bridge.until_ticks
        ask = self._asked(start, start + ticks(CHUNK_S), closing=False)
        self._reply = Reply(ask, started=started)
        self._stand.replies += 1
        self._stand.tell(ask)

    def _drop_reply(self, at_ns: int) -> None:
        """The human comes first: forget the plan, end what it left sounding."""
        if self._reply is None:
            return
        self._reply = None
        self._stand.scheduler.clear()
        self._stand.release(at_ns)


def answer(stand: Stand) -> Turns:
    """A player that replies when a phrase is over."""
    return Turns(stand)


def go_on(stand: Stand) -> Turns:
    """A player that plays on until the human plays."""
    return Turns(stand, is_closing=False)


def vary(stand: Stand) -> Turns:
    """A player that replies with a variation."""
    return Turns(stand, varies=True)

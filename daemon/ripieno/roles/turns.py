"""Call and response: `answer` replies when a phrase is over, `continue` plays on.

`vary` replies too, with a variation of the phrase at a distance that the musician sets.

A plan plays at the ticks it was planned for, however long it took. A stale plan is
dropped, not patched. When the human plays, the machine yields at once. When no plan is
there in time, the fallback plays.
"""

from dataclasses import dataclass
from typing import Final

import msgspec

from ripieno.hear.phrase import Phrase
from ripieno.music.plan import Ask, Plan, Played, Ready, Reset, ToPlayer, Variation
from ripieno.play.scheduler import Due
from ripieno.roles.stand import Stand
from ripieno.status import Status, Turn
from ripieno.think import fallback

LEAD_NS: Final = 250_000_000
"""How long before a phrase would be over its reply is asked for. A first section takes
the GRU 10–40 ms on one busy core; asking earlier answers phrases that go on."""
ON_TIME_NS: Final = 5_000_000
SHORTEST_REPLY_S: Final = 1.0
LONGEST_REPLY_S: Final = 24.0
CHUNK_S: Final = 6.0
"""`continue` is asked for in chunks of so much music …"""
AHEAD_S: Final = 3.0
"""… each when less than this is left of the one before."""
BRIDGE_S: Final = 1.0
"""The fallback plays for so long when `continue` has run dry."""


@dataclass(slots=True)
class _Reply:
    """The machine's turn: asked for, begun, or under way."""

    ask: Ask
    by_model: bool = True
    sections: int = 0
    started: bool = False
    complete: bool = False


class Turns:
    """A role of turns; see `ripieno.roles.stand.Role`."""

    def __init__(self, stand: Stand) -> None:
        self._stand, self._phrase = stand, Phrase()
        self._since_ns = 0  # when the phrase began
        self._reply: _Reply | None = None

    @property
    def turn(self) -> Turn:
        """Who plays now."""
        if self._reply is not None and self._reply.started:
            return "machine"
        return "idle" if self._phrase.is_empty else "human"

    # ── in ────────────────────────────────────────────────────────────────────────

    def heard(self, event: Played) -> None:
        """The human did something: it counts before anything that we planned."""
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
        """A section of a plan. They are in ticks: when they come changes nothing."""
        del at_ns
        if not isinstance(message, Plan) or not self._takes(message):
            return False
        self._stand.scheduler.add(message.notes)
        self.ended()
        return True

    def met(self, ready: Ready) -> None:
        """A thinker is there: tell it all that was played."""
        del ready
        reply = self._reply
        if reply is not None and not reply.started:
            self._reply = None  # the one who was asked is gone: ask the new one
        elif reply is not None and reply.ask.closing:
            reply.complete = True  # it ends with what is there
            self.ended()
        self._stand.tell(Reset())
        for event in self._stand.history:
            self._stand.tell(event)

    def silenced(self, at_ns: int) -> None:
        """The DAW stopped: no reply to a phrase that was cut off."""
        self._drop_reply(at_ns)
        if not self._stand.listener.holds_keys:
            self._phrase.lift_all()
            self._phrase.clear()

    def forget(self, at_ns: int) -> None:
        """Drop every plan, and the phrase."""
        self._drop_reply(at_ns)
        self._phrase.clear()

    # ── out ───────────────────────────────────────────────────────────────────────

    def advance(self, now_ns: int) -> None:
        """Ask when a phrase is about to be over; go on while it is our turn."""
        if self._reply is None:
            self._maybe_ask(now_ns)
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
        if reply is None:
            return self._ask_at_ns()
        if not reply.sections:
            return timeline.ns_at(reply.ask.start_ticks)
        if not reply.ask.closing:
            return timeline.ns_at(self._extend_at_ticks(reply))
        return None

    def told(self, status: Status) -> Status:
        """Turns have nothing to add."""
        return status

    # ── asking ────────────────────────────────────────────────────────────────────

    def _ask_at_ns(self) -> int | None:
        ends_ns = self._phrase.ends_at_ns(self._stand.params.patience)
        if ends_ns is None:
            return None
        return ends_ns - min(
            LEAD_NS, self._phrase.wait_ns(self._stand.params.patience) // 2
        )

    def _maybe_ask(self, now_ns: int) -> None:
        ask_at_ns = self._ask_at_ns()
        if ask_at_ns is None or now_ns < ask_at_ns:
            return
        reply_at_ns = self._phrase.reply_at_ns(self._stand.params.patience)
        assert reply_at_ns is not None, "a phrase that has an end has a reply"
        ticks = self._stand.timeline.ticks_for
        closing = self._stand.params.role != "continue"
        length_s = min(self._phrase.length_ns() / 1e9, LONGEST_REPLY_S)
        wanted_s = max(length_s, SHORTEST_REPLY_S) if closing else CHUNK_S
        start = self._stand.timeline.ticks_at(max(reply_at_ns, now_ns) - 1) + 1
        self._ask(start, start + ticks(wanted_s), closing=closing)

    def _variation(self) -> Variation | None:
        """How the phrase is to be varied, where that is our role."""
        params = self._stand.params
        if params.role != "vary":
            return None
        return Variation(
            since_ns=self._since_ns,
            distance=params.distance,
            blend=params.blend,
            fill=params.fill,
            rise=params.rise,
            offbeat=params.offbeat,
        )

    def _ask(self, start_ticks: int, until_ticks: int, *, closing: bool) -> None:
        vary = self._variation()
        ask = Ask(
            revision=self._stand.next_revision(),
            timeline=self._stand.timeline,
            start_ticks=start_ticks,
            until_ticks=until_ticks,
            closing=closing,
            pulse_ticks=self._stand.timeline.ticks_for(self._phrase.pulse_ns / 1e9),
            grid_ticks=self._stand.timeline.ticks_for(self._phrase.grid_ns / 1e9),
            seed=self._stand.seed,
            limits=self._stand.params.limits(),
            role="answer" if vary is None else "vary",
            vary=vary,
        )
        self._reply = _Reply(ask)
        self._stand.tell(ask)

    # ── the machine's turn ────────────────────────────────────────────────────────

    def _takes(self, plan: Plan) -> bool:
        """Whether a section is the next one of the plan that is wanted."""
        reply = self._reply
        if reply is None or not reply.by_model:
            return False
        if (plan.revision, plan.section) != (reply.ask.revision, reply.sections):
            return False
        reply.sections += 1
        reply.complete = plan.complete
        return True

    def _keep_going(self, now_ns: int) -> None:
        reply = self._reply
        assert reply is not None
        now_ticks = self._stand.timeline.ticks_at(now_ns)
        if not reply.sections and now_ticks >= reply.ask.start_ticks:
            self._fall_back(reply, reply.ask.start_ticks)
        elif not reply.ask.closing and now_ticks >= self._extend_at_ticks(reply):
            self._extend(reply, now_ticks)

    def _fall_back(self, reply: _Reply, from_ticks: int) -> None:
        """Play without the model, from the start of this reply to its end."""
        self._stand.counts["fallbacks"] += 1
        onsets = self._stand.history.human_onsets()
        plan = fallback.compose(onsets, reply.ask, from_ticks)
        reply.by_model, reply.complete, reply.sections = False, True, 1
        self._stand.scheduler.add(plan.notes)

    def _extend_at_ticks(self, reply: _Reply) -> int:
        """When more of an open-ended plan is due to be asked for, or has run dry."""
        until = reply.ask.until_ticks
        waiting = reply.by_model and not reply.complete
        return until if waiting else until - self._stand.timeline.ticks_for(AHEAD_S)

    def _extend(self, reply: _Reply, now_ticks: int) -> None:
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
            self._fall_back(_Reply(bridge), now_ticks)
            start = bridge.until_ticks
        self._ask(start, start + ticks(CHUNK_S), closing=False)
        self._reply.started = started  # type: ignore[union-attr]

    def _drop_reply(self, at_ns: int) -> None:
        """The human comes first: forget the plan, end what it left sounding."""
        if self._reply is None:
            return
        self._reply = None
        self._stand.scheduler.clear()
        self._stand.release(at_ns)

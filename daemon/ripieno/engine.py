"""Joins hearing, thinking and playing. Reads no clock, opens nothing, raises nothing.

::

    heard(at, bytes) ──▶ listener ─▶ phrase ─▶ whose turn is it?
    thought(at, plan) ─▶ scheduler            │
    advance(now) ──────▶ what is due ◀────────┘ ─▶ [Send | Tell]

The same engine runs live, in `render`, in tests and in `replay`: what comes out depends
only on what went in and on the instants given. Calls of `advance` that return nothing
change nothing, so a journal need only keep the others.

Rules: a plan plays at the ticks it was planned for, however long it took. A stale plan
is dropped, not patched. When the human plays, the machine yields at once. When no plan
is there in time, the fallback plays. Whatever goes out goes through the ledger.
"""

from dataclasses import dataclass
from typing import Final

import msgspec

from ripieno.hear.history import History
from ripieno.hear.listener import Listener
from ripieno.hear.phrase import Phrase
from ripieno.music import messages
from ripieno.music.plan import (
    Ask,
    Plan,
    Played,
    Ready,
    Reset,
    ToPlayer,
    ToThinker,
)
from ripieno.music.timeline import Timeline
from ripieno.music.vocabulary import MACHINE
from ripieno.params import Params
from ripieno.play.ledger import Ledger, is_planned
from ripieno.play.scheduler import Due, Scheduler
from ripieno.play.thru import pass_through
from ripieno.status import Lateness, Status
from ripieno.status import Turn as Whose
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


class Send(msgspec.Struct, frozen=True):
    """Bytes to send now; `due_ns` is when they should have been."""

    due_ns: int
    data: bytes


class Tell(msgspec.Struct, frozen=True):
    """A message for the thinker."""

    message: ToThinker


Effect = Send | Tell


@dataclass(slots=True)
class _Reply:
    """The machine's turn: asked for, begun, or under way."""

    ask: Ask
    by_model: bool = True
    sections: int = 0
    started: bool = False
    complete: bool = False


class Engine:
    """One performance. Thread: one. Cost of `advance`: O(what is due)."""

    def __init__(
        self,
        params: Params,
        *,
        start_ns: int,
        seed: int,
        epoch: int = 0,
        ledger: Ledger | None = None,
    ) -> None:
        """Begin.

        Args:
            params: how to play.
            start_ns: now.
            seed: what chance starts from, when `params` does not say.
            epoch: how many players came before; keeps their plans' revisions apart.
            ledger: what sounds already; a fresh one if None.
        """
        self.params = params
        self._seed = seed if params.seed is None else params.seed
        self._revision = epoch << 32
        self._timeline = Timeline(origin_ns=start_ns)
        self._ledger = ledger or Ledger()
        self._listener, self._history, self._phrase = Listener(), History(), Phrase()
        self._scheduler, self._lateness = Scheduler(), Lateness()
        self._reply: _Reply | None = None
        self._ready: Ready | None = None
        self._out: list[Effect] = []
        self._counts = dict.fromkeys(
            ("heard", "sent", "turns", "on_time", "fallbacks", "stale", "malformed"), 0
        )

    # ── in ────────────────────────────────────────────────────────────────────────

    def heard(self, at_ns: int, data: bytes) -> None:
        """A complete message arrived at `at_ns`. Clock and sysex say nothing to us."""
        if not messages.is_channel_message(data):
            self._counts["malformed"] += not data or data[0] < 0xF0
            if self.params.thru and messages.is_sysex(data):
                self._send(at_ns, at_ns, data, thru=True)
            return
        if messages.is_note_on(data) and self._listener.is_echo(at_ns, data):
            return
        if self.params.thru:
            for message in pass_through(self._ledger, data):
                self._send(at_ns, at_ns, message, thru=True)
        for event in self._listener.hear(at_ns, data):
            self._hear(event)
        if messages.is_silencing(data):
            self._stop(at_ns)

    def thought(self, at_ns: int, message: ToPlayer) -> None:
        """The thinker said something. A plan that is not wanted any more is dropped."""
        if isinstance(message, Ready):
            self._meet(message)
        elif not self._takes(message):
            self._counts["stale"] += 1
        else:
            self._scheduler.add(message.notes)
            self._maybe_end()
        del at_ns  # plans are in ticks: when they arrive changes nothing they say

    def release(self, at_ns: int) -> None:
        """Panic: end everything that sounds, drop every plan."""
        self._drop_reply(at_ns)
        self._phrase.clear()
        for data in self._ledger.release_all():
            self._out.append(Send(at_ns, data))

    # ── out ───────────────────────────────────────────────────────────────────────

    def advance(self, now_ns: int) -> list[Effect]:
        """All that is to be sent and told by now, in order."""
        if self._reply is None:
            self._maybe_ask(now_ns)
        else:
            self._keep_going(now_ns)
        if not self._scheduler.is_empty:
            for due in self._scheduler.take(self._timeline.ticks_at(now_ns)):
                self._play(due, now_ns)
            self._maybe_end()
        out, self._out = self._out, []
        return out

    def settle(self) -> None:
        """What `advance` returned has been sent."""
        self._ledger.settle()

    def next_ns(self) -> int | None:
        """When `advance` next has something to do if nothing comes in, or None."""
        ticks = self._scheduler.next_ticks()
        times = [] if ticks is None else [self._timeline.ns_at(ticks)]
        reply = self._reply
        if reply is None:
            ask_at = self._ask_at_ns()
            times += [] if ask_at is None else [ask_at]
        elif not reply.sections:
            times.append(self._timeline.ns_at(reply.ask.start_ticks))
        elif not reply.ask.closing:
            times.append(self._timeline.ns_at(self._extend_at_ticks(reply)))
        return min(times, default=None)

    def status(self) -> Status:
        """The state of the performance, as one value. Cost: sorts the recent sends."""
        ready = self._ready
        late_p50_ms, late_p99_ms = self._lateness.quantiles_ms(0.5, 0.99)
        return Status(
            turn=self._whose(),
            role=self.params.role,
            model=ready.model if ready else "",
            provider=ready.provider if ready else "",
            sounding=self._ledger.sounding,
            late_p50_ms=late_p50_ms,
            late_p99_ms=late_p99_ms,
            dropped=self._scheduler.dropped,
            echoes=self._listener.echoes,
            **self._counts,
        )

    # ── whose turn ────────────────────────────────────────────────────────────────

    def _whose(self) -> Whose:
        if self._reply is not None and self._reply.started:
            return "machine"
        return "idle" if self._phrase.is_empty else "human"

    def _hear(self, event: Played) -> None:
        """The human did something: it counts before anything that we planned."""
        if event.is_human_onset:
            self._counts["heard"] += 1
            if self._reply is not None and self._reply.started:
                self._phrase.clear()
            self._drop_reply(event.at_ns)
            self._phrase.down(event.at_ns, event.pitch)
        elif event.velocity == 0 and event.pitch < 128:
            self._phrase.up(event.at_ns, event.pitch)
        self._remember(event)

    def _stop(self, at_ns: int) -> None:
        """The DAW stopped: no reply to a phrase that was cut off."""
        self._drop_reply(at_ns)
        if not self._listener.holds_keys:
            self._phrase.lift_all()
            self._phrase.clear()

    def _ask_at_ns(self) -> int | None:
        ends_ns = self._phrase.ends_at_ns(self.params.patience)
        if ends_ns is None:
            return None
        return ends_ns - min(LEAD_NS, self._phrase.wait_ns(self.params.patience) // 2)

    def _maybe_ask(self, now_ns: int) -> None:
        ask_at_ns = self._ask_at_ns()
        if ask_at_ns is None or now_ns < ask_at_ns:
            return
        reply_at_ns = self._phrase.reply_at_ns(self.params.patience)
        assert reply_at_ns is not None, "a phrase that has an end has a reply"
        ticks = self._timeline.ticks_for
        closing = self.params.role == "answer"
        length_s = min(self._phrase.length_ns() / 1e9, LONGEST_REPLY_S)
        wanted_s = max(length_s, SHORTEST_REPLY_S) if closing else CHUNK_S
        start = self._timeline.ticks_at(max(reply_at_ns, now_ns) - 1) + 1
        self._ask(start, start + ticks(wanted_s), closing=closing)

    def _ask(self, start_ticks: int, until_ticks: int, *, closing: bool) -> None:
        self._revision += 1
        ask = Ask(
            revision=self._revision,
            timeline=self._timeline,
            start_ticks=start_ticks,
            until_ticks=until_ticks,
            closing=closing,
            pulse_ticks=self._timeline.ticks_for(self._phrase.pulse_ns / 1e9),
            grid_ticks=self._timeline.ticks_for(self._phrase.grid_ns / 1e9),
            seed=self._seed,
            limits=self.params.limits(),
        )
        self._reply = _Reply(ask)
        self._out.append(Tell(ask))

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
        now_ticks = self._timeline.ticks_at(now_ns)
        if not reply.sections and now_ticks >= reply.ask.start_ticks:
            self._fall_back(reply, reply.ask.start_ticks)
        elif not reply.ask.closing and now_ticks >= self._extend_at_ticks(reply):
            self._extend(reply, now_ticks)

    def _fall_back(self, reply: _Reply, from_ticks: int) -> None:
        """Play without the model, from the start of this reply to its end."""
        self._counts["fallbacks"] += 1
        onsets = self._history.human_onsets()
        plan = fallback.compose(onsets, reply.ask, from_ticks)
        reply.by_model, reply.complete, reply.sections = False, True, 1
        self._scheduler.add(plan.notes)

    def _extend_at_ticks(self, reply: _Reply) -> int:
        """When more of an open-ended plan is due to be asked for, or has run dry."""
        until = reply.ask.until_ticks
        waiting = reply.by_model and not reply.complete
        return until if waiting else until - self._timeline.ticks_for(AHEAD_S)

    def _extend(self, reply: _Reply, now_ticks: int) -> None:
        ask, ticks = reply.ask, self._timeline.ticks_for
        if reply.by_model and reply.complete:
            until = ask.until_ticks + ticks(CHUNK_S)
            reply.ask = msgspec.structs.replace(ask, until_ticks=until)
            reply.complete = False
            self._out.append(Tell(reply.ask))
            return
        started = reply.started
        start = max(now_ticks, ask.until_ticks)
        if reply.by_model:  # it ran dry: bridge what is missing
            bridge = msgspec.structs.replace(ask, until_ticks=start + ticks(BRIDGE_S))
            self._fall_back(_Reply(bridge), now_ticks)
            start = bridge.until_ticks
        self._ask(start, start + ticks(CHUNK_S), closing=False)
        self._reply.started = started  # type: ignore[union-attr]

    def _maybe_end(self) -> None:
        reply = self._reply
        if reply is None or not reply.ask.closing or not reply.complete:
            return
        if self._scheduler.is_empty:
            self._reply = None
            self._phrase.clear()

    def _drop_reply(self, at_ns: int) -> None:
        """The human comes first: forget the plan, end what it left sounding."""
        if self._reply is None:
            return
        self._reply = None
        self._scheduler.clear()
        for data in self._ledger.release(is_planned):
            self._send(at_ns, at_ns, data)

    def _play(self, due: Due, now_ns: int) -> None:
        channel = self.params.channel - 1
        due_ns = self._timeline.ns_at(due.ticks)
        if not due.velocity:
            for data in self._ledger.off(channel, due.pitch, due.note_id):
                self._send(due_ns, now_ns, data)
            return
        self._lateness.add(now_ns - due_ns)
        self._counts["sent"] += 1
        self._note_start(now_ns - due_ns)
        for data in self._ledger.on(channel, due.pitch, due.velocity, due.note_id):
            self._send(due_ns, now_ns, data)

    def _note_start(self, late_ns: int) -> None:
        reply = self._reply
        if reply is None or reply.started:
            return
        reply.started = True
        self._counts["turns"] += 1
        self._counts["on_time"] += reply.by_model and late_ns <= ON_TIME_NS

    # ── the edges of the core ─────────────────────────────────────────────────────

    def _meet(self, ready: Ready) -> None:
        """A thinker is there, perhaps a new one: tell it all that was played."""
        self._ready = ready
        if self._reply is not None and not self._reply.started:
            self._reply = None  # the one who was asked is gone: ask the new one
        elif self._reply is not None and self._reply.ask.closing:
            self._reply.complete = True  # it ends with what is there
            self._maybe_end()
        self._out.append(Tell(Reset()))
        self._out += [Tell(event) for event in self._history]

    def _send(
        self, due_ns: int, now_ns: int, data: bytes, *, thru: bool = False
    ) -> None:
        """Out it goes; what the machine played becomes part of what was played."""
        self._out.append(Send(due_ns, data))
        if thru:
            return
        velocity = data[2] if messages.is_note_on(data) else 0
        if velocity:
            self._listener.sent(now_ns, data)
        self._remember(Played(now_ns, MACHINE, data[1], velocity))

    def _remember(self, event: Played) -> None:
        self._history.add(event)
        self._out.append(Tell(event))

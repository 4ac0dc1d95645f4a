"""Joins hearing, thinking and playing. Reads no clock, opens nothing, raises nothing.

::

    heard(at, bytes) ──▶ transport, listener ─▶ performer: whose turn, chord?
    thought(at, plan) ─────────────────────────▶ performer
    advance(now) ──────▶ what is due ◀────────── performer ─▶ [Send | Tell]

The same engine runs live, in `render`, in tests and in `replay`. What comes out depends
only on what went in and on the times given. A call of `advance` that returns nothing
and leaves `acted` false changed nothing, so a journal need not keep it.

The engine routes. The performer of the role decides what to play (`ripieno.roles`).
Everything that is sent goes through the ledger.
"""

import msgspec

from ripieno.music import messages
from ripieno.music.timeline import Timeline
from ripieno.play.click import click_notes
from ripieno.play.ledger import Ledger
from ripieno.play.scheduler import Scheduler
from ripieno.play.thru import pass_through, stop_passing
from ripieno.protocol import CLICK, Ready, ToPlayer
from ripieno.roles.loading import load, performer_of
from ripieno.roles.performance import Performance
from ripieno.roles.performer import Effect, Send, Tell
from ripieno.roles.seat import Seat
from ripieno.rules.harmony import Tables
from ripieno.settings.beginning import Beginning
from ripieno.settings.controllers import by_number, turned
from ripieno.settings.params import Params
from ripieno.settings.roles import ROLES
from ripieno.settings.status import Status

__all__ = ["Effect", "Engine", "Send", "Tell"]


class Engine:
    """One performance. Thread: one. Cost of `advance`: O(what is due)."""

    def __init__(
        self,
        begins: Beginning,
        *,
        ledger: Ledger | None = None,
        tables: Tables | None = None,
    ) -> None:
        """Begin.

        Args:
            begins: how the performance begins.
            ledger: what sounds already; a fresh one if None.
            tables: what the harmony rules know; plain ones if None.
        """
        self._performance = performance = Performance(begins, ledger or Ledger())
        self._seat = Seat(begins, performance, tables)
        if performance.role.is_on_the_beat and begins.timeline is None:
            performance.transport.set_tempo(begins.start_ns, begins.params.bpm)
        for each in ROLES.values():  # not while the music plays
            load(each.plays)
        self._performer = performer_of(performance.role, self._seat)
        self._ready: dict[str, Ready] = {}
        self._click, self._clicked_ticks = Scheduler(), 0
        self._jumps = 0
        self._controls = by_number(begins.controls)

    @property
    def params(self) -> Params:
        """The parameters as they are now."""
        return self._performance.params

    @property
    def timeline(self) -> Timeline:
        """The mapping between ticks and nanoseconds as it is now."""
        return self._performance.timeline

    def turned(self, at_ns: int, params: Params) -> None:
        """Use other parameters from now on."""
        performance, before = self._performance, self._performance.params
        performance.now_ns = at_ns
        performance.set_params(params)
        if params.bpm != before.bpm and performance.role.is_on_the_beat:
            performance.transport.set_tempo(at_ns, params.bpm)
        if params.role != before.role:
            self._change_role(at_ns)
        elif params.meter != before.meter:
            self._performer.clear_plans(at_ns)
        if params.channel != before.channel:
            performance.release(at_ns)
        if before.thru and not params.thru:
            for data in stop_passing(performance.ledger):
                performance.send(at_ns, at_ns, data, thru=True)
        if params.click and not before.click:
            self._clicked_ticks = performance.timeline.ticks_at(at_ns)

    def heard(self, at_ns: int, data: bytes) -> None:
        """Handle a complete MIDI message that arrived at `at_ns`."""
        self._performance.now_ns = at_ns
        if not messages.is_channel_message(data):
            self._heard_system(at_ns, data)
            return
        performance = self._performance
        if messages.is_note_on(data) and performance.listener.is_echo(at_ns, data):
            return
        if messages.is_control(data) and data[1] in self._controls:
            name = self._controls[data[1]]
            self.turned(at_ns, turned(performance.params, name, data[2]))
            return
        if performance.params.thru:
            for message in pass_through(performance.ledger, data):
                performance.send(at_ns, at_ns, message, thru=True)
        for event in performance.listener.hear(at_ns, data):
            if event.is_human_onset:
                performance.counts["heard"] += 1
                performance.transport.on_note(event.at_ns)
            if event.is_pedal:
                self._performer.on_pedal(event)
            else:
                self._performer.on_key(event)
            performance.record(event)
        if messages.is_silencing(data):
            self._performer.on_stop(at_ns)

    def may_have_missed(self, at_ns: int) -> None:
        """Note that messages may have been lost just before the next one."""
        self._performance.now_ns = at_ns
        self._performance.transport.may_have_missed(at_ns)

    def thought(self, at_ns: int, message: ToPlayer) -> None:
        """Handle a message of the thinker. A stale plan is dropped."""
        self._performance.now_ns = at_ns
        if isinstance(message, Ready):
            self._ready |= dict.fromkeys(message.roles, message)
            self._performance.counts["shed"] += message.shift < 0
            self._performance.counts["climbed"] += message.shift > 0
            if not message.shift and self._performance.params.role in message.roles:
                self._performer.on_thinker_ready()
        elif not self._performer.on_plan(at_ns, message):
            self._performance.counts["stale"] += 1

    def release(self, at_ns: int) -> None:
        """End everything that sounds, and drop every plan (panic)."""
        self._performer.clear_plans(at_ns)
        self._click.clear()
        for data in self._performance.ledger.release_all():
            self._performance.out.append(Send(at_ns, data))

    def advance(self, now_ns: int) -> list[Effect]:
        """Return all that is to be sent by now, in order."""
        performance = self._performance
        performance.now_ns, performance.acted = now_ns, False
        self._follow(now_ns)
        self._performer.advance(now_ns)
        self._plan_clicks(now_ns)
        now_ticks = performance.timeline.ticks_at(now_ns)
        until_ticks = performance.timeline.ticks_at(now_ns + performance.reach_ns)
        for scheduler in (performance.scheduler, self._click):
            if scheduler.is_empty:
                continue
            for due in scheduler.take(until_ticks, now_ticks):
                late_ns = performance.send_due(due, now_ns)
                if due.velocity and due.part != CLICK:
                    self._performer.on_note_sent(due, late_ns)
        self._performer.on_all_sent()
        out, performance.out = performance.out, []
        return out

    @property
    def acted(self) -> bool:
        """Whether the last `advance` changed a role's state."""
        return self._performance.acted

    def settle(self) -> None:
        """Note that what `advance` returned has been sent."""
        self._performance.ledger.settle()

    def next_ns(self) -> int | None:
        """Return when `advance` is next needed if nothing comes in, or None."""
        performance = self._performance
        ticks = [performance.scheduler.next_ticks(), self._click.next_ticks()]
        if performance.params.click and performance.transport.running:
            ticks.append(self._clicked_ticks)
        reach_ns = performance.reach_ns
        times = [
            performance.timeline.ns_at(at) - reach_ns for at in ticks if at is not None
        ]
        times += [
            at_ns
            for at_ns in (self._performer.next_ns(), performance.transport.check_at_ns)
            if at_ns is not None
        ]
        return min(times, default=None)

    def status(self) -> Status:
        """Return the state of the performance. Cost: sorts the recent sends."""
        performance, ready = (
            self._performance,
            self._ready.get(self._performance.params.role),
        )
        late_p50_ms, late_p99_ms = performance.lateness.quantiles_ms(0.5, 0.99)
        wait_p50_ms, wait_p99_ms = performance.waits.quantiles_ms(0.5, 0.99)
        status = Status(
            turn=self._performer.turn,
            role=performance.params.role,
            model=ready.model if ready else "",
            provider=ready.provider if ready else "",
            sounding=performance.ledger.sounding,
            late_p50_ms=late_p50_ms,
            late_p99_ms=late_p99_ms,
            wait_p50_ms=wait_p50_ms,
            wait_p99_ms=wait_p99_ms,
            dropped=performance.scheduler.dropped,
            echoes=performance.listener.echoes,
            positions_corrected=performance.transport.positions_corrected,
            bpm=round(performance.transport.bpm, 2),
            is_external=performance.transport.is_external,
        )
        return self._performer.report(
            msgspec.structs.replace(status, **performance.counts)
        )

    def _heard_system(self, at_ns: int, data: bytes) -> None:
        """Handle clock and song position; pass sysex through; ignore the rest."""
        performance = self._performance
        if performance.transport.hear(at_ns, data):
            self._follow(at_ns)
            return
        performance.counts["malformed"] += not data or data[0] < 0xF0
        if performance.params.thru and messages.is_sysex(data):
            performance.send(at_ns, at_ns, data, thru=True)

    def _follow(self, now_ns: int) -> None:
        """Drop every plan if the song has jumped."""
        transport = self._performance.transport
        transport.check(now_ns)
        if transport.jumps != self._jumps:
            self._jumps = transport.jumps
            self._performer.clear_plans(now_ns)
            self._click.clear()
            self._clicked_ticks = transport.timeline.ticks_at(now_ns)

    def _plan_clicks(self, now_ns: int) -> None:
        """Schedule the clicks of the next beat, on a heap of their own."""
        performance = self._performance
        now_ticks = performance.timeline.ticks_at(now_ns + performance.reach_ns)
        if not performance.params.click or not performance.transport.running:
            return
        if now_ticks < self._clicked_ticks:
            return
        meter = performance.parsed.meter
        until = max(now_ticks, self._clicked_ticks) + meter.span_ticks
        notes = click_notes(meter, self._clicked_ticks, until)
        self._click.add(
            [note for note in notes if note.start_ticks >= now_ticks - meter.span_ticks]
        )
        self._clicked_ticks = until

    def _change_role(self, at_ns: int) -> None:
        """Let a new performer play another role, with the thinker that is there."""
        self._performer.clear_plans(at_ns)
        self._performer = performer_of(self._performance.role, self._seat)
        if self._performance.role.is_on_the_beat:
            self._performance.transport.set_tempo(at_ns, self._performance.params.bpm)
        if self._performance.params.role in self._ready:
            self._performer.on_thinker_ready()

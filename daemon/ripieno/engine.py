"""Joins hearing, thinking and playing. Reads no clock, opens nothing, raises nothing.

::

    heard(at, bytes) ──▶ transport, listener ─▶ role: whose turn, which chord?
    thought(at, plan) ─────────────────────────▶ role
    advance(now) ──────▶ what is due ◀────────── role ─▶ [Send | Tell]

The same engine runs live, in `render`, in tests and in `replay`: what comes out depends
only on what went in and on the instants given. Calls of `advance` that return nothing
and have not `acted` change nothing, so a journal need only keep the others.

The engine routes; what to play is the role's (`ripieno.roles`), what both share is on
the stand. Whatever goes out goes through the ledger.
"""

import msgspec

from ripieno.music import messages
from ripieno.music.timeline import Timeline
from ripieno.play.click import click_notes
from ripieno.play.ledger import Ledger
from ripieno.play.scheduler import Scheduler
from ripieno.play.thru import pass_through, stop_passing
from ripieno.protocol import CLICK, Ready, ToPlayer
from ripieno.roles.loading import load, player_of
from ripieno.roles.stand import Effect, Send, Stand, Tell
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
            tables: what the harmony engine knows; plain ones if None.
        """
        self._stand = Stand(begins, ledger or Ledger(), tables)
        role = self._stand.role
        if role.is_on_the_beat and begins.timeline is None:
            self._stand.transport.set_tempo(begins.start_ns, begins.params.bpm)
        for each in ROLES.values():  # not while the music plays
            load(each.plays)
        self._player = player_of(role, self._stand)
        self._ready: dict[str, Ready] = {}
        self._click, self._clicked_ticks = Scheduler(), 0
        self._jumps = 0
        self._controls = by_number(begins.controls)

    @property
    def params(self) -> Params:
        """How to play, as it stands."""
        return self._stand.params

    @property
    def timeline(self) -> Timeline:
        """How ticks and nanoseconds meet now."""
        return self._stand.timeline

    # ── in ────────────────────────────────────────────────────────────────────────

    def turned(self, at_ns: int, params: Params) -> None:
        """The musician turned a knob: another value holds from now on."""
        stand, before = self._stand, self._stand.params
        stand.now_ns = at_ns
        stand.turn(params)
        if params.bpm != before.bpm and stand.role.is_on_the_beat:
            stand.transport.set_tempo(at_ns, params.bpm)
        if params.role != before.role:
            self._change_role(at_ns)
        elif params.meter != before.meter:
            self._player.forget(at_ns)
        if params.channel != before.channel:
            stand.release(at_ns)
        if before.thru and not params.thru:
            for data in stop_passing(stand.ledger):
                stand.send(at_ns, at_ns, data, thru=True)
        if params.click and not before.click:
            self._clicked_ticks = stand.timeline.ticks_at(at_ns)

    def heard(self, at_ns: int, data: bytes) -> None:
        """A complete message arrived at `at_ns`."""
        self._stand.now_ns = at_ns
        if not messages.is_channel_message(data):
            self._heard_system(at_ns, data)
            return
        stand = self._stand
        if messages.is_note_on(data) and stand.listener.is_echo(at_ns, data):
            return
        if messages.is_control(data) and data[1] in self._controls:
            name = self._controls[data[1]]
            self.turned(at_ns, turned(stand.params, name, data[2]))
            return
        if stand.params.thru:
            for message in pass_through(stand.ledger, data):
                stand.send(at_ns, at_ns, message, thru=True)
        for event in stand.listener.hear(at_ns, data):
            if event.is_human_onset:
                stand.counts["heard"] += 1
                stand.transport.on_note(event.at_ns)
            self._player.heard(event)
            stand.remember(event)
        if messages.is_silencing(data):
            self._player.silenced(at_ns)

    def may_have_missed(self, at_ns: int) -> None:
        """Messages that came in may have been lost, just before what is heard next."""
        self._stand.now_ns = at_ns
        self._stand.transport.may_have_missed(at_ns)

    def thought(self, at_ns: int, message: ToPlayer) -> None:
        """The thinker said something. A plan that is not wanted any more is dropped."""
        self._stand.now_ns = at_ns
        if isinstance(message, Ready):
            self._ready |= dict.fromkeys(message.roles, message)
            self._stand.counts["shed"] += message.shift < 0
            self._stand.counts["climbed"] += message.shift > 0
            if not message.shift and self._stand.params.role in message.roles:
                self._player.met(message)
        elif not self._player.thought(at_ns, message):
            self._stand.counts["stale"] += 1

    def release(self, at_ns: int) -> None:
        """Panic: end everything that sounds, drop every plan."""
        self._player.forget(at_ns)
        self._click.clear()
        for data in self._stand.ledger.release_all():
            self._stand.out.append(Send(at_ns, data))

    # ── out ───────────────────────────────────────────────────────────────────────

    def advance(self, now_ns: int) -> list[Effect]:
        """All that is to be handed over and told by now, in order."""
        stand = self._stand
        stand.now_ns, stand.acted = now_ns, False
        self._follow(now_ns)
        self._player.advance(now_ns)
        self._plan_clicks(now_ns)
        now_ticks = stand.timeline.ticks_at(now_ns)
        until_ticks = stand.timeline.ticks_at(now_ns + stand.reach_ns)
        for scheduler in (stand.scheduler, self._click):
            if scheduler.is_empty:
                continue
            for due in scheduler.take(until_ticks, now_ticks):
                late_ns = stand.play(due, now_ns)
                if due.velocity and due.part != CLICK:
                    self._player.started(due, late_ns)
        self._player.ended()
        out, stand.out = stand.out, []
        return out

    @property
    def acted(self) -> bool:
        """Whether the last `advance` changed something, even if it returned nothing."""
        return self._stand.acted

    def settle(self) -> None:
        """What `advance` returned has been sent."""
        self._stand.ledger.settle()

    def next_ns(self) -> int | None:
        """When `advance` next has something to do if nothing comes in, or None."""
        stand = self._stand
        ticks = [stand.scheduler.next_ticks(), self._click.next_ticks()]
        if stand.params.click and stand.transport.running:
            ticks.append(self._clicked_ticks)
        reach_ns = stand.reach_ns
        times = [stand.timeline.ns_at(at) - reach_ns for at in ticks if at is not None]
        times += [
            at_ns
            for at_ns in (self._player.next_ns(), stand.transport.check_at_ns)
            if at_ns is not None
        ]
        return min(times, default=None)

    def status(self) -> Status:
        """The state of the performance, as one value. Cost: sorts the recent sends."""
        stand, ready = self._stand, self._ready.get(self._stand.params.role)
        late_p50_ms, late_p99_ms = stand.lateness.quantiles_ms(0.5, 0.99)
        wait_p50_ms, wait_p99_ms = stand.waits.quantiles_ms(0.5, 0.99)
        status = Status(
            turn=self._player.turn,
            role=stand.params.role,
            model=ready.model if ready else "",
            provider=ready.provider if ready else "",
            sounding=stand.ledger.sounding,
            late_p50_ms=late_p50_ms,
            late_p99_ms=late_p99_ms,
            wait_p50_ms=wait_p50_ms,
            wait_p99_ms=wait_p99_ms,
            dropped=stand.scheduler.dropped,
            echoes=stand.listener.echoes,
            positions_corrected=stand.transport.positions_corrected,
            bpm=round(stand.transport.bpm, 2),
            is_external=stand.transport.is_external,
        )
        return self._player.told(msgspec.structs.replace(status, **stand.counts))

    # ── time ──────────────────────────────────────────────────────────────────────

    def _heard_system(self, at_ns: int, data: bytes) -> None:
        """Clock and song position; sysex passes thru; the rest says nothing to us."""
        stand = self._stand
        if stand.transport.hear(at_ns, data):
            self._follow(at_ns)
            return
        stand.counts["malformed"] += not data or data[0] < 0xF0
        if stand.params.thru and messages.is_sysex(data):
            stand.send(at_ns, at_ns, data, thru=True)

    def _follow(self, now_ns: int) -> None:
        """The song may have jumped, or stopped: what was planned is for elsewhere."""
        transport = self._stand.transport
        transport.check(now_ns)
        if transport.jumps != self._jumps:
            self._jumps = transport.jumps
            self._player.forget(now_ns)
            self._click.clear()
            self._clicked_ticks = transport.timeline.ticks_at(now_ns)

    def _plan_clicks(self, now_ns: int) -> None:
        """Put the clicks of the next beat on their own heap, a beat ahead."""
        stand = self._stand
        now_ticks = stand.timeline.ticks_at(now_ns + stand.reach_ns)
        if not stand.params.click or not stand.transport.running:
            return
        if now_ticks < self._clicked_ticks:
            return
        meter = stand.meter
        until = max(now_ticks, self._clicked_ticks) + meter.span_ticks
        notes = click_notes(meter, self._clicked_ticks, until)
        self._click.add(
            [note for note in notes if note.start_ticks >= now_ticks - meter.span_ticks]
        )
        self._clicked_ticks = until

    def _change_role(self, at_ns: int) -> None:
        """Another role takes the stand: it meets the thinker that is there."""
        self._player.forget(at_ns)
        self._player = player_of(self._stand.role, self._stand)
        if self._stand.role.is_on_the_beat:
            self._stand.transport.set_tempo(at_ns, self._stand.params.bpm)
        if (ready := self._ready.get(self._stand.params.role)) is not None:
            self._player.met(ready)

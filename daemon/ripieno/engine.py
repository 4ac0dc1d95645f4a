"""Joins hearing, thinking and playing. Reads no clock, opens nothing, raises nothing.

::

    heard(at, bytes) ──▶ transport, zones ─▶ conductor ── cue ──▶ seats: what to play?
    thought(at, reply, seat) ───────────────▶ the seat that asked
    advance(now) ──────▶ what is due ◀─────── seats ─▶ [Send | Tell]

The same engine runs live, in `render`, in tests and in `replay`. What comes out depends
only on what went in and on the times given. A call of `advance` that returns nothing
and leaves `acted` false changed nothing, so a journal need not keep it.

The engine routes. What to play is decided by the conductor (`ripieno.conduct`) and by
the player of each seat (`ripieno.roles`). Everything that is sent goes through the
ledger.
"""

import msgspec

from ripieno.hear.meter_choice import MeterChoice
from ripieno.music import messages
from ripieno.music.meter import Meter
from ripieno.music.timeline import Timeline
from ripieno.play.effects import Effect, Send, Tell
from ripieno.play.ledger import Ledger
from ripieno.play.metronome import Metronome
from ripieno.play.performance import Performance
from ripieno.play.thru import pass_through, stop_passing
from ripieno.protocol import EVERYONE, Played, Ready, ToPlayer
from ripieno.roles.band import Band
from ripieno.rules.harmony import Tables
from ripieno.settings.beginning import Beginning
from ripieno.settings.controllers import by_number
from ripieno.settings.ensemble import Ensemble, selected, turned
from ripieno.settings.params import Params
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
        self._band = Band(begins, performance, tables)
        if performance.is_on_the_beat and begins.timeline is None:
            performance.transport.set_tempo(begins.start_ns, begins.params.bpm)
        self._metronome = Metronome(performance, begins.params)
        self._jumps = 0
        self._choice: MeterChoice | None = None  # None where the metre is set
        self._choose_meter(Meter.parse(begins.meter) if begins.meter else Meter())
        self._controls, self._programs = by_number(begins.controls), begins.programs

    @property
    def ensemble(self) -> Ensemble:
        """The parameters as they are now."""
        return self._band.ensemble

    @property
    def params(self) -> Params:
        """The parameters of all seats as they are now."""
        return self._band.ensemble.params

    @property
    def is_on_the_beat(self) -> bool:
        """Whether a seat plays by a tempo."""
        return self._performance.is_on_the_beat

    @property
    def heard_meter(self) -> str:
        """The metre that was heard; empty where it is set."""
        return "" if self._choice is None else str(self._choice.meter)

    @property
    def timeline(self) -> Timeline:
        """The mapping between ticks and nanoseconds as it is now."""
        return self._performance.timeline

    def turned(self, at_ns: int, ensemble: Ensemble) -> None:
        """Use other parameters, and other seats, from now on."""
        performance, before = self._performance, self.params
        performance.now_ns, meter = at_ns, self._band.meter
        was_on_the_beat = performance.is_on_the_beat
        self._band.change(at_ns, ensemble)
        params = ensemble.params
        is_begun = performance.is_on_the_beat and not was_on_the_beat
        if performance.is_on_the_beat and (is_begun or params.bpm != before.bpm):
            performance.transport.set_tempo(at_ns, params.bpm)
        if before.thru and not params.thru:
            for data in stop_passing(performance.ledger):
                performance.send(at_ns, data)
        self._choose_meter(meter)
        if self._band.meter != meter and params.meter == before.meter:
            self._band.clear_plans(at_ns)
        self._metronome.set_params(params)
        if params.click and not before.click:
            self._metronome.begin(at_ns)

    def heard(self, at_ns: int, data: bytes) -> None:
        """Handle a complete MIDI message that arrived at `at_ns`."""
        performance = self._performance
        performance.now_ns = at_ns
        if not messages.is_channel_message(data):
            self._heard_system(at_ns, data)
            return
        is_off = messages.is_note_off(data)
        if not is_off and performance.listener.is_echo(at_ns, data):
            return
        if messages.is_control(data) and data[1] in self._controls:
            name = self._controls[data[1]]
            self.turned(at_ns, turned(self.ensemble, name, data[2]))
            return
        if messages.is_program(data) and self._programs:
            self.turned(at_ns, selected(self.ensemble, self._programs, data))
        if self._passes(data):
            for message in pass_through(performance.ledger, data):
                performance.send(at_ns, message)
        for event in performance.listener.hear(at_ns, data):
            if event.is_human_onset:
                self._heard_onset(event)
            performance.history.add(event)
        self._band.heard(at_ns, data)
        if messages.is_silencing(data):
            self._band.on_stop(at_ns)

    def _heard_onset(self, event: Played) -> None:
        performance = self._performance
        performance.counts["heard"] += 1
        performance.transport.on_note(event.at_ns)
        if self._choice is not None and performance.has_beat:
            ticks = performance.timeline.ticks_at(event.at_ns)
            self._choice.on_note(ticks, event.pitch)

    def may_have_missed(self, at_ns: int) -> None:
        """Note that messages may have been lost just before the next one."""
        self._performance.now_ns = at_ns
        self._performance.transport.may_have_missed(at_ns)

    def connected(self, at_ns: int) -> None:
        """Send all programs and volumes again: something new hears what is sent."""
        self._performance.now_ns = at_ns
        self._band.set_up_again()

    def thought(self, at_ns: int, message: ToPlayer, seat: int = EVERYONE) -> None:
        """Handle a message of the thinker to a seat. A stale plan is dropped."""
        performance = self._performance
        performance.now_ns = at_ns
        if isinstance(message, Ready):
            performance.counts["shed"] += message.shift < 0
            performance.counts["climbed"] += message.shift > 0
            self._band.on_ready(message, seat)
        elif not self._band.on_plan(at_ns, message, seat):
            performance.counts["stale"] += 1

    def release(self, at_ns: int) -> list[Effect]:
        """End everything that sounds, and drop every plan (panic).

        Returns:
            All that is to be sent now, in order. Nothing begins with it.
        """
        self._performance.now_ns = at_ns
        self._band.release(at_ns)
        self._metronome.clear()
        for data in self._performance.ledger.release_all():
            self._performance.send(at_ns, data)
        return self._taken()

    def advance(self, now_ns: int) -> list[Effect]:
        """Return all that is to be sent by now, in order."""
        performance = self._performance
        performance.now_ns, performance.acted = now_ns, False
        self._follow(now_ns)
        self._follow_meter(now_ns)
        self._band.advance(now_ns)
        self._metronome.plan(now_ns)
        now_ticks = performance.timeline.ticks_at(now_ns)
        until_ticks = performance.timeline.ticks_at(now_ns + performance.reach_ns)
        if not performance.scheduler.is_empty:
            for due in performance.scheduler.take(until_ticks, now_ticks):
                self._band.send(due, now_ns)
        self._metronome.send(until_ticks, now_ns)
        self._band.on_all_sent()
        return self._taken()

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
        ticks = (performance.scheduler.next_ticks(), self._metronome.next_ticks())
        times = [
            performance.timeline.ns_at(at) - performance.reach_ns
            for at in ticks
            if at is not None
        ]
        times += [
            at_ns
            for at_ns in (self._band.next_ns(), performance.transport.check_at_ns)
            if at_ns is not None
        ]
        if self._choice is not None and performance.has_beat:
            at = self._choice.next_ticks()
            times += [] if at is None else [performance.timeline.ns_at(at)]
        return min(times, default=None)

    def status(self) -> Status:
        """Return the state of the performance. Cost: sorts the recent sends."""
        performance, band = self._performance, self._band
        late_p50_ms, late_p99_ms = performance.lateness.quantiles_ms(0.5, 0.99)
        wait_p50_ms, wait_p99_ms = performance.waits.quantiles_ms(0.5, 0.99)
        status = Status(
            turn=band.turn,
            role=band.role,
            model=band.ready.model if band.ready else "",
            provider=band.ready.provider if band.ready else "",
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
            meter=self.heard_meter,
            seats=tuple(band.seats()),
        )
        return band.report(msgspec.structs.replace(status, **performance.counts))

    def _taken(self) -> list[Effect]:
        """Return what is to be sent, and forget it."""
        out, self._performance.out = self._performance.out, []
        return out

    def _passes(self, data: bytes) -> bool:
        """Whether a channel message is passed on."""
        params = self.params
        if not params.thru:
            return False
        left = None if params.thru_left else self._band.left
        return left is None or not messages.is_note_on(data) or not left.takes(data)

    def _heard_system(self, at_ns: int, data: bytes) -> None:
        """Handle clock and song position; pass sysex through; ignore the rest."""
        performance = self._performance
        if performance.transport.hear(at_ns, data):
            self._follow(at_ns)
            return
        performance.counts["malformed"] += not data or data[0] < 0xF0
        if self.params.thru and messages.is_sysex(data):
            performance.send(at_ns, data)

    def _choose_meter(self, meter: Meter) -> None:
        """Begin or end to hear the metre; `meter` is the one to begin with."""
        if not self._band.hears_meter:
            self._choice = self._performance.meter = None
        elif self._choice is None:
            self._choice, self._performance.meter = MeterChoice(meter), meter

    def _follow_meter(self, now_ns: int) -> None:
        """Play on in another metre, if that is what was heard."""
        performance, choice = self._performance, self._choice
        if choice is None or not performance.has_beat:
            return
        if choice.advance(performance.timeline.ticks_at(now_ns)):
            performance.meter, performance.acted = choice.meter, True
            self._band.clear_plans(now_ns)
            self._metronome.begin(now_ns)

    def _follow(self, now_ns: int) -> None:
        """Drop every plan if the song has jumped."""
        transport = self._performance.transport
        transport.check(now_ns)
        if transport.jumps != self._jumps:
            self._jumps = transport.jumps
            if self._choice is not None:
                self._choice.jump(transport.left_ticks)
            self._band.clear_plans(now_ns)
            self._metronome.begin(now_ns)

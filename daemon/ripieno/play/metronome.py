"""The metronome: clicks on each felt beat, on channel 10, on a schedule of its own."""

from ripieno.play.click import click_notes
from ripieno.play.performance import Performance
from ripieno.play.scheduler import Scheduler
from ripieno.settings import texts
from ripieno.settings.params import Params


class Metronome:
    """Clicks while the song moves and the parameter `click` is on. Thread: one."""

    def __init__(self, performance: Performance, params: Params) -> None:
        self._performance, self._schedule = performance, Scheduler()
        self._until_ticks = 0  # clicks are planned up to here
        self.set_params(params)

    def set_params(self, params: Params) -> None:
        """Use other parameters from now on."""
        self._is_on, self._meter = params.click, texts.meter(params.meter, params.chart)

    def begin(self, at_ns: int) -> None:
        """Begin anew from a time on: the song has jumped, or clicks are wanted."""
        self._schedule.clear()
        self._until_ticks = self._performance.timeline.ticks_at(at_ns)

    def clear(self) -> None:
        """Drop the clicks that are planned."""
        self._schedule.clear()

    def plan(self, now_ns: int) -> None:
        """Schedule the clicks of the next beat."""
        performance = self._performance
        meter = performance.meter or self._meter
        now_ticks = performance.timeline.ticks_at(now_ns + performance.reach_ns)
        if not self._is_on or not performance.transport.running:
            return
        if now_ticks < self._until_ticks:
            return
        until = max(now_ticks, self._until_ticks) + meter.span_ticks
        notes = click_notes(meter, self._until_ticks, until)
        self._schedule.add(
            [note for note in notes if note.start_ticks >= now_ticks - meter.span_ticks]
        )
        self._until_ticks = until

    def send(self, until_ticks: int, now_ns: int) -> None:
        """Send the clicks that are due."""
        if self._schedule.is_empty:
            return
        now_ticks = self._performance.timeline.ticks_at(now_ns)
        for due in self._schedule.take(until_ticks, now_ticks):
            self._performance.send_click(due, now_ns)

    def next_ticks(self) -> int | None:
        """Return when a click is due or to be planned, or None."""
        due = self._schedule.next_ticks()
        if not self._is_on or not self._performance.transport.running:
            return due
        return self._until_ticks if due is None else min(due, self._until_ticks)

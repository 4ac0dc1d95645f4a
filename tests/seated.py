"""Seats of a performance without an engine, and what their performers schedule.

A span is a beat of 4/4 at 120 bpm.
"""

from ripieno.conduct.cue import Cue
from ripieno.music import messages
from ripieno.music.chords import named
from ripieno.music.spans import Phase
from ripieno.play.effects import Send
from ripieno.play.ledger import Ledger
from ripieno.play.performance import Performance
from ripieno.play.scheduler import owner_of
from ripieno.play.seat import Seat
from ripieno.roles.loading import performer_of
from ripieno.settings.beginning import Beginning
from ripieno.settings.params import Params

BEAT_NS = 500_000_000
"""A beat at 120 bpm."""
SPAN_TICKS = 480


def phase_at(index):
    """Where a span lies, in 4/4."""
    return Phase(index % 4, 4, index // 4)


def cue(index, chord, **fields):
    """A cue for a new chord, but for these fields."""
    values = {
        "phase": phase_at(index),
        "bass": None,
        "is_new": True,
        "start_ticks": index * SPAN_TICKS,
        "melody": (),
        "velocity": 80.0,
        "soloist": None,
        "is_replying": False,
    }
    return Cue(
        index=index,
        chord=named(chord),
        **{**values, **fields},
    )


class Seated:
    """The seats of a role with a performance of their own; numbers count from 1."""

    def __init__(self, **play):
        self.params = Params(**{"role": "accompany", **play})
        begins = Beginning(self.params, seed=5)
        self.performance = Performance(begins, Ledger())
        self.performance.transport.set_tempo(0, 120.0)
        self.chairs = {}
        self.names = {}
        for number, (name, params) in enumerate(begins.ensemble.seated().items(), 1):
            seat = Seat(number, name, params, begins, self.performance, None)
            self.chairs[name] = seat, performer_of(seat.role, seat)
            self.names[number] = name

    def __getitem__(self, name):
        """The performer of a seat."""
        return self.chairs[name][1]

    def at_beat(self, index):
        """The time of a span, which it is from now on."""
        self.performance.now_ns = index * BEAT_NS
        return self.performance.now_ns

    def take(self, until_ticks):
        """What is due until a tick; it is sent, as the engine sends it."""
        due = self.performance.scheduler.take(until_ticks, 0)
        for each in due:
            seat, performer = self.chairs[self.names[owner_of(each.note_id)]]
            now_ns = self.performance.timeline.ns_at(each.ticks)
            late_ns = seat.send_due(each, now_ns)
            if each.velocity:
                performer.on_note_sent(each, late_ns)
        return due

    def scheduled(self):
        """What is to start, in order: (ticks, seat, pitch)."""
        return [
            (due.ticks, self.names[owner_of(due.note_id)], due.pitch)
            for due in self.take(1 << 20)
            if due.velocity
        ]

    def ended(self):
        """The channels and pitches of the note-offs that went out since the last."""
        sent = [
            effect.data for effect in self.performance.out if isinstance(effect, Send)
        ]
        self.performance.out.clear()
        return {
            (messages.channel_of(data), data[1])
            for data in sent
            if messages.is_note_off(data)
        }


def pitches(scheduled, seat):
    """The pitches of a seat."""
    return [pitch for _, which, pitch in scheduled if which == seat]


def classes(scheduled, seat):
    """The pitch classes of a seat."""
    return {pitch % 12 for pitch in pitches(scheduled, seat)}

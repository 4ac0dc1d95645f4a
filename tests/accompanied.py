"""Performances on the beat in simulated time, and what was played in them.

The role is `accompany` unless another one is named.

A beat is half a second. The mind is scripted: it chooses the major chord on the note on
the beat, or what the player weighs highest, and writes the same notes to every span. So
these performances test the player; `tests/minds/test_duet.py` tests the real mind.
"""

from tests.inputs import (
    BEAT,
    CLOCK,
    MS,
)

from ripieno.engine import Engine
from ripieno.music import chords, messages
from ripieno.play.expression import LATE_TICKS
from ripieno.settings.beginning import Beginning
from ripieno.settings.params import Params
from ripieno.simulation import Simulation
from ripieno.testing import ScriptedDuet

WINDOW = 25 * MS
CHORDS, BASS, TEXTURE = 0, 1, 2
"""Channels, as those of the parts."""
LATE_NS = LATE_TICKS * BEAT // 480 + 1
TWINKLE = (60, 60, 67, 67, 69, 69, 67, 67, 65, 65, 64, 64, 62, 62, 60, 60)


def started(mind=None, *, ready=ScriptedDuet.ready, latency_ms=0.0, seed=1, **play):
    """A performance that has not begun; without a mind, one that nobody thinks for."""
    engine = Engine(Beginning(Params(**{"role": "accompany", **play}), seed=seed))
    ready = None if mind is None else ready
    takes_ms = latency_ms if callable(latency_ms) else lambda: latency_ms
    latency_ns = lambda: int(takes_ms() * MS)  # noqa: E731
    return Simulation(engine, mind, ready=ready, latency_ns=latency_ns)


def performed(inputs, mind=None, *, tail_beats=2, **how):
    """A performance to its end."""
    played = started(mind, **how)
    played.play(inputs)
    played.run_until(played.now_ns + tail_beats * BEAT)
    played.stop()
    return played


def sounding_at(played, at_ns, channel=CHORDS):
    """The pitches that sound on a channel just after an instant."""
    sounding: set[int] = set()
    for sent_ns, send in played.sent:
        if sent_ns <= at_ns and messages.channel_of(send.data) == channel:
            change = (
                sounding.add if messages.is_note_on(send.data) else sounding.discard
            )
            change(send.data[1])
    return sounding


def names(mind):
    """The chord that was really played in each span."""
    return {beat.index: chords.name_of(beat.chord) for beat in mind.beats}


def holds(chord_name, pitch):
    return pitch % 12 in chords.pitch_classes(chords.named(chord_name))


def classes(pitches):
    return {pitch % 12 for pitch in pitches}


def insists(name):
    """A mind that wants one chord, whatever it hears."""
    return ScriptedDuet(lambda _: chords.named(name))


def clocks(first_ns, beats, bpm=120.0):
    """MIDI clocks from an instant on."""
    every_ns = 60e9 / bpm / 24
    return [(first_ns + round(n * every_ns), CLOCK) for n in range(int(beats * 24))]


def merged(*streams):
    """In order of time; of one time in the order given."""
    together = [message for stream in streams for message in stream]
    return sorted(together, key=lambda message: message[0])

"""Plays a call to a role in simulated time, and gives back its reply.

The engine and the mind are the real ones. Where the beat is known, a MIDI clock runs at
the tempo of the piece, and goes on after the call.
"""

from collections.abc import Iterator
from typing import Final

import msgspec
import numpy as np

from ripieno.engine import Engine
from ripieno.inference.manifest import for_role
from ripieno.inference.tables import maybe_tables
from ripieno.music import messages
from ripieno.processes.loading import wake
from ripieno.settings.beginning import Beginning
from ripieno.settings.params import Params, check
from ripieno.settings.roles import ROLES
from ripieno.simulation import Simulation
from ripieno_export.judge.calls import Call, phrase_of
from ripieno_export.judge.simulated import Players
from ripieno_export.judge.take import Timed, paired
from ripieno_export.tokenize import NOTE, Notes

BEFORE_S: Final = 2.0
PULSES: Final = 24
"""Pulses of a MIDI clock in a quarter note."""
DOTTED: Final = 1.5
LINGERS_S: Final = 6.0
"""How long a reply may begin late, and last beyond its length."""


def players(role: str, model: str = "") -> Players:
    """Load the model that plays a role; the first one installed if none is named.

    Raises:
        ModelError: there is none.
    """
    mind, ready = wake(for_role(ROLES[role].models, model), "cpu")
    return Players(mind, ready, maybe_tables())


def reply(call: Call, role: str, who: Players, **own: object) -> Notes:
    """What a role plays after a call; of `continue` the first phrase.

    Args:
        call: what it hears.
        role: the name of a role of turns.
        who: who thinks.
        own: parameters other than the defaults.

    Returns:
        Its notes, in seconds from the call's first onset.
    """
    played = performed(call, role, who, **own)
    played = after(played, float(call.notes["start"].max()))
    if role != "continue" or not len(played):
        return played
    return phrase_of(played, call.length_s)


def after(notes: Notes, at_s: float) -> Notes:
    """The notes that begin after an instant."""
    return np.asarray(notes[notes["start"] > at_s])


def performed(call: Call, role: str, who: Players, **own: object) -> Notes:
    """All that a role plays, from the call's first onset on, in seconds from there."""
    meter = "{}/{}".format(*call.metre)
    params = Params(role=role, meter=meter, bpm=round(_bpm(call), 3))
    params = check(msgspec.structs.replace(params, **own))
    zero_s = BEFORE_S - float(call.beats[0]) if len(call.beats) else BEFORE_S
    end_s = 2 * call.length_s + LINGERS_S
    engine = Engine(Beginning(params, seed=1), tables=who.tables)
    simulation = Simulation(engine, who.mind, ready=who.ready)
    inputs = [*_clock(call, end_s), *_keys(call.notes)]
    simulation.play(
        (round((zero_s + at_s) * 1e9), data)
        for at_s, _, data in sorted(inputs, key=lambda row: row[:2])
    )
    simulation.run_until(round((zero_s + end_s) * 1e9))
    simulation.stop()
    return _notes([(at_ns, sent.data) for at_ns, sent in simulation.sent], zero_s)


def _bpm(call: Call) -> float:
    if not len(call.beats):
        return 120.0
    return min(max(60 / float(np.median(np.diff(call.beats))) * felt(call), 20), 400)


def felt(call: Call) -> float:
    """The length of a felt beat in quarter notes."""
    is_dotted = call.metre[1] == 8 and call.metre[0] % 3 == 0
    return DOTTED if is_dotted else 1.0


def _keys(notes: Notes) -> Iterator[tuple[float, int, bytes]]:
    """Keys that go down and come up; a key that is struck again comes up before."""
    for number, note in enumerate(notes):
        at_s, pitch = float(note["start"]), int(note["pitch"])
        later = notes[number + 1 :]
        again = later["start"][later["pitch"] == pitch]
        end_s = min([float(note["end"]), *again[:1].tolist()])
        if end_s <= at_s:
            continue
        yield at_s, 1, messages.note_on(0, pitch, max(int(note["velocity"]), 1))
        yield end_s, 0, messages.note_off(0, pitch)


def _clock(call: Call, end_s: float) -> Iterator[tuple[float, int, bytes]]:
    """Start and pulses of a MIDI clock; nothing where no beat is known."""
    if not len(call.beats):
        return
    pulses = round(PULSES * felt(call))
    beats = call.beats[call.beats < end_s]
    yield float(beats[0]), 0, b"\xfa"
    places = np.arange((len(beats) - 1) * pulses) / pulses
    for at_s in np.interp(places, np.arange(len(beats)), beats).tolist():
        yield at_s, 0, b"\xf8"


def _notes(sent: list[Timed], zero_s: float) -> Notes:
    rows, _ = paired(sent)
    notes = np.zeros(len(rows), NOTE)
    for number, (on_ns, off_ns, pitch, velocity, _channel) in enumerate(rows):
        notes[number] = on_ns / 1e9 - zero_s, off_ns / 1e9 - zero_s, pitch, velocity, 0
    return notes

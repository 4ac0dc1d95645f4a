"""Requests for one whole answer of each kind of model, to be measured.

Every request differs, as in a performance; none depends on the time it takes.
"""

import itertools
from collections.abc import Callable
from pkgutil import resolve_name
from typing import Final

from msgspec.structs import replace

from ripieno import protocol
from ripieno.clock import NS_PER_MS, NS_PER_S
from ripieno.inference.interfaces import INTERFACES
from ripieno.inference.session import Loaded
from ripieno.minds.minds import Mind
from ripieno.music.chords import N_CHORDS
from ripieno.music.spans import Manner, Note, Phase, Span
from ripieno.music.timeline import Timeline
from ripieno.protocol import Limits

TUNE: Final = (60, 64, 67, 65, 64, 62, 60, 59)
"""The pitches that are heard, repeated."""
NOTES: Final = 24
"""The number of notes heard before a reply."""
NOTE_NS: Final = 250 * NS_PER_MS
REPLY_TICKS: Final = 8 * 480
"""Eight seconds: in free time a beat is a second."""
BAR_TICKS: Final = 1920


def request(mind: Mind, number: int, notes: int, ticks: int) -> protocol.Ask:
    """Play the tune to a mind from its beginning; return a request for what follows.

    Args:
        mind: that is to answer.
        number: of the request, and its seed.
        notes: how many are played, one every `NOTE_NS`.
        ticks: the length of the requested plan.
    """
    mind.receive(protocol.Reset())
    for place in range(notes):
        at_ns, pitch = place * NOTE_NS, TUNE[place % len(TUNE)]
        mind.receive(protocol.Played(at_ns, 0, pitch, 80))
        mind.receive(protocol.Played(at_ns + NOTE_NS // 2, 0, pitch, 0))
    timeline = Timeline()
    start = timeline.ticks_at(notes * NOTE_NS)
    return protocol.Ask(
        revision=number, timeline=timeline, start_ticks=start,
        until_ticks=start + ticks, closing=True, pulse_ticks=480, grid_ticks=0,
        seed=number, limits=Limits(),
    )  # fmt: skip


def _reply(mind: Mind, number: int) -> None:
    mind.receive(request(mind, number, NOTES, REPLY_TICKS))
    while (said := mind.answer()) is not None:
        if isinstance(said, protocol.Plan) and said.complete:
            return


def _voices(mind: Mind, number: int) -> None:
    at_ns, pitch = number * NS_PER_S, TUNE[number % len(TUNE)] + 12
    mind.receive(protocol.Played(at_ns, 0, pitch, 80))
    mind.receive(protocol.Sing(number, at_ns, pitch, 3, Limits()))
    mind.answer()


def _beat(mind: Mind, number: int) -> None:
    index = number - 1
    pitches = (TUNE[index % len(TUNE)],)
    heard = Span((pitches, (), (), ()), (pitches,) * 4)
    asked = protocol.Decide(
        revision=number, index=index, phase=Phase(index % 4, 4, index // 4),
        frames=4, beat=heard, staleness=0, chords=(0.0,) * N_CHORDS, trust=1.0,
        before=0, manner=Manner(5, 2, 1), low=36, high=84, polyphony=4, scale=0xFFF,
        temperature=1.0, top_p=0.95, seed=index,
    )  # fmt: skip
    mind.receive(asked)
    notes, chord = list[Note](), 0
    while isinstance(said := mind.answer(), protocol.Comp):
        notes += said.notes
        chord = said.chord
        if said.complete:
            break
    mind.receive(protocol.Beat(index, heard, chord, tuple(notes)))


def _phrase(mind: Mind, number: int) -> None:
    asked = request(mind, number, 2 * len(TUNE), 2 * BAR_TICKS)
    how = protocol.Variation(since_ns=0, distance=0.5)
    mind.receive(replace(asked, role="vary", vary=how))
    mind.answer()


def _bar(mind: Mind, number: int) -> None:
    index = number - 1
    asked = protocol.Groove(
        index, index, index * BAR_TICKS, BAR_TICKS, (0,) * 4,
        pattern=index, busy=None, seed=1, limits=Limits(),
    )  # fmt: skip
    mind.receive(asked)
    mind.answer()


_ASKED: Final[dict[str, tuple[str, Callable[[Mind, int], None]]]] = {
    "step": ("8 s of a reply", _reply),
    "voices": ("three voices under a key", _voices),
    "duet": ("a beat's chord and texture", _beat),
    "phrase": ("two bars, varied", _phrase),
    "pattern": ("a bar of a loop", _bar),
}
"""Interface → what an answer is, for people; requests the answer of a number, from 1,
and reads it."""


def what_is_asked(interface: str) -> str:
    """Return what an answer of this interface is, for people."""
    return _ASKED[interface][0] if interface in _ASKED else "a run"


def answer_of(loaded: Loaded) -> Callable[[], None]:
    """Return what requests an answer of a model, or runs its graph if it has none."""
    interface = INTERFACES[loaded.manifest.interface]
    if interface.plays is None or interface.name not in _ASKED:
        return loaded.graphs["model"].run
    ask, numbers = _ASKED[interface.name][1], itertools.count(1)
    mind: Mind = resolve_name(interface.plays)(loaded)
    return lambda: ask(mind, next(numbers))

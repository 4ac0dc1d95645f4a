"""Requests for one whole answer of each kind of model, to be measured.

Every request differs, as in a performance; none depends on the time it takes.
"""

from collections.abc import Callable
from pkgutil import resolve_name
from typing import Final

from msgspec.structs import replace

from ripieno.clock import NS_PER_MS, NS_PER_S
from ripieno.inference.interfaces import INTERFACES
from ripieno.inference.session import Loaded
from ripieno.minds.minds import Mind
from ripieno.music.chords import N_CHORDS
from ripieno.music.spans import Manner, Note, Phase, Span
from ripieno.music.timeline import Timeline
from ripieno.protocol import (
    Ask,
    Beat,
    Comp,
    Decide,
    Groove,
    Limits,
    Plan,
    Played,
    Reset,
    Sing,
    Variation,
)

TUNE: Final = (60, 64, 67, 65, 64, 62, 60, 59)
"""The pitches that are heard, repeated."""
NOTES: Final = 24
"""The number of notes heard before a reply."""
NOTE_NS: Final = 250 * NS_PER_MS
REPLY_TICKS: Final = 8 * 480
"""Eight seconds: in free time a beat is a second."""
BAR_TICKS: Final = 1920

Answer = Callable[[], None]
"""Requests one whole answer, and reads it."""


class _Asked:
    """A mind, and the number of requests so far."""

    def __init__(self, mind: Mind) -> None:
        self._mind, self._count = mind, 0

    def _play(self, notes: int) -> int:
        """Play the tune from its beginning; return when it ends."""
        self._mind.receive(Reset())
        for place in range(notes):
            at_ns, pitch = place * NOTE_NS, TUNE[place % len(TUNE)]
            self._mind.receive(Played(at_ns, 0, pitch, 80))
            self._mind.receive(Played(at_ns + NOTE_NS // 2, 0, pitch, 0))
        return notes * NOTE_NS

    def _ask(self, start_ns: int, ticks: int) -> Ask:
        timeline = Timeline()
        start = timeline.ticks_at(start_ns)
        return Ask(
            revision=self._count, timeline=timeline, start_ticks=start,
            until_ticks=start + ticks, closing=True, pulse_ticks=480, grid_ticks=0,
            seed=self._count, limits=Limits(),
        )  # fmt: skip


class _Replies(_Asked):
    def __call__(self) -> None:
        self._count += 1
        self._mind.receive(self._ask(self._play(NOTES), REPLY_TICKS))
        while (said := self._mind.answer()) is not None:
            if isinstance(said, Plan) and said.complete:
                return


class _Keys(_Asked):
    def __call__(self) -> None:
        self._count += 1
        at_ns = self._count * NS_PER_S
        pitch = TUNE[self._count % len(TUNE)] + 12
        self._mind.receive(Played(at_ns, 0, pitch, 80))
        self._mind.receive(Sing(self._count, at_ns, pitch, 3, Limits()))
        self._mind.answer()


class _Beats(_Asked):
    def __call__(self) -> None:
        index, self._count = self._count, self._count + 1
        pitches = (TUNE[index % len(TUNE)],)
        heard = Span((pitches, (), (), ()), (pitches,) * 4)
        asked = Decide(
            revision=index + 1, index=index, phase=Phase(index % 4, 4, index // 4),
            frames=4, beat=heard, staleness=0, chords=(0.0,) * N_CHORDS, trust=1.0,
            before=0, manner=Manner(5, 2, 1), low=36, high=84, polyphony=4, scale=0xFFF,
            temperature=1.0, top_p=0.95, seed=index,
        )  # fmt: skip
        self._mind.receive(asked)
        notes, chord = list[Note](), 0
        while isinstance(said := self._mind.answer(), Comp):
            notes += said.notes
            chord = said.chord
            if said.complete:
                break
        self._mind.receive(Beat(index, heard, chord, tuple(notes)))


class _Phrases(_Asked):
    def __call__(self) -> None:
        self._count += 1
        asked = self._ask(self._play(2 * len(TUNE)), 2 * BAR_TICKS)
        how = Variation(since_ns=0, distance=0.5)
        self._mind.receive(replace(asked, role="vary", vary=how))
        self._mind.answer()


class _Bars(_Asked):
    def __call__(self) -> None:
        index, self._count = self._count, self._count + 1
        self._mind.receive(
            Groove(
                index, index, index * BAR_TICKS, BAR_TICKS, (0,) * 4,
                pattern=index // 4, busy=None, seed=1, limits=Limits(),
            )
        )  # fmt: skip
        self._mind.answer()


_ASKED: Final[dict[str, tuple[str, Callable[[Mind], Answer]]]] = {
    "step": ("8 s of a reply", _Replies),
    "voices": ("three voices under a key", _Keys),
    "duet": ("a beat's chord and texture", _Beats),
    "phrase": ("two bars, varied", _Phrases),
    "pattern": ("a bar of a loop", _Bars),
}
"""Interface → what an answer is, for people, and what requests it."""


def what_is_asked(interface: str) -> str:
    """Return what an answer of this interface is, for people."""
    return _ASKED[interface][0] if interface in _ASKED else "a run"


def answer_of(loaded: Loaded) -> Answer:
    """Return what requests an answer of a model, or runs its graph if it has none."""
    interface = INTERFACES[loaded.manifest.interface]
    if interface.plays is None or interface.name not in _ASKED:
        return loaded.graphs["model"].run
    return _ASKED[interface.name][1](resolve_name(interface.plays)(loaded))

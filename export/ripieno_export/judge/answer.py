"""An accompanist's answer to a performance: what was sent, and what it knew.

The chord of a frame is what the accompanist says that it *played* there: the engine
tells its thinker of every span after it is over, with what was really sent. The notes
of a take are the bass and the texture, as they were sent. The pad is not counted: it
is voiced by rule from the chord, so it would count every chord twice and hide what the
model writes. It is kept for the recordings.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from ripieno.music.chords import NO_CHORD
from ripieno.music.messages import channel_of, is_channel_message
from ripieno.music.spans import FRAME_TICKS
from ripieno.protocol import Beat
from ripieno.settings.ensemble import Ensemble
from ripieno.settings.params import Params, parse
from ripieno.settings.status import Status
from ripieno_export.judge.figure import Figure, mean_of
from ripieno_export.judge.human import Performance
from ripieno_export.judge.metrics import Sheet
from ripieno_export.judge.pieces import Ints, TestPiece
from ripieno_export.judge.take import Take, Timed, Timing, take_of

JUDGED = ("bass", "keys")
"""The seats whose notes are judged."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What an accompanist answered.

    Attributes:
        take: chords, bass and texture: what is judged.
        whole: the same with the pad: what is heard.
        status: how it went, in the accompanist's own figures.
    """

    take: Take
    whole: Take
    status: Status


class Spans:
    """The spans that an engine told of, of its last song."""

    def __init__(self) -> None:
        self._beats: dict[int, Beat] = {}
        self._last = -1

    def add(self, beat: Beat) -> None:
        """A span is over. The song began again where numbers go back."""
        if beat.index <= self._last:
            self._beats.clear()
        self._last = beat.index
        self._beats[beat.index] = beat

    def chords(self, piece: TestPiece, params: Params, lead_frames: int) -> Ints:
        """The chord of each frame of a piece."""
        meter = parse(params).meter
        played = np.full(piece.frames, NO_CHORD)
        for index, beat in self._beats.items():
            first = meter.start_of(index) // FRAME_TICKS - lead_frames
            end = first + meter.ticks_of(index) // FRAME_TICKS
            played[max(first, 0) : max(end, 0)] = beat.chord
        return played


def answer_of(
    piece: TestPiece,
    performance: Performance,
    params: Params,
    sent: Iterable[Timed],
    spans: Spans,
    status: Status,
) -> Answer:
    """Put together what was sent and told; see `Answer`."""
    messages = [(at_ns, data) for at_ns, data in sent if is_channel_message(data)]
    chords = spans.chords(piece, params, performance.lead_frames)
    beats_ns = performance.beats_ns
    whole = take_of("", piece, messages, beats_ns, chords=chords)
    kept = [m for m in messages if channel_of(m[1]) in judged_channels(params)]
    take = take_of("", piece, kept, beats_ns, chords=chords)
    return Answer(replace(take, stuck_notes=whole.stuck_notes), whole, status)


def judged_channels(params: Params) -> set[int]:
    """The channels, from 0 on, of the seats whose notes are judged."""
    seated = Ensemble(params).seated()
    return {seated[name].channel - 1 for name in JUDGED}


def named(answer: Answer, system: str, timing: Timing | None = None) -> Answer:
    """The same answer under a system's name, with its timing."""
    take = replace(answer.take, system=system, timing=timing)
    return replace(answer, take=take, whole=replace(answer.whole, system=system))


def with_status(sheet: Sheet, answers: Iterable[Answer]) -> Sheet:
    """A sheet with the accompanist's own count of the sixteenths that were ready."""
    every = [answer.status for answer in answers]
    own: dict[str, Figure] = {
        "ISR": mean_of([status.isr for status in every]),
        "ISRw": mean_of([status.isr_weighted for status in every]),
    }
    kept = {n: f for n, f in sheet.figures.items() if n != "staleness"}
    return replace(sheet, figures=kept | own)

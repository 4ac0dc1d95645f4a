"""The state of a performance: one frozen value, made a few times a second."""

from collections import deque
from typing import Final, Literal

import msgspec

Turn = Literal["idle", "human", "machine"]

RECENT_SENDS: Final = 4096
"""The number of sends over which lateness is computed: a few minutes of playing."""


class SeatStatus(msgspec.Struct, frozen=True):
    """The state of one seat.

    Attributes:
        number: of the seat, from 1 on.
        name, role, channel: as set.
        turn: who plays now.
        model: what plays; empty while the thinker starts, ``fallback`` where no model
            works.
        is_muted: whether it is silent.
        sent: note-ons.
        sounding: notes that sound now.
        asked: decisions or replies that it took.
        fallbacks: how many of them came without the model.
    """

    number: int
    name: str
    role: str
    channel: int
    turn: Turn = "idle"
    model: str = ""
    is_muted: bool = False
    sent: int = 0
    sounding: int = 0
    asked: int = 0
    fallbacks: int = 0


class Status(msgspec.Struct, frozen=True):
    """The state of the performance.

    Attributes:
        turn: who plays now.
        role, model, provider: what plays, and on what; empty while the thinker starts,
            ``fallback`` where no model works.
        heard, sent: note-ons in, planned note-ons out.
        sounding: notes of ours that sound now.
        turns, on_time: replies begun; those whose first note came from the model and
            left within 5 ms of when it was due.
        ready: replies whose first section was there when the phrase was over, before
            they were asked for.
        wait_p50_ms, wait_p99_ms: from when a phrase was over to when there was
            something to reply with; 0 for what was ready.
        late_p50_ms, late_p99_ms: sent minus due, of planned note-ons.
        fallbacks: times the model was late or away and the fallback played.
        shed, climbed: times a lighter model, or the fallback, took over from one that
            was too slow or did not work, and times that one came back.
        stale: plan sections that came too late to be used.
        dropped: notes not played because their end had passed.
        echoes: our own notes that came back and were ignored.
        malformed: messages that were not MIDI.
        refused: invalid changes of settings.
        unlogged: entries that the journal lacks: they came faster than they could be
            written.
        untold: messages for the thinker that were lost because its ring was full.
        positions_corrected: song positions that were six times too large, told by the
            count of clocks (Ardour 7.0 to 7.3), and read as what they are.
        bpm, is_external: the tempo, and whether a MIDI clock gives it.
        meter: the metre that was heard; empty where it is set.
        position: bar and beat, counted from 1; empty where there is no beat.
        section: the section of now, such as ``A`` or ``B'``; empty before the first.
        chord: the name of the chord that sounds.
        promised: chords to come that will not change, as (bar.beat, name).
        tentative: chords to come as they look now.
        asynchrony_p95_ms: on the beats that the human struck, our first note against
            theirs, as a distance.
        isr: the share of sixteenths for which the model's plan was there.
        isr_weighted: the same, weighted by how young the plan was (StreamMUSE).
        by_model: the share of beats that the model decided: from its answer to what the
            human played on the beat, or from a plan that nothing had overtaken. The
            rules decided the others.
        seats: the state of each seat.
    """

    turn: Turn = "idle"
    role: str = "answer"
    model: str = ""
    provider: str = ""
    heard: int = 0
    sent: int = 0
    sounding: int = 0
    turns: int = 0
    on_time: int = 0
    ready: int = 0
    wait_p50_ms: float = 0.0
    wait_p99_ms: float = 0.0
    late_p50_ms: float = 0.0
    late_p99_ms: float = 0.0
    fallbacks: int = 0
    shed: int = 0
    climbed: int = 0
    stale: int = 0
    dropped: int = 0
    echoes: int = 0
    malformed: int = 0
    refused: int = 0
    unlogged: int = 0
    untold: int = 0
    positions_corrected: int = 0
    bpm: float = 0.0
    is_external: bool = False
    meter: str = ""
    position: str = ""
    section: str = ""
    chord: str = ""
    promised: tuple[tuple[str, str], ...] = ()
    tentative: tuple[tuple[str, str], ...] = ()
    asynchrony_p95_ms: float = 0.0
    isr: float = 0.0
    isr_weighted: float = 0.0
    by_model: float = 1.0
    seats: tuple[SeatStatus, ...] = ()


class Lateness:
    """Sent minus due of the last `RECENT_SENDS` note-ons."""

    def __init__(self) -> None:
        self._ns: deque[int] = deque(maxlen=RECENT_SENDS)

    def add(self, late_ns: int) -> None:
        """Count one send."""
        self._ns.append(late_ns)

    def quantiles_ms(self, *shares: float) -> list[float]:
        """Return a quantile for each share, in ms; 0 where nothing was sent.

        Cost: one sort, in the playing thread.
        """
        ordered = sorted(self._ns) or [0]
        return [ordered[int(share * (len(ordered) - 1))] / 1e6 for share in shares]

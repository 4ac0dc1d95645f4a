"""The human who plays a piece: onsets that scatter, a tempo that drifts, wrong notes.

A performance is what goes into the accompanist's port: the melody on channel 1, and a
MIDI clock that drifts together with it (Start, 24 a quarter note, Stop), because a
musician who plays to a DAW's grid sends one. The transport's bar 1 begins before the
piece by what its pickup lacks of a bar, so that bar lines agree.

Everything comes from a seed: the same human plays live and in simulated time.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np

from ripieno.clock import NS_PER_MS, NS_PER_S
from ripieno.sync.transport import CLOCK, START, STOP
from ripieno_export.judge.pieces import FRAMES_PER_BEAT, Ints, Notes, TestPiece
from ripieno_export.judge.take import Timed, messages_of, ns_at

CLOCKS: Final = 24
BEGINS_NS: Final = NS_PER_S // 2
"""When Start is sent: by then the thinker has introduced itself."""
MOST_SIGMAS: Final = 3.0
DRIFT_BEATS: Final = (24.0, 48.0)
"""The period of the drift: a phrase of six to twelve bars of four."""
STEPS: Final = (-2, -1, 1, 2)
"""Semitones by which a wrong note is off."""
RINGS_BEATS: Final = 2
"""How long the clock goes on after the last frame."""


@dataclass(frozen=True, slots=True)
class Human:
    """How somebody plays.

    Attributes:
        jitter_ms: the standard deviation of an onset, cut at three of them.
        drift: how far the tempo swings to both sides, as a share of it.
        wrong: the share of notes that are a semitone or a whole tone off.
        bpm: another tempo than the piece's; None for its own.
        seed: what chance starts from.
    """

    jitter_ms: float = 8.0
    drift: float = 0.015
    wrong: float = 0.02
    bpm: float | None = None
    seed: int = 0


EXACT: Final = Human(jitter_ms=0.0, drift=0.0, wrong=0.0)
"""Somebody who plays what is written."""


@dataclass(frozen=True, slots=True, eq=False)
class Performance:
    """A piece as it was played.

    Attributes:
        messages: what was sent, by time.
        beats_ns: when each beat of the piece fell.
        lead_frames: frames from the transport's beginning to the piece's.
        bpm: the tempo around which it drifts.
        end_ns: when Stop was sent.
    """

    messages: tuple[Timed, ...]
    beats_ns: Ints
    lead_frames: int
    bpm: float
    end_ns: int


def perform(piece: TestPiece, human: Human) -> Performance:
    """Play a piece once."""
    digest = hashlib.sha256(f"{human.seed} {piece.corpus} {piece.name}".encode())
    chance = np.random.default_rng(int.from_bytes(digest.digest()[:8], "big"))
    bpm = human.bpm or piece.bpm
    lead = -piece.pickup % piece.bar_frames
    beats = -(-(piece.frames + lead) // FRAMES_PER_BEAT) + RINGS_BEATS
    transport_ns = _drifting(beats, bpm, human.drift, chance)
    own = np.arange(-(-piece.frames // FRAMES_PER_BEAT) + 1) + lead / FRAMES_PER_BEAT
    beats_ns = ns_at(own, transport_ns)
    played = _played(piece.melody, human, bpm, chance)
    played["at_beats"] = np.maximum(played["at_beats"], -lead / FRAMES_PER_BEAT)
    clocks_ns = ns_at(np.arange(beats * CLOCKS) / CLOCKS, transport_ns)
    end_ns = int(transport_ns[-1])
    timed = [(BEGINS_NS, bytes((START,)))]
    timed += [(at_ns, bytes((CLOCK,))) for at_ns in clocks_ns.tolist()]
    timed += messages_of(played, beats_ns)
    timed.sort(key=lambda message: message[0])  # a clock comes before its beat's note
    timed.append((end_ns, bytes((STOP,))))
    return Performance(tuple(timed), beats_ns, lead, bpm, end_ns)


def _drifting(
    beats: int, bpm: float, drift: float, chance: np.random.Generator
) -> Ints:
    """When the transport's beats fall: the tempo swings around `bpm`."""
    period, phase = chance.uniform(*DRIFT_BEATS), chance.uniform(0, 2 * np.pi)
    swing = np.sin(2 * np.pi * np.arange(beats) / period + phase)
    lengths = 60 * NS_PER_S / (bpm * (1.0 + drift * swing))
    times_ns = BEGINS_NS + np.append(0.0, np.cumsum(lengths))
    return np.asarray(np.rint(times_ns), np.int64)


def _played(
    melody: Notes, human: Human, bpm: float, chance: np.random.Generator
) -> Notes:
    played = melody.copy()
    sigma = human.jitter_ms * NS_PER_MS * bpm / (60 * NS_PER_S)
    scatter = np.clip(chance.normal(size=len(played)), -MOST_SIGMAS, MOST_SIGMAS)
    played["at_beats"] += sigma * scatter
    is_wrong = chance.random(len(played)) < human.wrong
    off = chance.choice(STEPS, len(played))
    played["pitch"] = np.clip(played["pitch"] + np.where(is_wrong, off, 0), 0, 127)
    return played[np.argsort(played["at_beats"], kind="stable")]

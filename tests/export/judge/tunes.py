"""Short music of which every figure can be computed by hand."""

import mido
import numpy as np
from tests.export.tiny import bytes_of

from ripieno.music.chords import NO_CHORD, named
from ripieno_export.judge.pieces import Ints, Notes, TestPiece, on_frames
from ripieno_export.judge.take import Take

Row = tuple[int, int, int]
"""Onset frame, end frame, pitch."""


def notes(*rows: Row) -> Notes:
    columns = np.array(rows, np.int64).reshape(-1, 3)
    return on_frames(columns[:, 0], columns[:, 1], columns[:, 2])


def chords(*names: str, each: int = 4) -> Ints:
    """Chords per frame, each for a beat unless said otherwise."""
    return np.repeat([named(name) for name in names], each)


def piece(
    melody: Notes,
    accompaniment: Notes | None = None,
    harmony: Ints | None = None,
    *,
    frames: int = 16,
    name: str = "tune",
    family: str = "tune",
    meter: tuple[int, int] = (4, 4),
    pickup: int = 0,
) -> TestPiece:
    return TestPiece(
        name=name,
        corpus="by hand",
        family=family,
        bpm=120.0,
        meter=meter,
        frames=frames,
        melody=melody,
        accompaniment=notes() if accompaniment is None else accompaniment,
        chords=np.full(frames, NO_CHORD) if harmony is None else harmony,
        chords_from="markers",
        pickup=pickup,
    )


def take(harmony=None, played=None, *, frames=16, system="it", timing=None) -> Take:
    harmony = np.full(frames, NO_CHORD) if harmony is None else harmony
    return Take(system, harmony, notes() if played is None else played, timing)


def scale(frames: int = 16, tonic: int = 60) -> Notes:
    """C D E F G A B C in eighths, again and again."""
    steps = (0, 2, 4, 5, 7, 9, 11, 12)
    return notes(*[(f, f + 2, tonic + steps[f // 2 % 8]) for f in range(0, frames, 2)])


def midi(
    tracks: dict[str, Notes],
    *,
    words: tuple[tuple[float, str, str], ...] = (),
    bpm: float = 100.0,
    meters: tuple[tuple[float, int, int], ...] = ((0.0, 4, 4),),
    channels: dict[str, int] | None = None,
    kind: int = 1,
) -> bytes:
    """A MIDI file; *words* are (beat, ``marker`` or ``text``, text)."""
    file = mido.MidiFile(type=1, ticks_per_beat=480)
    head = [(0.0, mido.MetaMessage("set_tempo", tempo=round(60e6 / bpm)))]
    head += [
        (at, mido.MetaMessage("time_signature", numerator=n, denominator=d))
        for at, n, d in meters
    ]
    head += [(at, mido.MetaMessage(what, text=text)) for at, what, text in words]
    file.tracks.append(_track(head))
    for name, played in tracks.items():
        channel = (channels or {}).get(name, 0)
        timed = [(0.0, mido.MetaMessage("track_name", name=name))]
        for note in played.tolist():
            start, end, pitch, velocity = note[:4]
            on = mido.Message("note_on", note=pitch, velocity=velocity, channel=channel)
            off = mido.Message("note_off", note=pitch, channel=channel)
            timed += [(start / 4, on), (end / 4 - 1e-6, off)]
        file.tracks.append(_track(timed))
    if kind == 0:
        file = mido.MidiFile(
            type=0, ticks_per_beat=480, tracks=[mido.merge_tracks(file.tracks)]
        )
    return bytes_of(file)


def _track(timed) -> mido.MidiTrack:
    track, now = mido.MidiTrack(), 0
    for beat, message in sorted(timed, key=lambda pair: pair[0]):
        tick = round(beat * 480)
        track.append(message.copy(time=tick - now))
        now = tick
    return track

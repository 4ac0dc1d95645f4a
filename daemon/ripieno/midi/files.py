"""Standard MIDI files: a performance read, a session written.

This is the only file that imports `mido`, and it uses mido for files alone (its
parser of live streams loses notes). What was played is in nanoseconds from the file's
start, what is written above it in ticks (`ripieno.midi.performance`); whatever is wrong
with a file becomes one sentence.

Free-time music is written at 120 bpm and 480 ticks a beat: a tick is 1.04 ms, so a
note is at most 0.53 ms away from where it was played.
"""

import contextlib
import errno
import io
import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import mido
from mido.midifiles.meta import KeySignatureError

from ripieno.errors import FileError
from ripieno.midi.performance import (
    TICKS_PER_BEAT,
    Performance,
    Score,
    Timed,
    Track,
    Word,
)
from ripieno.midi.tempo_map import TempoMap, tempo_map

__all__ = [
    "Performance",
    "Score",
    "Timed",
    "Track",
    "check_target",
    "read_performance",
    "write_performance",
    "write_score",
]

AtT = TypeVar("AtT", bound=tuple[Any, ...])

SLOWEST_BPM: Final = 3.58
"""A file stores a beat in 24 bits of microseconds."""
LARGEST_BYTES: Final = 16 * 1024 * 1024
"""An hour of dense piano is 1 MB."""

_DAMAGE: Final = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    struct.error,
    KeySignatureError,
)
"""What mido raises on a damaged file: found by truncating and flipping every byte."""


def read_performance(path: Path, *, may_be_silent: bool = False) -> Performance:
    """Read a MIDI file of type 0 or 1.

    Args:
        path: the file.
        may_be_silent: whether it may hold no note: a chart of markers alone.

    Raises:
        FileError: it is missing, not a MIDI file, damaged, in SMPTE time or of type
            2, or holds no note.
    """
    tracks, ticks_per_beat = _load(path)
    tempos = _sorted((t, m.tempo) for t, m in _metas(tracks, "set_tempo"))
    times = tempo_map(ticks_per_beat, tempos)
    parts = tuple(_part(track, times) for track in tracks)
    messages = _sorted(message for part in parts for message in part.messages)
    sounds = any(raw[0] >> 4 == 0x9 and raw[2] for _, raw in messages)
    if not sounds and not may_be_silent:
        raise FileError(f"{path} holds no note: choose a file with music in it")
    signatures = (
        (t, m.numerator, m.denominator) for t, m in _metas(tracks, "time_signature")
    )
    return Performance(
        name=parts[0].name or path.stem,
        messages=messages,
        tracks=tuple(part for part in parts if part.messages),
        length_ns=messages[-1][0] if messages else 0,
        length_ticks=max(sum(message.time for message in track) for track in tracks),
        ticks_per_beat=ticks_per_beat,
        tempos=tempos,
        time_signatures=_sorted(signatures),
        key_signatures=_sorted((t, m.key) for t, m in _metas(tracks, "key_signature")),
        markers=_words(tracks, "marker"),
        texts=_words(tracks, "text"),
        lyrics=_words(tracks, "lyrics"),
    )


def write_performance(
    path: Path,
    tracks: Sequence[Track],
    *,
    tempo_bpm: float = 120.0,
    tempos: Sequence[tuple[int, int]] = (),
    time_signature: tuple[int, int] = (4, 4),
    markers: Sequence[tuple[int, str]] = (),
) -> None:
    """Write what has one time signature; see `write_score` for all the rest.

    Args:
        path: where to; a file there is replaced.
        tracks: what was played.
        tempo_bpm: beats a minute, where *tempos* says nothing; 3.58 or more.
        tempos: (tick at 480 a beat, microseconds a beat), rising.
        time_signature: numerator and denominator, from the start.
        markers: (nanoseconds, text), in any order.

    Raises:
        FileError: the file cannot be written.
        ValueError: a message is no channel message, or a number is out of bounds.
    """
    if not SLOWEST_BPM <= tempo_bpm <= 60e6:
        raise ValueError(f"tempo_bpm is {tempo_bpm}, not {SLOWEST_BPM} or more")
    score = Score(
        tempos=tuple(tempos) or ((0, round(60e6 / tempo_bpm)),),
        time_signatures=((0, *time_signature),),
    )
    write_score(path, tracks, score, markers=markers)


def write_score(
    path: Path,
    tracks: Sequence[Track],
    score: Score,
    *,
    markers: Sequence[tuple[int, str]] = (),
) -> None:
    """Write a type 1 file: a track of what stands above, then one for each of ours.

    The file appears whole or not at all.

    Args:
        path: where to; a file there is replaced.
        tracks: what was played.
        score: tempos, signatures and words, in ticks.
        markers: more of them, as they happened: (nanoseconds, text), in any order.

    Raises:
        FileError: the file cannot be written.
        ValueError: a message is no channel message, or a number is out of bounds.
    """
    times = tempo_map(TICKS_PER_BEAT, score.tempos)
    happened = tuple((times.tick_at(at_ns), text) for at_ns, text in markers)
    music = [_track(track, times) for track in tracks]
    file = mido.MidiFile(
        type=1,
        ticks_per_beat=TICKS_PER_BEAT,
        charset="utf-8",
        tracks=[_conductor(score, happened), *music],
    )
    whole = io.BytesIO()
    file.save(file=whole)
    _replace(path, whole.getvalue())


def check_target(path: Path) -> None:
    """Say before the work is done what writing its result would say afterwards.

    Raises:
        FileError: the folder is missing or not to be written to, or *path* is a folder.
    """
    if why := _why_not_written(path):
        raise FileError(f"{path} cannot be written: {os.strerror(why)}")


def _why_not_written(path: Path) -> int:
    """The system's number of the error that writing would end with; 0 for none."""
    try:
        if path.is_dir():
            return errno.EISDIR
        if not path.parent.is_dir():
            return errno.ENOENT
    except OSError as error:  # such as a name that is too long
        return error.errno or errno.EINVAL
    return 0 if os.access(path.parent, os.W_OK) else errno.EACCES


def _load(path: Path) -> tuple[list[mido.MidiTrack], int]:
    """A file's tracks and resolution, both checked."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}") from error
    if data[:4] != b"MThd":
        raise FileError(f"{path} is not a MIDI file: choose a .mid file")
    if len(data) > LARGEST_BYTES:
        raise FileError(f"{path} is {len(data)} bytes, more than {LARGEST_BYTES}")
    try:
        file = mido.MidiFile(file=io.BytesIO(data))
    except _DAMAGE as error:
        why = str(error) or "it ends too early"
        raise FileError(f"{path} is damaged ({why}): export it again") from error
    if file.type not in (0, 1):
        raise FileError(f"{path} is of type {file.type}: export it as type 0 or 1")
    if file.ticks_per_beat < 1:
        raise FileError(f"{path} counts SMPTE frames: export it in ticks a beat")
    if not file.tracks:
        raise FileError(f"{path} holds no track: choose a file with music in it")
    return file.tracks, file.ticks_per_beat


def _timed(track: mido.MidiTrack) -> Iterator[tuple[int, mido.Message]]:
    """A track's messages, each with its absolute tick."""
    tick = 0
    for message in track:
        tick += message.time
        yield tick, message


def _metas(
    tracks: list[mido.MidiTrack], kind: str
) -> Iterator[tuple[int, mido.MetaMessage]]:
    """All meta messages of one kind, with their ticks."""
    for track in tracks:
        for tick, message in _timed(track):
            if message.type == kind:
                yield tick, message


def _words(tracks: list[mido.MidiTrack], kind: str) -> tuple[Word, ...]:
    """All texts of one kind, with their ticks."""
    return _sorted((tick, _decoded(m.text)) for tick, m in _metas(tracks, kind))


def _sorted(timed: Iterable[AtT]) -> tuple[AtT, ...]:
    """In order of time or tick; of one time in the order given."""
    return tuple(sorted(timed, key=lambda pair: pair[0]))


def _part(track: mido.MidiTrack, times: TempoMap) -> Track:
    """A track's channel messages in nanoseconds."""
    messages = tuple(
        (times.ns_at(tick), bytes(message.bytes()))
        for tick, message in _timed(track)
        if not message.is_meta and message.type != "sysex" and message.bytes()[0] < 0xF0
    )
    return Track(_decoded(track.name), messages)


def _decoded(name: str) -> str:
    """A name that mido read as Latin-1, which never fails, and that may be UTF-8."""
    try:
        return name.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return name


def _conductor(score: Score, happened: tuple[Word, ...]) -> mido.MidiTrack:
    """The track of tempos, signatures, markers and other words."""
    meta = mido.MetaMessage
    timed = [
        (tick, meta("time_signature", numerator=numerator, denominator=denominator))
        for tick, numerator, denominator in score.time_signatures
    ]
    timed += [
        (tick, meta("key_signature", key=key)) for tick, key in score.key_signatures
    ]
    timed += [(tick, meta("set_tempo", tempo=us)) for tick, us in score.tempos]
    for kind, words in (
        ("marker", (*score.markers, *happened)),
        ("text", score.texts),
        ("lyrics", score.lyrics),
    ):
        timed += [(tick, meta(kind, text=_encodable(text))) for tick, text in words]
    return _in_deltas(timed)


def _track(track: Track, times: TempoMap) -> mido.MidiTrack:
    timed = [(0, mido.MetaMessage("track_name", name=_encodable(track.name)))]
    if track.program is not None:
        change = mido.Message(
            "program_change", program=track.program, channel=track.channel
        )
        timed.append((0, change))
    for at_ns, raw in sorted(track.messages, key=lambda pair: pair[0]):
        if raw[0] >= 0xF0:
            raise ValueError(f"{raw.hex()} is no channel message")
        timed.append((times.tick_at(at_ns), mido.Message.from_bytes(raw)))
    return _in_deltas(timed)


def _in_deltas(timed: list[tuple[int, mido.Message]]) -> mido.MidiTrack:
    """Messages at absolute ticks, as a track counts them: from one to the next."""
    track, now = mido.MidiTrack(), 0
    for tick, message in sorted(timed, key=lambda pair: pair[0]):
        track.append(message.copy(time=tick - now))
        now = tick
    return track


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _replace(path: Path, data: bytes) -> None:
    """Write a file beside its place, then rename it into it."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise FileError(f"{path} cannot be written: {error.strerror}") from error

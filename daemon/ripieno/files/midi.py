"""Reads and writes Standard MIDI Files.

`ripieno.files.smf` parses files; mido writes them, and this is the only file that
imports it (docs/decisions/0018). Every error is a sentence with the file's name.

Free-time music is written at 120 bpm and 480 ticks a beat. A tick is then 1.04 ms, and
a note moves by at most 0.53 ms.
"""

import contextlib
import errno
import io
import os
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import Final

import mido
import numpy as np

from ripieno.errors import FileError
from ripieno.files.columns import Messages
from ripieno.files.performance import (
    TICKS_PER_BEAT,
    Performance,
    Score,
    Timed,
    Track,
    Word,
)
from ripieno.files.repairs import in_words
from ripieno.files.smf import MidiData, read_midi
from ripieno.files.smf_track import (
    DENOMINATOR_POWER,
    FASTEST_US_PER_BEAT,
    KEY_SIGNATURE,
    LARGEST_VARIABLE,
    LYRIC,
    MARKER,
    TEMPO,
    TEXT,
    TIME_SIGNATURE,
    TRACK_NAME,
    TrackEvents,
    sharps_of,
    tempo_of,
)
from ripieno.files.tempo_map import DEFAULT_US_PER_BEAT, TempoMap, tempo_map
from ripieno.settings.paths import read_file

__all__ = ["Performance", "Score", "Timed", "Track"]

SLOWEST_BPM: Final = 3.58
"""A MIDI file stores the microseconds of a beat in 24 bits."""
FASTEST_BPM: Final = 60e6 / FASTEST_US_PER_BEAT
LONGEST_TEXT_BYTES: Final = 1_000_000
"""mido cannot read a longer text."""
LARGEST_BYTES: Final = 16 * 1024 * 1024
"""An hour of dense piano is 1 MB."""

FIFTHS: Final = [letter + sign for sign in ("b", "", "#") for letter in "FCGDAEB"]
"""Notes in rising fifths, from Fb to B#."""


def read_performance(path: Path, *, may_be_silent: bool = False) -> Performance:
    """Read a MIDI file of any type; `ripieno.files.smf` says what is accepted.

    Args:
        path: the file.
        may_be_silent: whether a file without notes is accepted, such as a chart of
            markers.

    Raises:
        FileError: it is missing, not a MIDI file, has an invalid header, is above
            16 MiB, or holds no note.

    Cost: 1 µs a message. Memory: at most 60 bytes a message while it reads; the result
    has 12, or 24 if several tracks hold messages.
    """
    data = _load(path)
    tempos = _tempos(data)
    times = tempo_map(data.ticks_per_beat, tempos)
    tracks = _tracks_of(data.tracks, times)
    messages = Messages.merged([messages for _, messages in tracks])
    if not messages.has_note() and not may_be_silent:
        why = in_words(data.found.items())
        raise FileError(
            f"{path} holds no note{f' ({why})' if why else ''}: "
            "choose a file with music in it"
        )
    return Performance(
        name=tracks[0][0] or path.stem,
        messages=messages,
        tracks=tuple(Track(name, mine) for name, mine in tracks if mine),
        length_ns=messages[-1][0] if messages else 0,
        length_ticks=max(events.end_tick for events in data.tracks),
        ticks_per_beat=data.ticks_per_beat,
        tempos=tempos,
        time_signatures=tuple(
            (tick, content[0], 2 ** content[1])
            for tick, content in _metas(data, TIME_SIGNATURE)
        ),
        key_signatures=tuple(
            (tick, _key_of(content)) for tick, content in _metas(data, KEY_SIGNATURE)
        ),
        markers=_words(data, MARKER),
        texts=_words(data, TEXT),
        lyrics=_words(data, LYRIC),
        repairs=tuple(data.found.items()),
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
    """Write a type 1 file with one time signature; otherwise as `write_score`.

    Args:
        path: a file there is replaced.
        tracks: the music.
        tempo_bpm: used if `tempos` is empty; 3.58 … 60 000 bpm.
        tempos: (tick at 480 a beat, microseconds a beat), rising.
        time_signature: numerator and denominator.
        markers: (nanoseconds, text), in any order.

    Raises:
        FileError: the file cannot be written.
        ValueError: a message is no channel message, or a number is out of bounds.
    """
    if not SLOWEST_BPM <= tempo_bpm <= FASTEST_BPM:
        raise ValueError(
            f"tempo_bpm is {tempo_bpm}, not {SLOWEST_BPM} … {FASTEST_BPM:.0f}"
        )
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
    """Write a type 1 file: a track with the score, then one for each track.

    The file appears whole or not at all. mido and symusic can read it. Texts are cut
    after a million bytes.

    Args:
        path: a file there is replaced.
        tracks: the music.
        score: tempos, signatures and words, in ticks.
        markers: more markers: (nanoseconds, text), in any order.

    Raises:
        FileError: the file cannot be written, or has more than 559 240 beats.
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
    ticks = max(sum(message.time for message in track) for track in file.tracks)
    if ticks > LARGEST_VARIABLE:
        raise FileError(
            f"{path} cannot be written: it would have {ticks // TICKS_PER_BEAT} beats, "
            f"more than {LARGEST_VARIABLE // TICKS_PER_BEAT}; "
            "choose a slower tempo or a shorter piece"
        )
    whole = io.BytesIO()
    file.save(file=whole)
    _replace(path, whole.getvalue())


def check_target(path: Path) -> None:
    """Check that a file can be written, before the work for it is done.

    Raises:
        FileError: as `write_score`: the folder is missing or not writable, or `path` is
            a folder.
    """
    why = 0
    try:
        if path.is_dir():
            why = errno.EISDIR
        elif not path.parent.is_dir():
            why = errno.ENOENT
        elif not os.access(path.parent, os.W_OK):
            why = errno.EACCES
    except OSError as error:  # such as a name that is too long
        why = error.errno or errno.EINVAL
    if why:
        raise FileError(f"{path} cannot be written: {os.strerror(why)}")


def _load(path: Path) -> MidiData:
    try:
        return read_midi(read_file(path, LARGEST_BYTES))
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise FileError(f"{path} {error}") from error


def _tempos(data: MidiData) -> tuple[tuple[int, int], ...]:
    """Return (tick, microseconds a beat) of each tempo, by tick.

    In a file of type 2 every track after the first tempo begins at 120 bpm.
    """
    if data.us_per_beat:  # SMPTE time: tempo events have no effect
        return ((0, data.us_per_beat),)
    if not data.is_sequence:
        return tuple((tick, tempo_of(it)) for tick, it in _metas(data, TEMPO))
    tempos: list[tuple[int, int]] = []
    for track in data.tracks:
        if tempos:
            tempos.append((track.first_tick, DEFAULT_US_PER_BEAT))
        tempos += [(t, tempo_of(it)) for t, kind, it in track.metas if kind == TEMPO]
    return tuple(tempos)


def _metas(data: MidiData, wanted: int) -> list[tuple[int, bytes]]:
    """Return (tick, content) of all meta events of one type, by tick."""
    found = [
        (tick, content)
        for track in data.tracks
        for tick, kind, content in track.metas
        if kind == wanted
    ]
    return sorted(found, key=itemgetter(0))


def _key_of(content: bytes) -> str:
    """Return the key of a key signature, such as ``Bb`` or ``F#m``."""
    is_minor = content[1]
    return FIFTHS[FIFTHS.index("CA"[is_minor]) + sharps_of(content)] + "m" * is_minor


def _words(data: MidiData, kind: int) -> tuple[Word, ...]:
    """Return all texts of one type."""
    return tuple((tick, _decoded(text)) for tick, text in _metas(data, kind))


def _tracks_of(
    tracks: Sequence[TrackEvents], times: TempoMap
) -> list[tuple[str, Messages]]:
    """Return each track's first name, or "", and its messages in nanoseconds."""
    at_ns = times.all_ns_at(np.concatenate([events.ticks for events in tracks]))
    ends = np.cumsum([len(events.ticks) for events in tracks])
    found = []
    for events, mine in zip(tracks, np.split(at_ns, ends[:-1]), strict=True):
        names = (text for _, kind, text in events.metas if kind == TRACK_NAME)
        found.append((_decoded(next(names, b"")), Messages(mine, events.packed)))
    return found


def _decoded(text: bytes) -> str:
    """Decode a text as UTF-8, or as Latin-1 if it is not UTF-8."""
    try:
        return text.decode("utf-8")
    except UnicodeError:
        return text.decode("latin-1")


def _conductor(score: Score, happened: tuple[Word, ...]) -> mido.MidiTrack:
    """Return the track of tempos, signatures and words."""
    if any(not n or d > 2**DENOMINATOR_POWER for _, n, d in score.time_signatures):
        raise ValueError(f"{score.time_signatures} holds what is no time signature")
    meta = mido.MetaMessage
    timed = [
        (tick, meta("time_signature", numerator=numerator, denominator=denominator))
        for tick, numerator, denominator in score.time_signatures
    ]
    timed += [(at, meta("key_signature", key=key)) for at, key in score.key_signatures]
    timed += [(at, meta("set_tempo", tempo=us)) for at, us in score.tempos]
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
    """Return messages at absolute ticks as a track, in order, with delta times."""
    track, now = mido.MidiTrack(), 0
    for tick, message in sorted(timed, key=lambda pair: pair[0]):
        track.append(message.copy(time=tick - now))
        now = tick
    return track


def _encodable(text: str) -> str:
    """Return the part of a text that UTF-8 can encode in `LONGEST_TEXT_BYTES`."""
    encoded = text.encode("utf-8", "replace")[:LONGEST_TEXT_BYTES]
    return encoded.decode("utf-8", "ignore")


def _replace(path: Path, data: bytes) -> None:
    """Write a file under another name in its folder, then rename it."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise FileError(f"{path} cannot be written: {error.strerror}") from error

"""Parses Standard MIDI Files: the header, and the events of every track.

Reads types 0, 1 and 2, in ticks a beat or in SMPTE time, also inside a RIFF container
(RMID). The header's number of tracks is ignored. If the bytes after the length of a
chunk do not look like a chunk, the chunk ends at the next ``MTrk``. A track ends at the
latest after 559 240 beats, which are 77 hours at 120 bpm. `ripieno.files.midi`
interprets the events.

Source: Standard MIDI Files 1.0 (RP-001), MIDI Manufacturers Association.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ripieno.files.performance import TICKS_PER_BEAT
from ripieno.files.repairs import Repair
from ripieno.files.smf_track import LARGEST_VARIABLE, TrackEvents, read_track

HEADER: Final = b"MThd"
TRACK: Final = b"MTrk"
CHUNK_HEADER_BYTES: Final = 8
MOST_TRACKS: Final = 32_000
"""Other readers store the number in the header as signed 16 bits."""
MOST_METAS: Final = 250_000
"""The most meta events that are kept: 50 MB. An opera with lyrics has 50 000."""
SMPTE_US_PER_S: Final = {24: 1_000_000, 25: 1_000_000, 29: 1_001_000, 30: 1_000_000}
"""SMPTE rate → microseconds that its frames of a second last; 29 means 30 frames in
1.001 s."""


@dataclass(frozen=True, slots=True, eq=False)
class MidiData:
    """The contents of a MIDI file.

    Attributes:
        is_sequence: whether the tracks follow one another (type 2). Then the ticks of
            each track start where the track before ended.
        ticks_per_beat: the resolution; in SMPTE time a beat stands for a second.
        us_per_beat: in SMPTE time, the tempo of the whole file; else None.
        tracks: at least one.
        found: how often each kind of repair was needed.
    """

    is_sequence: bool
    ticks_per_beat: int
    us_per_beat: int | None
    tracks: Sequence[TrackEvents]
    found: Counter[Repair]


def read_midi(data: bytes) -> MidiData:
    """Parse a MIDI file.

    Raises:
        ValueError: it is not a MIDI file, or its header is invalid. The message is a
            predicate for the file's name ("is of type 3: export it as …").
    """
    data = _out_of_riff(data)
    if not data.startswith(HEADER):
        raise ValueError("is not a MIDI file: choose a .mid file")
    if len(data) < CHUNK_HEADER_BYTES + 6:
        raise ValueError("ends inside its header: export it again")
    kind = int.from_bytes(data[8:10], "big")
    if kind > 2:
        raise ValueError(f"is of type {kind}: export it as type 0 or 1")
    ticks_per_beat, us_per_beat = _resolution(data[12], data[13])
    found: Counter[Repair] = Counter()
    tracks: list[TrackEvents] = []
    start, left = 0, MOST_METAS
    # At 480 ticks a beat, as we write files, every tick fits into a delta time.
    last_tick = LARGEST_VARIABLE * ticks_per_beat // TICKS_PER_BEAT
    for body in _track_bodies(data, found):
        if len(tracks) == MOST_TRACKS:
            found[Repair.TRACKS] += 1
            continue
        track = read_track(
            body, found, first_tick=start, last_tick=last_tick, most_metas=left
        )
        tracks.append(track)
        left -= len(track.metas)
        if kind == 2:
            start = track.end_tick
    if not tracks:
        raise ValueError("holds no track: choose a file with music in it")
    return MidiData(kind == 2, ticks_per_beat, us_per_beat, tracks, found)


def _resolution(high: int, low: int) -> tuple[int, int | None]:
    """Return ticks a beat, and in SMPTE time microseconds a beat, else None."""
    if high < 0x80:
        if not high and not low:
            raise ValueError("has 0 ticks a beat: export it again, with 480")
        return high << 8 | low, None
    rate = 0x100 - high
    if rate not in SMPTE_US_PER_S or not low:
        raise ValueError(
            f"counts {rate} SMPTE frames a second with {low} ticks each, which is not "
            "defined: export it in ticks a beat"
        )
    frames = 30 if rate == 29 else rate
    return frames * low, SMPTE_US_PER_S[rate]


def _out_of_riff(data: bytes) -> bytes:
    """Return the MIDI file inside a RIFF container; other data unchanged."""
    if data[:4] != b"RIFF" or data[8:12] != b"RMID":
        return data
    at = 12
    while at + CHUNK_HEADER_BYTES <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        start = at + CHUNK_HEADER_BYTES
        if data[at : at + 4] == b"data":
            return data[start : start + length]
        at = start + length + length % 2  # RIFF pads to an even length
    return data


def _track_bodies(data: bytes, found: Counter[Repair]) -> Iterator[bytes]:
    """Yield the data of each track chunk; other chunks are skipped and counted."""
    at = _end_of_chunk(data, 0)
    while at < len(data):
        start, end = at + CHUNK_HEADER_BYTES, _end_of_chunk(data, at)
        if data[at : at + 4] == TRACK:
            yield data[start:end]
        else:
            found[Repair.CHUNK] += 1
        at = end


def _end_of_chunk(data: bytes, at: int) -> int:
    """Return the end of the chunk at `at`: by its length, else the next track chunk."""
    start = at + CHUNK_HEADER_BYTES
    end = start + int.from_bytes(data[at + 4 : start], "big")
    if _is_chunk(data, at) and (end == len(data) or _is_chunk(data, end)):
        return end
    following = data.find(TRACK, at + 4)
    return following if following >= 0 else len(data)


def _is_chunk(data: bytes, at: int) -> bool:
    """Return whether four printable characters and a length begin at `at`."""
    name = data[at : at + 4]
    return (
        at + CHUNK_HEADER_BYTES <= len(data)
        and name.isascii()
        and all(0x20 <= byte < 0x7F for byte in name)
    )

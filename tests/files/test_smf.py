"""Valid and damaged MIDI files of other programs, and what is read of each."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time_ns

import pytest

from ripieno.errors import FileError
from ripieno.files.midi import Performance, read_performance
from ripieno.files.repairs import in_words

NOTE = b"\x00\x90\x3c\x50\x60\x80\x3c\x40"
"""A note of a beat at 96 ticks a beat, which is half a second."""
END = b"\x00\xff\x2f\x00"
HALF_A_SECOND = 500_000_000
HEARD = ((0, b"\x90\x3c\x50"), (HALF_A_SECOND, b"\x80\x3c\x40"))

Read = Callable[[bytes], Performance]


def chunk(name: bytes, data: bytes, length: int | None = None) -> bytes:
    return name + (len(data) if length is None else length).to_bytes(4, "big") + data


def track(*events: bytes) -> bytes:
    return chunk(b"MTrk", b"".join(events) + END)


def header(kind: int = 1, tracks: int = 1, division: bytes = b"\x00\x60") -> bytes:
    numbers = kind.to_bytes(2, "big") + tracks.to_bytes(2, "big")
    return chunk(b"MThd", numbers + division)


def meta(kind: int, data: bytes) -> bytes:
    return bytes((0, 0xFF, kind, len(data))) + data


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads the bytes of a file."""

    def performance_of(data: bytes) -> Performance:
        path = tmp_path / "song.mid"
        path.write_bytes(data)
        return read_performance(path)

    return performance_of


def skipped(performance: Performance) -> str:
    return in_words(performance.repairs)


# ── chunks ───────────────────────────────────────────────────────────────────────────


def test_unknown_chunks_before_between_and_after_tracks_are_skipped(read: Read) -> None:
    junk = chunk(b"XFIH", b"This is not a MIDI track.")
    found = read(header(tracks=2) + junk + track(NOTE) + junk + track(NOTE) + junk)
    assert [part.messages for part in found.tracks] == [HEARD, HEARD]
    assert skipped(found) == "3 unknown chunks skipped"


@pytest.mark.parametrize("declared", [0, 1, 3, 32_768, 65_535])
def test_all_tracks_are_read_whatever_their_number_is_said_to_be(
    read: Read, declared: int
) -> None:
    found = read(header(tracks=declared) + track(NOTE) + track(NOTE))
    assert len(found.tracks) == 2
    assert not skipped(found)


def test_a_header_of_more_than_six_bytes_is_read(read: Read) -> None:
    longer = chunk(b"MThd", header()[8:] + b"more")
    assert read(longer + track(NOTE)).messages == HEARD


@pytest.mark.parametrize("length", [0, 5, 13, 100, 0xFFFF_FFFF])
def test_a_wrong_length_of_a_track_costs_neither_it_nor_the_next(
    read: Read, length: int
) -> None:
    wrong = chunk(b"MTrk", NOTE + END, length)
    found = read(header(tracks=2) + wrong + track(NOTE))
    assert [part.messages for part in found.tracks] == [HEARD, HEARD]


def test_bytes_after_the_last_track_do_not_matter(read: Read) -> None:
    found = read(header() + track(NOTE) + b"\x00")
    assert found.messages == HEARD
    assert not skipped(found)


def test_a_type_0_file_with_two_tracks_plays_both_at_once(read: Read) -> None:
    found = read(header(kind=0, tracks=2) + track(NOTE) + track(NOTE))
    assert [at for at, _ in found.messages] == [0, 0, HALF_A_SECOND, HALF_A_SECOND]


def test_the_tracks_of_a_type_2_file_follow_one_another(read: Read) -> None:
    slow = meta(0x51, (1_000_000).to_bytes(3, "big"))
    found = read(header(kind=2, tracks=3) + track(slow, NOTE) + track(NOTE) * 2)
    assert [at // HALF_A_SECOND for at, _ in found.messages] == [0, 2, 2, 3, 3, 4]
    assert found.length_ticks == 3 * 96


@pytest.mark.parametrize("title", [b"", b"odd", b"even"])
def test_a_midi_file_in_a_riff_container_is_read(read: Read, title: bytes) -> None:
    def part(name: bytes, data: bytes) -> bytes:
        return name + len(data).to_bytes(4, "little") + data + b"\0" * (len(data) % 2)

    parts = part(b"DISP", title) + part(b"data", header() + track(NOTE))
    found = read(part(b"RIFF", b"RMID" + parts + part(b"LIST", b"INFO")))
    assert found.messages == HEARD
    assert not skipped(found)


# ── time ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("rate", "ticks", "half_a_second"),
    [(24, 8, 96), (25, 40, 500), (30, 80, 1200), (25, 1, 13)],
)
def test_smpte_ticks_are_fractions_of_a_second_at_any_tempo(
    read: Read, rate: int, ticks: int, half_a_second: int
) -> None:
    delta = bytes((0x80 | half_a_second >> 7, half_a_second & 0x7F))
    events = meta(0x51, b"\x01\x00\x00"), b"\x00\x90\x3c\x50", delta + b"\x80\x3c\x40"
    found = read(header(division=bytes((256 - rate, ticks))) + track(*events))
    assert found.messages[1][0] == half_a_second * 1_000_000_000 // (rate * ticks)


def test_thirty_drop_frames_last_1001_milliseconds(read: Read) -> None:
    events = b"\x00\x90\x3c\x50", b"\x1e\x80\x3c\x40"
    found = read(header(division=bytes((256 - 29, 1))) + track(*events))
    assert found.messages[1][0] == 1_001_000_000


@pytest.mark.parametrize(
    ("division", "sentence"),
    [
        (b"\x00\x00", "has 0 ticks a beat: export it again"),
        (b"\xe7\x00", "counts 25 SMPTE frames a second with 0 ticks each"),
        (b"\x9c\x28", "counts 100 SMPTE frames a second with 40 ticks each"),
    ],
)
def test_a_division_that_is_not_defined_is_refused(
    read: Read, division: bytes, sentence: str
) -> None:
    with pytest.raises(FileError, match=sentence):
        read(header(division=division) + track(NOTE))


@pytest.mark.parametrize("delta", [b"\xff\xff\xff\x7f", b"\xff" * 9 + b"\x7f"])
def test_a_delay_of_weeks_ends_the_track(read: Read, delta: bytes) -> None:
    found = read(header() + track(NOTE, delta + NOTE[1:]))
    assert found.messages == HEARD
    assert skipped(found) == "1 track that breaks off read up to there"


def test_a_delay_with_leading_zeros_is_what_it_says(read: Read) -> None:
    found = read(header() + track(b"\x80" * 9 + b"\x00" + NOTE[1:]))
    assert found.messages == HEARD


# ── events ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "between",
    [
        b"\x00\xf0\x05\x7e\x7f\x06\x01\xf7",
        b"\x00\xf0\x03\x43\x12\x00\x00\xf7\x03\x01\x02\xf7",
        b"\x00\xf7\x02\xf3\x01",
        b"\x00\xf0\x00",
        meta(0x01, b"text"),
        meta(0x7F, b"\x00\xff"),
    ],
    ids=["exclusive", "continued", "escape", "empty", "text", "own"],
)
def test_running_status_goes_on_after(read: Read, between: bytes) -> None:
    found = read(header() + track(b"\x00\x90\x3c\x50", between, b"\x60\x3c\x00"))
    assert found.messages == ((0, b"\x90\x3c\x50"), (HALF_A_SECOND, b"\x90\x3c\x00"))
    assert not skipped(found)


@pytest.mark.parametrize("status", [*range(0xF1, 0xF7), *range(0xF8, 0xFF)])
def test_a_system_message_in_a_file_is_skipped(read: Read, status: int) -> None:
    data_bytes = {0xF1: 1, 0xF2: 2, 0xF3: 1}.get(status, 0)
    found = read(header() + track(bytes((0, status)) + b"\x7f" * data_bytes, NOTE))
    assert found.messages == HEARD
    assert skipped(found) == "1 system message skipped"


def test_a_value_above_127_is_lowered_so_that_no_note_hangs(read: Read) -> None:
    found = read(header() + track(b"\x00\x90\x3c\x50\x60\x80\x3c\xa8"))
    assert found.messages == (HEARD[0], (HALF_A_SECOND, b"\x80\x3c\x7f"))
    assert skipped(found) == "1 value above 127 lowered to 127"


@pytest.mark.parametrize("message", [b"\x00\xb0\x80\x00", b"\x00\xc0\xff"])
def test_a_message_with_a_number_above_127_is_skipped(
    read: Read, message: bytes
) -> None:
    found = read(header() + track(message, message, NOTE))
    assert found.messages == HEARD
    assert skipped(found) == "2 messages with a number above 127 skipped"


@pytest.mark.parametrize(
    ("kind", "contents", "words"),
    [
        (0x20, [b"", b"\x10"], "invalid channel prefixes"),
        (0x51, [b"", b"\x07", b"\x00\x00\x00"], "invalid tempos"),
        (0x54, [b"", b"\x01"], "invalid SMPTE offsets"),
        (0x58, [b"", b"\x04", b"\x00\x02", b"\x04\x08"], "invalid time signatures"),
        (0x59, [b"", b"\x00", b"\x08\x00", b"\x00\x02"], "invalid key signatures"),
    ],
)
def test_invalid_meta_events_are_skipped_and_counted(
    read: Read, kind: int, contents: list[bytes], words: str
) -> None:
    found = read(header() + track(*(meta(kind, data) for data in contents), NOTE))
    assert found.messages == HEARD
    assert skipped(found) == f"{len(contents)} {words} skipped"
    assert found.tempos + found.time_signatures + found.key_signatures == ()


def test_meta_events_with_more_bytes_than_they_need_are_read(read: Read) -> None:
    tempo, meter, key = b"\x0f\x42\x40\x00", b"\x03\x03\x18\x08\x00", b"\xfd\x01\x00"
    found = read(
        header() + track(meta(0x51, tempo), meta(0x58, meter), meta(0x59, key), NOTE)
    )
    assert found.tempos == ((0, 1_000_000),)
    assert found.time_signatures == ((0, 3, 8),)
    assert found.key_signatures == ((0, "Cm"),)
    assert not skipped(found)


def test_every_key_has_its_name(read: Read) -> None:
    circle = ["Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B"]
    keys = [*circle, "F#", "C#"]
    minor = ["Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#", "G#"]
    keys += [f"{tonic}m" for tonic in (*minor, "D#", "A#")]
    contents = [bytes((n % 256, mode)) for mode in (0, 1) for n in range(-7, 8)]
    found = read(header() + track(*(meta(0x59, data) for data in contents), NOTE))
    assert [name for _, name in found.key_signatures] == keys


@pytest.mark.parametrize("cut", range(1, 5 + len(NOTE)))
def test_a_track_that_breaks_off_keeps_what_was_read_and_ends_its_notes(
    read: Read, cut: int
) -> None:
    found = read((header() + track(NOTE, NOTE))[:-cut])
    assert found.messages[:2] == HEARD
    ends = [at for at, raw in found.messages if raw[0] == 0x80]
    starts = [at for at, raw in found.messages if raw[0] == 0x90]
    assert len(starts) == len(ends)
    assert skipped(found) == "1 track that breaks off read up to there"


def test_a_damaged_track_costs_no_other_track(read: Read) -> None:
    found = read(header(tracks=3) + track(NOTE) + track(b"\x00\x3c\x40") + track(NOTE))
    assert [part.messages for part in found.tracks] == [HEARD, HEARD]
    assert skipped(found) == "1 track that breaks off read up to there"


def test_damage_that_left_no_note_is_named(read: Read) -> None:
    with pytest.raises(
        FileError, match=r"no note \(1 track that breaks off .*: choose"
    ):
        read(header() + track(b"\x00\x3c\x40"))


@pytest.mark.parametrize("length", range(6))
def test_a_file_that_ends_inside_its_header_is_refused(read: Read, length: int) -> None:
    with pytest.raises(FileError, match="ends inside its header: export it again"):
        read(header()[: 8 + length])


def test_a_type_that_is_not_defined_is_refused(read: Read) -> None:
    with pytest.raises(FileError, match="is of type 3: export it as type 0 or 1"):
        read(header(kind=3) + track(NOTE))


# ── large files ──────────────────────────────────────────────────────────────────────

FLOODS = {
    "control changes": b"\x01\xb0\x0a\x33",
    "running status": b"\x01\x0a\x33",
    "empty texts": b"\x00\xff\x01\x00",
}
TRACK_FLOOD = {"tracks": b"MTrk\0\0\0\x04\x00\x90\x3c\x40"}
FLOOD_BYTES = 15_000_000
MOST_MB = 300
READ = """
import sys
from pathlib import Path
from ripieno.files.midi import read_performance
read_performance(Path(sys.argv[1]))
status = Path("/proc/self/status").read_text()
print(int(status.partition("VmHWM:")[2].split()[0]) / 1024)
"""


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux' /proc")
@pytest.mark.parametrize("flood", [*FLOODS, *TRACK_FLOOD])
def test_fifteen_megabytes_take_less_than_300_mb(tmp_path: Path, flood: str) -> None:
    unit = (FLOODS | TRACK_FLOOD)[flood]
    units = unit * (FLOOD_BYTES // len(unit))
    body = track(NOTE, b"\x00\xb0\x07\x40", units) if flood in FLOODS else units
    path = tmp_path / "flood.mid"
    path.write_bytes(header() + track(NOTE) + body)
    done = subprocess.run(
        [sys.executable, "-c", READ, path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < MOST_MB


def test_many_tracks_and_many_tempos_together_take_no_longer(read: Read) -> None:
    """200 tracks and 20 000 tempos: each tempo is looked at once, not once a track."""
    tempos = b"".join(meta(0x51, b"\x07\xa1\x20") for _ in range(20_000))
    note = b"\x00\x90\x3c\x50\x60\x80\x3c\x40"
    data = header(1, 201) + track(tempos) + track(note) * 200
    read(data)  # what is imported is imported
    began_ns = process_time_ns()
    read(data)
    assert (process_time_ns() - began_ns) / 1e9 < 0.7

"""MIDI files are read as written, and damaged ones are refused in one sentence."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripieno.errors import FileError
from ripieno.files.midi import (
    Performance,
    Score,
    Timed,
    Track,
    read_performance,
    write_performance,
    write_score,
)

MS = 1_000_000
HUMAN = Track("Human", ((0, b"\x90\x3c\x50"), (503 * MS, b"\x80\x3c\x00")))
MACHINE = Track(
    "Ripieno",
    ((250 * MS, b"\x91\x40\x40"), (777 * MS, b"\x81\x40\x00")),
    program=11,
    channel=1,
)
MARKERS = ((0, "answer"), (700 * MS, "Ländler 答え"))

times_ns = st.integers(0, 3600 * 1000 * MS)


@pytest.fixture
def duet(tmp_path: Path) -> Path:
    path = tmp_path / "duet.mid"
    write_performance(path, [HUMAN, MACHINE], markers=MARKERS)
    return path


def test_a_duet_is_read_as_it_was_written(duet: Path) -> None:
    performance = read_performance(duet)
    assert [track.name for track in performance.tracks] == ["Human", "Ripieno"]
    assert near(performance.tracks[0].messages, HUMAN.messages)
    assert performance.tracks[1].messages[0] == (0, b"\xc1\x0b")
    assert near(performance.tracks[1].messages[1:], MACHINE.messages)
    assert [raw for _, raw in performance.messages if raw[0] >> 4 == 9] == [
        b"\x90\x3c\x50",
        b"\x91\x40\x40",
    ]
    assert abs(performance.length_ns - 777 * MS) < 0.6 * MS
    assert performance.ticks_per_beat == 480
    assert performance.tempos == ((0, 500_000),)
    assert performance.time_signatures == ((0, 4, 4),)


def near(got: Sequence[Timed], wanted: Sequence[Timed]) -> bool:
    """Whether the messages are the same and at most half a tick apart."""
    return [raw for _, raw in got] == [raw for _, raw in wanted] and all(
        abs(a - b) <= 0.53 * MS for (a, _), (b, _) in zip(got, wanted, strict=True)
    )


@given(st.lists(times_ns, min_size=1, max_size=20), st.floats(30.0, 300.0))
def test_times_survive_within_a_tick(
    tmp_path_factory: pytest.TempPathFactory, moments: list[int], tempo_bpm: float
) -> None:
    path = tmp_path_factory.mktemp("trip") / "trip.mid"
    notes = tuple((ns, b"\x90\x3c\x40") for ns in sorted(moments))
    write_performance(path, [Track("A", notes)], tempo_bpm=tempo_bpm)
    half_tick_ns = 60e9 / tempo_bpm / 480 / 2
    for (got_ns, _), (ns, _) in zip(
        read_performance(path).messages, notes, strict=True
    ):
        # The tempo itself is rounded to whole microseconds a beat; we use the rounded.
        assert abs(got_ns - ns) <= half_tick_ns * 1.001 + 1


def test_a_tempo_map_is_written_as_given(tmp_path: Path) -> None:
    path = tmp_path / "ritardando.mid"
    tempos = ((0, 500_000), (480, 750_000), (960, 1_000_000))
    notes = tuple((ns * MS, b"\x90\x3c\x40") for ns in (0, 500, 1250, 2250))
    write_performance(path, [Track("A", notes)], tempos=tempos, time_signature=(3, 4))
    performance = read_performance(path)
    assert performance.tempos == tempos
    assert performance.time_signatures == ((0, 3, 4),)
    assert performance.messages == notes


def test_messages_of_one_time_keep_the_order_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "chord.mid"
    chord = tuple((0, bytes((0x90, pitch, 64))) for pitch in (67, 60, 64))
    write_performance(path, [Track("A", chord), Track("B", ((0, b"\x90\x30\x40"),))])
    assert [raw[1] for _, raw in read_performance(path).messages] == [67, 60, 64, 48]


def test_markers_are_texts_in_the_first_track(duet: Path) -> None:
    assert "Ländler 答え".encode() in duet.read_bytes()
    performance = read_performance(duet)
    assert performance.markers == ((0, "answer"), (672, "Ländler 答え"))


def test_what_stands_above_the_music_survives(tmp_path: Path) -> None:
    path = tmp_path / "song.mid"
    score = Score(
        tempos=((0, 500_000), (480, 750_000), (960, 1_000_000)),
        time_signatures=((0, 3, 4), (1440, 6, 8)),
        key_signatures=((0, "Bb"), (1440, "F#m")),
        markers=((0, "chord:Bb"), (960, "chord:F:7")),
        texts=((0, "für Elise"),),
        lyrics=((0, "Freu"), (480, "de")),
    )
    write_score(path, [HUMAN, MACHINE], score)
    performance = read_performance(path)
    assert performance.score() == score
    assert [performance.times().tick_at(ns) for ns in (0, 500 * MS, 1250 * MS)] == [
        0,
        480,
        960,
    ]
    assert performance.length_ticks == 1440


def test_markers_may_be_added_as_they_happened(tmp_path: Path) -> None:
    path = tmp_path / "song.mid"
    score = Score(tempos=((0, 1_000_000),), markers=((480, "B"),))
    write_score(path, [HUMAN], score, markers=((2000 * MS, "C"), (0, "A")))
    assert read_performance(path).markers == ((0, "A"), (480, "B"), (960, "C"))


@pytest.mark.parametrize("ticks_per_beat", [1, 96, 480, 1000])
def test_a_score_is_counted_in_480_ticks_whatever_the_file_has(
    tmp_path: Path, ticks_per_beat: int
) -> None:
    path = tmp_path / "song.mid"
    write_score(path, [HUMAN], Score(markers=((ticks_per_beat, "one beat on"),)))
    resolution = b"\x01\xe0MTrk"
    other = ticks_per_beat.to_bytes(2, "big") + b"MTrk"
    path.write_bytes(path.read_bytes().replace(resolution, other))
    assert read_performance(path).score().markers == ((480, "one beat on"),)


def test_a_file_of_words_alone_is_read_where_silence_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "chart.mid"
    write_score(path, [Track("Blank", ())], Score(markers=((960, "chord:C"),)))
    silent = read_performance(path, may_be_silent=True)
    assert (silent.messages, silent.length_ns, silent.length_ticks) == ((), 0, 960)
    with pytest.raises(FileError, match="holds no note"):
        read_performance(path)


def test_names_of_other_programs_are_read_as_latin_1(duet: Path) -> None:
    duet.write_bytes(duet.read_bytes().replace(b"Human", b"Fl\xf6te"))
    assert read_performance(duet).tracks[0].name == "Flöte"


def test_writing_is_all_or_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "duet.mid"
    folder.mkdir()
    (folder / "kept").touch()
    for path in (folder, tmp_path / "missing" / "duet.mid"):
        with pytest.raises(FileError, match="cannot be written"):
            write_performance(path, [HUMAN])
    assert [found.name for found in tmp_path.iterdir()] == ["duet.mid"]


def test_writing_an_invalid_message_is_a_value_error(tmp_path: Path) -> None:
    for raw in (b"\xf8", b"\x90\x3c", b"\x3c\x40"):
        with pytest.raises(ValueError, match=r".+"):
            write_performance(tmp_path / "no.mid", [Track("A", ((0, raw),))])
    with pytest.raises(ValueError, match="tempo_bpm is 0"):
        write_performance(tmp_path / "no.mid", [HUMAN], tempo_bpm=0.0)


def test_an_unplayable_file_is_refused_in_one_sentence(
    tmp_path: Path, duet: Path
) -> None:
    real = duet.read_bytes()
    wrong = {
        "is not a MIDI file": b"RIFF....WAVE",
        "ends inside its header": real[:10],
        "is of type 3": real[:9] + b"\x03" + real[10:],
        "holds no track": real[:14],
        "holds no note": real.replace(b"\x90\x3c\x50", b"\x90\x3c\x00").replace(
            b"\x91\x40\x40", b"\x91\x40\x00"
        ),
    }
    path = tmp_path / "wrong.mid"
    for sentence, data in wrong.items():
        path.write_bytes(data)
        with pytest.raises(FileError, match=sentence):
            read_performance(path)
    with pytest.raises(FileError, match="cannot be read: No such file"):
        read_performance(tmp_path / "missing.mid")


def performed(path: Path, data: bytes) -> Performance | None:
    """Reading either works or ends in a FileError; anything else fails the test."""
    path.write_bytes(data)
    try:
        return read_performance(path)
    except FileError:
        return None


def test_a_file_cut_at_any_byte_is_read_or_refused(tmp_path: Path, duet: Path) -> None:
    real = duet.read_bytes()
    for length in range(len(real)):
        performed(tmp_path / "cut.mid", real[:length])


def test_a_file_with_any_byte_changed_is_read_or_refused(
    tmp_path: Path, duet: Path
) -> None:
    real, chance = duet.read_bytes(), random.Random(1)
    for at in range(len(real)):
        for value in (0x00, 0x7F, 0x80, 0xFF, chance.randrange(256)):
            changed = real[:at] + bytes((value,)) + real[at + 1 :]
            performed(tmp_path / "flip.mid", changed)


@given(st.binary(max_size=200))
def test_any_bytes_after_a_header_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, body: bytes
) -> None:
    header = b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\x01\xe0MTrk"
    length = len(body).to_bytes(4, "big")
    performed(tmp_path_factory.mktemp("any") / "any.mid", header + length + body)


META = {0x00: 2, 0x03: 5, 0x20: 1, 0x21: 1, 0x51: 3, 0x54: 5, 0x58: 4, 0x59: 2, 0x7F: 4}


@pytest.mark.parametrize("kind", META)
def test_every_meta_message_of_any_length_is_read_or_refused(
    tmp_path: Path, kind: int
) -> None:
    header = b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\x01\xe0MTrk"
    for length in range(8):
        for value in (0x00, 0x07, 0x7F, 0xFF):
            meta = bytes((0, 0xFF, kind, length, *[value] * length))
            body = meta + b"\x00\x90\x3c\x40\x00\xff\x2f\x00"
            size = len(body).to_bytes(4, "big")
            performed(tmp_path / "meta.mid", header + size + body)

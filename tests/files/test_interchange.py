"""mido and symusic read every file that Ripieno writes."""

import random
import tempfile
from pathlib import Path
from typing import Any

import mido
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from ripieno.errors import FileError
from ripieno.files.midi import (
    LONGEST_TEXT_BYTES,
    Performance,
    Score,
    Track,
    read_performance,
    write_performance,
    write_score,
)
from ripieno.files.performance import TICKS_PER_BEAT

S = 1_000_000_000
NOTE = ((0, b"\x90\x3c\x50"), (S, b"\x80\x3c\x00"))
LAST_TICK = 0x0FFF_FFFF

ticks = st.one_of(st.integers(0, 10_000), st.integers(0, LAST_TICK))
texts = st.text(st.characters(), max_size=200)
words = st.lists(st.tuples(ticks, texts), max_size=4).map(tuple)
keys = st.sampled_from(["C", "Am", "Cb", "Abm", "C#", "A#m", "F#", "D#m"])
meters = st.tuples(
    ticks, st.integers(1, 255), st.integers(0, 7).map(lambda power: 2**power)
)
scores = st.builds(
    Score,
    tempos=st.lists(st.tuples(ticks, st.integers(1000, 0xFF_FFFF)), max_size=4)
    .map(sorted)
    .map(tuple),
    time_signatures=st.lists(meters, max_size=3).map(tuple),
    key_signatures=st.lists(st.tuples(ticks, keys), max_size=3).map(tuple),
    markers=words,
    texts=words,
    lyrics=words,
)


def message(status: int, number: int, value: int) -> bytes:
    return bytes((status, number, value)[: 2 if 0xC0 <= status < 0xE0 else 3])


sevens = st.integers(0, 127)
messages = st.builds(message, st.integers(0x80, 0xEF), sevens, sevens)
timed = st.tuples(st.integers(0, 3600 * S), messages)
tracks = st.lists(
    st.builds(
        Track,
        name=texts,
        messages=st.lists(timed, max_size=6).map(tuple),
        program=st.none() | sevens,
        channel=st.integers(0, 15),
    ),
    max_size=4,
)


def symusic_score(path: Path) -> Any:
    """The file as symusic reads it, with every text of it decoded."""
    symusic = pytest.importorskip("symusic")
    score: Any = symusic.Score(path)
    score.to("second")
    for track in score.tracks:
        assert isinstance(track.name, str)
        assert all(isinstance(word.text, str) for word in track.lyrics)
    assert all(isinstance(marker.text, str) for marker in score.markers)
    return score


def assert_read_by_all(path: Path, ours: Performance) -> None:
    """All three find the same tracks, note-ons and meters."""
    theirs = mido.MidiFile(path, charset="utf-8")
    played = [
        bytes(m.bytes()) for track in theirs.tracks for m in track if not m.is_meta
    ]
    assert played == [raw for track in ours.tracks for _, raw in track.messages]
    ends = (sum(m.time for m in track) for track in theirs.tracks)
    assert max(ends) == ours.length_ticks
    score = symusic_score(path)
    assert sorted(
        (m.time, m.numerator, m.denominator) for m in score.time_signatures
    ) == sorted(ours.time_signatures)
    assert [(t.time, t.mspq) for t in score.tempos] == list(ours.tempos)


@given(tracks, scores, words)
def test_any_score_that_can_be_written_can_be_read(
    music: list[Track], score: Score, happened: tuple[tuple[int, str], ...]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any.mid"
        try:
            write_score(path, music, score, markers=happened)
        except FileError:  # a fast tempo makes too many beats of an hour
            reject()
        ours = read_performance(path, may_be_silent=True)
        assert not ours.repairs
        assert_read_by_all(path, ours)


@given(texts)
def test_names_of_any_script_survive(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "named.mid"
        write_performance(path, [Track(name, NOTE)])
        kept = name.encode("utf-8", "replace").decode("utf-8")
        assert read_performance(path).tracks[0].name == kept
        assert mido.MidiFile(path, charset="utf-8").tracks[1].name == kept
        assert symusic_score(path).tracks[0].name == kept


@pytest.mark.parametrize("letter", ["x", "ü", "答", "🎹"])
def test_a_text_of_megabytes_is_cut_between_letters(
    tmp_path: Path, letter: str
) -> None:
    path = tmp_path / "long.mid"
    write_score(path, [Track("A", NOTE)], Score(texts=((0, letter * 1_500_000),)))
    ours = read_performance(path)
    size = len(letter.encode())
    assert ours.texts == ((0, letter * (LONGEST_TEXT_BYTES // size)),)
    assert_read_by_all(path, ours)


def test_the_longest_pause_is_written_and_a_longer_one_is_a_sentence(
    tmp_path: Path,
) -> None:
    path = tmp_path / "pause.mid"
    write_score(path, [Track("A", NOTE)], Score(markers=((LAST_TICK, "end"),)))
    assert [m.time for m in symusic_score(path).markers] == [LAST_TICK]
    path.unlink()
    with pytest.raises(FileError, match=r"559240 beats.*choose a slower tempo"):
        write_score(path, [Track("A", NOTE)], Score(markers=((LAST_TICK + 1, ""),)))
    assert not path.exists()


@pytest.mark.parametrize("meter", [(4, 256), (0, 4), (4, 3)])
def test_a_meter_that_others_cannot_read_is_our_own_mistake(
    tmp_path: Path, meter: tuple[int, int]
) -> None:
    with pytest.raises(ValueError, match=r".+"):
        write_performance(tmp_path / "no.mid", [], time_signature=meter)


def test_what_is_read_of_a_damaged_file_can_be_written_and_read_by_all(
    tmp_path: Path,
) -> None:
    path, copy, chance = tmp_path / "song.mid", tmp_path / "copy.mid", random.Random(3)
    score = Score(
        time_signatures=((0, 3, 4), (480, 6, 8)),
        key_signatures=((0, "Bb"),),
        markers=((0, "Strophe – 詩"),),
        texts=((5, "text"),),
        lyrics=((7, "la"),),
    )
    write_score(path, [Track("Flöte", NOTE * 3, program=5)], score)
    whole, written = path.read_bytes(), 0
    for _ in range(250):
        damaged = bytearray(whole)
        for at in chance.sample(range(12, len(whole)), chance.randrange(1, 4)):
            damaged[at] = chance.randrange(256)
        path.write_bytes(damaged)
        try:
            found = read_performance(path)
        except FileError:
            continue
        write_score(copy, found.tracks, found.score())
        again = read_performance(copy)
        assert not again.repairs
        assert_read_by_all(copy, again)
        written += 1
    assert written > 125


@pytest.mark.slow
def test_more_tracks_than_others_can_read_are_not_kept(tmp_path: Path) -> None:
    path, copy = tmp_path / "many.mid", tmp_path / "copy.mid"
    one = b"MTrk\0\0\0\x0c\x00\x90\x3c\x50\x10\x80\x3c\x40\x00\xff\x2f\x00"
    path.write_bytes(b"MThd\0\0\0\6\0\1\x82\x35\1\xe0" + one * 33_333)
    found = read_performance(path)
    assert [n for _, n in found.repairs] == [1333]
    write_score(copy, found.tracks[-100:], found.score())
    assert_read_by_all(copy, read_performance(copy))


def test_a_beat_has_480_ticks_as_written(tmp_path: Path) -> None:
    path = tmp_path / "beats.mid"
    write_performance(path, [Track("A", NOTE)])
    assert mido.MidiFile(path).ticks_per_beat == TICKS_PER_BEAT
    assert mido.MidiFile(path).length == pytest.approx(1.0)

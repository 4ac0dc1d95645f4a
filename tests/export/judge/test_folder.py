import numpy as np
import pytest
from tests.export.judge.tunes import chords, midi, notes, scale

from ripieno.errors import FileError
from ripieno_export.judge.folder import read_folder

TRIADS = notes(
    (0, 8, 48), (0, 8, 52), (0, 8, 55), (8, 16, 53), (8, 16, 57), (8, 16, 60)
)


@pytest.fixture
def read(tmp_path):
    def of(tracks, **more):
        (tmp_path / "tune.mid").write_bytes(midi(tracks, **more))
        return read_folder(tmp_path).pieces[0]

    return of


def test_tracks_are_told_apart_by_their_names(read):
    found = read({"PIANO": TRIADS, "BRIDGE": scale(16, 72), "Lead vocal": scale()})
    assert np.array_equal(found.melody["pitch"], scale()["pitch"])
    assert np.array_equal(found.accompaniment["pitch"], TRIADS["pitch"])


def test_without_names_the_single_line_on_top_is_the_melody(read):
    found = read({"a": TRIADS, "b": notes((0, 16, 40)), "c": scale()})
    assert np.array_equal(found.melody["pitch"], scale()["pitch"])
    assert len(found.accompaniment) == len(TRIADS) + 1


def test_a_first_track_that_is_a_line_is_the_melody(read):
    found = read({"": scale(), " ": TRIADS, "flute": scale(16, 84)})
    assert found.melody["pitch"][0] == 60


def test_of_one_track_the_top_is_the_melody(read):
    found = read({"piano": np.concatenate([TRIADS, scale(16, 72)])})
    assert found.melody["pitch"].tolist()[0] == 72
    assert len(found.accompaniment) == len(TRIADS)


def test_a_file_of_one_track_is_told_apart_by_its_channels(read):
    tracks = {"a": scale(), "b": TRIADS}
    found = read(tracks, channels={"a": 0, "b": 1}, kind=0)
    assert np.array_equal(found.melody["pitch"], scale()["pitch"])
    assert np.array_equal(found.accompaniment["pitch"], TRIADS["pitch"])


def test_drum_tracks_are_no_accompaniment(read):
    tracks = {"melody": scale(), "drums": notes((0, 2, 36)), "piano": TRIADS}
    assert len(read(tracks, channels={"drums": 9}).accompaniment) == len(TRIADS)


@pytest.mark.parametrize("kind", ["marker", "text"])
def test_chords_are_read_from_markers_and_texts(read, kind):
    words = (
        (0.0, kind, "chord:C:maj"),
        (1.0, kind, "chord:N"),
        (3.0, kind, "chord:G:7"),
    )
    found = read({"melody": scale(), "PIANO": TRIADS}, words=words)
    assert found.chords_from == "markers"
    assert found.chords.tolist() == chords("C", "N", "N", "G7").tolist()


def test_without_chord_texts_chords_come_from_a_track_of_block_chords(read):
    bass = notes((0, 16, 36))
    found = read({"MELODY": scale(), "PIANO": bass, "CHORDS": TRIADS})
    assert found.chords_from == "track"
    assert found.chords.tolist() == chords("C", "C", "F", "F").tolist()
    assert found.accompaniment["pitch"].tolist() == [36]


def test_without_chord_texts_or_chart_chords_come_from_the_accompaniment(read):
    found = read({"MELODY": scale(), "PIANO": TRIADS})
    assert found.chords_from == "notes"
    assert found.chords.tolist() == chords("C", "C", "F", "F").tolist()


def test_a_chart_accompanies_where_nothing_else_does(read):
    found = read({"MELODY": scale(), "CHORDS": TRIADS})
    assert np.array_equal(found.accompaniment["pitch"], TRIADS["pitch"])


def test_a_melody_alone_has_no_chords(read):
    found = read({"MELODY": scale()})
    assert found.chords_from == "none"
    assert len(found.accompaniment) == 0


def test_tempo_and_meter_are_the_files_own(read):
    found = read({"MELODY": scale()}, bpm=96.0, meters=((0.0, 3, 4),))
    assert found.bpm == pytest.approx(96.0, abs=0.1)
    assert found.meter == (3, 4)
    assert found.pickup == 0


def test_a_short_first_bar_is_a_pickup(read):
    found = read({"MELODY": scale()}, meters=((0.0, 1, 4), (1.0, 3, 4)))
    assert (found.meter, found.pickup) == ((3, 4), 4)


def test_what_cannot_be_read_is_listed_with_its_reason(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "good.MID").write_bytes(midi({"melody": scale()}))
    (tmp_path / "bad.mid").write_bytes(b"not music")
    reading = read_folder(tmp_path)
    assert [found.name for found in reading.pieces] == ["deep/good"]
    assert reading.refused[0][0] == "bad.mid"
    assert "not a MIDI file" in reading.refused[0][1]


def test_a_folder_without_music_is_refused(tmp_path):
    with pytest.raises(FileError, match=r"holds no \.mid file"):
        read_folder(tmp_path)

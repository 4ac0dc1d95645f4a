import zipfile
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("symusic")

from tests.export import strangers, tiny

from ripieno.errors import FileError, SettingsError
from ripieno_export import corpus, split
from ripieno_export.sources import Selection, melody, piano


def test_copyleft_music_is_refused_for_training(data: Path) -> None:
    with pytest.raises(SettingsError, match="may not be trained on"):
        corpus.read(data, (Selection("4_copyleft/nottingham", melody),))


def test_a_missing_source_says_which_folder_to_name(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="--data names the folder"):
        corpus.read(tmp_path)


def test_a_damaged_file_is_listed_and_the_rest_is_read(data: Path) -> None:
    reading = corpus.read(data)
    names = {name for name, _ in reading.refused}
    assert "polish_piano/midi/003.mid" in names
    assert len(reading.refused) == 11
    assert len({p.origin.name for p in reading.pieces}) == 11


def test_a_file_that_cannot_be_unpacked_is_listed_and_the_rest_is_read(
    tmp_path: Path,
) -> None:
    path, names = "2_mit_ccby/polish_piano", ("damaged.mid", "whole.mid")
    tiny.source(tmp_path, path, {}, [{"file": name} for name in names])
    place = tmp_path / path / "polish_piano.zip"
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for seed, name in enumerate(names):
            archive.writestr(name, strangers.midi(seed))
    damaged = bytearray(place.read_bytes())
    damaged[60:80] = b"\xff" * 20
    place.write_bytes(damaged)
    reading = corpus.read(tmp_path, (Selection(path, piano),))
    assert [piece.file for piece in reading.pieces] == ["whole.mid"]
    ((name, why),) = reading.refused
    assert name == "polish_piano/damaged.mid"
    assert "while decompressing" in why


def test_provenance_comes_from_the_source_itself(data: Path) -> None:
    origin = corpus.read(data).pieces[0].origin
    assert origin.licence == "CC0"
    assert origin.commit.startswith("0123456789abcdef")


def test_a_song_is_read_as_voice_piano_and_duet(data: Path) -> None:
    pieces = [p for p in corpus.read(data).pieces if p.origin.name == "pop909"]
    assert {p.kind for p in pieces} == {"melody", "piano", "duet"}
    duet = next(p for p in pieces if p.kind == "duet")
    assert set(np.unique(duet.notes["track"])) == {0, 1}


def test_the_upper_hand_is_track_zero(data: Path) -> None:
    only = (Selection("2_mit_ccby/polish_piano", piano),)
    notes = corpus.read(data, only).pieces[0].notes
    notes = notes[notes["pitch"] < 128]
    means = [notes["pitch"][notes["track"] == hand].mean() for hand in (0, 1)]
    assert means[0] > means[1]


def test_a_pedal_is_a_note_of_pitch_128(data: Path) -> None:
    assert any((p.notes["pitch"] == 128).any() for p in corpus.read(data).pieces)


def test_held_out_music_that_training_knows_is_moved_to_training(data: Path) -> None:
    pieces = corpus.read(data).pieces
    known = next(p for p in pieces if p.split == "train")
    notes = known.notes.copy()
    notes["pitch"][notes["pitch"] < 128] += 2
    twin = corpus.Piece(known.origin, "x", "another title", "valid", "duet", notes)
    moved = split.separate([*pieces, twin])[-1]
    assert moved.family == "another title"
    assert moved.split == "train"


def test_a_transposed_repeat_is_dropped(data: Path) -> None:
    piece = corpus.read(data).pieces[0]
    assert len(split.separate([piece, piece])) == 1

"""Songs, their chords, and the tables that are counted from them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("symusic")

from tests.export.duet.walks import song

from ripieno.errors import FileError, SettingsError
from ripieno.music import chords
from ripieno.music.chords import NO_CHORD, QUALITIES
from ripieno_export.duet import counting, naming, songs
from ripieno_export.duet.songs import Source
from ripieno_export.parts import part_of

pytestmark = pytest.mark.torch


def test_a_missing_source_says_which_folder_to_name(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="--data names the folder"):
        songs.read(tmp_path)


@pytest.mark.parametrize("path", ["4_copyleft/nottingham", "5_benchmarks/jsb"])
def test_copyleft_music_is_refused_for_training(path: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="may not be trained on"):
        songs.read(tmp_path, [Source(path, "auto")])


def test_labels_become_frames_and_unknown_ones_stay_free() -> None:
    row = songs.labels([(0.0, 1.0, "C"), (1.0, 0.5, "what?"), (1.5, 0.5, "A:min7")], 10)
    assert [chords.name_of(int(c)) for c in row] == (
        ["C"] * 4 + ["-"] * 2 + ["Am7"] * 2 + ["-"] * 2
    )


def test_training_yields_what_it_shares_with_held_out_songs() -> None:
    held, other = song(1, part="valid"), song(2)
    higher = held.melody + np.array([0, 0, 5, 0])
    twin = replace(held, family="another family", part="train", melody=higher)
    assert songs.separate([twin, held, other]) == [held, other]


def test_a_family_has_one_part() -> None:
    parts = [part_of("pop909", f"pop909 {n}") for n in range(1000)]
    assert set(parts) == {"train", "test"}
    assert 0.05 < parts.count("test") / 1000 < 0.12
    assert part_of("oneills", "oneills 1") == "train"
    assert part_of("pop909", "pop909 1", "valid") == "valid"


def test_a_chord_that_is_only_played_is_heard() -> None:
    """Four bars of arpeggios: their names, and silence where nobody plays."""
    names = ("C", "Am", "Dm", "G7")
    arpeggios = ((48, (0, 4, 7)), (45, (0, 3, 7)), (50, (0, 3, 7)), (43, (0, 4, 7, 10)))
    piano = [
        (16 * bar + 4 * beat + i, 16 * bar + 4 * beat + 4, root + step, 60)
        for bar, (root, steps) in enumerate(arpeggios)
        for beat in range(4)
        for i, step in enumerate(steps)
    ]
    piece = song(1, bars=5)
    played = replace(
        piece,
        style="song",
        melody=np.zeros((0, 4), np.int64),
        piano=songs.sorted_notes([np.array(piano)]),
        chords=piece.chords[:80],
    )
    row = naming.named(played)
    heard = [chords.name_of(int(row[16 * bar + 8])) for bar in range(4)]
    assert heard == list(names)
    assert (row[64 + 4 :] == NO_CHORD).all()


def test_tables_count_what_is_there_and_share_it_among_keys() -> None:
    one = counting.count([song(1), song(3, "6/8")])
    for table in (one.on_beat, one.off_beat):
        np.testing.assert_allclose(table.sum(1), 1.0)
    np.testing.assert_allclose(one.moves.sum((1, 2)), 1.0)
    assert not one.moves[range(QUALITIES), 0, range(QUALITIES)].any()
    piece = song(1)
    moved = replace(
        piece,
        melody=piece.melody + np.array([0, 0, 3, 0]),
        chords=np.array([chords.transposed(int(c), 3) for c in piece.chords]),
    )
    for name in ("prior", "changes", "moves", "on_beat", "off_beat"):
        np.testing.assert_allclose(
            getattr(counting.count([piece]), name),
            getattr(counting.count([moved]), name),
            err_msg=name,
        )

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.command import ROOT
from tests.export.judge.tunes import midi, notes, piece, scale
from tests.export.tiny import source

from ripieno.errors import FileError
from ripieno.music.chords import named
from ripieno_export.judge import corpora, fit, metrics, originality, rhythm
from ripieno_export.judge.baselines import baselines, copy_last_bar, human
from ripieno_export.judge.leak import apart
from ripieno_export.judge.pieces import line
from ripieno_export.parts import part_of

DATA = Path(os.environ.get("RIPIENO_DATA", ROOT.parent / "shared" / "data"))
needs_data = pytest.mark.skipif(
    not (DATA / "2_mit_ccby/pop909").is_dir(),
    reason="the shared music is not here: RIPIENO_DATA names its folder",
)


@pytest.fixture
def data(tmp_path):
    song = midi(
        {
            "MELODY": scale(),
            "BRIDGE": notes((0, 16, 90)),
            "PIANO": notes((0, 4, 48)),
            "CHORDS": notes((0, 8, 55)),
        }
    )
    entry = {"file": "aligned/001.mid", "id": "001", "quarters": 4.0, "bpm": 90.0}
    entry |= {"ts": [[4, 4]], "split": "train", "chords": [[1.0, 2.0, "G:7"]]}
    damaged = entry | {"file": "aligned/002.mid", "id": "002"}
    skipped = entry | {"file": "aligned/518.mid", "id": "518"}
    files = {
        "aligned/001.mid": song,
        "aligned/002.mid": b"MThd",
        "aligned/518.mid": song,
    }
    source(tmp_path, "2_mit_ccby/pop909", files, [entry, damaged, skipped])
    return tmp_path


def test_a_song_is_read_with_its_chords_and_without_its_bridge(data):
    song = corpora.read_corpus(data, "2_mit_ccby/pop909").pieces[0]
    assert song.melody["pitch"].tolist() == [60, 62, 64, 65, 67, 69, 71, 72]
    assert song.accompaniment["pitch"].tolist() == [48]
    assert song.chords[:16].tolist() == [-1] * 4 + [named("G7")] * 8 + [-1] * 4
    assert (song.family, song.bpm, song.meter) == ("pop909 001", 90.0, (4, 4))


def test_a_damaged_file_is_listed_and_a_misaligned_song_is_skipped(data):
    reading = corpora.read_corpus(data, "2_mit_ccby/pop909")
    assert [piece.name for piece in reading.pieces] == ["001"]
    assert [name for name, _ in reading.refused] == ["pop909/aligned/002.mid"]


def test_a_missing_source_says_which_folder_to_name(tmp_path):
    with pytest.raises(FileError, match="--data names the folder"):
        corpora.read_corpus(tmp_path, "4_copyleft/nottingham")


def test_the_index_decides_what_is_valid_and_the_hash_what_is_test():
    assert part_of("pop909", "pop909 001", "valid") == "valid"
    parts = [part_of("pop909", f"pop909 {n:03}") for n in range(1, 910)]
    assert 0.05 < parts.count("test") / len(parts) < 0.11
    assert part_of("oneills", "any other tune") == "train"


def test_a_test_song_whose_tune_is_in_training_is_dropped():
    melody = notes(*[(f, f + 1, 60 + f * f % 17) for f in range(40)])
    known = replace(piece(melody, frames=40), family="known", part="train")
    again = melody.copy()
    again["pitch"] += 3
    twin = replace(piece(again, frames=40), family="twin", name="twin")
    other = notes(*[(f, f + 1, 60 + f * f * f % 13) for f in range(40)])
    stranger = replace(piece(other, frames=40), family="stranger")
    kept, dropped = apart([known, twin, stranger])
    assert [p.family for p in kept] == ["known", "stranger"]
    assert dropped == [("by hand/twin", "its tune is in training")]


@pytest.fixture(scope="module")
def pop():
    return corpora.read_corpus(DATA, "2_mit_ccby/pop909").pieces


def nic(songs):
    found = [fit.note_in_chord(s.chords, line(s.melody, s.frames)) for s in songs]
    return float(np.nanmean(found))


@needs_data
@pytest.mark.slow
def test_the_human_chords_hold_the_melody_as_often_as_is_known(pop):
    folk = corpora.read_corpus(DATA, "4_copyleft/nottingham", every=1).pieces
    assert nic(pop) == pytest.approx(0.724, abs=0.001)
    assert nic(folk) == pytest.approx(0.788, abs=0.001)


@needs_data
@pytest.mark.slow
def test_the_consonance_of_pop_pianos_is_what_is_known(pop):
    some = pop[::4]
    makers = baselines(some)
    known = {
        "human": 0.709,
        "copy last bar": 0.580,
        "random in key": 0.559,
        "random chromatic": 0.502,
    }
    for name, value in known.items():
        found = [fit.pair_consonance(song, makers[name](song)) for song in some]
        assert np.nanmean(found) == pytest.approx(value, abs=0.01), name


@needs_data
@pytest.mark.slow
def test_two_pop_pianos_are_as_far_apart_in_the_bar_as_is_known(pop):
    some = [song for song in pop[::4] if song.bar_frames == 16]
    another = baselines(some)["another song"]
    found = [rhythm.beat_divergence(song, another(song)) for song in some]
    assert np.mean(found) == pytest.approx(0.083, abs=0.01)


@needs_data
@pytest.mark.slow
def test_held_out_pop_melodies_share_the_runs_that_are_known(pop):
    index = originality.Index(
        originality.words(song.melody) for song in pop if song.part == "train"
    )
    held = [originality.words(song.melody) for song in pop if song.part == "test"]
    assert np.quantile(index.longest_runs(held), [0.5, 0.9]).tolist() == [6.0, 8.0]


@needs_data
@pytest.mark.slow
def test_human_figures_of_the_test_songs_are_what_is_known():
    songs = corpora.read_test(DATA).pieces
    folk = [song for song in songs if song.corpus == "Nottingham"]
    tunes = [song for song in songs if song.corpus == "POP909"]
    pop_sheet = metrics.judge(tunes, [human(song) for song in tunes]).figures
    folk_sheet = metrics.judge(folk, [human(song) for song in folk]).figures
    assert pop_sheet["LG"].mean == pytest.approx(0.300, abs=0.01)
    assert folk_sheet["LG"].mean == pytest.approx(0.305, abs=0.01)
    assert folk_sheet["length entropy"].mean == pytest.approx(1.61, abs=0.05)
    assert 1.1 < pop_sheet["length entropy"].mean < 1.45
    assert pop_sheet["notes/bar"].mean == pytest.approx(13.1, abs=0.5)
    assert pop_sheet["groove"].mean == pytest.approx(0.85, abs=0.01)
    assert pop_sheet["class entropy"].mean == pytest.approx(2.58, abs=0.05)


@needs_data
@pytest.mark.slow
def test_the_bar_before_is_as_rhythmic_and_less_consonant_than_the_human(pop):
    song = pop[0]
    copied = copy_last_bar(song)
    assert rhythm.beat_divergence(song, copied) < 0.01
    assert fit.pair_consonance(song, copied) < fit.pair_consonance(song, human(song))

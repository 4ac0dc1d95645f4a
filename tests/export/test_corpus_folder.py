"""Any folder becomes a corpus: what is read, what is refused, and why."""

import csv
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("symusic")
pytest.importorskip("partitura")

from tests.export import strangers

from ripieno.errors import FileError
from ripieno_export import corpus, dataset, folders, notation, packed, packing
from ripieno_export.cli import main
from ripieno_export.midi_files import music_of
from ripieno_export.packed import KINDS, Packed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return strangers.folder(tmp_path_factory.mktemp("stranger") / "songs")


@pytest.fixture(scope="module")
def found(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Packed:
    place = tmp_path_factory.mktemp("packed") / "corpus"
    return packing.pack(packing.pieces_of(folder), place)


def test_every_format_is_read(folder: Path) -> None:
    files = {piece.file for piece in corpus.gather(folders.stream(folder)).pieces}
    assert files >= {
        "song 0.mid",
        "tunes.abc#1",
        "tunes.abc#2",
        "theirs/written.musicxml",
        "theirs/packed.mxl",
        "zipped.zip/inside/deep.mid",
    }


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("transposed song 3.mid", "its melody repeats song 3.mid"),
        ("drums.mid", "it has no notes but drums"),
        ("short.mid", "5 notes; 16 are the least"),
        ("broken.mid", ""),
        ("empty.mid", ""),
        ("words.xml", "partitura"),
        ("noise.wav", "it is audio, which is not transcribed here yet"),
        ("zipped.zip/inside/deep.mp3", "it is audio"),
        ("half.zip", "it is no zip"),
        ("tunes.abc#3", "abc2midi: Error"),
    ],
)
def test_a_bad_file_is_listed_with_its_reason(
    found: Packed, file: str, why: str
) -> None:
    refused = dict(found.refused)
    assert refused[file].startswith(why)
    assert refused[file]


def test_files_that_are_not_music_are_passed_over(found: Packed) -> None:
    assert not {"notes.txt", "LICENSE", "README.md"} & set(dict(found.refused))


def test_the_licence_file_nearest_to_a_piece_counts(found: Packed) -> None:
    licences = {origin.name: origin.licence for origin in found.origins}
    assert licences == {"songs": "MIT", "theirs": "CC0-1.0"}
    origin = next(o for o in found.origins if o.name == "songs")
    assert origin.repository == "https://example.org/songs"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Creative Commons Attribution 4.0 International Public License", "CC-BY-4.0"),
        ("Attribution-ShareAlike 4.0 International", "CC-BY-SA-4.0"),
        ("GNU GENERAL PUBLIC LICENSE\n      Version 3, 29 June 2007", "GPL-3.0"),
        ("Do as you please.\nReally.", "Do as you please."),
        (
            "Attribution 4.0 International\n"
            "(dedicated under the CC0 Public Domain Dedication)",
            "CC-BY-4.0",
        ),
    ],
)
def test_a_licence_is_recognised_by_its_text(
    tmp_path: Path, text: str, name: str
) -> None:
    (tmp_path / "COPYING").write_text(text)
    (tmp_path / "a.mid").write_bytes(strangers.midi(1))
    (piece,) = corpus.gather(folders.stream(tmp_path)).pieces
    assert piece.origin.licence == name


def test_a_licence_can_be_given_and_is_missed_where_there_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    for seed in (1, 2):
        (tmp_path / "in" / f"{seed}.mid").write_bytes(strangers.midi(seed))
    out = str(tmp_path / "out")
    assert main(["corpus", str(tmp_path / "in"), "-o", out]) == 0
    assert "A licence is not stated" in capsys.readouterr().out
    again = ["corpus", str(tmp_path / "in"), "-o", out, "--licence", "CC0-1.0"]
    assert main(again) == 0
    assert "licence: CC0-1.0" in capsys.readouterr().out


def test_the_command_ends_with_a_table_of_what_was_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["corpus", str(folder), "-o", str(out)]) == 0
    said = capsys.readouterr().out
    assert "noise.wav" in said
    assert "10 files were refused" in said
    with (out / packed.REFUSED).open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["file", "reason"]
    assert len(rows) == 11


def test_a_folder_without_music_says_what_music_is(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(FileError, match=r"holds no music \(\.abc .*\.mid"):
        list(folders.stream(tmp_path))
    with pytest.raises(FileError, match="There is no folder"):
        list(folders.stream(tmp_path / "nowhere"))


def test_a_folder_of_audio_alone_says_that_it_is_audio(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.flac").write_bytes(b"fLaC")
    assert main(["corpus", str(tmp_path / "in"), "-o", str(tmp_path / "o")]) == 3
    assert "turn it into MIDI with a transcription" in capsys.readouterr().err


def test_a_folder_that_is_no_corpus_is_never_overwritten(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["corpus", str(folder), "-o", str(folder / "theirs")]) == 3
    assert "is no packed corpus" in capsys.readouterr().err
    assert (folder / "theirs" / "packed.mxl").is_file()


def test_beats_carry_the_files_own_tempo(found: Packed) -> None:
    for number in range(len(found.kind)):
        beats, notes = found.beats_of(number), found.piece(number)
        assert beats[0] == 0
        assert (np.diff(beats) > 0).all()
        assert notes["start"].max() < beats[-1]
    file = music_of(strangers.midi(1, tempo=400_000))
    assert np.diff(file.beats) == pytest.approx(0.4)


def test_a_tempo_change_bends_the_beats() -> None:
    from ripieno_export.midi_files import beats_at

    beats = beats_at([(0.0, 1.0), (2.5, 0.5)], 4)
    assert beats.tolist() == [0.0, 1.0, 2.0, 2.75, 3.25]


def test_abc_is_on_the_beat_without_its_chords_and_with_its_repeats() -> None:
    first, second, _ = notation.tunes(strangers.ABC)
    music = notation.abc_music(first)
    ((_, notes),) = music.parts
    assert (music.title, music.composer) == ("The Rising Test", "Trad.")
    assert len(notes) == 2 * (8 + 6 + 8) + 5 + 5
    assert folders.on_beat(notes, music.beats) == 1.0
    assert notation.abc_music(second).title == "The Falling Test"


def test_a_score_is_unfolded_from_its_pick_up_on() -> None:
    music = notation.score_music(strangers.xml(bars=4).encode(), ".musicxml")
    notes = np.concatenate([part for _, part in music.parts])
    notes = notes[np.argsort(notes["start"], kind="stable")]
    assert len(music.parts) == 2
    assert music.title == "A Written Piece"
    assert len(notes) == 1 + 2 * 4 * 4
    assert notes["pitch"][0] == 67
    assert notes["start"][0] == 0.0
    assert notes["start"][1] == pytest.approx(60 / 90)
    assert folders.on_beat(notes, music.beats) == 1.0


def test_a_transposing_instrument_is_put_where_it_sounds() -> None:
    text = strangers.xml(bars=4)
    down = "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose>"
    moved = text.replace("</attributes>", f"{down}</attributes>")
    plain, lower = (
        notation.score_music(each.encode(), ".xml").parts[0][1]["pitch"].astype(int)
        for each in (text, moved)
    )
    assert set(plain - lower) == {2}


def test_a_score_counts_as_engraved_and_a_performance_does_not(tmp_path: Path) -> None:
    import mido

    (tmp_path / "score.mid").write_bytes(strangers.midi(5))
    played = mido.MidiFile(file=None, ticks_per_beat=480)
    rng = np.random.default_rng(3)
    track = mido.MidiTrack()
    for _ in range(60):
        pitch, level = int(rng.integers(50, 80)), int(rng.integers(30, 100))
        gap, length = (int(ticks) for ticks in rng.integers(20, 400, 2))
        track.append(mido.Message("note_on", note=pitch, velocity=level, time=gap))
        track.append(mido.Message("note_off", note=pitch, time=length))
    played.tracks.append(track)
    played.save(tmp_path / "played.mid")
    by_name = {p.file: p for p in corpus.gather(folders.stream(tmp_path)).pieces}
    assert (by_name["score.mid"].engraved, by_name["score.mid"].flat) == (True, True)
    assert (by_name["played.mid"].engraved, by_name["played.mid"].flat) == (False,) * 2


def test_a_line_is_a_melody(found: Packed) -> None:
    kinds = {KINDS[kind] for kind in found.kind.tolist()}
    assert kinds == {"melody", "piano"}  # tunes, and the scores of two staves


def test_an_index_adds_facts_that_the_files_lack(tmp_path: Path) -> None:
    for seed in (1, 2, 3):
        (tmp_path / f"{seed}.mid").write_bytes(strangers.midi(seed))
    (tmp_path / "INDEX.jsonl").write_text(
        '{"file": "1.mid", "title": "The One", "licence": "CC0", "split": "valid"}\n'
        '{"file": "2.mid", "title": "One"}\n'
        "not JSON\n"
    )
    one, two, three = corpus.gather(folders.stream(tmp_path)).pieces
    assert one.family == two.family == "one"
    assert (one.split, one.origin.licence) == ("valid", "CC0")
    assert (three.family, three.origin.licence) == ("3", "not stated")


def test_training_takes_the_packed_corpus_and_the_plain_folder(
    folder: Path, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    from ripieno_export import event_task

    plain = event_task.packed(folder, tmp_path / "run")
    assert packed.is_packed(tmp_path / "run" / event_task.CORPUS)
    again = event_task.packed(tmp_path / "run" / event_task.CORPUS, tmp_path / "other")
    assert not (tmp_path / "other").exists()
    assert (plain.notes == again.notes).all()
    crops = dataset.Crops(again, 32, held_out=False).batch(1, 0, 4)
    assert crops.real.any(1).all()

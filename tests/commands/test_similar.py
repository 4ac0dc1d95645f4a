"""`ripieno similar` as a process, on a folder of MIDI files."""

import json
from itertools import accumulate

import pytest
from tests.command import S, assert_sentence, copy_model, rewrite_manifest, ripieno

from ripieno.files.midi import Track, write_performance
from ripieno.music import messages

TUNES = {
    "twinkle": (
        "60 60 67 67 69 69 67 65 65 64 64 62 62 60 67 67 65 65 64 64 62 "
        "67 67 65 65 64 64 62 60 60 67 67 69 69 67 65 65 64 64 62 62 60",
        "1 1 1 1 1 1 2 " * 6,
    ),
    "frere-jacques": (
        "60 62 64 60 60 62 64 60 64 65 67 64 65 67 67 69 67 65 64 60 67 69 67 65 64 60 "
        "60 55 60 60 55 60",
        "1 1 1 1 1 1 1 1 1 1 2 1 1 2 .5 .5 .5 .5 1 1 .5 .5 .5 .5 1 1 1 1 2 1 1 2",
    ),
    "ode-to-joy": (
        "64 64 65 67 67 65 64 62 60 60 62 64 64 62 62 "
        "64 64 65 67 67 65 64 62 60 60 62 64 62 60 60",
        "1 1 1 1 1 1 1 1 1 1 1 1 1.5 .5 2 " * 2,
    ),
    "amazing-grace": (
        "55 60 64 60 64 62 60 57 55 55 60 64 60 64 62 67 64 67 64 67 64 60 55 57 60 60 "
        "57 55 55 60 64 60 64 62 60",
        "1 2 .5 .5 2 1 2 1 2 1 2 .5 .5 2 1 5 1 1.5 .5 .5 .5 2 1 1.5 .5 1.5 .5 2 1 2 .5 "
        ".5 2 1 5",
    ),
    "jig": (
        "67 71 74 79 78 76 74 71 67 69 71 69 " * 4,
        ".5 " * 48,
    ),
}


def write(path, name, *, semitones=0, bpm=120.0, channel=0):
    """A tune as a MIDI file, in some key and tempo."""
    pitches, lengths = (line.split() for line in TUNES[name])
    beat_ns = 60 * S / bpm
    played = []
    starts = accumulate([0.0, *map(float, lengths)])
    for pitch, length, at in zip(pitches, lengths, starts, strict=False):
        key = int(pitch) + semitones
        end = at + 0.9 * float(length)
        played.append((int(at * beat_ns), messages.note_on(channel, key, 80)))
        played.append((int(end * beat_ns), messages.note_off(channel, key)))
    write_performance(path, [Track(name, tuple(played))], tempo_bpm=bpm)
    return path


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A copy in another key and tempo, other tunes, and what is no music."""
    folder = tmp_path_factory.mktemp("library")
    write(folder / "copy.mid", "twinkle", semitones=-5, bpm=76.0)
    (folder / "more").mkdir()
    for name in TUNES:
        if name != "twinkle":
            write(folder / "more" / f"{name}.mid", name)
    (folder / "broken.mid").write_bytes(b"MThd, but no more than that")
    write(folder / "drums.mid", "jig", channel=9)
    (folder / "notes.txt").write_text("no music")
    return folder


@pytest.fixture(scope="module")
def query(tmp_path_factory):
    return write(tmp_path_factory.mktemp("query") / "twinkle.mid", "twinkle")


@pytest.fixture(scope="module")
def answer(query, library):
    done = ripieno("similar", query, library, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_transposed_copy_in_another_tempo_comes_first(answer):
    first = answer["matches"][0]
    assert first["file"] == "copy.mid"
    assert first["rank"] == 1
    assert first["likeness"] > 0.99
    assert first["bar"] == first["its_bar"]


def test_every_other_tune_comes_after_it_in_order(answer):
    likenesses = [match["likeness"] for match in answer["matches"]]
    assert len(likenesses) == len(TUNES)
    assert likenesses == sorted(likenesses, reverse=True)
    assert likenesses[1] < likenesses[0]
    assert [match["rank"] for match in answer["matches"]] == [1, 2, 3, 4, 5]


def test_what_cannot_be_used_is_listed_with_its_reason_and_is_not_fatal(answer):
    passed = {each["file"]: each["reason"] for each in answer["unreadable"]}
    assert set(passed) == {"broken.mid", "drums.mid"}
    assert "is of type" in passed["broken.mid"]
    assert "drums aside" in passed["drums.mid"]


def test_output_for_people_is_a_table(query, library):
    done = ripieno("similar", query, library, "--top", 2)
    assert done.returncode == 0, done.stderr
    head, first, second, more, *passed = done.stdout.splitlines()
    assert head.split()[:3] == ["rank", "likeness", "file"]
    assert first.split()[:3] == ["1", "1.000", "copy.mid"]
    assert "bar 1 and its bar 1" in first
    assert second.split()[0] == "2"
    assert more == "3 more are less alike."
    assert len(passed) == 2
    assert all(line.startswith("Passed over: ") for line in passed)


def test_the_query_itself_is_passed_over(library):
    done = ripieno("similar", library / "copy.mid", library, "--json")
    files = [match["file"] for match in json.loads(done.stdout)["matches"]]
    assert "copy.mid" not in files


def test_a_folder_without_midi_files_is_a_sentence(query, tmp_path):
    assert_sentence(ripieno("similar", query, tmp_path), 3, tmp_path, "no other MIDI")


def test_a_folder_that_is_not_there_is_a_sentence(query, tmp_path):
    done = ripieno("similar", query, tmp_path / "none")
    assert_sentence(done, 3, "is no folder")


def test_a_folder_of_broken_files_is_a_sentence(query, tmp_path):
    (tmp_path / "broken.mid").write_bytes(b"nothing")
    assert_sentence(ripieno("similar", query, tmp_path), 3, "None of the 1", "broken")


def test_a_query_that_cannot_be_read_is_a_sentence(library):
    done = ripieno("similar", library / "broken.mid", library)
    assert_sentence(done, 3, "broken.mid", "is of type")


@pytest.mark.slow
def test_runs_of_intervals_count(query, library, tmp_path):
    """Without them the shown likeness is the encoder's own."""
    folder = copy_model(tmp_path, "phrase-encoder")
    entries = json.loads((folder / "manifest.json").read_text())
    shown = {}
    for weight in (0.0, entries["runs"]["weight"]):
        rewrite_manifest(folder, runs={**entries["runs"], "weight": weight})
        done = ripieno("similar", query, library, "--model", folder, "--json")
        matches = json.loads(done.stdout)["matches"]
        shown[weight > 0] = {match["file"]: match["likeness"] for match in matches}
    assert shown[True]["copy.mid"] > 0.99
    assert shown[True] != shown[False]
    # No other tune here has many runs of this one's.
    for name in set(shown[True]) - {"copy.mid"}:
        assert shown[True][name] < shown[False][name]


def test_chords_alone_have_no_runs_and_are_compared_all_the_same(tmp_path):
    pitches = (60, 64, 67, 72)
    played = [(0, messages.note_on(0, pitch, 80)) for pitch in pitches]
    played += [(4 * S, messages.note_off(0, pitch)) for pitch in pitches]
    for name in ("chord", "copy"):
        write_performance(tmp_path / f"{name}.mid", [Track(name, tuple(played))])
    done = ripieno("similar", tmp_path / "chord.mid", tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    (match,) = json.loads(done.stdout)["matches"]
    assert (match["file"], match["likeness"]) == ("copy.mid", 1.0)


def test_a_model_whose_runs_are_damaged_is_a_sentence(query, library, tmp_path):
    folder = copy_model(tmp_path, "phrase-encoder")
    (folder / "runs.npy").write_bytes(b"no runs")
    done = ripieno("similar", query, library, "--model", folder)
    assert_sentence(done, 4, "runs.npy", "copy the whole model folder")


def test_another_models_name_is_a_sentence(query, library):
    done = ripieno("similar", query, library, "--model", "event-gru")
    assert_sentence(done, 4, "event-gru", "use phrase-encoder")


def test_a_model_that_is_damaged_is_a_sentence(query, library, tmp_path):
    folder = copy_model(tmp_path, "phrase-encoder", fingerprint="of another time")
    done = ripieno("similar", query, library, "--model", folder)
    assert_sentence(done, 4, "another vocabulary")


def test_zero_matches_are_refused(query, library):
    assert_sentence(ripieno("similar", query, library, "--top", 0), 2, "top is 0")


def test_the_list_of_models_shows_one_without_a_role():
    done = ripieno("models")
    assert "phrase-encoder: encoder" in done.stdout
    assert "likeness, no role." in done.stdout

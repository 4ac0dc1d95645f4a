"""A corpus larger than memory: written while it is read, mapped when it is loaded."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("symusic")

from tests.export import strangers

from ripieno.errors import FileError
from ripieno_export import dataset, packed, packing, split
from ripieno_export.corpus import TRAIN, VALID, Piece
from ripieno_export.packed import UNKNOWN, Packed

NOTES = 3000
MEMORY = f"""
import json, sys, tracemalloc
from collections.abc import Callable
from pathlib import Path

from ripieno_export import dataset, packing, split
from tests.export import strangers

folder = Path(sys.argv[1])
split.AT_ONCE = 2 * {NOTES}


def peak(what: Callable[[], object]) -> int:
    tracemalloc.start()
    what()
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def pack(count: int) -> int:
    made = strangers.pieces(count, {NOTES})
    return peak(lambda: packing.pack(made, folder / str(count)))


def batch() -> None:
    large = dataset.load(folder / "450")
    dataset.Crops(large, 64, held_out=False).batch(1, 0, 8)


pack(5)  # what is imported and cached once
few, many = pack(50), pack(450)
music = dataset.load(folder / "450").notes.nbytes
print(json.dumps([few, many, peak(batch), music]))
"""
"""A process of its own: what `tracemalloc` counts is all that a process does, and other
tests leave garbage that ends when it likes."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    return packing.pack(strangers.pieces(40), tmp_path_factory.mktemp("p") / "corpus")


@pytest.mark.slow
def test_a_corpus_is_packed_and_read_a_piece_at_a_time(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(tmp_path)],
        cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    few, many, reading, music = json.loads(done.stdout)
    assert many - few < 400 * 1024  # a kilobyte for each more, however long it is
    assert music > 16 * (many - few)
    assert reading < music / 16


def test_loading_maps_the_notes_and_reads_the_rows(found: Packed) -> None:
    assert isinstance(found.notes, np.memmap)
    assert isinstance(found.beats, np.memmap)


def test_a_growing_array_is_an_ordinary_npy_file(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    with packing.GrowingArray(path, np.dtype("f4")) as array:
        for number in range(1000):
            array.append(np.full(number % 7, number, np.float32))
    back = np.load(path)
    assert len(back) == sum(number % 7 for number in range(1000))
    assert back[-1] == 999


def test_an_empty_array_can_be_read(tmp_path: Path) -> None:
    with packing.GrowingArray(tmp_path / "a.npy", np.dtype("f4")):
        pass
    assert len(packed.mapped(tmp_path / "a.npy")) == 0


def test_a_folder_that_was_being_packed_is_no_corpus(tmp_path: Path) -> None:
    def broken() -> object:
        yield from strangers.pieces(3)
        raise FileError("the disk is gone")

    with pytest.raises(FileError, match="the disk is gone"):
        packing.pack(broken(), tmp_path / "corpus")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_a_damaged_corpus_is_a_sentence(found: Packed, tmp_path: Path) -> None:
    packed.save(found, tmp_path / "c")
    (tmp_path / "c" / "bounds.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(FileError, match="delete it and pack the music again"):
        dataset.load(tmp_path / "c")


def test_a_corpus_of_another_vocabulary_is_refused(
    found: Packed, tmp_path: Path
) -> None:
    packed.save(found, tmp_path / "c")
    about = tmp_path / "c" / packed.ABOUT
    assert (dataset.load(tmp_path / "c").notes == found.notes).all()
    changed = about.read_text().replace('"vocabulary": "', '"vocabulary": "x')
    about.write_text(changed)
    with pytest.raises(FileError, match="of another vocabulary"):
        dataset.load(tmp_path / "c")


def test_the_one_file_of_earlier_releases_is_still_read(
    found: Packed, tmp_path: Path
) -> None:
    np.savez(
        tmp_path / "corpus.npz",
        notes=found.notes,
        bounds=found.bounds,
        kind=found.kind,
        origin=found.origin,
        held_out=found.held_out,
        about=json.dumps(
            {
                "origins": [
                    {"name": "giantmidi_sample", "licence": "CC BY 4.0"}
                    | {"repository": "r", "commit": "c"}
                ],
                "refused": [["a", "b"]],
            }
        ),
    )
    old = dataset.load(tmp_path / "corpus.npz")
    assert (old.notes == found.notes).all()
    assert not old.has_families
    assert (old.family == UNKNOWN).all()
    assert not old.engraved.any()
    assert len(old.beats_of(3)) == 0


def test_the_split_is_by_tune_and_the_same_wherever_it_is_drawn(
    found: Packed,
) -> None:
    again = split.drawn(found.family)
    assert (again == found.held_out).all()
    assert found.held_out.sum() == 2  # a twentieth of 40
    both = np.intersect1d(found.family[found.held_out], found.family[~found.held_out])
    assert not len(both)


def test_what_shares_a_quarter_of_its_music_follows_into_training(
    tmp_path: Path,
) -> None:
    first, second, third = strangers.pieces(3)
    notes = np.concatenate([third.notes[:200], first.notes[:200]])
    notes["start"] = np.arange(400) * 0.25
    mixed = Piece(first.origin, "mixed", "mixed", VALID, "melody", notes)
    pieces = [
        replace(first, split=TRAIN),
        replace(second, split=VALID),
        replace(third, split=VALID),
        mixed,
    ]
    found = packing.pack(pieces, tmp_path / "c")
    assert found.held_out.tolist() == [False, True, True, False]


def test_the_tunes_of_a_book_are_one_file_and_a_sharp_is_no_tune(
    tmp_path: Path,
) -> None:
    names = ("in C# minor.mid", "in C# major.mid", "book.abc#1", "book.abc#12")
    made = strangers.pieces(len(names))
    pieces = [replace(p, file=name) for p, name in zip(made, names, strict=True)]
    packing.pack(pieces, tmp_path / "c")
    assert packed.files(tmp_path / "c") == 3


def test_the_folder_says_what_each_piece_is(found: Packed, tmp_path: Path) -> None:
    packing.pack(strangers.pieces(2), tmp_path / "c")
    lines = (tmp_path / "c" / packed.PIECES).read_text().splitlines()
    assert '"file": "tune 1"' in lines[1]
    assert '"licence": "CC0-1.0"' in lines[1]
    assert packed.files(tmp_path / "c") == 2
    assert len(found.kind) == 40

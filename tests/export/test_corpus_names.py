"""Any name in a foreign folder is read, and so is any text beside its music."""

import json
import os
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("symusic")

from tests.export import strangers
from tests.export.strangers import read, the_good_one_is_read

from ripieno_export import corpus, packed, packing, tree
from ripieno_export.cli import main
from ripieno_export.provenance import Origins

# ── names ────────────────────────────────────────────────────────────────────────────


def test_names_that_cannot_be_written_are_escaped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / os.fsdecode(b"m\xfcsic")
    folder.mkdir()
    for seed, name in enumerate((b"caf\xe9.mid", b"a\nb.mid", b"red\x1b[31m.mid")):
        (folder / os.fsdecode(name)).write_bytes(strangers.midi(seed))
    (folder / os.fsdecode(b"short\xe9\n.mid")).write_bytes(strangers.midi(1, 5))
    with zipfile.ZipFile(folder / os.fsdecode(b"z\xe9.zip"), "w") as archive:
        archive.writestr("in\nside.mid", strangers.midi(7))
    assert main(["corpus", str(folder), "-o", str(tmp_path / "out")]) == 0
    lines = (tmp_path / "out" / packed.PIECES).read_text("utf-8").splitlines()
    assert {json.loads(line)["file"] for line in lines} == {
        r"caf\xe9.mid",
        r"a\x0ab.mid",
        r"red\x1b[31m.mid",
        r"z\xe9.zip/in\x0aside.mid",
    }
    assert r"  short\xe9\x0a.mid  5 notes" in capsys.readouterr().out
    origins = packed.load(tmp_path / "out").origins
    assert [origin.name for origin in origins] == [r"m\xfcsic"]


@pytest.mark.parametrize("text", ["Bruckner 8", "日本の 歌.mid", "naïve — “é”"])
def test_names_that_can_be_shown_stay_as_they_are(text: str) -> None:
    assert tree.printable(text) == text


def test_a_name_in_a_zip_that_no_disk_could_hold_is_read(place: Path) -> None:
    with zipfile.ZipFile(place / "z.zip", "w") as archive:
        archive.writestr(f"{'x' * 5000}/{' ' * 30_000}y.mid", strangers.midi(2))
        archive.writestr("../../up.mid", strangers.midi(3))
    found = read(place)
    assert not found.refused
    assert len(found.pieces) == 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("song", "song copy"),
        ("song", "song - Copy (2)"),
        ("song", "song copy 3"),
        ("song", "song (1)"),
        ("song", "song(1)"),
        ("song", "song_v2"),
        ("song", "Song-V10"),
        ("song", "The Song"),
    ],
)
def test_copies_of_a_file_are_one_tune(one: str, other: str, tmp_path: Path) -> None:
    families = _families(tmp_path, one, other)
    assert len(set(families)) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("bwv772", "bwv773"),
        ("hwv56", "hwv57"),
        ("rv269", "rv315"),
        ("div1", "div2"),
        ("song", "songv2"),
        ("song", "photocopy"),
        ("copy", "v2"),
        ("(1)", "(2)"),
    ],
)
def test_numbers_of_a_catalogue_are_tunes_of_their_own(
    one: str, other: str, tmp_path: Path
) -> None:
    families = _families(tmp_path, one, other)
    assert len(set(families)) == 2


def _families(folder: Path, *names: str) -> list[str]:
    for seed, name in enumerate(names):
        (folder / f"{name}.mid").write_bytes(strangers.midi(seed))
    return [piece.family for piece in read(folder).pieces]


# ── what lies beside the music ───────────────────────────────────────────────────────


def test_texts_beside_the_music_may_be_of_any_kind(place: Path) -> None:
    (place / "README.md").write_bytes(b"Gesammelt von J\xfcrgen\n")
    (place / "LICENSE").write_bytes(b"\xff\xfe\x00 J\xfcrgen\n")
    (place / "sub" / "INDEX.jsonl").mkdir(parents=True)
    (place / "sub" / "README.md").mkdir()
    (place / "sub" / "COPYING").mkdir()
    (place / "sub" / "a.mid").write_bytes(strangers.midi(2))
    found = read(place)
    assert the_good_one_is_read(found)
    assert len(found.pieces) == 2
    for piece in found.pieces:
        assert tree.printable(piece.origin.licence) == piece.origin.licence


def test_what_a_folder_states_is_read_once_for_all_below_it(place: Path) -> None:
    for name in ("one", "two"):
        (place / name).mkdir()
    (place / "LICENSE").write_text("MIT License")
    origins = Origins(place)
    assert origins.of(place / "one").licence == "MIT"
    (place / "LICENSE").unlink()
    assert origins.of(place / "two").licence == "MIT"


def test_any_content_of_an_index_is_tolerated(place: Path, tmp_path: Path) -> None:
    rows = [
        {"file": "good.mid", "title": "half \ud800", "licence": "\udce9\n"},
        {"file": ["good.mid"]},
        {"title": "no file"},
        ["good.mid"],
        7,
        None,
    ]
    lines = [json.dumps(row) for row in rows]
    lines += ["[" * 100_000, '{"file": ' + "9" * 5000 + "}", ""]
    (place / "INDEX.jsonl").write_text("\n".join(lines))
    found = packing.pack(packing.pieces_of(place), tmp_path / "out")
    assert found.origins[0].licence == r"\xe9\x0a"


def test_an_index_beside_a_zip_in_a_folder_of_its_own_is_used(place: Path) -> None:
    (place / "sub").mkdir()
    with zipfile.ZipFile(place / "sub" / "sub.zip", "w") as archive:
        archive.writestr("midi/1.mid", strangers.midi(2))
    (place / "sub" / "INDEX.jsonl").write_text('{"file":"midi/1.mid","title":"One"}')
    assert "one" in {piece.family for piece in read(place).pieces}


@pytest.mark.parametrize("name", ["test", "validation", "VALID", "dev"])
def test_what_an_index_calls_test_music_is_never_learned_from(
    name: str, place: Path
) -> None:
    row = json.dumps({"file": "good.mid", "split": name})
    (place / "INDEX.jsonl").write_text(row)
    assert read(place).pieces[0].split == corpus.VALID


@pytest.mark.parametrize("name", [None, "", "fold 3"])
def test_a_piece_without_a_valid_split_in_the_index_is_undecided(
    name: str | None, place: Path
) -> None:
    row = json.dumps({"file": "good.mid", "split": name})
    (place / "INDEX.jsonl").write_text(row)
    assert read(place).pieces[0].split == corpus.UNDECIDED


def test_a_zip_in_a_zip_is_told_and_what_macos_leaves_behind_is_not(
    place: Path,
) -> None:
    with zipfile.ZipFile(place / "z.zip", "w") as archive:
        archive.writestr("inner.zip", b"PK")
        archive.writestr("__MACOSX/._song.mid", b"\x00\x05\x16\x07")
    (place / "._good.mid").write_bytes(b"\x00\x05\x16\x07")
    assert read(place).refused == [("z.zip/inner.zip", tree.IS_NESTED)]

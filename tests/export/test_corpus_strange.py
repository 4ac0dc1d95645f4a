"""Damaged or huge files in a foreign folder neither end nor delay the reading."""

import io
import os
import struct
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("symusic")

from tests.export import strangers
from tests.export.strangers import read, the_good_one_is_read

from ripieno_export import folders, notation, tree
from ripieno_export.corpus import Reading
from ripieno_export.tokenize import NOTE, Notes

# ── what cannot be opened ────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, 0]
)
@pytest.mark.parametrize("place_in_file", [0.1, 0.5, 0.9])
def test_a_damaged_file_in_a_zip_is_listed_and_the_rest_is_read(
    method: int, place_in_file: float, place: Path
) -> None:
    content = strangers.midi(2, 400)
    with zipfile.ZipFile(place / "z.zip", "w", method) as archive:
        archive.writestr("damaged.mid", content)
        size = archive.infolist()[0].compress_size
        archive.writestr("whole.mid", strangers.midi(3))
    packed_file = bytearray((place / "z.zip").read_bytes())
    start = 30 + len("damaged.mid") + int(place_in_file * size)
    packed_file[start : start + 20] = b"\xff" * 20
    (place / "z.zip").write_bytes(packed_file)
    found = read(place)
    assert the_good_one_is_read(found)
    assert "z.zip/whole.mid" in {piece.file for piece in found.pieces}
    ((name, why),) = found.refused
    assert name == "z.zip/damaged.mid"
    assert why


def test_a_zip_whose_packing_is_not_known_or_whose_names_are_damaged_is_listed(
    place: Path,
) -> None:
    for file, old, new in [
        ("method.zip", b"\x00\x00\x00\x00", b"\x00\x00\x63\x00"),  # in both headers
        ("name.zip", "é".encode(), b"\xff\xff"),
    ]:
        with zipfile.ZipFile(place / file, "w") as archive:
            archive.writestr(zipfile.ZipInfo("é.mid"), strangers.midi(4))
        packed_file = (place / file).read_bytes().replace(old, new)
        (place / file).write_bytes(packed_file)
    found = read(place)
    assert the_good_one_is_read(found)
    assert {name.partition("/")[0] for name, _ in found.refused} == {
        "method.zip",
        "name.zip",
    }


def test_an_unreadable_file_is_listed(place: Path) -> None:
    locked, closed = place / "locked.mid", place / "closed"
    locked.write_bytes(strangers.midi(5))
    locked.chmod(0)
    closed.mkdir()
    (closed / "a.mid").write_bytes(strangers.midi(6))
    closed.chmod(0)
    try:
        if os.access(locked, os.R_OK):
            pytest.skip("this user may read everything")
        found = read(place)
    finally:
        closed.chmod(0o700)
    assert the_good_one_is_read(found)
    assert dict(found.refused) == {
        "locked.mid": "Permission denied",
        "closed": "Permission denied",
    }


def test_links_pipes_and_loops_neither_end_the_reading_nor_hold_it_up(
    place: Path,
) -> None:
    (place / "loop").symlink_to(place)
    (place / "itself.mid").symlink_to(place / "itself.mid")
    (place / "gone.mid").symlink_to(place / "nowhere.mid")
    (place / "gone").symlink_to(place / "nowhere")
    (place / "same.mid").symlink_to(place / "good.mid")
    (place / "zero.mid").symlink_to("/dev/zero")
    (place / "a folder.mid").mkdir()
    for name in ("pipe.mid", "INDEX.jsonl", "README.md", "LICENSE"):
        os.mkfifo(place / name)
    found = read(place)
    assert {piece.file for piece in found.pieces} == {"good.mid", "same.mid"}
    assert dict(found.refused) == {
        "gone.mid": "No such file or directory",
        "itself.mid": "Too many levels of symbolic links",
        "loop": tree.IS_LINK,
    }


def test_a_file_too_large_to_be_a_piece_is_not_read(place: Path) -> None:
    with (place / "huge.mid").open("wb") as file:
        file.truncate(40 << 30)
    score = strangers.mxl(" " * (64 << 20), zipfile.ZIP_DEFLATED)
    (place / "bomb.mxl").write_bytes(score)
    found = read(place)
    assert the_good_one_is_read(found)
    assert dict(found.refused) == {
        "huge.mid": "it has 40960 MB; 32 is most",
        "bomb.mxl": "it has 64 MB; 32 is most",
    }


def bomb(method: int, name: str, content: bytes, claimed: int) -> bytes:
    """A zip of one file, which states another size in both of its headers."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr(name, content)
    made, true = buffer.getvalue(), struct.pack("<I", len(content))
    assert made.count(true) == 2
    return made.replace(true, struct.pack("<I", claimed))


def peak_bytes(folder: Path) -> tuple[Reading, int]:
    tracemalloc.start()
    try:
        return read(folder), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_a_file_in_a_zip_unpacks_to_no_more_than_it_states(
    method: int, place: Path
) -> None:
    packed_file = bomb(method, "a.mid", bytes(40 << 20), 200)
    (place / "bomb.zip").write_bytes(packed_file)
    found, peak = peak_bytes(place)
    assert the_good_one_is_read(found)
    why = "it is larger than the 200 bytes that it states"
    assert found.refused == [("bomb.zip/a.mid", why)]
    assert peak < 16 << 20


def test_a_file_in_a_zip_that_is_smaller_than_it_states_is_refused(
    place: Path,
) -> None:
    packed_file = bomb(zipfile.ZIP_DEFLATED, "a.mid", strangers.midi(2), 99_999)
    (place / "short.zip").write_bytes(packed_file)
    found = read(place)
    assert the_good_one_is_read(found)
    assert [name for name, _ in found.refused] == ["short.zip/a.mid"]


@pytest.mark.parametrize("suffix", [".mxl", ".xml", ".musicxml"])
def test_a_packed_score_unpacks_to_no_more_than_it_states(
    suffix: str, place: Path
) -> None:
    """By its content: a zip may be called .xml, too."""
    notation.score_music(strangers.xml().encode(), ".xml")  # imports partitura
    made = strangers.mxl(" " * (40 << 20), zipfile.ZIP_DEFLATED)
    true = struct.pack("<I", 40 << 20)
    (place / f"bomb{suffix}").write_bytes(made.replace(true, struct.pack("<I", 200)))
    found, peak = peak_bytes(place)
    assert the_good_one_is_read(found)
    why = "it is larger than the 200 bytes that it states"
    assert found.refused == [(f"bomb{suffix}", why)]
    assert peak < 16 << 20


def test_a_packed_score_may_be_called_xml(place: Path) -> None:
    (place / "packed.xml").write_bytes(strangers.mxl(strangers.xml()))
    found = read(place)
    assert not found.refused
    assert "packed.xml" in {piece.file for piece in found.pieces}


@pytest.mark.parametrize(
    ("container", "why"),
    [
        ("", "it has no container.xml that can be read"),
        ("<container/>", "its container.xml names no file in it ('')"),
        (
            '<!DOCTYPE c [<!ENTITY e SYSTEM "file:///etc/passwd">]><c>&e;</c>',
            "it has no container.xml that can be read",
        ),
        (
            '<container><rootfile full-path="/etc/passwd"/></container>',
            "its container.xml names no file in it ('/etc/passwd')",
        ),
    ],
)
def test_a_packed_score_that_names_no_score_is_refused(
    container: str, why: str, place: Path
) -> None:
    with zipfile.ZipFile(place / "a.mxl", "w") as archive:
        archive.writestr("META-INF/container.xml", container)
    assert read(place).refused == [("a.mxl", why)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<duration>2</duration>", "<duration>{}</duration>"),
        ("<backup>", "<forward><duration>{}</duration></forward><backup>"),
    ],
)
def test_a_score_of_absurd_length_is_refused_before_it_fills_the_memory(
    old: str, new: str, place: Path
) -> None:
    notation.score_music(strangers.xml().encode(), ".xml")  # imports partitura
    text = strangers.xml().replace(old, new.format(10**7), 1)
    (place / "long.musicxml").write_text(text)
    found, peak = peak_bytes(place)
    assert the_good_one_is_read(found)
    ((name, why),) = found.refused
    assert name == "long.musicxml"
    assert "its clock is broken" in why
    assert peak < 16 << 20


# ── what names other files ───────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        "{tune}%%abc-include {secret}\n",
        "{tune}  %%abc-include {secret}\n",
        "{tune}%%abc-include\t{secret}\n",
        "%%abc-include {secret}\n{tune}",
    ],
)
def test_a_tune_that_includes_another_file_does_not_read_it(
    text: str, place: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("K:C\n" + "CDEF GABc|" * 40 + "\n")
    tune = "X:1\nT:A\nM:4/4\nL:1/8\nK:C\n" + "CDEF GABc|" * 4 + "\n"
    (place / "thief.abc").write_text(text.format(tune=tune, secret=secret))
    found = read(place)
    assert the_good_one_is_read(found)
    why = "it includes another file, which is not read; paste it in"
    assert found.refused == [("thief.abc", why)]


@pytest.mark.parametrize("suffix", [".musicxml", ".xml", ".mxl", ".mei"])
def test_a_score_reads_no_other_file(suffix: str, place: Path, tmp_path: Path) -> None:
    """An external entity, a document type or an inclusion that names a file."""
    secret = tmp_path / "secret"
    secret.write_text("hidden words")
    head = f'<!DOCTYPE x SYSTEM "{secret}" [<!ENTITY e SYSTEM "{secret}">]>'
    space = 'xmlns:xi="http://www.w3.org/2001/XInclude"'
    inside = f'&e;<xi:include {space} href="{secret}" parse="text"/>'
    text = strangers.xml(f"Title {inside}").replace("?>", f"?>{head}", 1)
    content = strangers.mxl(text) if suffix == ".mxl" else text.encode()
    (place / f"thief{suffix}").write_bytes(content)
    found = read(place)
    assert the_good_one_is_read(found)
    assert "hidden" not in f"{found.pieces} {found.refused}"


def test_folders_deeper_than_python_can_call_are_walked(place: Path) -> None:
    depths = range(1, sys.getrecursionlimit())
    deep = [Path(f"{place}{'/d' * depth}") for depth in depths]
    for folder in deep:
        folder.mkdir()
    try:
        assert the_good_one_is_read(read(place))
    finally:  # pytest's own removal of it would recurse
        for folder in reversed(deep):
            folder.rmdir()


# ── what is no music ─────────────────────────────────────────────────────────────────


def chords(*starts: float, size: int = 20, length_s: float = 1.0) -> Notes:
    notes = np.zeros(size * len(starts), NOTE)
    notes["start"] = np.repeat(np.array(starts), size)
    notes["end"] = notes["start"] + length_s
    notes["pitch"] = np.tile(np.arange(30, 30 + size), len(starts))
    notes["velocity"] = 64
    return notes


@pytest.mark.parametrize(
    ("notes", "why"),
    [
        (chords(0.0, size=60), "its 60 notes all begin at once: a chord is no piece"),
        (chords(0.0, 1.0, size=60, length_s=0), "0 notes .120 more have no length"),
        (chords(0.0, 0.25, size=60), "120 notes in 0.500 s are no hands' work"),
        (chords(*np.arange(40) / 1000, size=1), "40 notes in 0.040 s are no hands'"),
        (chords(0.0, 20_000.0), "it lasts 6 hours; 4 is most"),
        (chords(0.0, np.nan, size=15), "15 notes .15 more have no length"),
    ],
)
def test_unplayable_music_is_refused_with_its_reason(notes: Notes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        folders.clean(notes)


@pytest.mark.parametrize("starts", [(0.0, 0.5), (0.0, 0.4, 0.8), (0.0, 30.0)])
def test_a_few_chords_are_music(starts: tuple[float, ...]) -> None:
    notes = chords(*starts, size=10)
    assert len(folders.clean(notes)) == len(notes)

"""`render` of odd files from other programs: mido and symusic read the result."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import mido
import pytest

from ripieno.commands.render import render
from ripieno.files.midi import read_performance
from ripieno.settings.config import Settings
from ripieno.settings.params import Params

pytestmark = pytest.mark.slow

END: Final = b"\x00\xff\x2f\x00"


def chunk(name: bytes, data: bytes) -> bytes:
    return name + len(data).to_bytes(4, "big") + data


def tune(per_beat: int = 96) -> bytes:
    """Eight notes of half a beat each."""
    delta = bytes((0x80 | per_beat // 2 >> 7, per_beat // 2 & 0x7F))
    notes = (60, 62, 64, 65, 67, 65, 64, 62)
    return b"".join(
        b"\x00\x90" + bytes((note, 80)) + delta + b"\x80" + bytes((note, 64))
        for note in notes
    )


def file(*events: bytes, kind: int = 1, division: bytes = b"\x00\x60") -> bytes:
    head = chunk(b"MThd", bytes((0, kind, 0, 2)) + division)
    body = b"".join((*events, tune(), END))
    return head + chunk(b"Junk", b"?") + chunk(b"MTrk", body) + chunk(b"MTrk", body)


def meta(kind: int, data: bytes) -> bytes:
    return bytes((0, 0xFF, kind)) + length(len(data)) + data


def length(number: int) -> bytes:
    """A number of variable length."""
    sevens = [number >> shift & 0x7F for shift in (21, 14, 7, 0)]
    return bytes([*(seven | 0x80 for seven in sevens[:-1]), sevens[-1]])


ODD: Final[Mapping[str, bytes]] = {
    "type 2": file(kind=2),
    "25 frames of 40 ticks": file(division=b"\xe7\x28"),
    "29.97 frames": file(division=b"\xe3\x50"),
    "1 tick a beat": file(division=b"\x00\x01"),
    "32767 ticks a beat": file(division=b"\x7f\xff"),
    "fastest tempo": file(meta(0x51, b"\x00\x03\xe8")),
    "slowest tempo": file(meta(0x51, b"\xff\xff\xff")),
    "255/128": file(meta(0x58, b"\xff\x07\x00\x00")),
    "invalid signatures": file(meta(0x58, b"\x00\xff"), meta(0x59, b"\x7f\x7f")),
    "system exclusive": file(b"\x00\xf0\x03\x43\x12\x00", b"\x00\xf7\x02\x00\xf7"),
    "channel prefix": file(meta(0x20, b"\x1f"), meta(0x21, b"\xff")),
    "UTF-8 name": file(meta(0x03, "Flöte 答え 🎹".encode())),
    "Latin-1 name": file(meta(0x03, "Flöte".encode("latin-1"))),
    "long text": file(meta(0x01, b"\xe4" * 900_000)),
    "values above 127": file(b"\x00\xb0\x07\xff\x00\xb0\xff\x00\x00\xe0\x00\xff"),
    "broken off": file()[:-30],
}


@pytest.mark.parametrize("role", ["answer", "accompany"])
@pytest.mark.parametrize("odd", ODD)
def test_a_render_of_an_odd_file_is_read_by_mido_and_symusic(
    tmp_path: Path, odd: str, role: Any
) -> None:
    symusic = pytest.importorskip("symusic")
    source, target = tmp_path / "odd.mid", tmp_path / "duet.mid"
    source.write_bytes(ODD[odd])
    settings = Settings(provider="cpu", play=Params(role=role))
    render(source, target, settings, seed=1, tail_s=2.0, progress=lambda _: None)
    human, duet = read_performance(source), read_performance(target)
    assert not duet.repairs
    names = [track.name for track in human.tracks]
    assert [track.name for track in duet.tracks][: len(names)] == names
    theirs = mido.MidiFile(target, charset="utf-8")
    assert [t.name for t in theirs.tracks][1 : len(names) + 1] == names
    score = symusic.Score(target)
    assert [t.name for t in score.tracks if len(t.notes)][: len(names)] == names
    assert sum(len(track.notes) for track in score.tracks) >= 16 * (odd != "broken off")

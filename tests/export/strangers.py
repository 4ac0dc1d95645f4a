"""Folders of foreign music, and music of any size, made by the tests."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import mido
import numpy as np

from ripieno_export import corpus, folders
from ripieno_export.corpus import UNDECIDED, Piece, Reading
from ripieno_export.sources import Origin
from ripieno_export.tokenize import NOTE

SCALE = [12 * octave + step for octave in range(11) for step in (0, 2, 4, 5, 7, 9, 11)]
MIT = "MIT License\n\nCopyright (c) 2020 Somebody\n"
ABC = """%%a tunebook of two tunes, and one that is none
M:4/4
L:1/8

X:1
T:The Rising Test
C:Trad.
K:G
|:"G"GABc dedB|"D"A2 FA D2 FA|GABc dedB|[1 cAFA G4:|[2 cAFA G2z2||

X:2
T:The Falling Test
K:D
|:dcBA BAGF|EFGA B2 cd|dcBA BAGF|EDEF D4:|

X:3
T:A tune without a key
CDEF
"""


def midi(
    seed: int, notes: int = 60, *, shift: int = 0, tempo: int = 500_000, drums: int = 0
) -> bytes:
    """A walk in C major; `shift` semitones up it is the same tune."""
    rng = np.random.default_rng(seed)
    file = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=tempo)])
    place = 35
    for _ in range(notes):
        place = int(np.clip(place + rng.integers(-3, 4), 25, 49))
        on, off = SCALE[place] + shift, int(rng.choice((240, 480, 960)))
        track.append(mido.Message("note_on", note=on, velocity=64))
        track.append(mido.Message("note_off", note=on, time=off))
    file.tracks.append(track)
    drum = mido.MidiTrack()
    for _ in range(drums):
        drum.append(mido.Message("note_on", channel=9, note=36, velocity=90))
        drum.append(mido.Message("note_off", channel=9, note=36, time=240))
    if drums:
        file.tracks.append(drum)
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def xml(title: str = "A Written Piece", bars: int = 8) -> str:
    """Two staves in 3/4 with a pick-up, a repeat, a tie and a tempo of 90."""

    def note(step: str, octave: int, length: int, staff: int, more: str = "") -> str:
        pitch = f"<pitch><step>{step}</step><octave>{octave}</octave></pitch>"
        return (
            f"<note>{pitch}<duration>{length}</duration>{more}"
            f"<voice>{staff}</voice><staff>{staff}</staff></note>"
        )

    def bar(number: int) -> str:
        steps = "CDEFGAB"
        right = "".join(note(steps[(number * n + n) % 7], 5, 2, 1) for n in range(1, 4))
        left = note(steps[number % 7], 3, 6, 2)
        ends = '<barline location="right"><repeat direction="backward"/></barline>'
        begins = '<barline location="left"><repeat direction="forward"/></barline>'
        return (
            f'<measure number="{number}">{begins if number == 1 else ""}{right}'
            f"<backup><duration>6</duration></backup>{left}"
            f"{ends if number == bars else ''}</measure>"
        )

    head = (
        "<attributes><divisions>2</divisions><time><beats>3</beats>"
        "<beat-type>4</beat-type></time><staves>2</staves></attributes>"
        '<direction><sound tempo="90"/></direction>'
    )
    pickup = f'<measure number="0" implicit="yes">{head}{note("G", 4, 2, 1)}</measure>'
    return (
        '<?xml version="1.0"?><score-partwise version="3.1">'
        f"<work><work-title>{title}"
        '</work-title></work><part-list><score-part id="P1">'
        "<part-name>Piano</part-name></score-part></part-list>"
        f'<part id="P1">{pickup}'
        f"{''.join(bar(number) for number in range(1, bars + 1))}"
        "</part></score-partwise>"
    )


def mxl(text: str, method: int = zipfile.ZIP_STORED) -> bytes:
    """MusicXML, packed as programs do."""
    container = '<container><rootfiles><rootfile full-path="a.xml"/></rootfiles>'
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        file.writestr("META-INF/container.xml", f"{container}</container>")
        file.writestr("a.xml", text)
    return buffer.getvalue()


def folder(root: Path) -> Path:
    """Good, doubled, broken and audio files; a licence for all and one of its own."""
    (root / "theirs").mkdir(parents=True)
    (root / "LICENSE").write_text(MIT)
    (root / "README.md").write_text("- Source repository: https://example.org/songs\n")
    (root / "theirs" / "LICENSE.txt").write_text("CC0 1.0 Universal\n")
    for seed in range(6):
        (root / f"song {seed}.mid").write_bytes(midi(seed))
    (root / "transposed song 3.mid").write_bytes(midi(3, shift=5, tempo=400_000))
    (root / "drums.mid").write_bytes(midi(1, notes=0, drums=40))
    (root / "short.mid").write_bytes(midi(1, notes=5))
    (root / "broken.mid").write_bytes(midi(9)[:40])
    (root / "empty.mid").write_bytes(b"")
    (root / "words.xml").write_text("<html>no music</html>")
    (root / "noise.wav").write_bytes(b"RIFF")
    (root / "notes.txt").write_text("not music, and not meant to be")
    (root / "tunes.abc").write_text(ABC)
    (root / "theirs" / "written.musicxml").write_text(xml())
    (root / "theirs" / "packed.mxl").write_bytes(mxl(xml("Another", bars=11)))
    with zipfile.ZipFile(root / "zipped.zip", "w") as file:
        file.writestr("inside/deep.mid", midi(77))
        file.writestr("inside/deep.mp3", b"ID3")
    (root / "half.zip").write_bytes(b"PK\x03\x04 and no more")
    return root


def pieces(count: int, notes: int = 400) -> Iterator[Piece]:
    """As many tunes as wanted, one at a time, all different."""
    origin = Origin("endless", "CC0-1.0", "made here", "0")
    for number in range(count):
        rng = np.random.default_rng(number)
        made = np.zeros(notes, NOTE)
        made["start"] = np.arange(notes) * 0.25
        made["end"] = made["start"] + 0.2
        made["pitch"] = rng.integers(40, 90, notes)
        made["velocity"] = 64
        beats = np.arange(notes // 2 + 2, dtype=np.float64) * 0.5
        name = f"tune {number}"
        yield Piece(origin, name, name, UNDECIDED, "melody", made, beats)


def read(folder: Path) -> Reading:
    return corpus.gather(folders.stream(folder))


def the_good_one_is_read(found: Reading) -> bool:
    return "good.mid" in {piece.file for piece in found.pieces}

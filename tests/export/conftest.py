"""A small data folder that looks like the real one, made of MIDI files by the test."""

import io
import json
import zipfile
from pathlib import Path

import mido
import numpy as np
import pytest

from ripieno_export.sources import SELECTION

TRACKS = {
    "piano": ("upper", "lower"),
    "melody": ("Melody",),
    "song": ("Voice", "Piano [staff 1]", "Piano [staff 2]"),
    "pop": ("MELODY", "BRIDGE", "PIANO", "CHORDS"),
}
README = """# {name}

- Source repository: https://example.org/{name}
- Commit: 0123456789abcdef (2020-01-01)
- Licence: CC0
"""


def midi(names: tuple[str, ...], seed: int, notes: int = 40) -> bytes:
    """A MIDI file: each track walks in C major; the last one has a pedal."""
    rng = np.random.default_rng(seed)
    scale = [12 * octave + step for octave in range(11) for step in (0, 2, 4, 5, 7, 9)]
    file = mido.MidiFile(ticks_per_beat=480)
    for number, name in enumerate(names):
        track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
        place = 42 - 8 * number
        if number == len(names) - 1:
            track.append(mido.Message("control_change", control=64, value=100))
        for _ in range(notes):
            place = int(np.clip(place + rng.integers(-2, 3), 12, 50))
            pitch, ticks = scale[place], int(rng.choice((240, 480)))
            track.append(mido.Message("note_on", note=pitch, velocity=64))
            track.append(mido.Message("note_off", note=pitch, time=ticks))
        track.append(mido.Message("control_change", control=64, value=0))
        file.tracks.append(track)
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with every selected source: three pieces each, one held out."""
    root = tmp_path_factory.mktemp("data")
    for order, source in enumerate(SELECTION):
        folder = root / source.path
        folder.mkdir(parents=True)
        (folder / "README.md").write_text(README.format(name=folder.name))
        lines = []
        with zipfile.ZipFile(folder / f"{folder.name}.zip", "w") as file:
            for number in range(4):
                name = f"midi{source.only or '/'}{number:03}.mid".replace("//", "/")
                content = b"not a MIDI file"
                if number < 3:
                    tracks = TRACKS[source.view.__name__]
                    content = midi(tracks, 100 * order + number)
                file.writestr(name, content)
                split = "valid" if number == 2 else "train"
                title = f"{folder.name} {number}"
                entry = {"file": name, "title": title, "id": title, "split": split}
                lines.append(json.dumps(entry))
        (folder / "INDEX.jsonl").write_text("\n".join(lines))
    return root

"""A small data folder that looks like the real one, made of MIDI files by the test."""

from collections.abc import Iterator
from pathlib import Path

import mido
import numpy as np
import pytest
from tests.export import tiny

from ripieno_export.sources import SELECTION

TRACKS = {
    "piano": ("upper", "lower"),
    "melody": ("Melody",),
    "song": ("Voice", "Piano [staff 1]", "Piano [staff 2]"),
    "pop": ("MELODY", "BRIDGE", "PIANO", "CHORDS"),
}


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
    return tiny.bytes_of(file)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with one good file."""
    folder = tmp_path / "songs"
    folder.mkdir()
    (folder / "good.mid").write_bytes(midi(("Melody",), 1))
    return folder


@pytest.fixture
def torch_as_it_was() -> Iterator[None]:
    """What a recipe sets of torch, it sets for the whole process."""
    torch = pytest.importorskip("torch")
    threads, matmul = torch.get_num_threads(), torch.get_float32_matmul_precision()
    yield
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision(matmul)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with every selected source: three pieces each, one held out."""
    root = tmp_path_factory.mktemp("data")
    for order, source in enumerate(SELECTION):
        files, index = {}, []
        for number in range(4):
            name = f"midi{source.only or '/'}{number:03}.mid".replace("//", "/")
            files[name] = b"not a MIDI file"
            if number < 3:
                tracks = TRACKS[source.view.__name__]
                files[name] = midi(tracks, 100 * order + number)
            title = f"{Path(source.path).name} {number}"
            split = "valid" if number == 2 else "train"
            index.append({"file": name, "title": title, "id": title, "split": split})
        tiny.source(root, source.path, files, index)
    return root

"""Whether this checkout plays the same notes as another revision.

``python -m benchmarks.unchanged REVISION [--melodies 10]``

Both render the same melodies in every role with three settings and fixed seeds, each in
one process of its own. The files have to have the same messages, but for the names of
tracks. The other revision is checked out beside this one, and removed afterwards. The
exit code is 1 where a file differs.

The settings leave out `busy`, its old names `density` and `fill`, and landings: with
them the notes of some roles differ across decision record 0020, which merged these
parameters.
"""

import argparse
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mido

ROOT = Path(__file__).parents[1]
ROLES = ("answer", "continue", "vary", "accompany", "loop", "harmonize")
SETTINGS = (
    (),
    ("--bpm=92", "--meter=3/4", "--chord-lock=C F G7 Am", "--low=40"),
    (
        "--chart=C | F G7 | Am | Dm G7", "--texture=song", "--thick=2", "--swing=0.5",
        "--lead=0.6", "--commit=2", "--temperature=0.8", "--scale=C major",
        "--voices=2", "--channel=3",
    ),
)  # fmt: skip
RENDER_ALL = """
import json, sys
from ripieno.__main__ import main
for arguments in json.load(sys.stdin):
    sys.argv = ["ripieno", *arguments]
    if code := main():
        sys.exit(f"{arguments} ended with {code}")
"""


def main() -> int:
    """Render with both, compare; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revision")
    parser.add_argument("--melodies", type=int, default=10)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, checked_out(given.revision) as other:
        folder = Path(name)
        tunes = [write_melody(folder, seed) for seed in range(given.melodies)]
        jobs = list(itertools.product(tunes, ROLES, enumerate(SETTINGS)))
        takes = [
            start(root, jobs, folder / which)
            for which, root in (("before", other), ("after", ROOT))
        ]
        for take in takes:
            if take.wait():
                raise SystemExit("a render failed")
        names = sorted(path.name for path in (folder / "after").iterdir())
        differing = [
            name
            for name in names
            if content(folder / "before" / name) != content(folder / "after" / name)
        ]
    print(f"{len(names) - len(differing)} of {len(names)} files are the same")
    for name in differing:
        print(f"  {name} differs")
    return int(bool(differing) or len(names) != len(jobs))


def content(path: Path) -> list:
    """All messages of a file, track by track, but for the names of the tracks."""
    file = mido.MidiFile(path)
    return [[m for m in track if m.type != "track_name"] for track in file.tracks]


def write_melody(folder: Path, seed: int) -> Path:
    """Sixteen bars of phrases with rests, in a key and a rhythm of their own."""
    chance = random.Random(seed)
    key, scale = chance.randrange(12), (0, 2, 4, 5, 7, 9, 11)
    degree, wait = 7, 0
    track = mido.MidiTrack()
    beats = 0.0
    while beats < 64:
        degree = min(max(degree + chance.choice((-2, -1, -1, 0, 1, 1, 2)), 0), 14)
        pitch = 55 + key + 12 * (degree // 7) + scale[degree % 7]
        length = chance.choice((0.5, 0.5, 1.0, 1.0, 1.5, 2.0))
        loud = chance.randrange(50, 110)
        track.append(mido.Message("note_on", note=pitch, velocity=loud, time=wait))
        held = int(480 * length * 0.9)
        track.append(mido.Message("note_off", note=pitch, time=held))
        wait = int(480 * length) - held
        beats += length
        if chance.random() < 0.12:  # a phrase is over
            wait, beats = wait + 1920, beats + 4
    file = mido.MidiFile(ticks_per_beat=480, tracks=[track])
    path = folder / f"melody-{seed}.mid"
    file.save(path)
    return path


def start(root: Path, jobs: list, folder: Path) -> subprocess.Popen:
    """Render all of it with the package of one checkout, in one process."""
    folder.mkdir()
    arguments = [
        [
            "render", str(tune), "-o", str(folder / f"{tune.stem}-{role}-{index}.mid"),
            f"--role={role}", "--seed=7", *settings,
        ]
        for tune, role, (index, settings) in jobs
    ]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-c", RENDER_ALL],
        env=os.environ | {"PYTHONPATH": str(root / "daemon")},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    with process.stdin:
        json.dump(arguments, process.stdin)
    return process


@contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """Another revision in a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "checkout"
        git = ("git", "-C", str(ROOT), "worktree")
        subprocess.run([*git, "add", "-q", "--detach", path, revision], check=True)
        try:
            yield path
        finally:
            subprocess.run([*git, "remove", "--force", path], check=True)


if __name__ == "__main__":
    sys.exit(main())

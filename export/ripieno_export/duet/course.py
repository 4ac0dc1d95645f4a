"""The duet's course of training, from music to checkpoints, in order.

1. Songs are read; the chords of art songs are estimated from their notes.
2. A *teacher* that hears the whole song learns chords from those that have them
   (POP909, lead sheets), and names those of tunes that have none (O'Neill's, Ryan's).
3. *Harmony*, which hears only what was played so far, learns from all of them.
4. *Texture* learns from pianos: POP909's and the art songs'.

Each leaves its checkpoints in a folder of the run; what is there is not done again.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch

from ripieno.music.chords import NO_CHORD
from ripieno_export import checkpoint, display, preset, train
from ripieno_export.checkpoint import BEST, LAST
from ripieno_export.duet import naming
from ripieno_export.duet.harmony_task import HarmonyTask, inputs
from ripieno_export.duet.packing import Spans, Tokens, spans_of, tokens_of
from ripieno_export.duet.songs import Song, read
from ripieno_export.duet.texture_task import TextureTask
from ripieno_export.networks.harmony import Harmony

LABELLED: Final = frozenset({"pop909", "openewld_clean", "neonscribe_jazz_pd"})
"""Sources whose chords people wrote down."""
HEARD: Final = frozenset({"openscore_lieder"})
"""Sources whose chords are estimated from their notes."""
POP: Final = frozenset({"pop909"})
SHARES: Final = {"pop": 0.33, "lead sheets": 0.3, "taught": 0.25, "heard": 0.12}
"""How often harmony is trained on each group; `NOTES.md` says what each gave."""
TEACHING: Final = {"pop": 0.6, "lead sheets": 0.4}
"""How often the teacher is."""
FEWEST_SPANS: Final = 24
FEWEST_TOKENS: Final = 300
TEACHER, HARMONY = "duet-teacher", "duet-harmony"
TEXTURE: Final = "duet-texture"


@dataclass(frozen=True, slots=True)
class Lessons:
    """All music of the course.

    Attributes:
        songs: with chords, where they have them.
        spans: of each song, for harmony.
    """

    songs: tuple[Song, ...]
    spans: tuple[Spans, ...]

    def part(self, name: str, sources: frozenset[str]) -> list[Spans]:
        """Songs of some sources that have chords, of one part."""
        return [
            spans
            for song, spans in zip(self.songs, self.spans, strict=True)
            if song.part == name
            and song.origin.name in sources
            and len(spans) > FEWEST_SPANS
            and (spans.chords != NO_CHORD).any()
        ]


def lessons(data: Path) -> Lessons:
    """Read and pack all songs; a minute.

    Raises:
        FileError: a source is not there.
    """
    display.say(f"reading {data} ...")
    reading = read(data)
    reasons = Counter(reason for _, reason in reading.refused)
    for reason, count in reasons.most_common():
        display.say(f"left out {count} files: {reason}")
    songs = tuple(
        replace(song, chords=naming.named(song)) if song.origin.name in HEARD else song
        for song in reading.songs
    )
    return Lessons(songs, tuple(spans_of(song) for song in songs))


def teach(data: Path, run: Path) -> Lessons:
    """The whole course; what it was taught from."""
    material = lessons(data)
    learn_teacher(material, run / TEACHER)
    learn_harmony(material, run / TEACHER, run / HARMONY)
    learn_texture(material, run / TEXTURE)
    return material


def learn_teacher(material: Lessons, run: Path) -> None:
    """Stage 2."""
    recipe = preset.load(TEACHER)
    songs, odds = _drawn(_labelled(material), TEACHING)
    held_out = material.part("valid", LABELLED)
    task = HarmonyTask(recipe, songs, held_out, odds=odds, is_teacher=True)
    train.train(task, recipe, run)


def learn_harmony(material: Lessons, teacher: Path, run: Path) -> None:
    """Stage 3."""
    recipe = preset.load(HARMONY)
    groups = _labelled(material) | {
        "heard": material.part("train", HEARD),
        "taught": taught(material, teacher / BEST),
    }
    songs, odds = _drawn(groups, SHARES)
    held_out = material.part("valid", LABELLED)
    train.train(HarmonyTask(recipe, songs, held_out, odds=odds), recipe, run)


def _labelled(material: Lessons) -> dict[str, list[Spans]]:
    """Training songs with written chords, by group."""
    return {
        "pop": material.part("train", POP),
        "lead sheets": material.part("train", LABELLED - POP),
    }


def _drawn(
    groups: Mapping[str, Sequence[Spans]], shares: Mapping[str, float]
) -> tuple[list[Spans], list[float]]:
    """The songs of all groups, and how often each is drawn."""
    songs = [spans for group in groups.values() for spans in group]
    odds = [shares[name] / len(group) for name, group in groups.items() for _ in group]
    return songs, odds


def taught(material: Lessons, weights: Path) -> list[Spans]:
    """Training tunes without chords, with the chords that the teacher names."""
    teacher = harmony_of(weights, is_teacher=True).eval()
    tunes = [
        spans
        for song, spans in zip(material.songs, material.spans, strict=True)
        if song.part == "train"
        and song.origin.name not in LABELLED | HEARD
        and len(spans) > FEWEST_SPANS
    ]
    return [replace(tune, chords=_named(teacher, tune)) for tune in tunes]


def _named(
    teacher: Harmony, tune: Spans
) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    rows, scalars = inputs(tune.rows, tune.phases, np.zeros(len(tune), np.int64))
    told = torch.full((1, len(tune)), NO_CHORD)
    with torch.no_grad():
        logits = teacher(
            torch.from_numpy(rows[None]), torch.from_numpy(scalars[None]), told
        )
    return np.asarray(logits[0].argmax(-1).numpy())


def harmony_of(weights: Path, *, is_teacher: bool = False) -> Harmony:
    """The harmony network in a checkpoint, as trained."""
    payload = checkpoint.load(weights)
    network = Harmony(payload["preset"]["hidden"], is_teacher=is_teacher)
    network.load_state_dict(payload["model"])
    return network


def learn_texture(material: Lessons, run: Path) -> None:
    """Stage 4."""
    recipe = preset.load(TEXTURE)
    songs = tokens(material.songs, "train")
    train.train(
        TextureTask(recipe, songs, tokens(material.songs, "valid")), recipe, run
    )


def tokens(songs: Sequence[Song], part: str) -> list[Tokens]:
    """The pianos of one part."""
    found = (tokens_of(song) for song in songs if song.part == part)
    return [row for row in found if row is not None and len(row) > FEWEST_TOKENS]


def is_done(run: Path) -> bool:
    """Whether all stages have left their weights."""
    return all((run / stage / LAST).is_file() for stage in (HARMONY, TEXTURE))

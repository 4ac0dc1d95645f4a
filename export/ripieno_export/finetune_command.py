"""`ripieno-export finetune --from MODEL MY_MIDIS -o models/MINE`.

Tunes, publishes beside its place, judges what the folder plays, and moves it.
"""

import argparse
import json
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from ripieno.errors import FileError, RipienoError, SettingsError
from ripieno.inference import manifest as manifests
from ripieno.inference.manifest import Source
from ripieno.layouts.vocabulary import FIELDS
from ripieno_export import (
    evaluate,
    event_task,
    finetune,
    finetune_card,
    licences,
    originality,
    originality_command,
    packed,
    parity,
    preset,
    publish,
)
from ripieno_export import weights as sidecar
from ripieno_export.checkpoint import BEST
from ripieno_export.display import per_part, say
from ripieno_export.finetune import OWN, Tuned
from ripieno_export.model_folder import write_manifest
from ripieno_export.originality import Continuer, Copying
from ripieno_export.packed import Packed
from ripieno_export.tokenize import Ints

PLAYER: Final = "player"
PROMPTS_A_PIECE: Final = 8
PROMPTS: Final = 48
"""The most prompts; many prompts of one short tune are nearly the same."""
CROPS: Final = 64
"""The published folder's own figures are of so many of the player's crops."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for.

    Attributes:
        base: the folder of the published model.
        folder: the player's files.
        out: the model folder to write.
        data: what the model knew before, packed or not.
        learning_rate, steps, minutes: instead of the recipe's.
    """

    base: Path
    folder: Path
    out: Path
    data: Path | None = None
    learning_rate: float | None = None
    steps: int | None = None
    minutes: float | None = None


def run(options: argparse.Namespace) -> None:
    """Tune, publish and judge.

    Raises:
        SettingsError: the output is the model that is tuned.
        ModelError: the base model has no weights to go on from.
        FileError: the player's files are too few, or cannot be read.
        RipienoError: nothing was learned.
    """
    wish = Wish(
        base=manifests.find(options.base),
        folder=options.folder,
        out=options.output,
        data=options.data,
        learning_rate=options.learning_rate,
        steps=options.steps,
        minutes=options.minutes,
    )
    made = tune(wish)
    say(f"{made.name} is in {made}; its card says what it learned.")


def tune(wish: Wish) -> Path:
    """Everything; the finished folder."""
    _check(wish)
    wish.out.parent.mkdir(parents=True, exist_ok=True)
    payload = sidecar.read(wish.base)
    chosen = preset.load(finetune.RECIPE).with_(
        learning_rate=wish.learning_rate, steps=wish.steps
    )
    recipe = finetune.recipe_of(payload["preset"], chosen, wish.out.name)
    with tempfile.TemporaryDirectory(dir=wish.out.parent) as place:
        work = Path(place)
        share = recipe.options_as(finetune.Options).held_out
        player = finetune.players_music(wish.folder, work / PLAYER, share)
        for file, why in player.refused:
            say(f"refused: {file} ({why})")
        general = None if wish.data is None else event_task.packed(wish.data, work)
        _licence(wish.base, player, general)
        done = finetune.tuned(payload, recipe, (player, general), work, wish.minutes)
        _say_figures(done)
        if not done.best_step:
            raise RipienoError(
                f"{done.steps} steps of tuning made the player's held-out tunes no "
                "likelier, so nothing was written; add files, or take a lower "
                f"--learning-rate than {recipe.learning_rate:g}."
            )
        made = _publish(wish.base, work, player)
        _amend(wish, made, _licence(wish.base, player, general), player, done)
        if wish.out.exists():
            shutil.rmtree(wish.out)
        shutil.move(made, wish.out)
    return wish.out


def _check(wish: Wish) -> None:
    out = wish.out
    if out.exists() and not (out / manifests.MANIFEST).is_file():
        raise FileError(f"{out} is there already and is no model; name a new folder.")
    if out.resolve() == wish.base.resolve():
        raise SettingsError(f"{out} is the model to tune; give the new one a new name.")


def _say_figures(done: Tuned) -> None:
    for whose, pair in (("player", done.player), ("corpus", done.general)):
        for when, values in zip(("before", "after"), pair or (), strict=False):
            say(f"held-out music of the {whose}, {when}: {per_part(values, FIELDS)}")
    say(
        f"{done.steps} steps in {done.minutes:.1f} minutes; "
        f"the best weights are of step {done.best_step}."
    )


def _publish(base: Path, work: Path, player: Packed) -> Path:
    """Publishes as every model is; golden vectors hold none of the player's music."""
    golden = parity.load(base / manifests.GOLDEN)
    events: Ints = np.asarray(golden["event"], np.int64)
    return publish.publish(
        work / BEST,
        player,
        work / "models",
        crops=CROPS,
        baseline_crops=CROPS,
        golden_events=events,
    )


def _licence(base: Path, player: Packed, general: Packed | None) -> str:
    """The licence of the weights; files that state none count as the player's own.

    Raises:
        SettingsError: a file's licence forbids it.
    """
    known = [s for s in manifests.load(base).sources if s.licence != OWN]
    if general is not None:
        known += publish.sources(general)
    return licences.of([*known, *_stated(player)])


def _stated(player: Packed) -> list[Source]:
    """The sources among the player's files whose licence is known."""
    found = publish.sources(player)
    return [s for s in found if licences.of([s]) != licences.UNSTATED]


def _amend(wish: Wish, made: Path, licence: str, player: Packed, done: Tuned) -> None:
    """Say where the model comes from: its base's sources, and a count of files."""
    base, manifest = manifests.load(wish.base), manifests.load(made)
    counts = _counts(made.parents[1] / PLAYER, player)
    copies = copied(wish.base, made, player)
    for line in originality_command.table(copies):
        say(line)
    theirs = licences.of(_stated(player))
    theirs = OWN if theirs == licences.FREE else theirs
    own = Source("the player's files", theirs, "not published", "", counts["files"])
    manifest = msgspec.structs.replace(
        manifest, licence=licence, sources=(*base.sources, own)
    )
    write_manifest(made, manifest)
    figures = json.loads((made / publish.FIGURES).read_text(encoding="utf-8"))
    figures["tuned"] = {
        **counts,
        "base": base.name,
        **asdict(done),
        "originality": originality.as_figures(copies),
    }
    evaluate.write(figures, made / publish.FIGURES)
    text = finetune_card.card(manifest, base, figures)
    (made / manifests.CARD).write_text(text, encoding="utf-8")


def copied(base: Path, made: Path, player: Packed) -> dict[str, Copying]:
    """What the tuned model, its base and the player share with the tuning files."""
    most = PROMPTS_A_PIECE * int(player.held_out.sum())
    prompts = originality.draw(player, min(PROMPTS, most))
    played = {
        model.name: [model.play(prompt) for prompt in prompts]
        for model in (Continuer(made), Continuer(base))
    }
    played["the player, held out"] = [prompt.real for prompt in prompts]
    learned = (player, np.flatnonzero(~player.held_out))
    return originality.compare(learned, prompts, played)


def _counts(place: Path, player: Packed) -> dict[str, int]:
    return {
        "files": packed.files(place),
        "tunes": len(np.unique(player.family)),
        "tunes_held_out": len(np.unique(player.family[player.held_out])),
    }

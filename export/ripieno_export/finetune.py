"""A published event model, tuned on a handful of one player's files.

1. The weights come back from the folder's `weights.npz`.
2. A fifth of the player's tunes is held out, by tune; the rest is learned from, mixed
   with the music that the model knew before, where it is at hand.
3. Held-out music is judged before the first step, and every few steps from there: the
   best weights stay, and are the old ones if nothing was better.

No optimiser state is carried over, and no run is resumed: it lasts minutes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import torch
from torch import Tensor

from ripieno.clock import NS_PER_S, Clock, SystemClock
from ripieno.errors import FileError
from ripieno.layouts.vocabulary import FIELDS
from ripieno_export import dataset, event_task, folders, packing
from ripieno_export.checkpoint import BEST
from ripieno_export.dataset import Batch, Crops, Packed
from ripieno_export.display import per_part, say
from ripieno_export.networks.events import EventNetwork
from ripieno_export.preset import Preset
from ripieno_export.task import Task
from ripieno_export.train import Trainer

RECIPE: Final = "finetune"
OWN: Final = "the player's own"
"""The licence of the player's files where they state none, or one that allows any use;
nothing of them is published but weights."""
FEWEST_TUNES: Final = 3
"""The fewest tunes: two to learn from and one to judge by."""
KEPT: Final = ("family", "hidden", "layers", "events", "seed", "matmul")
"""What stays as the model's makers chose it."""
JUDGED_CROPS: Final = 128


class Options(msgspec.Struct, forbid_unknown_fields=True):
    """What only tuning knows.

    Attributes:
        share: of each step's crops that come from the music known before.
        held_out: of the player's tunes.
    """

    share: float = 0.25
    held_out: float = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Tuned:
    """The result of tuning.

    Attributes:
        steps, best_step: that were done; whose weights were kept.
        minutes: that it took.
        learning_rate: the highest.
        mixed: which share of every step was music known before.
        player, general: nats per event before and after, on held-out music of the
            player and of the corpus; None where there is no corpus.
    """

    steps: int
    best_step: int
    minutes: float
    learning_rate: float
    mixed: float
    player: tuple[list[float], list[float]]
    general: tuple[list[float], list[float]] | None


class TuningTask(Task):
    """Learns the player's events, mixed with the music that the model knew before.

    Args:
        preset: the recipe.
        network: with the published weights.
        player: the player's music.
        general: what the model knew before.
    """

    parts = FIELDS

    def __init__(
        self,
        preset: Preset,
        network: EventNetwork,
        player: Packed,
        general: Packed | None,
    ) -> None:
        self.network, self._preset = network, preset
        share = preset.options_as(Options).share if general is not None else 0.0
        self._old = min(round(preset.batch * share), preset.batch - 1)
        self.mixed = self._old / preset.batch
        self._player = Crops(player, preset.events, held_out=False)
        self._general = (
            Crops(general, preset.events, held_out=False)
            if general is not None and self._old
            else None
        )
        self._held_out = held_out(player, preset.valid_crops)

    def losses(self, step: int) -> Tensor:
        """Mean nats per real event of each field, shape [4]."""
        preset = self._preset
        batch = self._player.batch(preset.seed, step, preset.batch - self._old)
        if self._general is not None:
            batch = _joined(batch, self._general.batch(preset.seed, step, self._old))
        return event_task.losses(self.network, batch, self.mine)

    def judge(self) -> list[float]:
        """The same on the player's held-out music."""
        found: Any = event_task.validate(self.network, self._held_out).tolist()
        return list(found)


def _joined(first: Batch, second: Batch) -> Batch:
    return Batch(
        np.concatenate([first.events, second.events]),
        np.concatenate([first.real, second.real]),
        np.concatenate([first.kind, second.kind]),
    )


def held_out(packed: Packed, crops: int) -> list[Batch]:
    """Fixed crops of a corpus's held-out music."""
    return dataset.held_out_batches(packed, event_task.JUDGED_EVENTS, crops)


def recipe_of(base: dict[str, Any], recipe: Preset, name: str) -> Preset:
    """How a model of a published recipe is tuned."""
    kept = {key: base[key] for key in KEPT if key in base}
    return recipe.with_(name=name, **kept)


def players_music(folder: Path, place: Path, share: float) -> Packed:
    """The player's files, packed; some tunes are held out.

    Raises:
        FileError: there are too few tunes, or they are all the same.
    """
    packed = packing.pack(folders.stream(folder), place, held_out_share=share)
    tunes = len(np.unique(packed.family))
    if tunes < FEWEST_TUNES:
        raise FileError(
            f"{folder} holds {tunes} tunes to tune on; {FEWEST_TUNES} are the least: "
            "two to learn from, one to judge by."
        )
    if not packed.held_out.any():
        raise FileError(
            f"The tunes in {folder} all share their music, so none can judge what was "
            "learned from the others; add some that differ."
        )
    return packed


def network_of(payload: dict[str, Any], recipe: Preset) -> EventNetwork:
    """The published network, with the recipe's dropout."""
    network = event_task.network(recipe)
    network.load_state_dict(payload["model"])
    return network


def tune(
    task: TuningTask,
    recipe: Preset,
    run: Path,
    *,
    minutes: float | None = None,
    clock: Clock | None = None,
) -> tuple[int, int]:
    """Train until the player's held-out music gets no better.

    The best weights are in the run's `best.pt`.

    Returns:
        Steps done, and the step of the best weights; 0 for those before the first.
    """
    clock = clock or SystemClock()
    trainer, begun_ns = Trainer(task, recipe, run), clock.now_ns()
    say(f"held out, before: {per_part(trainer.judge(), task.parts)}")
    late = False
    while not trainer.is_over and not late:
        trainer.step()
        number = trainer.progress.step
        late = minutes is not None and clock.now_ns() - begun_ns > 60e9 * minutes
        if number % recipe.valid_every == 0 or number == recipe.steps or late:
            found = per_part(trainer.judge(), task.parts)
            spent_s = (clock.now_ns() - begun_ns) / NS_PER_S
            say(f"held out, step {number} ({spent_s:.0f} s): {found}")
    return trainer.progress.step, trainer.progress.best_step


def nats(network: EventNetwork, batches: Sequence[Batch]) -> list[float]:
    """Mean nats per event of each field."""
    with torch.no_grad():
        found: Any = event_task.validate(network.eval(), batches).tolist()
    return [round(value, 4) for value in found]


def tuned(
    payload: dict[str, Any],
    recipe: Preset,
    music: tuple[Packed, Packed | None],
    run: Path,
    minutes: float | None = None,
) -> Tuned:
    """Tune, and judge before and after.

    Args:
        payload: of the published weights.
        recipe: see `recipe_of`.
        music: the player's, and what the model knew before, if it is there.
        run: where the best weights go.
        minutes: stop after this long.
    """
    player, general = music
    clock = SystemClock()
    begun_ns = clock.now_ns()
    network = network_of(payload, recipe)
    asked = [held_out(packed, JUDGED_CROPS) for packed in music if packed is not None]
    before = [nats(network, batches) for batches in asked]
    task = TuningTask(recipe, network.train(), player, general)
    steps, best = tune(task, recipe, run, minutes=minutes, clock=clock)
    kept = event_task.network_of(run / BEST)
    after = [nats(kept, batches) for batches in asked]
    pairs = list(zip(before, after, strict=True))
    spent = (clock.now_ns() - begun_ns) / NS_PER_S / 60
    return Tuned(
        steps=steps,
        best_step=best,
        minutes=round(spent, 2),
        learning_rate=recipe.learning_rate,
        mixed=task.mixed,
        player=pairs[0],
        general=pairs[1] if len(pairs) > 1 else None,
    )

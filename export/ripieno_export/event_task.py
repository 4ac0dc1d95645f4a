"""What an event network learns: the next event, from those before it.

One task for every family that reads events one by one: RNN, LSTM, GRU, Transformer.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast

import torch
from torch import Tensor, nn

from ripieno.errors import SettingsError
from ripieno.layouts.vocabulary import FIELDS
from ripieno_export import checkpoint, dataset, display
from ripieno_export.dataset import Batch, Crops
from ripieno_export.networks.events import EventNetwork
from ripieno_export.networks.recurrent import CELLS, Cell, EventRecurrent
from ripieno_export.networks.transformer import EventTransformer
from ripieno_export.packed import is_packed
from ripieno_export.preset import Preset
from ripieno_export.task import Task

CORPUS: Final = "corpus"
ONE_FILE: Final = "corpus.npz"
FAMILIES: Final = (*CELLS, "transformer")
JUDGED_EVENTS: Final = 256
"""The length of held-out crops: every network is judged on the same crops."""


def network(preset: Preset) -> EventNetwork:
    """The untrained network of a preset; the same for the same seed.

    Raises:
        SettingsError: its family reads no events.
    """
    torch.manual_seed(preset.seed)
    if preset.family == "transformer":
        return EventTransformer(preset.hidden, preset.layers, preset.dropout)
    if preset.family in CELLS:
        cell = cast("Cell", preset.family)
        return EventRecurrent(cell, preset.hidden, preset.layers, preset.dropout)
    raise SettingsError(
        f"family is {preset.family!r}; of events, it must be one of "
        f"{', '.join(FAMILIES)}."
    )


def network_of(weights: Path) -> EventNetwork:
    """The network in a checkpoint, ready to be run."""
    payload = checkpoint.load(weights)
    model = network(Preset(**payload["preset"]).with_(dropout=0.0))
    model.load_state_dict(payload["model"])
    return model.eval()


def packed(data: Path, run: Path) -> dataset.Packed:
    """The corpus of a run, packed when it is first asked for.

    Args:
        data: a packed corpus, the shared sources, or any folder of music.
        run: where it is packed to, once; earlier releases made one file there.
    """
    if is_packed(data):
        return dataset.load(data)
    if (run / ONE_FILE).is_file():
        return dataset.load(run / ONE_FILE)
    if not is_packed(run / CORPUS):
        display.say(f"packing {data} ...")
        dataset.pack(data, run / CORPUS)
    return dataset.load(run / CORPUS)


def losses(model: nn.Module, batch: Batch, rows: slice = slice(None)) -> Tensor:
    """Mean nats per real event of each field over some rows of a batch, shape [4]."""
    device = next(model.parameters()).device
    events = torch.from_numpy(batch.events[rows]).to(device)
    real = torch.from_numpy(batch.real[rows]).to(device)
    told = events[:, 1:][real]  # [N, 4]
    scores = [logits[real].float() for logits in model(events)]
    return torch.stack(
        [nn.functional.cross_entropy(s, told[:, i]) for i, s in enumerate(scores)]
    )


def validate(model: nn.Module, batches: Sequence[Batch]) -> Tensor:
    """Mean nats per event of each field over held-out crops, shape [4]."""
    sums = [losses(model, batch) * float(batch.real.sum()) for batch in batches]
    return torch.stack(sums).sum(0) / sum(float(batch.real.sum()) for batch in batches)


class EventTask(Task):
    """Learns events."""

    parts = FIELDS

    def __init__(self, preset: Preset, corpus: dataset.Packed) -> None:
        self._preset = preset
        self.network = network(preset)
        self._crops = Crops(corpus, preset.events, held_out=False)
        self._held_out = dataset.held_out_batches(
            corpus, JUDGED_EVENTS, preset.valid_crops
        )

    def losses(self, step: int) -> Tensor:
        """Mean nats per real event of each field, shape [4]."""
        preset = self._preset
        batch = self._crops.batch(preset.seed, step, preset.batch)
        return losses(self.network, batch, self.mine)

    def judge(self) -> list[float]:
        """The same on held-out crops."""
        found: Any = validate(self.network, self._held_out).tolist()
        return list(found)

"""A model to judge: published, through the daemon's session, or a checkpoint, in torch.

Both read crops and have lines of play, so that every figure is measured in one way on
either. Only this file and `evaluation.readers` know sessions and networks.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, Self

import numpy as np
import torch

from ripieno.errors import ModelError
from ripieno.inference import manifest as manifests
from ripieno.inference.controls import Controls
from ripieno.inference.lines import Line
from ripieno.inference.sampling import sample
from ripieno.inference.session import Loaded
from ripieno.layouts.vocabulary import FIELDS, N_DOWN, SIZES, Event
from ripieno_export import checkpoint, event_task, publish
from ripieno_export.evaluation.predictions import Reading
from ripieno_export.evaluation.readers import read_by, replay
from ripieno_export.networks.events import EventNetwork
from ripieno_export.tokenize import Ints

AT_ONCE: Final = 16
"""Crops that a network reads together: more are no faster on a CPU."""
WINDOW: Final = 256
"""Events that a network hears again at every step of a line: its crops' length."""


class Subject(Protocol):
    """What is judged.

    Attributes:
        name: what a table calls it.
        how: it is run.
        sampling: its own defaults.
        parameters: how many weights it has.
    """

    name: str
    how: str
    sampling: Controls
    parameters: int

    def read(self, events: Ints) -> Reading:
        """Predict crops [B, T + 1, 4], teacher-forced."""
        ...

    def line(self) -> Line:
        """A line of play that has heard nothing yet."""
        ...


class Published:
    """A model folder, as the daemon runs it."""

    how = "as published, through the daemon's session"

    def __init__(self, folder: Path) -> None:
        """Load it on the CPU, where every machine gives the same figures.

        Raises:
            ModelError: it is not to be run, or reads no events.
        """
        manifest = manifests.load(folder)
        if manifest.interface != "step":
            raise ModelError(
                f"The model {manifest.name} is of the {manifest.interface} interface; "
                "event models (step) are judged here, accompanists with "
                "--role accompany."
            )
        self._session = Loaded(folder, "cpu")
        self.name, self.parameters = manifest.name, manifest.parameters
        shaping = manifest.sampling
        self.sampling = Controls(temperature=shaping.temperature, top_p=shaping.top_p)

    def read(self, events: Ints) -> Reading:
        """See `Subject.read`. Cost: a step an event."""
        line = self._session.line()
        said = [replay(line, crop) for crop in events]
        return Reading(
            np.stack([each.chosen for each in said]),
            np.stack([each.nats for each in said]),
        )

    def line(self) -> Line:
        """See `Subject.line`."""
        return self._session.line()


class Trained:
    """A checkpoint, in torch."""

    how = "a checkpoint, in torch"

    def __init__(self, weights: Path) -> None:
        """Load it.

        Raises:
            FileError: it is not there.
            SettingsError: its family reads no events.
        """
        self._network = event_task.network_of(weights)
        preset = checkpoint.load(weights)["preset"]
        self.name = str(preset["name"])
        self.parameters = sum(w.numel() for w in self._network.parameters())
        shaping = publish.sampling_of(str(preset["family"]))
        self.sampling = Controls(temperature=shaping.temperature, top_p=shaping.top_p)

    def read(self, events: Ints) -> Reading:
        """See `Subject.read`."""
        said = [
            read_by(self._network, events[first : first + AT_ONCE])
            for first in range(0, len(events), AT_ONCE)
        ]
        return Reading(
            np.concatenate([each.chosen for each in said]),
            np.concatenate([each.nats for each in said]),
        )

    def line(self) -> Line:
        """See `Subject.line`."""
        return NetworkLine(self._network)


@dataclass(slots=True)
class NetworkLine:
    """A line of play through a network that hears its last events again every step.

    It is slow, but independent of errors of an export. Cost: `WINDOW` events a step.
    """

    network: EventNetwork
    heard: list[Event] = field(default_factory=list)

    def reset(self) -> None:
        """Forget everything."""
        self.heard.clear()

    def follow(self, other: Self) -> None:
        """Become a copy of another line."""
        self.heard = list(other.heard)

    def idle(self) -> bool:
        """There is nothing to do."""
        return False

    def step(self, event: Event, controls: Controls) -> Event:
        """Tell what happened; get what comes next."""
        self.heard = [*self.heard[1 - WINDOW :], event]
        with torch.no_grad():
            seen = self.network.read(torch.tensor(self.heard)[None])
            hidden = self.network.to_heads(self.network.backbone(seen)[:, -1])
            return self._sampled(hidden, controls)

    def _sampled(self, hidden: torch.Tensor, controls: Controls) -> Event:
        told: tuple[torch.Tensor, ...] = ()
        for head in range(len(SIZES)):
            mask = controls.masks[head]
            if head == FIELDS.index("velocity"):
                fits = (np.arange(SIZES[head]) > 0) == (int(told[2]) < N_DOWN)
                mask = mask & fits if (mask & fits).any() else fits
            value = sample(
                self.network.logits(head, hidden, told)[0].numpy(),
                mask,
                controls.temperature[head],
                controls.top_p[head],
                controls.noise[head],
            )
            told = (*told, torch.tensor([value]))
        return Event(*(int(value) for value in told))


def of(run: Path, model: Path | None) -> Subject:
    """What is asked for: a folder, else a run's best checkpoint."""
    return Trained(run / checkpoint.BEST) if model is None else Published(model)

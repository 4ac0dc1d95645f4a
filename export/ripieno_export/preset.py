"""A model's recipe: frozen, bounds checked, read from `configs/<name>.toml`."""

import tomllib
from dataclasses import asdict, dataclass, fields, replace
from importlib import resources
from typing import Any, Literal, Self

from ripieno.errors import SettingsError

Cell = Literal["gru", "lstm", "rnn"]


@dataclass(frozen=True, slots=True)
class Preset:
    """All that decides what is learned, but for the data.

    Attributes:
        name: of the published model folder.
        cell, hidden, layers, dropout: see `networks.recurrent.EventRecurrent`.
        events: T, the events of a crop.
        batch: crops a step.
        steps: how many steps; the learning rate's cosine ends there.
        warmup: steps of linear rise before it.
        learning_rate, final_share, weight_decay, clip: AdamW and its schedule.
        seed: of the weights, of dropout and of every batch.
        matmul: torch's float32 matmul precision.
        threads: torch's intra-op threads.
        save_every, valid_every: in steps.
        valid_crops: how many held-out crops steer the choice of the best weights.
    """

    name: str
    cell: Cell = "gru"
    hidden: int = 512
    layers: int = 1
    dropout: float = 0.1
    events: int = 256
    batch: int = 64
    steps: int = 4000
    warmup: int = 150
    learning_rate: float = 3e-3
    final_share: float = 0.02
    weight_decay: float = 0.01
    clip: float = 1.0
    seed: int = 1
    matmul: str = "medium"
    threads: int = 2
    save_every: int = 100
    valid_every: int = 200
    valid_crops: int = 128

    def __post_init__(self) -> None:
        """Check the bounds.

        Raises:
            SettingsError: a value is out of them.
        """
        if self.cell not in ("gru", "lstm", "rnn"):
            raise SettingsError(f"cell is {self.cell!r}; it must be gru, lstm or rnn.")
        whole = (
            "hidden",
            "layers",
            "events",
            "batch",
            "steps",
            "save_every",
            "valid_every",
            "valid_crops",
            "threads",
        )
        for name in whole:
            if getattr(self, name) < 1:
                raise SettingsError(
                    f"{name} is {getattr(self, name)}; it must be at least 1."
                )

    def with_(self, **changes: float | str | None) -> Self:
        """A copy with some values changed; None changes nothing."""
        given: dict[str, Any] = {k: v for k, v in changes.items() if v is not None}
        return replace(self, **given)

    def as_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return asdict(self)


def load(name: str) -> Preset:
    """A preset by name.

    Raises:
        SettingsError: there is none, or it is not a preset.
    """
    folder = resources.files("ripieno_export") / "configs"
    file = folder / f"{name}.toml"
    if not file.is_file():
        names = sorted(
            f.name.removesuffix(".toml")
            for f in folder.iterdir()
            if f.name.endswith(".toml")
        )
        raise SettingsError(
            f"There is no preset {name!r} (there is: {', '.join(names)})."
        )
    values = tomllib.loads(file.read_text(encoding="utf-8"))
    if unknown := set(values) - {field.name for field in fields(Preset)}:
        raise SettingsError(f"{file.name} has an unknown setting {min(unknown)!r}.")
    return Preset(**values)

"""A model's recipe: frozen, bounds checked, read from `configs/<name>.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from importlib import resources
from typing import Any, Final, Self, TypeVar

import msgspec

from ripieno.errors import SettingsError

Options = TypeVar("Options", bound=msgspec.Struct)

WHOLE: Final = (
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
CHOICES: Final = {
    "optimiser": ("adamw", "muon"),
    "precision": ("32-true", "bf16-mixed"),
    "matmul": ("highest", "high", "medium"),
}


@dataclass(frozen=True, slots=True)
class Preset:
    """All that decides what is learned, but for the data.

    Attributes:
        name: of the published model folder.
        family: which network and task it is a recipe for.
        hidden, layers, dropout: of the network, as its family understands them.
        events: T, the events (spans, frames) of a crop.
        batch: crops a step, of all processes together.
        steps: how many steps; the learning rate's cosine ends there.
        warmup: steps of linear rise before it.
        learning_rate, final_share, weight_decay, clip: the optimiser and its schedule.
        optimiser: ``adamw``; or ``muon`` for the matrices between embeddings and heads,
            with AdamW for the rest.
        precision: ``32-true``, or ``bf16-mixed`` (autocast).
        matmul: torch's float32 matmul precision.
        seed: of the weights, of dropout and of every batch.
        threads: torch's intra-op threads.
        save_every, valid_every: in steps.
        valid_crops: how many held-out crops steer the choice of the best weights.
        patience: stop after so many judgements that were no better; 0 never.
        options: what only the family knows; see `options_as`.
    """

    name: str
    family: str = "gru"
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
    optimiser: str = "adamw"
    precision: str = "32-true"
    matmul: str = "medium"
    seed: int = 1
    threads: int = 2
    save_every: int = 100
    valid_every: int = 200
    valid_crops: int = 128
    patience: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the bounds.

        Raises:
            SettingsError: a value is out of them.
        """
        for name, allowed in CHOICES.items():
            if (value := getattr(self, name)) not in allowed:
                raise SettingsError(
                    f"{name} is {value!r}; it must be one of {', '.join(allowed)}."
                )
        for name in WHOLE:
            if getattr(self, name) < 1:
                raise SettingsError(
                    f"{name} is {getattr(self, name)}; it must be at least 1."
                )

    def with_(self, **changes: float | str | None) -> Self:
        """A copy with some values changed, options among them; None changes nothing."""
        given: dict[str, Any] = {k: v for k, v in changes.items() if v is not None}
        known = {own.name for own in fields(self)}
        options = {name: given.pop(name) for name in set(given) - known}
        return replace(self, **given, options={**self.options, **options})

    def options_as(self, kind: type[Options]) -> Options:
        """The options as their family's own value.

        Raises:
            SettingsError: one is unknown, or of the wrong type.
        """
        try:
            return msgspec.convert(dict(self.options), kind)
        except msgspec.ValidationError as error:
            raise SettingsError(f"The recipe {self.name}: {error}.") from error

    def as_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return asdict(self)


def names() -> list[str]:
    """All recipes that there are."""
    folder = resources.files("ripieno_export") / "configs"
    files = (file.name for file in folder.iterdir())
    return sorted(n.removesuffix(".toml") for n in files if n.endswith(".toml"))


def load(name: str) -> Preset:
    """A preset by name.

    Raises:
        SettingsError: there is none, or it is not a preset.
    """
    if name not in names():
        raise SettingsError(
            f"There is no preset {name!r} (there is: {', '.join(names())})."
        )
    file = resources.files("ripieno_export") / "configs" / f"{name}.toml"
    values = tomllib.loads(file.read_text(encoding="utf-8"))
    if unknown := set(values) - {own.name for own in fields(Preset)}:
        raise SettingsError(f"{file.name} has an unknown setting {min(unknown)!r}.")
    return Preset(**values)

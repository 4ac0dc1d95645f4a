"""The harmonizer's recipe: a preset, and what is its own, from `configs/`."""

import tomllib
from dataclasses import asdict, dataclass, fields, replace
from importlib import resources
from typing import Any, Self

from ripieno.errors import SettingsError
from ripieno_export.preset import Preset


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides what is learned, but for the data.

    Attributes:
        preset: network, optimiser and schedule; its events are onsets of the soprano.
        motets: the share of crops drawn from motets, the rest being chorales and hymns.
        corrupted: the share of onsets whose history is falsified.
        own: the share of crops whose history is what the network answered itself.
        leash: how often such a crop is told the true history all the same.
        own_after: the step from which on that is done.
    """

    preset: Preset
    motets: float = 0.25
    corrupted: float = 0.15
    own: float = 0.5
    leash: float = 0.5
    own_after: int = 600

    def __post_init__(self) -> None:
        """Check the bounds.

        Raises:
            SettingsError: a value is out of them.
        """
        for name in ("motets", "corrupted", "own", "leash"):
            if not 0 <= (value := getattr(self, name)) <= 1:
                raise SettingsError(f"{name} is {value}; it must lie between 0 and 1.")

    def with_(self, **changes: float | None) -> Self:
        """A copy with some values changed, the preset's among them."""
        given: dict[str, Any] = {k: v for k, v in changes.items() if v is not None}
        own = {field.name for field in fields(self)}
        preset = {name: given.pop(name) for name in set(given) - own}
        return replace(self, preset=self.preset.with_(**preset), **given)

    def as_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return asdict(self)


def load(name: str) -> Recipe:
    """A recipe by name.

    Raises:
        SettingsError: it is not a recipe of a harmonizer.
    """
    file = resources.files("ripieno_export") / "configs" / f"{name}.toml"
    if not file.is_file():
        raise SettingsError(f"There is no recipe {name!r} for a harmonizer.")
    values = tomllib.loads(file.read_text(encoding="utf-8"))
    harmony = values.pop("harmony", {})
    return _made(file.name, values, harmony)


def of(payload: dict[str, Any]) -> Recipe:
    """The recipe that a checkpoint holds."""
    values = dict(payload["recipe"])
    return _made("the checkpoint", values.pop("preset"), values)


def _made(where: str, values: dict[str, Any], harmony: dict[str, Any]) -> Recipe:
    known = {field.name for field in fields(Preset)}
    own = {field.name for field in fields(Recipe)} - {"preset"}
    if unknown := (set(values) - known) | (set(harmony) - own):
        raise SettingsError(f"{where} has an unknown setting {min(unknown)!r}.")
    return Recipe(Preset(**values), **harmony)

"""What one row of the table of parameters says, and how the table is read.

A row is a field of a msgspec struct: ``Annotated[float, Knob("…", 0.0, 1.0)]`` with
its default. Name, type and default are the field's; everything else is the `Knob`'s.
Command-line flags, the settings file, checks, MIDI controllers, `ripieno set` and the
reference page are all made from `knobs_of`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, replace
from functools import cache
from types import UnionType
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec

from ripieno.errors import SettingsError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Knob:
    """A parameter that a person can change: a row of the table.

    Attributes:
        help: its meaning, in one line of the command line's help.
        more: a further sentence for the reference page; empty for none.
        low, high: the bounds of a number, inclusive; None for other types.
        choices: all allowed values, where there are few.
        unit: of a number, for people.
        roles: the roles that use it; empty for all roles.
        controller: the number of the MIDI controller that changes it by default.
        metavar: the placeholder for its value in the command line's help.
        formerly: an old name, which is still accepted; empty for none.
        is_fixed: whether it cannot be changed during a performance.
        is_live: whether it has no meaning where a file is rendered.
        is_shared: whether it is the same for all seats.
        name, kind, default: the field's name, type and default.
    """

    help: str
    low: float | None = None
    high: float | None = None
    _: KW_ONLY
    more: str = ""
    choices: Collection[Any] = ()
    unit: str = ""
    roles: tuple[str, ...] = ()
    controller: int | None = None
    metavar: str | None = None
    formerly: str = ""
    is_fixed: bool = False
    is_live: bool = False
    is_shared: bool = False
    name: str = ""
    kind: type = str
    default: Any = None

    @property
    def flag(self) -> str:
        """Its flag on the command line."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The lowest and the highest value of a number; None for other types."""
        if self.low is None or self.high is None:
            return None
        return self.low, self.high

    @property
    def can_be_turned(self) -> bool:
        """Whether a MIDI controller can change it."""
        return not self.is_fixed and bool(self.choices or self.bounds)

    @property
    def wanted(self) -> str:
        """What a value must be, as the end of a sentence."""
        if self.kind is bool:
            return "write yes or no"
        if self.choices:
            return f"choose one of {', '.join(map(str, self.choices))}"
        if self.bounds is None:
            return "write a text"
        whole = "a whole number" if self.kind is int else "a number"
        return f"it must be {whole} between {self.low} and {self.high}"


@cache
def knobs_of(params: type[msgspec.Struct]) -> dict[str, Knob]:
    """Return the table of a struct: name → row, in the order of its fields."""
    hints = get_type_hints(params, include_extras=True)
    rows = {}
    for field in msgspec.structs.fields(params):
        annotated = hints[field.name]
        (knob,) = (each for each in annotated.__metadata__ if isinstance(each, Knob))
        kind = _kind(annotated.__origin__)
        choices = (False, True) if kind is bool else knob.choices
        rows[field.name] = replace(
            knob, name=field.name, kind=kind, default=field.default, choices=choices
        )
    return rows


def with_present_names(
    knobs: Mapping[str, Knob], given: Mapping[str, T]
) -> tuple[dict[str, T], list[str]]:
    """Replace the former names of parameters by their present names.

    Args:
        knobs: the table.
        given: name → value; names that the table does not know are kept.

    Returns:
        The values by present name, and one sentence for each name replaced.

    Raises:
        SettingsError: a parameter is given under both of its names.
    """
    present = {knob.formerly: knob.name for knob in knobs.values() if knob.formerly}
    found: dict[str, T] = {}
    sentences = []
    for name, value in given.items():
        new = present.get(name, name)
        if new != name:
            if new in given:
                raise SettingsError(
                    f"{name} is the old name of {new}, and both are given; "
                    f"give only {new}."
                )
            sentences.append(f"{name} is now called {new}; the old name still works.")
        found[new] = value
    return found, sentences


def names(knobs: Iterable[Knob]) -> str:
    """Return the names, separated by commas."""
    return ", ".join(knob.name for knob in knobs)


def _kind(annotation: object) -> type:
    """Return the type of a value; int for ``int | None``."""
    kinds = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    (kind,) = (each for each in kinds if each is not type(None))
    assert isinstance(kind, type)
    return kind

"""What one row of the table of parameters says, and how the table is read.

A row is a field of a msgspec struct: ``Annotated[float, Knob("…", 0.0, 1.0)]`` with
its default. Name, type and default are the field's; everything else is the `Knob`'s.
Command-line flags, the settings file, checks, MIDI controllers, `ripieno set` and the
reference page are all made from `knobs_of`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cache
from types import UnionType
from typing import Any, Final, TypeVar, get_args, get_type_hints

import msgspec

T = TypeVar("T")

UNSET: Final = ("auto", "none")
"""The words for None where a parameter may be None; the old value 0 means the same."""


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
        unset: the word of `UNSET` that is shown for None; empty where no value means
            None. The lowest position of a controller means None as well.
        formerly: old names, which are still accepted: name → what makes the present
            value of an old number; None if the value is the same.
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
    unset: str = ""
    formerly: Mapping[str, Callable[[float], float] | None] = field(
        default_factory=dict
    )
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
        unset = f", or {self.unset}" if self.unset else ""
        return f"it must be {whole} between {self.low} and {self.high}{unset}"

    def maybe(self, value: T) -> T | None:
        """Return None for a value that means None, and any other value as it is."""
        return None if self.unset and value in (*UNSET, 0) else value

    def text(self, value: object) -> str:
        """Return a value as a person writes it; empty for an empty text."""
        if isinstance(value, bool):
            return "yes" if value else "no"
        return self.unset if value is None else str(value)


@cache
def knobs_of(params: type[msgspec.Struct]) -> dict[str, Knob]:
    """Return the table of a struct: name → row, in the order of its fields."""
    hints = get_type_hints(params, include_extras=True)
    rows = {}
    for column in msgspec.structs.fields(params):
        annotated = hints[column.name]
        (knob,) = (each for each in annotated.__metadata__ if isinstance(each, Knob))
        kind = _kind(annotated.__origin__)
        choices = (False, True) if kind is bool else knob.choices
        rows[column.name] = replace(
            knob, name=column.name, kind=kind, default=column.default, choices=choices
        )
    return rows


def with_present_names(
    knobs: Mapping[str, Knob], given: Mapping[str, Any], *, converts: bool = True
) -> tuple[dict[str, Any], list[str]]:
    """Replace the former names of parameters by their present names.

    Of two names for one parameter the present one wins, then the first one given.

    Args:
        knobs: the table.
        given: name, or ``seat.name`` → value; names that the table does not know are
            kept.
        converts: whether the values are those of the parameters, and are converted.

    Returns:
        The values by present name, and one sentence for each name replaced.
    """
    rows = {old: knob for knob in knobs.values() for old in knob.formerly}
    sentences = []
    former = {name: name.rpartition(".") for name in given}
    former = {name: parts for name, parts in former.items() if parts[2] in rows}
    found = {name: value for name, value in given.items() if name not in former}
    for name, (seat, dot, old) in former.items():
        knob, value = rows[old], given[name]
        new = f"{seat}{dot}{knob.name}"
        if new in found:
            end = f"it was ignored, because {new} is given too"
        else:
            found[new] = _converted(knob, old, value) if converts else value
            end = f"it was read as {new} = {found[new]}"
        sentences.append(f"{name} is now called {new}; {end}.")
    return found, sentences


def _converted(knob: Knob, old: str, value: object) -> object:
    """Return the present value of an old one, within the bounds of a number.

    A value of another type is returned as it is; it is refused when it is read.
    """
    convert = knob.formerly[old]
    if convert is None or knob.bounds is None:
        return value
    try:
        new = convert(msgspec.convert(value, float, strict=False))
    except (msgspec.ValidationError, OverflowError):
        return value
    new = round(min(max(new, knob.bounds[0]), knob.bounds[1]), 4)
    return str(new) if isinstance(value, str) else new


def names(knobs: Iterable[Knob]) -> str:
    """Return the names, separated by commas."""
    return ", ".join(knob.name for knob in knobs)


def _kind(annotation: object) -> type:
    """Return the type of a value; int for ``int | None``."""
    kinds = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    (kind,) = (each for each in kinds if each is not type(None))
    assert isinstance(kind, type)
    return kind

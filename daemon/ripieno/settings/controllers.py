"""How a musician turns a parameter: by a MIDI controller, or by its name and a text.

A controller's 0 … 127 spread evenly over what the parameter may be: over its bounds, or
over its few choices. A text is read as what the parameter is. Both end in another
`Params`, checked whole.

It does not know where controllers or texts come from, nor who plays by the result.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ripieno.errors import SettingsError
from ripieno.layouts.duet import STYLES
from ripieno.music import messages
from ripieno.settings import params as values
from ripieno.settings.params import BOUNDS, COMMITS, MANNERS, ROLES, Params

CONTROLS: Final = {
    "lead": 20,
    "busy": 21,
    "thick": 22,
    "swing": 23,
    "temperature": 24,
    "density": 25,
}
"""The controllers unless others are given: MIDI leaves 20 … 31 undefined."""
CHOICES: Final[dict[str, tuple[object, ...]]] = {
    "commit": COMMITS,
    "role": ROLES,
    "style": STYLES,
    "manner": MANNERS,
    "click": (False, True),
    "thru": (False, True),
}
FIXED: Final = ("seed",)
"""Parameters that hold from the start to the end: chance has begun from it."""
KNOBS: Final = (*(name for name in BOUNDS if name not in FIXED), *CHOICES)
"""What a controller may turn."""
NAMES: Final = tuple(n for n in Params.__struct_fields__ if n not in FIXED)
"""What may be turned by name."""
MOST: Final = 127
LAST_CONTROLLER: Final = 119
"""From 120 on they are channel mode messages."""

_KINDS: Final = {field.name: field.type for field in msgspec.structs.fields(Params)}
_YES_NO: Final = dict.fromkeys(("yes", "on", "true", "1"), True) | dict.fromkeys(
    ("no", "off", "false", "0"), False
)


def turned(params: Params, name: str, value: int) -> Params:
    """The same settings with one knob turned; as they were where that cannot be.

    Args:
        params: how to play.
        name: one of `KNOBS`.
        value: the controller's, 0 … 127.
    """
    new = msgspec.structs.replace(params, **{name: _at(name, value)})
    return params if new == params or new.low > new.high else new


def merged(params: Params, fields: Mapping[str, Any]) -> Params:
    """The same settings with some replaced, all checked.

    Raises:
        SettingsError: a name is unknown or holds for good, or a value is of the wrong
            kind or out of its bounds.
    """
    for name in fields:
        _check_name(name)
    try:
        new = msgspec.convert({**msgspec.structs.asdict(params), **fields}, Params)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        sentence = f"{what[0].lower()}{what[1:]}".replace("`", "")
        raise SettingsError(f"{where.strip('`')}: {sentence}.") from error
    return values.check(new)


def parsed(name: str, text: str) -> object:
    """A value as a person writes it; whether it is within its bounds is not asked.

    Raises:
        SettingsError: the name is unknown or holds for good, or the text is nothing
            that it may be.
    """
    _check_name(name)
    kind = _KINDS[name]
    try:
        if kind is bool:
            return _YES_NO[text.lower()]
        return msgspec.convert(text, kind, strict=False)
    except (KeyError, msgspec.ValidationError) as error:
        raise SettingsError(f"{name} is {text!r}; {_wanted(name)}.") from error


def check_controls(controls: Mapping[str, int]) -> None:
    """Return if every parameter named can be turned, each by a controller of its own.

    Raises:
        SettingsError: with the bounds, or the names there are.
    """
    for name, number in controls.items():
        if name not in KNOBS:
            raise SettingsError(
                f"controls: no controller turns {name!r}; choose of {', '.join(KNOBS)}."
            )
        if not 0 <= number <= LAST_CONTROLLER or number in messages.PEDALS:
            raise SettingsError(
                f"controls: {name} is {number}; it must lie between 0 and "
                f"{LAST_CONTROLLER}, and be no pedal "
                f"({', '.join(map(str, messages.PEDALS))})."
            )
    taken: dict[int, str] = {}
    for name, number in controls.items():
        other = taken.setdefault(number, name)
        if other != name:
            raise SettingsError(
                f"controls: {other} and {name} are both {number}; give each its own."
            )


def by_number(controls: Mapping[str, int]) -> dict[int, str]:
    """The same table, from controllers to names."""
    return {number: name for name, number in controls.items()}


def _at(name: str, value: int) -> object:
    if (choices := CHOICES.get(name)) is not None:
        return choices[value * len(choices) // (MOST + 1)]
    low, high = BOUNDS[name]
    scaled = low + (high - low) * value / MOST
    return round(scaled) if _KINDS[name] is int else round(scaled, 4)


def _check_name(name: str) -> None:
    if name in FIXED:
        raise SettingsError(
            f"{name} holds from start to end; give it to `ripieno play --{name}`."
        )
    if name not in NAMES:
        raise SettingsError(
            f"{name!r} is no setting; choose of {', '.join(NAMES)}.".replace("_", "-")
        )


def _wanted(name: str) -> str:
    if name in BOUNDS:
        low, high = BOUNDS[name]
        whole = "a whole number" if _KINDS[name] is int else "a number"
        return f"it must be {whole} between {low} and {high}"
    if _KINDS[name] is bool:
        return "write yes or no"
    return f"choose one of {', '.join(map(str, CHOICES[name]))}"

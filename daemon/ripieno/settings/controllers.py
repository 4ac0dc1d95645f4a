"""Changes of a parameter by a MIDI controller, or by its name and a text.

The controller's values 0 … 127 are spread evenly over the bounds of the parameter, or
over its choices; 0 is None where the parameter may be None. A text is parsed by the
parameter's type. Either way the result is a new, checked `Params`.

This module does not know where controller values or texts come from.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final, TypeVar

import msgspec

from ripieno.errors import SettingsError
from ripieno.music import messages
from ripieno.settings import params as values
from ripieno.settings.knobs import Knob, knobs_of, names
from ripieno.settings.params import KNOBS, Params

P = TypeVar("P", bound=Params)


def default_controls(knobs: Mapping[str, Knob]) -> dict[str, int]:
    """Return the controllers that a table of parameters names: name → number."""
    return {
        knob.name: knob.controller
        for knob in knobs.values()
        if knob.controller is not None
    }


CONTROLS: Final = default_controls(KNOBS)
"""The default controllers: MIDI leaves 20 … 31 undefined."""
MOST: Final = 127
LAST_CONTROLLER: Final = 119
"""Numbers from 120 on are channel mode messages."""

_YES_NO: Final = dict.fromkeys(("yes", "on", "true", "1"), True) | dict.fromkeys(
    ("no", "off", "false", "0"), False
)


def turned(params: P, name: str, value: int) -> P:
    """Return the parameters with one changed; the same ones if that is invalid.

    Args:
        params: how to play.
        name: of a row of its table that can be turned.
        value: the controller's, 0 … 127.
    """
    new = msgspec.structs.replace(
        params, **{name: _at(knobs_of(type(params))[name], value)}
    )
    return params if new == params or new.low > new.high else new


def merged(params: P, fields: Mapping[str, Any]) -> P:
    """Return the parameters with some replaced, all checked.

    Raises:
        SettingsError: a name is unknown or cannot be changed, or a value has the wrong
            type or is out of its bounds.
    """
    for name in fields:
        _check_name(knobs_of(type(params)), name)
    try:
        new = msgspec.convert(
            {**msgspec.structs.asdict(params), **fields}, type(params)
        )
    except msgspec.ValidationError as error:
        raise SettingsError(plainly(str(error))) from error
    values.check(new)
    return new


def plainly(message: str) -> str:
    """Return msgspec's ``Expected `int`, got `str` - at `$.play.low``` in words."""
    what, _, where = message.partition(" - at `$")
    field = where.strip(".`") or "the settings"
    what = what.replace("`", "").replace(" | null", "")
    return f"{field}: {what[0].lower()}{what[1:]}."


def parsed(name: str, text: str, knobs: Mapping[str, Knob] = KNOBS) -> object:
    """Parse a value as a person writes it; its bounds are not checked.

    None is returned for a word that leaves the value to the music.

    Raises:
        SettingsError: the name is unknown or cannot be changed, or the text is not a
            value of its type or among its choices.
    """
    _check_name(knobs, name)
    knob = knobs[name]
    if knob.maybe(text) is None:
        return None
    try:
        if knob.kind is bool:
            return _YES_NO[text.lower()]
        value: object = msgspec.convert(text, knob.kind, strict=False)
    except (KeyError, msgspec.ValidationError) as error:
        raise SettingsError(f"{name} is {text!r}; {knob.wanted}.") from error
    if knob.choices and value not in knob.choices:
        raise SettingsError(f"{name} is {value!r}; {knob.wanted}.")
    return knob.maybe(value)


def check_controls(
    controls: Mapping[str, int],
    knobs: Mapping[str, Knob] = KNOBS,
    seats: Collection[str] = (),
) -> None:
    """Check that every named parameter can be changed, each by its own controller.

    Args:
        controls: parameter, or ``seat.parameter`` → number of the controller.
        knobs: the table of parameters.
        seats: the names of the seats.

    Raises:
        SettingsError: names the bounds, or the parameters that can be changed.
    """
    for name, number in controls.items():
        seat, _, plain = name.rpartition(".")
        knob = knobs.get(plain)
        is_of_seat = seat in seats and knob is not None and not knob.is_shared
        if seat and seat not in seats:
            raise SettingsError(
                f"controls: {name!r} names no seat; there are: {', '.join(seats)}."
            )
        if knob is None or not knob.can_be_turned or (seat and not is_of_seat):
            can_be = names(
                knob
                for knob in knobs.values()
                if knob.can_be_turned and not (seat and knob.is_shared)
            )
            raise SettingsError(
                f"controls: no controller turns {name!r}; choose of {can_be}."
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
    """Return the inverse table: controller → name."""
    return {number: name for name, number in controls.items()}


def _at(knob: Knob, value: int) -> object:
    if knob.choices:
        return list(knob.choices)[value * len(knob.choices) // (MOST + 1)]
    if knob.unset and not value:
        return None
    assert knob.bounds is not None
    low, high = knob.bounds
    scaled = low + (high - low) * value / MOST
    return round(scaled) if knob.kind is int else round(scaled, 4)


def _check_name(knobs: Mapping[str, Knob], name: str) -> None:
    knob = knobs.get(name)
    if knob is None:
        may = names(knob for knob in knobs.values() if not knob.is_fixed)
        raise SettingsError(
            f"{name!r} is no setting; choose of {may}.".replace("_", "-")
        )
    if knob.is_fixed:
        raise SettingsError(
            f"{name} holds from start to end; give it to `ripieno play {knob.flag}`."
        )

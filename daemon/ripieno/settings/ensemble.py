"""The seats of a performance, as settings: each has a name and its own parameters.

An `Ensemble` is the parameters of all seats, and the seats. A seat has the parameters
of all, except for those that it has for itself. Where no seats are given, the role says
which there are: `accompany` has three, any other role one.

::

    Ensemble(params, seats) ──▶ seated() ──▶ name → Params, one for each seat
"""

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from ripieno.errors import SettingsError
from ripieno.music import messages
from ripieno.settings import controllers
from ripieno.settings import params as values
from ripieno.settings.controllers import merged, plainly
from ripieno.settings.knobs import knobs_of
from ripieno.settings.params import Params
from ripieno.settings.roles import ROLES

SOLO: Final = "solo"
"""The name of the only seat of a role that has one."""
PERCUSSION: Final = 9
"""MIDI channel 10, counted from 0. General MIDI has its drums there."""
MOST: Final = 16
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,19}")


class SeatSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A seat.

    Attributes:
        name: as people call it: small letters, digits and `_`.
        own: the parameters that it has for itself, by name.
        place: how many channels above the channel of all it plays, if it has none of
            its own; None for the first that is free, which `check` finds.
    """

    name: str
    own: dict[str, Any] = {}
    place: int | None = None


class Ensemble(msgspec.Struct, frozen=True):
    """All parameters of a performance.

    Attributes:
        params: those of all seats.
        seats: none for those of the role.
    """

    params: Params = Params()
    seats: tuple[SeatSettings, ...] = ()

    @property
    def lineup(self) -> tuple[SeatSettings, ...]:
        """The seats, those of the role included."""
        return self.seats or seats_of(self.params)

    def seated(self) -> dict[str, Params]:
        """Return the parameters of each seat: name → parameters."""
        return {seat.name: params_of(self.params, seat) for seat in self.lineup}


def seats_of(params: Params) -> tuple[SeatSettings, ...]:
    """Return the seats that play a role."""
    row = ROLES[params.role]
    if not row.seats:
        return (SeatSettings(SOLO, place=0),)
    playing = values.parse(params).parts
    return tuple(
        SeatSettings(
            each.name,
            {"role": each.role} | ({} if each.name in playing else {"mute": True}),
            place,
        )
        for place, each in enumerate(row.seats)
    )


def joined(params: Params, further: Iterable[SeatSettings]) -> tuple[SeatSettings, ...]:
    """Return the seats of a role and further ones.

    A further seat with the name of one of the role's changes that seat.
    """
    seats = {seat.name: seat for seat in seats_of(params)}
    added = []
    for seat in further:
        if (mine := seats.get(seat.name)) is None:
            added.append(seat)
        else:
            own = {**mine.own, **seat.own}
            seats[seat.name] = msgspec.structs.replace(mine, own=own)
    return (*seats.values(), *added)


def params_of(params: Params, seat: SeatSettings) -> Params:
    """Return the parameters of a seat."""
    own = seat.own
    if "channel" not in own:
        own = {**own, "channel": channel_of(params.channel, seat.place or 0)}
    return msgspec.structs.replace(params, **own)


def channel_of(channel: int, place: int) -> int:
    """Return the channel of a seat, counted from 1.

    Seats skip the drum channel, unless the first of them is on it.

    Args:
        channel: of the first seat, counted from 1.
        place: 0 for the first.
    """
    first = channel - 1
    return (first + place + (first < PERCUSSION <= first + place)) % 16 + 1


def seat_from(table: Mapping[str, Any]) -> SeatSettings:
    """Return a seat from its table in the settings file.

    Raises:
        SettingsError: it has no name, or the name is not one.
    """
    own = dict(table)
    name = own.pop("name", "")
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        what = f"{name!r} is no name of a seat" if name else "a seat needs a name"
        raise SettingsError(
            f"{what}; write 1 to 20 small letters, digits or _, a letter first."
        )
    return SeatSettings(name, own)


def check(ensemble: Ensemble) -> Ensemble:
    """Return the same value, each parameter of its type, if it is valid.

    Raises:
        SettingsError: a parameter is unknown, of the wrong type or out of its bounds,
            two seats have one name, or there are too many seats.
    """
    values.check(ensemble.params)
    if len(ensemble.seats) > MOST:
        raise SettingsError(
            f"there are {len(ensemble.seats)} seats; there may be {MOST}."
        )
    check_names(ensemble.seats)
    seats = [_checked(ensemble.params, seat) for seat in ensemble.seats]
    return Ensemble(ensemble.params, _placed(ensemble.params, seats))


def check_names(seats: Iterable[SeatSettings]) -> None:
    """Check that each seat has a name of its own.

    Raises:
        SettingsError: two seats have one name.
    """
    names: set[str] = set()
    for seat in seats:
        if seat.name in names:
            raise SettingsError(
                f"two seats are called {seat.name!r}; give each a name of its own."
            )
        names.add(seat.name)


def _placed(params: Params, seats: Iterable[SeatSettings]) -> tuple[SeatSettings, ...]:
    """Give each seat without a channel the first one that no other seat plays on."""
    fixed = [seat for seat in seats if "channel" in seat.own or seat.place is not None]
    taken = {params_of(params, seat).channel for seat in fixed}
    found = []
    for seat in seats:
        if "channel" in seat.own or seat.place is not None:
            found.append(seat)
            continue
        places = range(MOST)
        free = (p for p in places if channel_of(params.channel, p) not in taken)
        placed = msgspec.structs.replace(seat, place=next(free, 0))
        taken.add(params_of(params, placed).channel)
        found.append(placed)
    return tuple(found)


def minds_of(ensemble: Ensemble) -> tuple[str, ...]:
    """Return the names of the models that the seats need, once for each mind.

    All seats that follow the conductor share one mind.
    """
    roles = [ROLES[params.role] for params in ensemble.seated().values()]
    shared = dict.fromkeys(role.models for role in roles if role.follows)
    return (*shared, *(role.models for role in roles if not role.follows))


def check_programs(ensemble: Ensemble, programs: Mapping[str, tuple[str, ...]]) -> None:
    """Check that each program selects a role of a seat that exists.

    Raises:
        SettingsError: names the seats, or the roles that a seat can have.
    """
    seats = {seat.name: seat for seat in ensemble.lineup}
    for name, roles in programs.items():
        _named(seats, name)
        for role in roles:
            own = {**seats[name].own, "role": role}
            _checked(ensemble.params, SeatSettings(name, own))


def warnings(ensemble: Ensemble) -> Iterator[str]:
    """Yield a sentence for each channel on which several seats play."""
    by_channel: dict[int, list[str]] = {}
    for name, params in ensemble.seated().items():
        by_channel.setdefault(params.channel, []).append(name)
    for channel, names in by_channel.items():
        if len(names) > 1:
            *most, last = names
            yield (
                f"The seats {', '.join(most)} and {last} play on channel {channel}: a "
                "note of one ends the same note of another. Give each its own channel, "
                f"such as {last}.channel={channel % 16 + 1}."
            )


def _checked(params: Params, seat: SeatSettings) -> SeatSettings:
    """Return a seat with each of its parameters of its type."""
    knobs = knobs_of(type(params))
    for name in seat.own:
        knob = knobs.get(name)
        if knob is None or knob.is_shared:
            why = "is no setting" if knob is None else "is the same for all seats"
            has = ", ".join(knob.name for knob in knobs.values() if not knob.is_shared)
            raise SettingsError(f"{seat.name}.{name} {why}; a seat has: {has}.")
    try:
        merged = msgspec.convert(
            {**msgspec.structs.asdict(params), **seat.own}, type(params)
        )
        own = {name: getattr(merged, name) for name in seat.own}
        typed = msgspec.structs.replace(seat, own=own)
        values.check(params_of(params, typed))
    except msgspec.ValidationError as error:
        raise SettingsError(f"seat {seat.name}: {plainly(str(error))}") from error
    except SettingsError as error:
        raise SettingsError(f"seat {seat.name}: {error}") from error
    role = params_of(params, typed).role
    if ROLES[role].seats:
        alone = ", ".join(name for name, row in ROLES.items() if not row.seats)
        raise SettingsError(
            f"seat {seat.name}: {role} takes several seats; choose one of {alone}."
        )
    return typed


class Change(msgspec.Struct, frozen=True):
    """A change of an ensemble while it plays.

    Attributes:
        fields: ``name`` or ``seat.name`` → value.
        add: seats to add.
        remove: the names of the seats to remove.
    """

    fields: dict[str, Any] = {}
    add: tuple[SeatSettings, ...] = ()
    remove: tuple[str, ...] = ()


def changed(ensemble: Ensemble, change: Change) -> Ensemble:
    """Return the ensemble after a change, all checked.

    A new role of all replaces the seats by those of the role.

    Raises:
        SettingsError: as `check`; or a seat is named that does not exist, or no seat
            would be left.
    """
    shared = {name: v for name, v in change.fields.items() if "." not in name}
    params = merged(ensemble.params, shared)
    is_other = params.role != ensemble.params.role
    seats = {} if is_other else {each.name: each for each in ensemble.seats}
    if "parts" in shared:
        playing = values.parse(params).parts
        for name in seats.keys() & set(values.PARTS.values()):
            own = {**seats[name].own, "mute": name not in playing}
            seats[name] = msgspec.structs.replace(seats[name], own=own)
    of_seats = {name: v for name, v in change.fields.items() if "." in name}
    if of_seats or change.add or change.remove:
        seats = seats or {each.name: each for each in seats_of(params)}
    for path, value in of_seats.items():
        name, _, knob = path.partition(".")
        seat = _named(seats, name)
        seats[name] = msgspec.structs.replace(seat, own={**seat.own, knob: value})
    for name in change.remove:
        _named(seats, name)
        del seats[name]
        if not seats:
            raise SettingsError(f"{name} is the only seat; mute it instead.")
    return check(Ensemble(params, (*seats.values(), *change.add)))


def acted_on(ensemble: Ensemble) -> Ensemble:
    """Return the ensemble after an ending that was asked for: `ending` is auto again.

    So it can be asked for again.
    """
    if ensemble.params.ending != "now":
        return ensemble
    params = msgspec.structs.replace(ensemble.params, ending="auto")
    return msgspec.structs.replace(ensemble, params=params)


def turned(ensemble: Ensemble, name: str, value: int) -> Ensemble:
    """Return the ensemble with one parameter changed by a MIDI controller.

    Args:
        ensemble: how to play.
        name: of a parameter of all seats, or ``seat.name``.
        value: the controller's, 0 … 127.

    Returns:
        The same ensemble where the seat does not exist or the value is invalid.

    Cost: some 10 µs; 0.3 ms where seats are given, which are checked again.
    """
    seat, _, knob = name.rpartition(".")
    before = ensemble.seated().get(seat) if seat else ensemble.params
    if before is None:
        return ensemble
    after = controllers.turned(before, knob, value)
    if after is before:
        return ensemble
    if not seat and not ensemble.seats:
        return Ensemble(after)
    with contextlib.suppress(SettingsError):
        return changed(ensemble, Change({name: getattr(after, knob)}))
    return ensemble


def selected(
    ensemble: Ensemble, programs: Mapping[str, tuple[str, ...]], data: bytes
) -> Ensemble:
    """Return the ensemble after a program change on the channel of a seat.

    Args:
        ensemble: how to play.
        programs: seat → the roles that programs 1, 2, … select.
        data: the program change.
    """
    channel, program = messages.channel_of(data) + 1, data[1]
    for name, params in ensemble.seated().items():
        roles = programs.get(name, ())
        if params.channel == channel and program < len(roles):
            return changed(ensemble, Change({f"{name}.role": roles[program]}))
    return ensemble


def _named(seats: Mapping[str, SeatSettings], name: str) -> SeatSettings:
    if name not in seats:
        raise SettingsError(
            f"there is no seat {name!r}; there are: {', '.join(seats)}."
        )
    return seats[name]

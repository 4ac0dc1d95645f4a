"""Settings of the daemon, from a TOML file and from flags.

::

    model = "event-gru"        # a name, or a path to a model folder
    [play]
    role = "answer"            # everything in Params
    [[seat]]                   # one for each seat; none for those of the role
    name = "keys"
    role = "keys"
    busy = 8.0                 # everything in Params that is not the same for all
    [controls]
    lead = 20                  # which MIDI controller turns what
    [programs]
    keys = ["keys", "loop"]    # which roles programs 1, 2, … select for a seat

Flags override the file, and the file overrides the defaults. Every value is checked
before anything starts; the error names a bad value and its bounds.
"""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from ripieno.errors import FileError, SettingsError
from ripieno.settings import ensemble as ensembles
from ripieno.settings.controllers import CONTROLS, check_controls, plainly
from ripieno.settings.ensemble import Ensemble, SeatSettings, seat_from
from ripieno.settings.knobs import Knob, knobs_of, with_present_names
from ripieno.settings.params import Params
from ripieno.settings.paths import read_file

PROVIDERS: Final = ("auto", "cpu", "cuda")
BACKENDS: Final = ("auto", "jack", "rtmidi-jack", "alsa", "coremidi", "windows")
LARGEST_BYTES: Final = 1024 * 1024
"""Upper bound; a settings file has some kilobytes, and a chart in it may have more."""
SERVER_WAIT_S: Final = (0.0, 86_400.0)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to run.

    Attributes:
        model: a model's name, or a path to its folder; empty for the first installed
            model that plays the role.
        provider: ``cpu`` or ``cuda``; ``auto`` is CUDA where it works, else the CPU.
        backend: the MIDI system whose ports are opened; ``auto`` chooses one.
        name_in, name_out: the names of the ports.
        journal: the file for the journal; None writes none.
        server_wait_s: how long to wait for a MIDI server that went away, in seconds.
        play: how to play.
        seats: those that play; none for those of the role.
        controls: parameter, or ``seat.parameter`` → number of its MIDI controller. A
            table in the file replaces the default one.
        programs: seat → the roles that MIDI programs 1, 2, … on its channel select.
    """

    model: str = ""
    provider: str = "auto"
    backend: str = "auto"
    name_in: str = "Ripieno In"
    name_out: str = "Ripieno Out"
    journal: str | None = None
    server_wait_s: float = 120.0
    play: Params = Params()
    seats: tuple[SeatSettings, ...] = msgspec.field(default=(), name="seat")
    controls: dict[str, int] = msgspec.field(default_factory=CONTROLS.copy)
    programs: dict[str, tuple[str, ...]] = {}

    @property
    def ensemble(self) -> Ensemble:
        """The parameters of all seats."""
        return Ensemble(self.play, self.seats)


def load(
    path: Path | None,
    flags: dict[str, Any],
    play: dict[str, Any],
    *,
    into: type[Settings] = Settings,
    tell: Callable[[str], object] = lambda _: None,
) -> Settings:
    """Return the settings of a file (or of none), with flags laid over it.

    Args:
        path: a TOML file.
        flags: top-level settings given on the command line, and ``seat``, one table
            for each seat; they replace those of the file. Seats are added to those of
            the role, if a role is given.
        play: entries of the ``[play]`` table given on the command line.
        into: the type of the settings; it names the table of parameters.
        tell: is given one sentence for each old name of a parameter.

    Raises:
        FileError: the file cannot be read, or is not TOML.
        SettingsError: a setting is unknown, of the wrong kind, or out of its bounds.
    """
    knobs = knobs_of(type(into().play))

    def with_new_names(
        values: dict[str, Any], *, converts: bool = True
    ) -> dict[str, Any]:
        found, sentences = with_present_names(knobs, values, converts=converts)
        for sentence in sentences:
            tell(sentence)
        return found

    table = _read(path) if path is not None else {}
    for name in ("play", "controls"):
        if isinstance(table.get(name), dict):  # else it is refused as what it is
            table[name] = with_new_names(table[name], converts=name == "play")
    if isinstance(controls := table.get("controls"), dict):
        table["controls"] = _flat(controls)
    tables = flags.pop("seat", None) or table.pop("seat", [])
    table.pop("seat", None)
    merged = {**table, **flags}
    in_file = table.get("play", {})
    if isinstance(in_file, dict):
        merged["play"] = _with_none(knobs, {**in_file, **with_new_names(play)})
    try:
        settings = msgspec.convert(merged, into)
    except msgspec.ValidationError as error:
        where = f"{path}: " if path is not None else ""
        raise SettingsError(f"{where}{plainly(str(error))}") from error
    if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
        raise SettingsError("seat: write each seat as a table [[seat]].")
    seats = [seat_from(_with_none(knobs, with_new_names(each))) for each in tables]
    ensembles.check_names(seats)
    if seats and "role" in merged.get("play", {}):
        seats = list(ensembles.joined(settings.play, seats))
    return check(msgspec.structs.replace(settings, seats=tuple(seats)))


def _flat(controls: dict[str, Any]) -> dict[str, Any]:
    """Return ``keys.busy = 21`` as one name, as TOML has it where it is in quotes."""
    found: dict[str, Any] = {}
    for name, value in controls.items():
        nested = value if isinstance(value, dict) else {}
        found |= {f"{name}.{knob}": number for knob, number in nested.items()}
        if not isinstance(value, dict):
            found[name] = value
    return found


def check(settings: Settings) -> Settings:
    """Return the same value, the seats' parameters of their types, if it is valid.

    Raises:
        SettingsError: names the value and its bounds.
    """
    for name, allowed in (("provider", PROVIDERS), ("backend", BACKENDS)):
        if (value := getattr(settings, name)) not in allowed:
            raise SettingsError(f"{name} is {value!r}; choose {', '.join(allowed)}.")
    low, high = SERVER_WAIT_S
    if not low <= settings.server_wait_s <= high:
        raise SettingsError(
            f"server_wait_s is {settings.server_wait_s}; "
            f"it must lie between {low} and {high}."
        )
    for name in ("name_in", "name_out"):
        value = getattr(settings, name)
        if not 0 < len(value) <= 60 or ":" in value:
            raise SettingsError(
                f"{name} is {value!r}; a port name has 1 to 60 characters and no colon."
            )
    checked = ensembles.check(settings.ensemble)
    check_controls(settings.controls, knobs_of(type(settings.play)), checked.seated())
    ensembles.check_programs(checked, settings.programs)
    return msgspec.structs.replace(settings, seats=checked.seats)


def _with_none(
    knobs: Mapping[str, Knob], values: Mapping[str, object]
) -> dict[str, object]:
    """Return parameters with None for every value that means None."""
    return {
        name: knobs[name].maybe(value) if name in knobs else value
        for name, value in values.items()
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        # Windows' Notepad may begin a file with a byte-order mark: utf-8-sig skips it.
        return tomllib.loads(read_file(path, LARGEST_BYTES).decode("utf-8-sig"))
    except OSError as error:
        raise FileError(f"Cannot read {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise FileError(f"{path} is not TOML: save it as UTF-8 text.") from error
    except RecursionError as error:
        raise FileError(
            f"{path} is nested too deeply: settings are nested once, in [play] and "
            "[controls]."
        ) from error
    except ValueError as error:  # syntax, or an endless number
        raise FileError(f"{path} is not TOML: {error}.") from error

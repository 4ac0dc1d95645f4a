"""The flags of the command line: every row of `KNOBS`, the ports and the model.

`written` is the inverse: it returns the flags for given settings.
"""

import argparse
import secrets
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from ripieno.errors import SettingsError
from ripieno.settings.config import Settings
from ripieno.settings.controllers import parsed
from ripieno.settings.ensemble import SeatSettings, params_of
from ripieno.settings.knobs import UNSET, Knob, knobs_of
from ripieno.settings.params import KNOBS, Params

TOP: Final = {
    "backend": "backend", "model": "model", "provider": "provider", "in": "name_in",
    "out": "name_out", "journal": "journal", "server-wait": "server_wait_s",
}  # fmt: skip
"""Flag → field of `Settings`."""


def add_playing(
    parser: argparse.ArgumentParser,
    *,
    again: bool = False,
    knobs: Mapping[str, Knob] = KNOBS,
) -> None:
    """Add the flags that say how to play.

    Args:
        parser: where they are added.
        again: for a subcommand, whose defaults must not replace what was given before
            its name.
        knobs: the table of parameters.
    """
    group, absent = parser.add_argument_group("playing"), _absent(again=again)
    group.add_argument("--config", type=Path, default=absent, help="a TOML file")
    group.add_argument("--model", default=absent, help="a name, or a model's folder")
    group.add_argument("--provider", default=absent, help="auto, cpu or cuda")
    group.add_argument(
        "--seat", action="append", default=absent, metavar="'NAME KEY=VALUE …'",
        help="a seat, such as 'solo role=answer channel=4'; once for each seat",
    )  # fmt: skip
    for knob in knobs.values():
        if not knob.is_live:
            _add(group, knob, absent)


def add_live(
    parser: argparse.ArgumentParser,
    *,
    again: bool = False,
    knobs: Mapping[str, Knob] = KNOBS,
) -> None:
    """Add the flags that say where to play, and those that only live playing needs.

    Args:
        parser: where they are added.
        again: for a subcommand, whose defaults must not replace what was given before
            its name.
        knobs: the table of parameters.
    """
    group, absent = parser.add_argument_group("ports"), _absent(again=again)
    group.add_argument(
        "--backend",
        default=absent,
        help="auto, jack, rtmidi-jack, alsa, coremidi or windows",
    )
    group.add_argument("--in", dest="name_in", default=absent, help="input port's name")
    group.add_argument(
        "--out", dest="name_out", default=absent, help="output port's name"
    )
    for knob in knobs.values():
        if knob.is_live:
            _add(group, knob, absent)
    group.add_argument("--journal", default=absent, help="write a journal to this file")
    group.add_argument(
        "--server-wait",
        dest="server_wait_s",
        type=float,
        default=absent,
        help="seconds to wait for a MIDI server that went away",
    )


def seat_of(text: str, knobs: Mapping[str, Knob] = KNOBS) -> dict[str, object]:
    """Return the table of a seat that is written as ``solo role=answer channel=4``.

    Raises:
        SettingsError: a word is not a name, or not ``name=value``.
    """
    try:
        name, *words = shlex.split(text)
    except ValueError as error:
        raise SettingsError(
            f"{text!r} is no seat; write its name and its settings, such as "
            "'solo role=answer channel=4'."
        ) from error
    table: dict[str, object] = {"name": name}
    for word in words:
        knob, equals, value = word.partition("=")
        knob = knob.replace("-", "_")
        if not equals:
            raise SettingsError(f"{word!r} is no setting; write name=value.")
        table[knob] = parsed(knob, value, knobs)
    return table


def seed_of(settings: Settings) -> int:
    """Return the seed of the settings, or a fresh one."""
    given = settings.play.seed
    return secrets.randbits(32) if given is None else given


def written(settings: Settings, seed: int) -> list[str]:
    """Return the flags with which `ripieno play` has these settings and this seed.

    The controllers are left out: only a file can set them.
    """
    top = {flag: getattr(settings, name) for flag, name in TOP.items()}
    knobs = knobs_of(type(settings.play))
    play = {name: getattr(settings.play, name) for name in knobs} | {"seed": seed}
    given = {name: value for name, value in (top | play).items() if value is not None}
    if settings.seats:
        del given["role"]  # its seats are among those that are written
    seats = [_seat_written(settings.play, seat, knobs) for seat in settings.seats]
    return [*(_written(name, value) for name, value in given.items()), *seats]


def _seat_written(params: Params, seat: SeatSettings, knobs: Mapping[str, Knob]) -> str:
    own = {**seat.own, "channel": params_of(params, seat).channel}
    words = [f"{name}={knobs[name].text(value)}" for name, value in own.items()]
    return f"--seat={shlex.join([seat.name, *words])}"


def _absent(*, again: bool) -> str | None:
    return argparse.SUPPRESS if again else None


def _add(group: argparse._ArgumentGroup, knob: Knob, absent: str | None) -> None:
    if knob.kind is bool:
        group.add_argument(
            knob.flag, dest=knob.name, action=argparse.BooleanOptionalAction,
            default=absent, help=knob.help,
        )  # fmt: skip
    else:
        group.add_argument(
            knob.flag, dest=knob.name, type=_reader(knob), default=absent,
            help=knob.help, metavar=knob.metavar,
        )  # fmt: skip
    for old in knob.formerly:
        group.add_argument(
            f"--{old.replace('_', '-')}", dest=old, type=knob.kind, default=absent,
            help=argparse.SUPPRESS,
        )  # fmt: skip


def _reader(knob: Knob) -> Callable[[str], object]:
    """Return what reads a flag's value; `load` makes None of a word for None."""

    def number(text: str) -> object:
        return text if text in UNSET else knob.kind(text)

    return number if knob.unset else knob.kind


def _written(name: str, value: object) -> str:
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{flag}" if value else f"--no-{flag}"
    return f"--{flag}={value}"

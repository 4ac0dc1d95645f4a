"""From a row of `ROLES` to the object that plays the role."""

from collections.abc import Callable
from functools import cache
from pkgutil import resolve_name
from typing import cast

from ripieno.play.seat import Seat
from ripieno.roles.player import Player
from ripieno.settings.roles import Role


def player_of(role: Role, seat: Seat) -> Player:
    """Return a new player of a role. The first call for a role imports its module."""
    return load(role.plays)(seat)


@cache
def load(plays: str) -> Callable[[Seat], Player]:
    """Return what makes the player: what a row's `plays` names."""
    return cast("Callable[[Seat], Player]", resolve_name(plays))

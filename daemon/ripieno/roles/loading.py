"""From a row of `ROLES` to the object that plays the role."""

from collections.abc import Callable
from functools import cache
from pkgutil import resolve_name
from typing import cast

from ripieno.roles.stand import Player, Stand
from ripieno.settings.roles import Role


def player_of(role: Role, stand: Stand) -> Player:
    """A new player of a role. Cost: the first one of a role imports its module."""
    return load(role.plays)(stand)


@cache
def load(plays: str) -> Callable[[Stand], Player]:
    """What a row's `plays` names."""
    return cast("Callable[[Stand], Player]", resolve_name(plays))

"""From a row of `ROLES` to the object that plays the role."""

from collections.abc import Callable
from functools import cache
from pkgutil import resolve_name
from typing import cast

from ripieno.play.seat import Seat
from ripieno.roles.performer import Performer
from ripieno.settings.roles import Role


def performer_of(role: Role, seat: Seat) -> Performer:
    """Return a new performer of a role. The first call imports its module."""
    return load(role.plays)(seat)


@cache
def load(plays: str) -> Callable[[Seat], Performer]:
    """Return what makes the performer: what a row's `plays` names."""
    return cast("Callable[[Seat], Performer]", resolve_name(plays))

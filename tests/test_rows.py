"""Rows of tables name classes and functions as texts: each of them exists."""

from pkgutil import resolve_name

import pytest

from ripieno.inference.interfaces import INTERFACES
from ripieno.settings.roles import ROLES


@pytest.mark.parametrize("name", [role.name for role in ROLES.values() if role.plays])
def test_the_class_that_a_role_names_exists(name):
    assert callable(resolve_name(ROLES[name].plays))


def test_a_role_names_a_class_or_seats_that_play_one_part_each():
    for role in ROLES.values():
        assert bool(role.plays) != bool(role.seats)
        assert all(ROLES[place.role].plays for place in role.seats)


@pytest.mark.parametrize("name", [i.name for i in INTERFACES.values() if i.plays])
def test_the_function_that_an_interface_names_exists(name):
    assert callable(resolve_name(INTERFACES[name].plays or ""))

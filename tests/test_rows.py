"""Rows of tables name classes and functions as texts: each of them exists."""

from pkgutil import resolve_name

import pytest

from ripieno.inference.interfaces import INTERFACES
from ripieno.settings.roles import ROLES


@pytest.mark.parametrize("name", ROLES)
def test_the_class_that_a_role_names_exists(name):
    assert callable(resolve_name(ROLES[name].plays))


@pytest.mark.parametrize("name", [i.name for i in INTERFACES.values() if i.plays])
def test_the_function_that_an_interface_names_exists(name):
    assert callable(resolve_name(INTERFACES[name].plays or ""))

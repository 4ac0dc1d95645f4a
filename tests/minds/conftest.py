"""Fixtures for the tests of the duet: the shipped graphs, and a mind that uses them."""

import pytest
from tests.command import MODELS

from ripieno.inference.session import Loaded
from ripieno.minds.duet import Duet


@pytest.fixture(scope="module")
def graphs():
    """Both graphs, shared by the tests of a file, as every mind resets them."""
    return Loaded(MODELS / "duet-gru", "cpu").graphs


@pytest.fixture
def mind(graphs):
    return Duet(graphs["harmony"], graphs["model"])

"""Fixtures of the tests of the duet: its own graphs, and a mind that plays by them."""

import pytest
from tests.command import MODELS

from ripieno.inference.session import Loaded
from ripieno.minds.duet import Duet


@pytest.fixture(scope="module")
def graphs():
    """Both graphs, shared by all tests: every mind begins with a reset."""
    return Loaded(MODELS / "duet-gru", "cpu").graphs


@pytest.fixture
def mind(graphs):
    return Duet(graphs["harmony"], graphs["model"])

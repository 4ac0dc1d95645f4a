"""Exit codes, and commands of which every failure is one sentence."""

import sys
from ctypes.util import find_library

import pytest
from tests.command import (
    ripieno,
)

SETTING, FILE, MODEL, PORT = 2, 3, 4, 5
linux = pytest.mark.skipif(sys.platform != "linux", reason="this is how Linux has it")
NO_JACK = {"JACK_DEFAULT_SERVER": "ripieno-nobody-has-this-name"}


def installed(library):
    """Skips where a library is missing: `test_without_audio` is about that."""
    missing = find_library(library) is None
    return pytest.mark.skipif(missing, reason=f"lib{library} is not installed")


def render(source, folder, *flags, env=None):
    """`ripieno render` of a file into a folder; nothing may be left there."""
    target = folder / "duet.mid"
    done = ripieno("render", source, "-o", target, *flags, env=env)
    assert not target.exists()
    assert not list(folder.glob("*.part"))
    return done

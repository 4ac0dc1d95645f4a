"""Fixtures for all tests: a JACK server of our own (see `tests.jack_fixture`)."""

import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tests.jack_fixture import JackServer, build_native, missing_parts

# Machines are shared: how long an example takes says nothing of what it shows.
settings.register_profile(
    "shared", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("quick", settings.get_profile("shared"), max_examples=20)
settings.load_profile("shared")


def pytest_configure() -> None:
    """Take Ctrl-C, also where the shell that started us in the background ignores it.

    What we start would inherit that, and tests of Ctrl-C send it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest file comes first, so that nobody waits for it in the end."""
    items.sort(key=lambda item: item.path.stem != "test_fuzz")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a JACK test that is skipped has failed: there JACK is installed."""
    report = yield
    if report.skipped and item.get_closest_marker("jack") and os.environ.get("CI"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped in CI: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def native(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built C programs, `jack_probe` and `jack_capture`."""
    if missing := missing_parts():
        missing.skip_or_fail()
    return build_native(tmp_path_factory.mktemp("native"))


@pytest.fixture(scope="session")
def jack(
    native: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[JackServer]:
    """A headless JACK server at 48 kHz, 128 frames, for the whole session."""
    server = JackServer(native, tmp_path_factory.mktemp("jack"))
    with server:
        yield server


@pytest.fixture
def mortal_jack(native: Path, tmp_path: Path) -> Iterator[JackServer]:
    """A JACK server for one test, which may kill it."""
    with JackServer(native, tmp_path) as server:
        yield server

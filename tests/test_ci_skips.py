"""In CI a JACK test that is skipped has failed: a skip would hide a missing JACK."""

import os
import subprocess
import sys

import pytest
from tests.command import PATIENCE_S, ROOT

pytestmark = pytest.mark.process

SKIPPED = """
import pytest

@pytest.mark.jack
def test_of_jack():
    pytest.skip("for a reason")

def test_of_something_else():
    pytest.skip("for a reason")
"""


@pytest.mark.parametrize(
    ("ci", "code", "summary"),
    [("", 0, "2 skipped"), ("true", 1, "1 failed, 1 skipped")],
)
def test_a_skipped_jack_test_fails_in_ci_alone(tmp_path, ci, code, summary):
    (tmp_path / "test_skipped.py").write_text(SKIPPED)
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest"]
    options = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path)]
    done = subprocess.run(
        [*command, *options, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == code, done.stdout
    assert summary in done.stdout

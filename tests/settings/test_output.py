"""A command whose output is closed ends quietly, as in `ripieno models | head -1`."""

import os
import subprocess
import sys

import pytest

from ripieno.settings.output import plain

pytestmark = pytest.mark.process

READER_GONE = 141
PATIENCE_S = 60.0


def closed_pipe():
    """The end to write to of a pipe that has no reader."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def run_into(stdout, stderr, *arguments, unbuffered=False):
    """`ripieno` with its output in given places."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    command = [sys.executable, *["-u"] * unbuffered, "-m", "ripieno", *arguments]
    return subprocess.run(
        command,
        env=env,
        stdout=stdout,
        stderr=stderr,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "unbuffered"),
    [
        ("models", False),
        ("models", True),
        ("doctor", False),
        ("--help", False),
        ("--version", False),
    ],
)
def test_a_command_without_a_reader_ends_quietly(command, unbuffered):
    writer = closed_pipe()
    done = run_into(writer, subprocess.PIPE, command, unbuffered=unbuffered)
    os.close(writer)
    assert done.stderr == ""
    assert done.returncode == READER_GONE


def test_an_error_without_a_reader_leaves_the_output_clean():
    writer = closed_pipe()
    done = run_into(subprocess.PIPE, writer, "models", "--nonsense")
    os.close(writer)
    assert done.stdout == ""
    assert done.returncode == READER_GONE


def test_the_first_line_is_whole_when_only_that_is_read():
    command = f"{sys.executable} -m ripieno models | head -1"
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.startswith("chorale-gru: gru, ")
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Klavier é 音 ♯\u00a0x", "Klavier é 音 ♯\u00a0x"),
        ("a\x1b[2Jb", r"a\x1b[2Jb"),
        ("a\x9b2Jb", r"a\x9b2Jb"),
        ("two\r\nlines", r"two\r\nlines"),
        ("abc\u202ecba", r"abc\u202ecba"),
        ("\udcff", r"\udcff"),
    ],
)
def test_control_characters_are_shown_as_escapes_and_the_rest_is_left(text, shown):
    assert plain(text) == shown

"""Errors are sentences, and a process passes its last one to its parent."""

import pytest

from ripieno.errors import (
    FileError,
    ModelError,
    PortError,
    SettingsError,
    last_words,
)

KINDS = (SettingsError, FileError, ModelError, PortError)


@pytest.mark.parametrize("kind", KINDS)
def test_the_last_message_is_the_error_that_ended_the_process(kind):
    said = "MIDI: jack.\nripieno: It is so; do that.\n"
    error = last_words(said, kind.exit_code)
    assert type(error) is kind
    assert str(error) == "It is so; do that."


@pytest.mark.parametrize("exit_code", [0, 1, -9, 77])
def test_a_process_that_ends_without_a_message_is_reported_in_one_sentence(exit_code):
    error = last_words(" \n", exit_code)
    assert type(error) is PortError
    assert "ripieno doctor" in str(error)

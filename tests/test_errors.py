"""Errors are sentences, and a program of ours hands its own on."""

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
def test_last_words_are_the_error_that_ended_it(kind):
    said = "MIDI: jack.\nripieno: It is so; do that.\n"
    error = last_words(said, kind.exit_code)
    assert type(error) is kind
    assert str(error) == "It is so; do that."


@pytest.mark.parametrize("exit_code", [0, 1, -9, 77])
def test_who_ends_without_a_word_is_a_sentence_too(exit_code):
    error = last_words(" \n", exit_code)
    assert type(error) is PortError
    assert "ripieno doctor" in str(error)

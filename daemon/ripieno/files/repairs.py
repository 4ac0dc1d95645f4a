"""The kinds of repair that the reader of MIDI files makes, and their names."""

from collections.abc import Iterable
from enum import Enum


class Repair(Enum):
    """A kind of repair: its name in the singular and in the plural."""

    CHANNEL_PREFIX = (
        "invalid channel prefix skipped",
        "invalid channel prefixes skipped",
    )
    CHUNK = "unknown chunk skipped", "unknown chunks skipped"
    DATA_BYTE = (
        "message with a number above 127 skipped",
        "messages with a number above 127 skipped",
    )
    KEY_SIGNATURE = "invalid key signature skipped", "invalid key signatures skipped"
    META = (
        "meta event above the limit of 250000 skipped",
        "meta events above the limit of 250000 skipped",
    )
    SMPTE_OFFSET = "invalid SMPTE offset skipped", "invalid SMPTE offsets skipped"
    STATUS = "system message skipped", "system messages skipped"
    TEMPO = "invalid tempo skipped", "invalid tempos skipped"
    TIME_SIGNATURE = "invalid time signature skipped", "invalid time signatures skipped"
    TRACK = (
        "track that breaks off read up to there",
        "tracks that break off read up to there",
    )
    TRACKS = (
        "track above the limit of 32000 skipped",
        "tracks above the limit of 32000 skipped",
    )
    VALUE = "value above 127 lowered to 127", "values above 127 lowered to 127"


Repairs = tuple[tuple[Repair, int], ...]
"""(kind, how often), for the kinds that were needed."""


def in_words(repairs: Iterable[tuple[Repair, int]]) -> str:
    """Return a text such as ``3 invalid tempos skipped, 1 system message skipped``."""
    return ", ".join(f"{n} {kind.value[n != 1]}" for kind, n in repairs)

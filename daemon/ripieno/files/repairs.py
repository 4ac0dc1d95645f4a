"""What a reader of MIDI files leaves out or corrects, counted by kind.

A damaged file is read as far as it can be. The counts say what it cost.
"""

from collections.abc import Iterable
from enum import Enum

__all__ = ["Repair", "Repairs", "in_words"]


class Repair(Enum):
    """A kind of repair: its words for one, and for several."""

    CHANNEL_PREFIX = (
        "invalid channel prefix skipped",
        "invalid channel prefixes skipped",
    )
    CHUNK = ("unknown chunk skipped", "unknown chunks skipped")
    DATA_BYTE = (
        "message with a number above 127 skipped",
        "messages with a number above 127 skipped",
    )
    KEY_SIGNATURE = ("invalid key signature skipped", "invalid key signatures skipped")
    META = (
        "meta event above the limit of 250000 skipped",
        "meta events above the limit of 250000 skipped",
    )
    SMPTE_OFFSET = ("invalid SMPTE offset skipped", "invalid SMPTE offsets skipped")
    STATUS = ("system message skipped", "system messages skipped")
    TEMPO = ("invalid tempo skipped", "invalid tempos skipped")
    TIME_SIGNATURE = (
        "invalid time signature skipped",
        "invalid time signatures skipped",
    )
    TRACK = (
        "track that breaks off read up to there",
        "tracks that break off read up to there",
    )
    TRACKS = (
        "track above the limit of 32000 skipped",
        "tracks above the limit of 32000 skipped",
    )
    VALUE = ("value above 127 lowered to 127", "values above 127 lowered to 127")


Repairs = tuple[tuple[Repair, int], ...]
"""How often each kind was needed; kinds that were not needed are left out."""


def in_words(repairs: Iterable[tuple[Repair, int]]) -> str:
    """Counts as a person reads them, such as ``3 invalid tempos skipped``."""
    return ", ".join(f"{n} {kind.value[n != 1]}" for kind, n in repairs)

"""Zones: which part of what is played a seat listens to.

A zone is a channel, or a range of keys. `Zone.parse` reads how a person writes it.
"""

import re
from typing import Final, NamedTuple

from ripieno.music import messages, pitches

_RANGE: Final = re.compile(r"\s*([A-Ga-g][#b]*-?\d+)\s*-\s*([A-Ga-g][#b]*-?\d+)\s*")
_CHANNEL: Final = re.compile(r"\s*channel\s*(\d{1,2})\s*")
WAYS: Final = (
    "auto, all, left, right, a channel such as 'channel 2', or keys such as 'C2-B3'"
)


class Zone(NamedTuple):
    """A part of what is heard.

    Attributes:
        low, high: the lowest and the highest key, as MIDI pitches.
        channel: the only channel, 0 … 15; None for every channel.
    """

    low: int = 0
    high: int = 127
    channel: int | None = None

    def takes(self, data: bytes) -> bool:
        """Return whether a channel message belongs to the zone.

        A message without a key, such as a pedal, belongs to every range. What ends
        something belongs to every zone: the key or the pedal may have gone down when
        the zone was another.
        """
        if messages.is_ending(data):
            return True
        if self.channel not in (None, messages.channel_of(data)):
            return False
        return not messages.is_note_on(data) or self.low <= data[1] <= self.high


ALL: Final = Zone()
NOWHERE: Final = Zone(low=128)
"""A zone without a key."""


def parse(text: str, split: int | None) -> Zone:
    """Return the zone that a text names.

    Args:
        text: one of `WAYS`.
        split: the lowest key of the right zone; None where the keyboard is not split.

    Raises:
        ValueError: it names no zone, or one without a key.
    """
    word = text.strip().lower()
    if word == "all" or (word == "auto" and split is None):
        return ALL
    if word in ("left", "right", "auto"):
        if split is None:
            raise ValueError(f"{text!r} needs a split point; set split, such as C4.")
        return _checked(text, 0, split - 1) if word == "left" else Zone(low=split)
    if (found := _CHANNEL.fullmatch(word)) is not None:
        channel = int(found[1])
        if not 1 <= channel <= 16:
            raise ValueError(f"{text!r} is no channel; there are 1 to 16.")
        return Zone(channel=channel - 1)
    if (found := _RANGE.fullmatch(text)) is None:
        raise ValueError(f"{text!r} is no zone; write {WAYS}.")
    return _checked(text, pitches.parse(found[1]), pitches.parse(found[2]))


def _checked(text: str, low: int, high: int) -> Zone:
    if low > high:
        raise ValueError(f"the zone {text!r} is empty; no key lies in it.")
    return Zone(low, high)

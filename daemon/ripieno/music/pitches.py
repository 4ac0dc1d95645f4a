"""Names of keys, such as C4 and F#3, in scientific pitch notation: C4 is MIDI 60."""

import re
from typing import Final

from ripieno.music.scales import LETTERS, NAMES

_NAME: Final = re.compile(r"\s*([A-Ga-g])([#b]*)(-?\d{1,2})\s*")
HIGHEST: Final = 127


def parse(name: str) -> int:
    """Return the MIDI pitch of a name.

    Raises:
        ValueError: it is no name of a key, or there is no such MIDI pitch.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        raise ValueError(f"{name!r} is no key; write one such as C4 or F#3.")
    accidentals = found[2].count("#") - found[2].count("b")
    pitch = 12 * (int(found[3]) + 1) + LETTERS[found[1].upper()] + accidentals
    if not 0 <= pitch <= HIGHEST:
        raise ValueError(f"{name!r} is no MIDI key; there are C-1 to G9.")
    return pitch


def name_of(pitch: int) -> str:
    """Return the name of a MIDI pitch."""
    octave, place = divmod(pitch, 12)
    return f"{NAMES[place]}{octave - 1}"

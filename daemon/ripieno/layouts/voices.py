"""The layout of harmony under a melody: three voices, counted down from it.

Shared by the mind of the role *harmonize* and by training.
"""

import hashlib
from typing import Final

VOICES: Final = ("bass", "tenor", "alto")
"""The voices in the order in which they are sampled: the bass decides the harmony."""
DEPTHS: Final = 48
"""A voice lies 0 … 47 semitones below the melody; the chorales use 43 of them."""
NOBODY: Final = -1
"""The pitch of a voice that did not sound."""
LONGEST_GAP_S: Final = 10.0
STYLES: Final = ("chorale", "hymn", "motet")


def fingerprint() -> str:
    """Return a hash of all that two sides of this layout must share."""
    text = f"ripieno-voices-1;{VOICES};{DEPTHS};{NOBODY};{STYLES};{LONGEST_GAP_S}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]

"""The layout of harmony under a melody: three voices, counted down from it.

Shared by the mind of the role *harmonize* and by training. `fingerprint` names it.
"""

import hashlib
from typing import Final

VOICES: Final = ("bass", "tenor", "alto")
"""In the order in which they are sampled: harmony is decided at the bottom."""
DEPTHS: Final = 48
"""A voice lies 0 … 47 semitones below the melody; in all of the chorales 43 do."""
NOBODY: Final = -1
"""The pitch of a voice that did not sound."""
LONGEST_GAP_S: Final = 10.0
STYLES: Final = ("chorale", "hymn", "motet")


def fingerprint() -> str:
    """A hash over all that makes two layouts of this interface interchangeable."""
    text = f"ripieno-voices-1;{VOICES};{DEPTHS};{NOBODY};{STYLES};{LONGEST_GAP_S}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]

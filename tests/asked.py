"""An ask for a reply, for tests of what answers it."""

from typing import Any

from ripieno.music.timeline import Timeline
from ripieno.protocol import Ask, Limits


def ask(**fields: Any) -> Ask:
    """Ask for a closing reply of one beat that begins at 0, but for these fields."""
    asked = {
        "revision": 1,
        "timeline": Timeline(),
        "start_ticks": 0,
        "until_ticks": 480,
        "closing": True,
        "pulse_ticks": 240,
        "grid_ticks": 0,
        "seed": 1,
        "limits": Limits(),
    }
    return Ask(**{**asked, **fields})

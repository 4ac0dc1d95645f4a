"""Reads the parameters that are texts; ValueError says why one cannot be read."""

from functools import lru_cache
from typing import Final

from ripieno.music import chords, lead_sheet, pitches, scales
from ripieno.music.chart import Chart
from ripieno.music.meter import Meter

AUTO_METER: Final = "auto"
"""The metre that is heard, beginning with 4/4; a chart's own where there is a chart."""
LAST_BAR: Final = 9999
"""More than five hours at 120 bpm in 4/4."""


def meter(text: str, chart: str = "") -> Meter:
    """Return the metre; for `AUTO_METER` the one to begin with."""
    if text != AUTO_METER:
        return Meter.parse(text)
    says = lead_sheet.headers(chart).get("meter", "") if chart else ""
    return Meter.parse(says) if says else Meter()


def scale(text: str) -> frozenset[int] | None:
    """Return the allowed pitch classes; None to follow the human."""
    if text == "auto":
        return None
    try:
        return scales.CHROMATIC if text == "off" else scales.named(text)
    except ValueError as error:
        raise ValueError(f"{error}, or auto, or off.") from error


def landings(text: str) -> dict[int, int]:
    """Return bar, counted from 0 → the chord on its first beat."""
    found: dict[int, int] = {}
    for word in text.split() if lead_sheet.has_landings_only(text) else ():
        name, at, bar = word.partition("@")
        is_number = bar.isdecimal() and len(bar) <= len(str(LAST_BAR))
        if not at or not is_number or not 1 <= int(bar) <= LAST_BAR:
            raise ValueError(
                f"{word!r} is no landing; write C@9 for a C on bar 9, and a bar of at "
                f"most {LAST_BAR}."
            )
        found.setdefault(int(bar) - 1, chords.named(name))
    return found


def allowed_chords(text: str) -> tuple[int, ...]:
    """Return the only allowed chords; none allows all."""
    return tuple(chords.named(name) for name in text.split())


@lru_cache(maxsize=2)
def chart(text: str, meter: Meter) -> Chart | None:
    """Parse a chart of bars; once, however often another parameter changes meanwhile.

    Cost: 14 ms for 2 000 bars, in the player.
    """
    if not text.strip() or lead_sheet.has_landings_only(text):
        return None
    ticks = meter.bar_ticks, meter.span_ticks
    found = lead_sheet.parse(text, *ticks, meter.starts)
    if found.meter and Meter.parse(found.meter).signature != meter.signature:
        raise ValueError(
            f"it is in {found.meter} and meter is {meter}; both must be the same"
        )
    return found


def split(text: str) -> int | None:
    """Return the lowest key of the right zone; None where there is no left zone."""
    if text.strip().lower() == "off":
        return None
    lowest = pitches.parse(text)
    if lowest == 0:
        raise ValueError(f"{text!r} leaves no key for the left zone.")
    return lowest

"""How long the pickup of a tune in ABC notation is.

abc2midi writes a pickup without the rest before it, so a MIDI file of a tune does not
say where its bars begin. Its ABC does: the pickup is what stands before the first bar
line, if it is shorter than a bar.
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Final

_TUNE: Final = re.compile(r"^X:", re.MULTILINE)
_FIELD: Final = re.compile(r"^[A-Za-z]:.*$", re.MULTILINE)
_IGNORED: Final = re.compile(r'%.*|"[^"]*"|\{[^}]*\}|![^!]*!|\[[A-Z]:[^]]*\]|\\')
_TOKEN: Final = re.compile(
    r"\((?P<tuplet>[2-9])"
    r"|(?:\[[^]|:]+\]|[_^=]*[A-Ga-gzx][,']*)(?P<number>\d*)(?P<slashes>/*)(?P<part>\d*)"
    r"|(?P<bar>\|)"
)
_TUPLETS: Final = {2: Fraction(3, 2), 3: Fraction(2, 3), 4: Fraction(3, 4)}
_METRES: Final = {"C": Fraction(1), "C|": Fraction(1)}
_SHORT_METRE: Final = Fraction(3, 4)


def tunes_of(abc: str) -> list[str]:
    """The tunes of a file, in order, each from after its ``X:``."""
    return _TUNE.split(abc)[1:]


def title_of(tune: str) -> str:
    """The first title of a tune; empty if it has none."""
    found = re.search(r"^T:\s*(.*?)\s*$", tune, re.MULTILINE)
    return found[1] if found else ""


def pickup_beats(tune: str) -> float:
    """Beats (quarter notes) before the first bar line; 0.0 where that is a whole bar.

    Args:
        tune: one tune in ABC, with its fields ``M:`` and ``K:``.
    """
    head, _, body = tune.partition("\nK:")
    metre = _length(_field(head, "M"), Fraction(1))
    unit = Fraction(1, 8) if metre >= _SHORT_METRE else Fraction(1, 16)
    unit = _length(_field(head, "L"), unit)
    played = sum(_first_bar(body.partition("\n")[2]), Fraction(0)) * unit
    return float(played * 4) if played < metre else 0.0


def _field(head: str, letter: str) -> str:
    found = re.search(rf"^{letter}:\s*(\S+)", head, re.MULTILINE)
    return found[1] if found else ""


def _length(text: str, default: Fraction) -> Fraction:
    """A field's fraction of a whole note, such as ``6/8`` or ``C|``."""
    try:
        return _METRES.get(text) or Fraction(text)
    except (ValueError, ZeroDivisionError):
        return default


def _first_bar(body: str) -> Iterator[Fraction]:
    """The lengths of the notes before the first bar line that follows a note.

    Broken rhythm (``>``) moves time between two neighbours and is ignored.
    """
    left, factor, is_begun = 0, Fraction(1), False
    for found in _TOKEN.finditer(_IGNORED.sub("", _FIELD.sub("", body))):
        if found["bar"]:
            if is_begun:
                return
        elif found["tuplet"]:
            left = int(found["tuplet"])
            factor = _TUPLETS.get(left, Fraction(2, left))
        else:
            is_begun = True
            slashes = len(found["slashes"])
            divisor = int(found["part"] or 2**slashes) if slashes else 1
            yield Fraction(int(found["number"] or 1), divisor) * (factor if left else 1)
            left -= left > 0

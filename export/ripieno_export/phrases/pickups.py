"""How long the upbeat of an ABC tune is: its MIDI begins with it, at tick 0.

Only as much of ABC is read as that needs: the unit length, the metre, and the lengths
of all notes before the first bar line.
"""

import re
from collections import defaultdict
from fractions import Fraction
from typing import Final

_NOTE: Final = re.compile(r"(?:[_^=]*[A-Ga-g][,']*|[zx])(\d*)(/*)(\d*)")
_TUPLET: Final = re.compile(r"\((\d)")
_MUTED: Final = re.compile(r'\{[^}]*\}|"[^"]*"|!.*?!|%.*|\[[A-Z]:[^\]]*\]')
_TUPLET_SHARE: Final = {2: Fraction(3, 2), 3: Fraction(2, 3), 4: Fraction(3, 4)}


def pickups(abc: str) -> dict[str, list[Fraction]]:
    """The upbeats of all tunes by title, in the file's order, in quarter notes."""
    found: dict[str, list[Fraction]] = defaultdict(list)
    for tune in re.split(r"(?m)^(?=X:)", abc):
        title = re.search(r"(?m)^T:\s*(.+?)\s*$", tune)
        if title is not None:
            found[title[1]].append(pickup(tune))
    return dict(found)


def pickup(tune: str) -> Fraction:
    """The upbeat of one tune in quarter notes; 0 where its first bar is whole."""
    head, _, music = tune.partition("\nK:")
    music = _MUTED.sub("", music.partition("\n")[2])
    music = re.sub(r"(?m)^[A-Za-z]:.*$", "", music)
    meter = _fraction(head, "M", Fraction(1))
    unit = _fraction(head, "L", Fraction(1, 16 if meter < Fraction(3, 4) else 8))
    for bar in re.split(r"[|:\]\[]+", music):
        if (length := _length(bar)) > 0:
            whole = meter / unit
            return length * unit * 4 if length < whole else Fraction(0)
    return Fraction(0)


def _fraction(head: str, field: str, default: Fraction) -> Fraction:
    found = re.search(rf"(?m)^{field}:\s*(\d+)/(\d+)", head)
    return Fraction(int(found[1]), int(found[2])) if found else default


def _length(bar: str) -> Fraction:
    """The sum of a bar's note lengths, in units."""
    total, left, share = Fraction(0), 0, Fraction(1)
    for part in re.finditer(rf"{_TUPLET.pattern}|{_NOTE.pattern}", bar):
        if part[1]:
            left = int(part[1])
            share = _TUPLET_SHARE.get(left, Fraction(2, 3))
            continue
        down = int(part[4]) if part[4] else 2 ** len(part[3])
        length = Fraction(int(part[2] or 1), down)
        total += length * share if left > 0 else length
        left -= 1
    return total

"""Where the music of any folder comes from, read from the files beside it.

The licence is that of the nearest `LICENSE` above a file, repository and commit are
what the `README.md` there states. A text that cannot be read is ignored.
"""

import re
from dataclasses import replace
from pathlib import Path
from typing import Final

from ripieno_export.sources import NOT_STATED, Origin, read_origin
from ripieno_export.tree import printable

LICENCES: Final = (
    (r"Attribution-NonCommercial|CC[ -]BY-NC", "CC-BY-NC"),
    (r"Attribution-NoDerivatives|CC[ -]BY-ND", "CC-BY-ND"),
    (r"CC0|Public Domain Dedication", "CC0-1.0"),
    (r"Attribution-ShareAlike (\d\.\d)|CC[ -]BY-SA[ -](\d\.\d)", "CC-BY-SA-{}"),
    (r"Attribution (\d\.\d) International|CC[ -]BY[ -](\d\.\d)", "CC-BY-{}"),
    (r"GNU GENERAL PUBLIC LICENSE\s+Version (\d)", "GPL-{}.0"),
    (r"Apache License\s+Version 2", "Apache-2.0"),
    (r"Redistribution and use in source and binary forms", "BSD"),
    (r"MIT License|Permission is hereby granted, free of charge", "MIT"),
    (r"This is free and unencumbered software", "Unlicense"),
    (r"public domain", "public domain"),
)
"""What a licence's text says of itself → its short name."""
MOST_BYTES: Final = 1 << 20
"""Thirty times the GPL: no licence and no written README is longer."""


class Origins:
    """Where the files of each folder come from; no folder is looked into twice.

    Args:
        root: the folder of all of them.
        licence: of all of it, instead of what lies there.
    """

    def __init__(self, root: Path, licence: str = "") -> None:
        self._root, self._licence = root, printable(licence)
        self._stated: dict[Path, str] = {}
        self._known: dict[Path, Origin] = {}

    def of(self, place: Path) -> Origin:
        """The origin of a folder, from the nearest one above that states a licence."""
        if place not in self._known:
            self._known[place] = self._found(place)
        return self._known[place]

    def _found(self, place: Path) -> Origin:
        folder, stated = self._root, ""
        for up in (up for up in (place, *place.parents) if self._holds(up)):
            if up not in self._stated:
                self._stated[up] = _licence(up)
            if stated := self._stated[up]:
                folder = up
                break
        name = printable(folder.resolve().name)
        known = _readme(folder)
        if known is None:
            licence = self._licence or stated or NOT_STATED
            return Origin(name, licence, NOT_STATED, NOT_STATED)
        fallback = known.licence if known.licence != NOT_STATED else stated
        licence = self._licence or fallback or NOT_STATED
        return replace(known, name=name, licence=licence)

    def _holds(self, folder: Path) -> bool:
        return folder.is_relative_to(self._root)


def _readme(folder: Path) -> Origin | None:
    path = folder / "README.md"
    try:
        if path.is_file() and path.stat().st_size <= MOST_BYTES:
            return read_origin(folder)
    except (OSError, ValueError):  # not to be opened, or not in UTF-8
        pass
    return None


def _licence(folder: Path) -> str:
    """What a folder's LICENSE is, by its words; else its first line."""
    try:
        for path in sorted(folder.iterdir()):
            stem = path.stem.upper()
            if stem in {"LICENSE", "LICENCE", "COPYING"} and path.is_file():
                return _licence_of(path)
    except OSError:
        pass
    return ""


def _licence_of(path: Path) -> str:
    with path.open("rb") as file:
        text = file.read(MOST_BYTES).decode("utf-8", "replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return _licence_in(text) or (printable(lines[0][:80]) if lines else "")


def _licence_in(text: str) -> str:
    """The licence that a text names first."""
    found = [
        (match.start(), name.format(next(filter(None, match.groups()), "")))
        for pattern, name in LICENCES
        if (match := re.search(pattern, text, re.IGNORECASE))
    ]
    return min(found)[1] if found else ""

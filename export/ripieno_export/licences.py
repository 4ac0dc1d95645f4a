"""The licence of a model's weights, worked out from the licences of its music.

Weights may be under Apache-2.0 where every source allows any use: public domain, CC0,
attribution (CC BY), MIT, BSD. A share-alike source (GPL, CC BY-SA, ODbL) gives its own
licence to the weights. A source that forbids commercial use or changed versions forbids
publishing. Where a source states no licence, none is claimed for the weights.

A source states its licence in free words. Words that forbid count wherever they stand;
of the others, those that come first. This is the project's own rule, no legal advice.
"""

import re
from collections.abc import Iterable
from typing import Final

from ripieno.errors import SettingsError
from ripieno.inference.manifest import Source

FREE: Final = "Apache-2.0"
UNSTATED: Final = "NOASSERTION"
"""SPDX's name where no licence is stated."""
FORBIDDEN: Final = ""

GAPS: Final = r"[\s_\-‐-―]+"
"""What may stand between two words: blanks, underscores, hyphens and dashes."""
FORBIDS: Final = (
    r"\bBY (N[CD]|SA N[CD])\b|non ?commercial|no ?deriv"
    r"|\b(no|not for|non) commercial"
    r"|\b(study|research|academic|educational|personal|private)( use| purposes)? only"
    r"|all rights reserved(?!\W*Redistribution)"
)
TERMS: Final = (
    # CC BY-SA 2.0 and later allow a later version of themselves for what is made.
    (
        r"(Creative Commons )?(CC )?(BY SA\b|Attribution ?Share ?Alike)",
        "CC-BY-SA-4.0",
    ),
    (r"AGPL|GNU Affero", "AGPL-3.0-only"),
    (
        r"(GNU )?GPL ?(v|version )?2|GNU General Public License,? version 2",
        "GPL-2.0-only",
    ),
    (r"(GNU )?L?GPL|GNU (Lesser )?General Public", "GPL-3.0-only"),
    (r"ODbL|Open Database License", "ODbL-1.0"),
    (
        r"CC0|Creative Commons Zero|(US )?public domain|Unlicense|\bPD\b"
        r"|CC BY\b|(Creative Commons )?Attribution\b"
        r"|\bMIT\b|\bBSD\b|\bISC\b|Apache",
        FREE,
    ),
)
"""What a licence's words say → the licence that the weights get; of two that match at
one place, the earlier row counts."""


def of(sources: Iterable[Source]) -> str:
    """The SPDX name of the licence that weights learned from these sources may have.

    Raises:
        SettingsError: a source forbids it, or two of them ask for different licences.
    """
    asked: dict[str, Source] = {}
    for source in sources:
        licence = _asked(source.licence)
        if licence == FORBIDDEN:
            raise SettingsError(
                f"Weights learned from {source.name} may not be published, as its "
                f"licence ({source.licence}) forbids it; train without that source."
            )
        asked.setdefault(licence, source)
    alike = [name for name in asked if name not in (FREE, UNSTATED)]
    if len(alike) > 1:
        first, second = (asked[name] for name in alike[:2])
        raise SettingsError(
            f"Weights may not be published, as {first.name} asks for {alike[0]} and "
            f"{second.name} for {alike[1]}; train without one of them."
        )
    if UNSTATED in asked:
        return UNSTATED
    return alike[0] if alike else FREE


def _asked(stated: str) -> str:
    """The licence that the words of one source require."""
    stated = re.sub(GAPS, " ", stated)
    if re.search(FORBIDS, stated, re.IGNORECASE):
        return FORBIDDEN
    found = [
        (match.start(), row)
        for row, (pattern, _) in enumerate(TERMS)
        if (match := re.search(pattern, stated, re.IGNORECASE))
    ]
    return TERMS[min(found)[1]][1] if found else UNSTATED


def sentence(licence: str, what: str = "weights") -> str:
    """What a card says of the licence of its weights, or of its tables."""
    if licence == UNSTATED:
        return f"No licence is given for the {what}: a source of the music states none."
    return f"The {what} are under {licence}."

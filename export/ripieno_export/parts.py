"""Which tune families are kept for testing: one rule for training and for judging.

A *tune family* is all editions of one tune. Its kind of music and its name decide
whether it is in the test part, by a hash. So the part depends on nothing else, and a
family that is judged is never trained on.
"""

import hashlib
import tomllib
from pathlib import Path
from typing import Final

TEST_PERCENT: Final = {"pop": 8, "jazz": 20, "art song": 85, "dance": 50, "hymn": 25}
"""Kind of music → the share of its families in the test part. Of art songs and dances,
only those that an index holds out, or that nobody trains on, are ever tested."""
TRAINED: Final = {
    "pop909": "pop",
    "openewld_clean": "jazz",
    "neonscribe_jazz_pd": "jazz",
}
"""Source → kind, where a test part is kept besides what the index holds out."""
DOUBLES: Final[dict[str, list[str]]] = tomllib.loads(
    Path(__file__).with_name("doubles.toml").read_text("utf-8")
)
"""By kind, families that are not tested because their melody is also there under
another title: a quarter of its runs of 16 intervals or more."""


def number_of(text: str) -> int:
    """A large number that depends on a text alone."""
    return int(hashlib.sha256(text.encode()).hexdigest(), 16)


def is_test(kind: str, family: str) -> bool:
    """Whether a tune family is in the test part of its kind of music."""
    name = family if kind == "pop" else f"{kind} {family}"
    is_drawn = number_of(name) % 100 < TEST_PERCENT[kind]
    return is_drawn and family not in DOUBLES.get(kind, ())


def part_of(source: str, family: str, split: str = "train") -> str:
    """The part of a family in training: ``train``, ``valid`` or ``test``.

    Args:
        source: the name of its folder.
        family: of `ripieno_export.corpus.family_of`.
        split: what the source's index proposes.
    """
    if split == "valid":
        return "valid"
    kind = TRAINED.get(source)
    return "test" if kind is not None and is_test(kind, family) else "train"

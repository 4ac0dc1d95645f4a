"""The figures beside the published ones, as Markdown and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

from ripieno_export.frames.score import Score


@dataclass(frozen=True, slots=True)
class Published:
    """A row of a paper, on the test part.

    Attributes:
        network: as the paper calls it.
        head: which of our two kinds of output it has.
        jsb, nottingham: nats a frame.
        source: the paper.
    """

    network: str
    head: str
    jsb: float
    nottingham: float
    source: str


BOULANGER: Final = "Boulanger-Lewandowski, Bengio, Vincent 2012"
CHUNG: Final = "Chung, Gulcehre, Cho, Bengio 2014"
BAI: Final = "Bai, Kolter, Koltun 2018"
PUBLISHED: Final = (
    Published("RNN", "independent", 8.91, 4.05, BAI),
    Published("LSTM", "independent", 8.67, 3.20, CHUNG),
    Published("GRU", "independent", 8.54, 3.23, CHUNG),
    Published("LSTM", "independent", 8.45, 3.29, BAI),
    Published("GRU", "independent", 8.43, 3.46, BAI),
    Published("TCN", "independent", 8.10, 3.07, BAI),
    Published("RNN-NADE", "chain", 5.56, 2.31, BOULANGER),
)
HEADER: Final = (
    "| network | output | nats a frame | mean over pieces | transposed crops | of |",
    "|---|---|---|---|---|---|",
)


@dataclass(frozen=True, slots=True)
class Row:
    """A network of ours.

    Attributes:
        network: its name.
        parameters: how many.
        best_step: when its weights were the best on the valid part.
        moved: the share of its training crops that were transposed.
        score: what it says.
    """

    network: str
    parameters: int
    best_step: int
    moved: float
    score: Score


@dataclass(frozen=True, slots=True)
class Table:
    """All figures of a file's part.

    Attributes:
        file: its name.
        part: ``valid`` or ``test``.
        rows: ours.
    """

    file: str
    part: str
    rows: Sequence[Row]

    def markdown(self) -> str:
        """For people."""
        score = self.rows[0].score
        ours = [line for head in score.a_frame for line in self._ours(head)]
        lines = [
            f"{self.file}, {self.part} part: {score.pieces} pieces, {score.frames} "
            "frames predicted (every one but a piece's first); nats a frame, summed "
            "over 88 keys. Each network was trained once, both outputs together; the "
            "published ones had one output each, and no transposed music.",
            "",
            *HEADER,
            *ours,
            *self._published(),
        ]
        return "\n".join(lines)

    def json(self) -> str:
        """For programs."""
        return json.dumps(
            {
                "file": self.file,
                "part": self.part,
                "rows": [asdict(row) for row in self.rows],
                "published_test": [asdict(row) for row in PUBLISHED],
            },
            indent=2,
        )

    def _ours(self, head: str) -> list[str]:
        return [
            f"| {row.network}, {row.parameters / 1e6:.2f} M | {head} | "
            f"**{row.score.a_frame[head]:.3f}** | {row.score.a_piece[head]:.3f} | "
            f"{row.moved:.0%} | {self.part} |"
            for row in self.rows
        ]

    def _published(self) -> list[str]:
        """What papers say of this file; nothing if it is neither of the two."""
        name = self.file.lower()
        sets = {"jsb": "jsb", "nott": "nottingham"}
        field = next((f for start, f in sets.items() if name.startswith(start)), None)
        if field is None:
            return []
        return [
            f"| {row.network} | {row.head} | {getattr(row, field):.2f} | | none | "
            f"test, {row.source} |"
            for row in PUBLISHED
        ]

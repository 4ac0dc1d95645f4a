"""Reads and writes chord charts as text.

::

    # Lines like this one are remarks.
    title: Blues in C
    meter: 12/8
    | C7 | F7 | C7 | % |
    | F7 | % | C7 | A7 . Dm7 G7 |
    | - | | Am F | x2

``%`` repeats the bar before, ``.`` the chord before for a beat; ``-`` is silence. In an
empty bar the accompanist chooses. Chords share a bar evenly. ``x2`` plays a line twice.
`parse` takes the length of a bar from its caller and only keeps ``meter:``; `headers`
reads it beforehand.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from ripieno.music import chords
from ripieno.music.chart import FREE, Chart, Entry, compacted

BAR_LINE: Final = "|"
HEADERS: Final = ("title", "meter", "loop")
SAME_CHORD: Final = (".", "/")
SAME_BAR: Final = "%"
MOST_IN_BAR: Final = 16
"""A chord every sixteenth note of 4/4. With more, a bar line is probably missing."""
MOST_BARS: Final = 2000
"""More than an hour at 120 bpm in 4/4; ``x999999`` is a mistake."""
BARS_A_LINE: Final = 4

ALLOWED: Final = (
    "or % (the bar before), . or / (the chord before), - (silence), ? (free), "
    "and x2 at a line's end"
)
_LANDING: Final = re.compile(r"[^\s@]+@[^\s@./\\]*")
"""``C@9``; no path, and no name of a file with an ending."""
_HEADER: Final = re.compile(r"(\w+)\s*:\s*(.*)")
_TIMES: Final = re.compile(r"(|.*[\s|])x(\d{1,9})")
_YES: Final = ("yes", "on", "true")
_NO: Final = ("no", "off", "false")


class _Sheet:
    """The lines read so far: headers, and for each bar a list of (offset, chord)."""

    def __init__(
        self, bar_ticks: int, units: Sequence[int], starts: Sequence[int]
    ) -> None:
        self.bar_ticks, self.units, self.starts = bar_ticks, units, starts
        self.is_even = all(at * len(starts) % bar_ticks == 0 for at in starts)
        self.headers: dict[str, str] = {}
        self.bars: list[list[Entry]] = []

    def read(self, line: str) -> None:
        """Read a line that is no remark."""
        header = _header(line)
        if header is None:
            self._read_bars(line)
        elif self.bars:
            raise ValueError(f"{header[0]!r} belongs above the first bar")
        else:
            self.headers[header[0]] = header[1]

    def _read_bars(self, line: str) -> None:
        times = _TIMES.fullmatch(line)
        body = times[1] if times else line
        count = int(times[2]) if times else 1
        start = len(self.bars)
        for text in _bars_in(body):
            self.bars.append(self._bar(text))
        row = self.bars[start:]
        if times and not (row and count):
            raise ValueError(
                f"'x{count}' repeats nothing; write bars before it: C | x2"
            )
        if start + count * len(row) > MOST_BARS:
            raise ValueError(f"the chart is longer than {MOST_BARS} bars")
        self.bars += row * (count - 1)

    def _bar(self, text: str) -> list[Entry]:
        words = text.split()
        if not words:
            return [(0, None)]
        if words == [SAME_BAR]:
            if not self.bars:
                raise ValueError("'%' has no bar before it to repeat")
            return self.bars[-1]
        # Each word is a beat if one of them repeats a chord; else all share the bar.
        by_beat = any(word in SAME_CHORD for word in words)
        most = len(self.units) if by_beat else MOST_IN_BAR
        if len(words) > most:
            raise ValueError(
                f"{' '.join(words)!r} is a bar of {len(words)}; it may hold {most}"
            )
        bar: list[Entry] = []
        beats = self.starts if len(words) <= len(self.starts) else self.units
        for index, word in enumerate(words):
            start = beats[index] if by_beat else self._share(index, len(words))
            bar.append((start, self._chord(word, bar)))
        return bar

    def _share(self, index: int, count: int) -> int:
        """Return where one of some even shares begins; in 7/8 on a felt beat."""
        start = index * self.bar_ticks // count
        if self.is_even or count > len(self.starts):
            return start
        return min(self.starts, key=lambda beat: abs(beat - start))

    def _chord(self, word: str, bar: list[Entry]) -> int | None:
        if word == FREE:
            return None
        if word in SAME_CHORD:
            before = bar or (self.bars[-1] if self.bars else [])
            if not before:
                raise ValueError(f"{word!r} has no chord before it to repeat")
            return before[-1][1]
        if word == SAME_BAR:
            raise ValueError("'%' repeats a whole bar: it stands alone in its own")
        try:
            return chords.named(word)
        except ValueError as error:
            raise ValueError(f"{error}; {ALLOWED}") from error


def has_landings_only(text: str) -> bool:
    """Whether every word of a chart is a landing, such as ``C@9``; not for no word."""
    words = text.split()
    return bool(words) and all(map(_LANDING.fullmatch, words))


def parse(
    text: str, bar_ticks: int, beat_ticks: int, starts: Sequence[int] = ()
) -> Chart:
    """Read a chart.

    Args:
        text: in the syntax of this module's docstring.
        bar_ticks: the length of a bar.
        beat_ticks: the length of ``.``: `Meter.span_ticks`.
        starts: where felt beats begin, if they differ: `Meter.starts`. A ``.`` is one
            of them, in a bar of as many words at most.

    Raises:
        ValueError: a line is invalid; the message has its number, the word and what to
            write.
    """
    units = range(0, bar_ticks, beat_ticks)
    sheet = _Sheet(bar_ticks, units, starts or units)
    for number, line in _lines(text):
        try:
            sheet.read(line)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
    if not sheet.bars:
        raise ValueError("no line holds a bar; write one such as | C . . G7 | Am |")
    length_ticks = len(sheet.bars) * bar_ticks
    entries = (
        (place * bar_ticks + start, chord)
        for place, bar in enumerate(sheet.bars)
        for start, chord in bar
    )
    return Chart(
        compacted(entries, length_ticks),
        length_ticks,
        bar_ticks,
        beat_ticks,
        repeats=sheet.headers.get("loop") not in _NO,
        title=sheet.headers.get("title", ""),
        meter=sheet.headers.get("meter", ""),
    )


def headers(text: str) -> dict[str, str]:
    """Return the headers of a chart that are written: title, meter, loop.

    Raises:
        ValueError: a header is invalid, as in `parse`.
    """
    found = []
    for number, line in _lines(text):
        try:
            found.append(_header(line))
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
    return dict(filter(None, found))


def text_of(chart: Chart) -> str:
    """Return a chart as text, which `parse` reads as the same chart.

    A change that divides its bar into no even shares is moved by less than 1/16 bar.
    """
    loop = "" if chart.repeats else "no"
    above = ("title", chart.title), ("meter", chart.meter), ("loop", loop)
    lines = [f"{name}: {said}" for name, said in above if said]
    once = msgspec.structs.replace(chart, repeats=False)
    starts = range(0, chart.length_ticks, chart.bar_ticks)
    bars = [_bar_text(once, start) for start in starts]
    lines += [
        f"| {' | '.join(bars[place : place + BARS_A_LINE])} |"
        for place in range(0, len(bars), BARS_A_LINE)
    ]
    return "\n".join(lines) + "\n"


def _bar_text(chart: Chart, start: int) -> str:
    """Return a bar in the fewest even shares, with points if they are beats."""
    bar, beats = chart.bar_ticks, chart.bar_ticks // chart.beat_ticks
    changes = [at - start for at, _ in chart.entries if start <= at < start + bar]
    shares = (1, 2, beats, *range(3, MOST_IN_BAR + 1))
    even = (n for n in shares if all(at * n % bar == 0 for at in changes))
    count = next(even, MOST_IN_BAR)
    middle = 0 if count < MOST_IN_BAR else bar // count // 2
    found = [chart.chord_at(start + i * bar // count + middle) for i in range(count)]
    words = [FREE if chord is None else chords.name_of(chord) for chord in found]
    if words == [FREE]:
        return ""
    if count == beats:
        pairs = zip(words, ["", *words], strict=False)
        words = [SAME_CHORD[0] if word == last else word for word, last in pairs]
    return " ".join(words)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not empty and no remarks, each with its number."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line.strip()


def _bars_in(line: str) -> list[str]:
    """Return the bars between a line's bar lines; ``||`` counts as one bar line."""
    bars = re.split(r"\|+", line)
    first = 0 if bars[0].strip() else 1
    last = len(bars) if bars[-1].strip() else len(bars) - 1
    return bars[first:last]


def _header(line: str) -> tuple[str, str] | None:
    """Return a header's name and value; None if the line is no header."""
    match = _HEADER.fullmatch(line)
    name = match[1].lower() if match else ""
    if match and name in HEADERS:
        said = match[2].strip()
        if name == "loop" and said.lower() not in (*_YES, *_NO):
            raise ValueError(f"loop is {said!r}; write yes or no")
        return name, said.lower() if name == "loop" else said
    if match and BAR_LINE not in line and re.match(r"\w+\s*:(\s|$)", line):
        raise ValueError(f"{match[1]!r} is no header; write {', '.join(HEADERS)}")
    return None

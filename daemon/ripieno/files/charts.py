"""Reads chord charts from files: lead sheets as text, and MIDI files.

A MIDI file states its chords in one of three places; the first that has any is used:
markers (``chord:Bb:min7``, or ``Bbm7``), texts, and a track called CHORDS that plays
them as blocks of notes. The syntax of lead sheets is in `ripieno.music.lead_sheet`,
the reading of MIDI files in `ripieno.files.midi`.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from ripieno.errors import FileError
from ripieno.files.midi import read_performance
from ripieno.files.performance import TICKS_PER_BEAT, Performance, Track
from ripieno.music import chords, messages
from ripieno.music.chart import Chart, Entry, compacted, entries_of
from ripieno.music.lead_sheet import headers, parse
from ripieno.music.meter import Meter
from ripieno.settings.paths import read_file

MIDI_ENDINGS: Final = (".mid", ".midi")
TRACK_NAMES: Final = ("chords", "chord")
LARGEST_BYTES: Final = 1024 * 1024
"""A lead sheet of 2000 bars is 20 kB."""
STRUM_TICKS: Final = 60
"""Notes within a thirty-second note, 62 ms at 120 bpm, are one chord."""
FEWEST_CLASSES: Final = 2
"""A fifth counts as a chord; a single note does not."""

_Block = tuple[int, frozenset[int]]
"""(tick, pitches of the chord that begins there); no pitches mean silence."""


def read_chart(path: Path, meter: Meter | None = None) -> Chart:
    """Read a chord chart: MIDI if its name ends so, else text.

    Args:
        path: the file.
        meter: used if the file states none; 4/4 if None.

    Raises:
        FileError: the file cannot be read, or holds no chords. The message names the
            file, the line and what to write.
    """
    if path.suffix.lower() in MIDI_ENDINGS:
        return _read_midi(path, meter)
    try:
        text = read_file(path, LARGEST_BYTES).decode("utf-8-sig")
        written = headers(text).get("meter", "")
        meter = Meter.parse(written) if written else meter or Meter()
        return parse(text, meter.bar_ticks, meter.span_ticks, meter.starts)
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FileError(
            f"{path} is neither text nor MIDI: choose a .mid file, or a chart in UTF-8"
        ) from error
    except ValueError as error:
        raise FileError(f"{path} is no chord chart: {error}") from error


def maybe_chart_of(
    performance: Performance, meter: Meter | None = None
) -> Chart | None:
    """Return the chart of a MIDI file, or None if it holds no chords.

    Args:
        performance: the file.
        meter: used if the file has no time signature; 4/4 if None.

    Raises:
        ValueError: no ``chord:…`` marker can be read.
    """
    meter = _meter(performance, meter or Meter())
    length_ticks = _length_ticks(performance, meter)
    for words in (performance.markers, performance.texts):
        found = entries_of([(performance.scaled(tick), text) for tick, text in words])
        if found:
            entries = compacted(found, length_ticks)
            break
    else:
        entries = _of_track(performance, meter, length_ticks)
    if not entries:
        return None
    return Chart(
        entries,
        length_ticks,
        meter.bar_ticks,
        meter.span_ticks,
        title=performance.name,
        meter=str(meter),
    )


def best_fit(pitches: Sequence[int]) -> int:
    """Return the chord whose notes differ least from some pitches.

    Of equally good chords it is the one whose root is the lowest pitch, then the one
    whose quality comes first in `chords.SHAPES`. Without pitches it is `NO_CHORD`.
    """
    if not pitches:
        return chords.NO_CHORD
    classes = {pitch % 12 for pitch in pitches}
    bass = min(pitches) % 12

    def misfit(chord: int) -> tuple[int, bool, int]:
        different = len(classes.symmetric_difference(chords.pitch_classes(chord)))
        return different, chords.root_of(chord) != bass, chords.quality_of(chord)

    return min(range(chords.N_CHORDS), key=misfit)


def _read_midi(path: Path, meter: Meter | None) -> Chart:
    performance = read_performance(path, may_be_silent=True)
    try:
        chart = maybe_chart_of(performance, meter)
    except ValueError as error:
        raise FileError(f"{path} has a marker that is no chord: {error}") from error
    if chart is None:
        raise FileError(
            f"{path} tells no chords: add markers such as chord:Bbm7, or a track CHORDS"
        )
    return chart


def _meter(performance: Performance, otherwise: Meter) -> Meter:
    """Return the file's first meter if `Meter` supports it, else the other one."""
    for _, numerator, denominator in performance.time_signatures[:1]:
        try:
            return Meter(numerator, denominator)
        except ValueError:
            break
    return otherwise


def _length_ticks(performance: Performance, meter: Meter) -> int:
    """Return the file's length in whole bars of its last meter, at least one."""
    start = 0
    for tick, numerator, denominator in performance.time_signatures:
        try:
            meter, start = Meter(numerator, denominator), performance.scaled(tick)
        except ValueError:
            continue
    end = performance.scaled(performance.length_ticks)
    if not performance.messages:  # the last of its words has a bar as well
        words = (*performance.markers, *performance.texts)
        end = max([end, *(performance.scaled(tick) + 1 for tick, _ in words)])
    bars = -(-(end - start) // meter.bar_ticks)
    return max(start + bars * meter.bar_ticks, meter.bar_ticks)


def _of_track(
    performance: Performance, meter: Meter, length_ticks: int
) -> tuple[Entry, ...]:
    """Return the chords that the notes of a track called CHORDS make; () if none."""
    for track in performance.tracks:
        if track.name.strip().lower() not in TRACK_NAMES:
            continue
        blocks = [*_blocks(track, performance), (length_ticks, frozenset[int]())]
        entries = compacted(_estimated(blocks, meter), length_ticks)
        if any(chord not in (None, chords.NO_CHORD) for _, chord in entries):
            return entries
    return ()


def _estimated(blocks: Iterable[_Block], meter: Meter) -> Iterator[Entry]:
    """Yield the chord of each block; a whole bar without a note is `NO_CHORD`."""
    silent_bar: int | None = None
    for tick, pitches in blocks:
        if silent_bar is not None and tick - silent_bar >= meter.bar_ticks:
            yield silent_bar, chords.NO_CHORD
        silent_bar = None if pitches else -(-tick // meter.bar_ticks) * meter.bar_ticks
        if len({pitch % 12 for pitch in pitches}) >= FEWEST_CLASSES:
            yield _on_beat(tick), best_fit(sorted(pitches))


def _on_beat(tick: int) -> int:
    """Return the beat within `STRUM_TICKS` of a tick, else the tick."""
    beat = (tick + STRUM_TICKS) // TICKS_PER_BEAT * TICKS_PER_BEAT
    return beat if abs(tick - beat) <= STRUM_TICKS else tick


def _blocks(track: Track, performance: Performance) -> Iterator[_Block]:
    """Yield a block where notes are struck, and where the last note ends."""
    times = performance.times()
    sounding: set[int] = set()
    struck: set[int] = set()
    start = last = 0

    def struck_block() -> Iterator[_Block]:
        yield start, _chord(struck, sounding)
        if not sounding:
            yield last, frozenset()

    for at_ns, raw in track.messages:
        tick = performance.scaled(times.tick_at(at_ns))
        if struck and tick - start > STRUM_TICKS:
            yield from struck_block()
            struck = set()
        if messages.is_note_on(raw):
            start = start if struck else tick
            sounding.add(raw[1])
            struck.add(raw[1])
        elif messages.is_note_off(raw):
            sounding.discard(raw[1])
            if not sounding and not struck:
                yield tick, frozenset()
        last = tick
    if struck:
        yield from struck_block()


def _chord(struck: set[int], sounding: set[int]) -> frozenset[int]:
    """Return the notes struck together; with fewer than three, all that sound."""
    is_whole = len({pitch % 12 for pitch in struck}) > FEWEST_CLASSES
    return frozenset(struck if is_whole else struck | sounding)

"""Chord charts from files: a lead sheet as text, or a MIDI file that tells its chords.

A MIDI file tells them by markers (``chord:Bb:min7``, or ``Bbm7``), by texts, or by a
track called CHORDS that holds them as blocks of notes; the first of these that it has
counts. It knows neither how text is spelled (`ripieno.music.lead_sheet`) nor how MIDI
is stored (`ripieno.files.midi`).
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from ripieno.errors import FileError
from ripieno.files.midi import read_performance
from ripieno.files.performance import TICKS_PER_BEAT, Performance, Track
from ripieno.music import chords, messages
from ripieno.music.chart import Chart, Entry, chart_of_markers, compacted
from ripieno.music.lead_sheet import headers, parse
from ripieno.music.meter import Meter
from ripieno.settings.paths import read_file

MIDI_ENDINGS: Final = (".mid", ".midi")
TRACK_NAMES: Final = ("chords", "chord")
LARGEST_BYTES: Final = 1024 * 1024
"""A lead sheet of 2000 bars is 20 kB."""
STRUM_TICKS: Final = 60
"""What begins within a thirty-second note is one chord: 62 ms at 120 bpm."""
FEWEST_CLASSES: Final = 2
"""A fifth may stand for a chord; a single note is a melody's."""

_Block = tuple[int, frozenset[int]]
"""(tick, the pitches of a chord); none for silence."""


def read_chart(path: Path, meter: Meter | None = None) -> Chart:
    """Read a chord chart: MIDI by its ending, else text.

    Args:
        path: the file.
        meter: where the file says none; 4/4 if None.

    Raises:
        FileError: it cannot be read, or tells no chords; with the file, the line and
            what to write.
    """
    if path.suffix.lower() in MIDI_ENDINGS:
        return _read_midi(path, meter or Meter())
    try:
        text = _text(path)
        written = headers(text).get("meter", "")
        meter = Meter.parse(written) if written else meter or Meter()
        return parse(text, meter.bar_ticks, meter.span_ticks)
    except ValueError as error:
        raise FileError(f"{path} is no chord chart: {error}") from error


def maybe_chart_of(
    performance: Performance, meter: Meter | None = None
) -> Chart | None:
    """The chart that a MIDI file brings along, or None if it tells no chords.

    Args:
        performance: the file.
        meter: where the file has no time signature; 4/4 if None.

    Raises:
        ValueError: a marker ``chord:…`` names no chord.
    """
    meter = _meter(performance, meter or Meter())
    chart = _of_words(performance, meter) or _of_track(performance, meter)
    if chart is None:
        return None
    return msgspec.structs.replace(chart, title=performance.name, meter=str(meter))


def best_fit(pitches: Sequence[int]) -> int:
    """The chord whose notes differ least from some pitches; `NO_CHORD` for none.

    Of equally good ones it is the one on the lowest pitch, then the plainer one.
    """
    if not pitches:
        return chords.NO_CHORD
    classes = {pitch % 12 for pitch in pitches}
    bass = min(pitches) % 12

    def misfit(chord: int) -> tuple[int, bool, int]:
        different = len(classes.symmetric_difference(chords.pitch_classes(chord)))
        return different, chords.root_of(chord) != bass, chords.quality_of(chord)

    return min(range(chords.N_CHORDS), key=misfit)


def _text(path: Path) -> str:
    try:
        data = read_file(path, LARGEST_BYTES)
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(
            f"{path} is neither text nor MIDI: choose a .mid file, or a chart in UTF-8"
        ) from error


def _read_midi(path: Path, meter: Meter) -> Chart:
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
    """The file's first meter, if it is one that we count in."""
    for _, numerator, denominator in performance.time_signatures[:1]:
        try:
            return Meter(numerator, denominator)
        except ValueError:
            break
    return otherwise


def _length_ticks(performance: Performance, meter: Meter) -> int:
    """The file's length in whole bars of its last meter, one at least."""
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


def _of_words(performance: Performance, meter: Meter) -> Chart | None:
    """The chart of the file's markers, or of its texts."""
    for words in (performance.markers, performance.texts):
        chart = chart_of_markers(
            [(performance.scaled(tick), text) for tick, text in words],
            length_ticks=_length_ticks(performance, meter),
            bar_ticks=meter.bar_ticks,
            beat_ticks=meter.span_ticks,
        )
        if chart is not None:
            return chart
    return None


def _of_track(performance: Performance, meter: Meter) -> Chart | None:
    """The chart that the notes of a track called CHORDS make."""
    length_ticks = _length_ticks(performance, meter)
    for track in performance.tracks:
        if track.name.strip().lower() not in TRACK_NAMES:
            continue
        blocks = [*_blocks(track, performance), (length_ticks, frozenset[int]())]
        entries = compacted(_estimated(blocks, meter), length_ticks)
        if any(chord not in (None, chords.NO_CHORD) for _, chord in entries):
            return Chart(entries, length_ticks, meter.bar_ticks, meter.span_ticks)
    return None


def _estimated(blocks: Iterable[_Block], meter: Meter) -> Iterator[Entry]:
    """The chords that blocks of notes are; a bar without a note is no chord."""
    silent_bar: int | None = None
    for tick, pitches in blocks:
        if silent_bar is not None and tick - silent_bar >= meter.bar_ticks:
            yield silent_bar, chords.NO_CHORD
        silent_bar = None if pitches else -(-tick // meter.bar_ticks) * meter.bar_ticks
        if len({pitch % 12 for pitch in pitches}) >= FEWEST_CLASSES:
            yield _on_beat(tick), best_fit(sorted(pitches))


def _on_beat(tick: int) -> int:
    """The beat that a tick was meant for, if it is near one."""
    beat = (tick + STRUM_TICKS) // TICKS_PER_BEAT * TICKS_PER_BEAT
    return beat if abs(tick - beat) <= STRUM_TICKS else tick


def _blocks(track: Track, performance: Performance) -> Iterator[_Block]:
    """Where chords are struck, and where all notes have ended."""
    times = performance.times()
    sounding: set[int] = set()
    struck: set[int] = set()
    start = last = 0
    for at_ns, raw in track.messages:
        tick = performance.scaled(times.tick_at(at_ns))
        if struck and tick - start > STRUM_TICKS:
            yield start, _chord(struck, sounding)
            if not sounding:
                yield last, frozenset()
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
        yield start, _chord(struck, sounding)
        if not sounding:
            yield last, frozenset()


def _chord(struck: set[int], sounding: set[int]) -> frozenset[int]:
    """What was struck together; all that sounds, where that is less than a chord."""
    is_whole = len({pitch % 12 for pitch in struck}) > FEWEST_CLASSES
    return frozenset(struck if is_whole else struck | sounding)

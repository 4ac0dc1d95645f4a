"""What a MIDI file says, as values: tracks, and the score that they are played from.

What was played is in nanoseconds from the start, as it is heard. What is written above
it (tempos, signatures, words) is in ticks, as it is counted; `TempoMap` leads from one
to the other. It knows no file and no library.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from ripieno.files.columns import Timed
from ripieno.files.repairs import Repairs
from ripieno.files.tempo_map import TempoMap, tempo_map

__all__ = ["TICKS_PER_BEAT", "Performance", "Score", "Timed", "Track", "Word"]

TICKS_PER_BEAT: Final = 480
"""The resolution of what is written."""

Word = tuple[int, str]
"""A text and where: (tick, text)."""


class Track(msgspec.Struct, frozen=True):
    """One named track.

    Args:
        name: what a DAW shows.
        messages: channel messages, in any order of time.
        program: the General MIDI program 0 … 127 to begin with, or None.
        channel: the channel 0 … 15 of that program change.
    """

    name: str
    messages: Sequence[Timed]
    program: int | None = None
    channel: int = 0


class Score(msgspec.Struct, frozen=True):
    """What stands above the music, each at its tick, 480 to a beat.

    Args:
        tempos: (tick, microseconds a beat), rising; empty means 120 bpm.
        time_signatures: (tick, numerator, denominator).
        key_signatures: (tick, key), such as ``Bb`` or ``F#m``.
        markers: what a DAW shows above its tracks: sections, chords.
        texts: remarks.
        lyrics: syllables.
    """

    tempos: tuple[tuple[int, int], ...] = ()
    time_signatures: tuple[tuple[int, int, int], ...] = ((0, 4, 4),)
    key_signatures: tuple[Word, ...] = ()
    markers: tuple[Word, ...] = ()
    texts: tuple[Word, ...] = ()
    lyrics: tuple[Word, ...] = ()


class Performance(msgspec.Struct, frozen=True):
    """What a MIDI file says.

    Args:
        name: the first track's name, or the file's.
        messages: the channel messages of all tracks, by time; of one time in the
            file's order.
        tracks: the same messages, track by track, with empty tracks left out.
        length_ns: when the last message happens; 0 where there is none.
        length_ticks: where the longest track ends.
        ticks_per_beat: the file's resolution; all its ticks are of that.
        tempos: (tick, microseconds a beat) of each tempo; empty means 120 bpm.
        time_signatures: (tick, numerator, denominator).
        key_signatures: (tick, key), such as ``Bb`` or ``F#m``.
        markers, texts, lyrics: (tick, text), of all tracks.
        repairs: what the reader skipped or corrected, and how often.
    """

    name: str
    messages: Sequence[Timed]
    tracks: tuple[Track, ...]
    length_ns: int
    length_ticks: int
    ticks_per_beat: int
    tempos: tuple[tuple[int, int], ...]
    time_signatures: tuple[tuple[int, int, int], ...]
    key_signatures: tuple[Word, ...]
    markers: tuple[Word, ...]
    texts: tuple[Word, ...]
    lyrics: tuple[Word, ...]
    repairs: Repairs = ()

    def times(self) -> TempoMap:
        """How its ticks and nanoseconds meet."""
        return tempo_map(self.ticks_per_beat, self.tempos)

    def score(self) -> Score:
        """What stands above it, at 480 ticks a beat, as it is written."""
        at = self.scaled
        signatures = tuple((at(tick), n, d) for tick, n, d in self.time_signatures)
        return Score(
            tempos=tuple((at(tick), us) for tick, us in self.tempos),
            time_signatures=signatures or ((0, 4, 4),),
            key_signatures=self._scaled(self.key_signatures),
            markers=self._scaled(self.markers),
            texts=self._scaled(self.texts),
            lyrics=self._scaled(self.lyrics),
        )

    def scaled(self, tick: int) -> int:
        """A tick of the file as one of 480 to a beat, rounded to the nearest."""
        per_beat = self.ticks_per_beat
        return (2 * tick * TICKS_PER_BEAT + per_beat) // (2 * per_beat)

    def _scaled(self, words: tuple[Word, ...]) -> tuple[Word, ...]:
        return tuple((self.scaled(tick), text) for tick, text in words)

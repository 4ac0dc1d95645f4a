"""The contents of a MIDI file as values: tracks of messages, and a score.

Messages are in nanoseconds from the start. The score (tempos, signatures, words) is in
ticks. `TempoMap` converts between them.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from ripieno.files.columns import Timed
from ripieno.files.repairs import Repairs
from ripieno.files.tempo_map import TempoMap, rounded, tempo_map

__all__ = ["TICKS_PER_BEAT", "Performance", "Score", "Timed", "Track", "Word"]

TICKS_PER_BEAT: Final = 480
"""The resolution of the files that we write."""

Word = tuple[int, str]
"""(tick, text)."""


class Track(msgspec.Struct, frozen=True):
    """One track.

    Args:
        name: as a DAW shows it.
        messages: channel messages, in any order of time.
        program: the General MIDI program at the start, 0 … 127, or None.
        channel: the channel of that program change, 0 … 15.
    """

    name: str
    messages: Sequence[Timed]
    program: int | None = None
    channel: int = 0


class Score(msgspec.Struct, frozen=True):
    """Tempos, signatures and words, at ticks of 1/480 beat.

    Args:
        tempos: (tick, microseconds a beat), rising; empty means 120 bpm.
        time_signatures: (tick, numerator, denominator).
        key_signatures: (tick, key), such as ``Bb`` or ``F#m``.
        markers: sections and chords, as a DAW shows them above its tracks.
        texts, lyrics: remarks, syllables.
    """

    tempos: tuple[tuple[int, int], ...] = ()
    time_signatures: tuple[tuple[int, int, int], ...] = ((0, 4, 4),)
    key_signatures: tuple[Word, ...] = ()
    markers: tuple[Word, ...] = ()
    texts: tuple[Word, ...] = ()
    lyrics: tuple[Word, ...] = ()


class Performance(msgspec.Struct, frozen=True):
    """The contents of a MIDI file.

    Args:
        name: the first track's name, or the file's.
        messages: the channel messages of all tracks, by time; at one time in the
            file's order.
        tracks: the same messages by track, without empty tracks.
        length_ns: the time of the last message; 0 if there is none.
        length_ticks: where the longest track ends.
        ticks_per_beat: the file's resolution, for every tick here.
        tempos, time_signatures, key_signatures, markers, texts, lyrics: as in `Score`,
            of all tracks.
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
        """Return the conversion between the file's ticks and nanoseconds."""
        return tempo_map(self.ticks_per_beat, self.tempos)

    def score(self) -> Score:
        """Return the score, at 480 ticks a beat."""

        def at(words: tuple[Word, ...]) -> tuple[Word, ...]:
            return tuple((self.scaled(tick), text) for tick, text in words)

        signatures = tuple((self.scaled(t), n, d) for t, n, d in self.time_signatures)
        return Score(
            tempos=tuple((self.scaled(tick), us) for tick, us in self.tempos),
            time_signatures=signatures or ((0, 4, 4),),
            key_signatures=at(self.key_signatures),
            markers=at(self.markers),
            texts=at(self.texts),
            lyrics=at(self.lyrics),
        )

    def scaled(self, tick: int) -> int:
        """Return a tick of the file as one of 480 a beat, rounded to the nearest."""
        return rounded(tick * TICKS_PER_BEAT, self.ticks_per_beat)

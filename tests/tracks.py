"""The notes of a track of a MIDI file, and whether each one ends."""

from collections import Counter

from ripieno.files.midi import Track
from ripieno.music import messages


def notes(track: Track) -> list[tuple[int, int, int]]:
    """(start, end, pitch) of each note of a track, which must all be there."""
    down: dict[int, int] = {}
    found = []
    for at_ns, data in track.messages:
        if messages.is_note_on(data):
            assert data[1] not in down
            down[data[1]] = at_ns
        elif messages.is_note_off(data):
            found.append((down.pop(data[1]), at_ns, data[1]))
    assert not down
    return sorted(found)


def ons_minus_offs(track: Track) -> Counter[int]:
    """Pitches with more ons than offs, or fewer."""
    count: Counter[int] = Counter()
    for _, data in track.messages:
        count[data[1]] += messages.is_note_on(data) - messages.is_note_off(data)
    return +count + -count

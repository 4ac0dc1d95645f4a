"""Sections have letters: a new one for a new melody, the same where it returns."""

import random

import pytest

from ripieno.conduct.form import LETTERS, Form, FormSection
from ripieno.conduct.memory import Memory, Played
from ripieno.music.chords import named
from ripieno.music.spans import Phase, Span

SILENT = Span(((),) * 4, ((),) * 4)


def melody(seed, bars=8):
    """A melody of four beats a bar, with a long note at its end."""
    draw = random.Random(seed)
    beats = [
        Span(tuple((draw.choice(range(57, 77)),) * draw.getrandbits(1) for _ in "1234"),
             ((60,),) * 4)
        for _ in range(4 * bars - 3)
    ]  # fmt: skip
    held = Span(((60,), (), (), ()), ((60,),) * 4)
    return [*beats, held, SILENT, SILENT]


A, B, C = (melody(seed) for seed in (1, 2, 3))


def up(beats, semitones):
    """The same melody in another key."""
    return [
        Span(
            tuple(tuple(p + semitones for p in frame) for frame in beat.struck),
            beat.sounding,
        )
        for beat in beats
    ]


def sections(*parts):
    """What is found in a song of these parts."""
    memory, found = Memory(), Form()
    for index, beat in enumerate(beat for part in parts for beat in part):
        phase = Phase(index % 4, 4, index // 4)
        memory.hear(index, beat, phase, Played(named("C")))
        found.hear(index, beat, phase, memory)
    return found


def form(*parts):
    """Their names, and the bars in which they begin."""
    return [(section.name, section.index // 4) for section in sections(*parts).found]


def test_a_song_of_two_melodies():
    assert form(A, A, B, A) == [("A", 0), ("A", 8), ("B", 16), ("A", 24)]


def test_three_melodies():
    found = form(A, B, A, B, C, A)
    assert found == [
        (name, 8 * place) for place, name in enumerate("ABABCA")
    ]  # fmt: skip


def test_another_key_is_a_prime():
    assert form(A, B, up(A, 2)) == [("A", 0), ("B", 8), ("A'", 16)]


def test_so_is_a_melody_that_goes_another_way():
    changed = [*A[:12], *B[12:24], *A[24:]]
    assert form(A, B, changed)[:3] == [("A", 0), ("B", 8), ("A'", 16)]


def test_a_section_of_four_bars_returns():
    short = melody(4, bars=4)
    assert form(short, short, B) == [("A", 0), ("A", 4), ("B", 8)]


def test_two_bars_that_return_at_once_are_no_section():
    motif = A[:8]
    assert form(motif, motif, B[:16]) == [("A", 0)]


def test_nothing_begins_in_silence():
    assert form(A, [SILENT] * 96) == [("A", 0)]
    assert form([SILENT] * 8, A) == [("A", 2)]


def test_a_pickup_belongs_to_the_bar_after_it():
    assert form([SILENT] * 3, A[:1], A[4:])[0] == ("A", 1)


def test_the_name_of_now_follows():
    assert sections([]).name == ""
    assert sections(A).name == "A"
    assert sections(A, B).name == "B"
    assert sections(A, B, A).name == "A"


@pytest.mark.parametrize(("letter", "name"), [(0, "A"), (25, "Z"), (26, "AA")])
def test_letters_do_not_run_out(letter, name):
    assert len(LETTERS) == 26
    assert FormSection(0, 0, letter).name == name

"""Copied music is found, and music that is only similar is not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("symusic")

from tests.export import strangers

from ripieno_export import originality, packing
from ripieno_export.originality import Copying, Prompt, compare, draw, line
from ripieno_export.originality_command import table
from ripieno_export.packed import Packed
from ripieno_export.tokenize import Notes


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    place = tmp_path_factory.mktemp("originality") / "corpus"
    return packing.pack(strangers.pieces(20), place, held_out_share=0.2)


@pytest.fixture(scope="module")
def prompts(packed: Packed) -> list[Prompt]:
    return draw(packed, 6)


def excerpt(packed: Packed, *, shift: int = 0, slower: float = 1.0) -> Notes:
    """Twenty seconds of the first piece that was learned."""
    piece = int(np.flatnonzero(~packed.held_out)[0])
    notes = packed.piece(piece)[10:70].copy()
    notes["pitch"] += shift
    notes["start"] = (notes["start"] - notes["start"][0]) * slower
    notes["end"] = notes["start"] + 0.2
    return notes


def judged(
    packed: Packed, prompts: list[Prompt], notes: Notes
) -> tuple[Copying, Copying]:
    systems = {
        "model": [notes for _ in prompts],
        "human": [prompt.real for prompt in prompts],
    }
    found = compare((packed, np.flatnonzero(~packed.held_out)), prompts, systems)
    return found["model"], found["human"]


def test_prompts_are_held_out_music_cut_at_an_onset(
    packed: Packed, prompts: list[Prompt]
) -> None:
    assert len(prompts) == 6
    for prompt in prompts:
        assert prompt.real["start"][0] == pytest.approx(0, abs=1e-4)
        assert prompt.real["start"].max() < originality.SPAN_S
        assert prompt.heard["start"].max() < prompt.cut_s
        pitches = prompt.real["pitch"].tobytes()
        home = [
            piece
            for piece in range(len(packed.kind))
            if pitches in packed.piece(piece)["pitch"].tobytes()
        ]
        assert packed.held_out[home].all()


def test_drawing_again_draws_the_same(packed: Packed, prompts: list[Prompt]) -> None:
    again = draw(packed, 6)
    assert all(
        (one.real == other.real).all()
        for one, other in zip(prompts, again, strict=True)
    )


def test_another_seed_draws_other_prompts(
    packed: Packed, prompts: list[Prompt]
) -> None:
    _, second = originality.SEEDS
    other = draw(packed, 6, seed=second)
    assert [one.cut_s for one in other] != [one.cut_s for one in prompts]


def test_a_copy_is_found_in_any_key(packed: Packed, prompts: list[Prompt]) -> None:
    copier, human = judged(packed, prompts, excerpt(packed, shift=3))
    assert (copier.copies, copier.timed_copies) == (1.0, 1.0)
    assert (human.copies, human.timed_copies) == (0.0, 0.0)
    assert copier.longest_median > 32 > human.longest_p90


def test_a_copy_at_another_speed_is_one_by_its_intervals(
    packed: Packed, prompts: list[Prompt]
) -> None:
    slow = excerpt(packed, slower=3.0)
    slow["end"] = slow["start"] + 0.7
    copier, _ = judged(packed, prompts, slow)
    assert (copier.copies, copier.timed_copies) == (1.0, 0.0)


def test_equally_many_notes_of_all_are_judged(
    packed: Packed, prompts: list[Prompt]
) -> None:
    copier, human = judged(packed, prompts, excerpt(packed)[:40])
    assert copier.notes == human.notes == 40


def test_too_little_music_is_not_judged(packed: Packed, prompts: list[Prompt]) -> None:
    copier, human = judged(packed, prompts, excerpt(packed)[:20])
    assert copier.continuations == human.continuations == 0


def test_of_a_chord_the_highest_note_counts() -> None:
    (piece,) = strangers.pieces(1, 40)
    notes = piece.notes
    below = notes.copy()
    below["pitch"] -= 7
    below["start"] += 0.01
    chords = np.concatenate([below, notes])
    alone, together = (
        line(each, piece.beats, is_timed=True) for each in (notes, chords)
    )
    assert (alone == together).all()
    assert len(alone) == 39


def test_lengths_are_sixteenths_of_the_pieces_own_beats() -> None:
    (piece,) = strangers.pieces(1, 40)
    slow = piece.notes.copy()
    slow["start"] *= 2
    slow["end"] *= 2
    assert (
        line(piece.notes, piece.beats, is_timed=True)
        == line(slow, piece.beats * 2, is_timed=True)
    ).all()


def test_the_table_has_a_line_a_system() -> None:
    copying = Copying(10, 60.0, 0.1, 0.0, 8.0, 12.0)
    lines = table({"model": copying, "human": replace(copying, copies=0.0)})
    assert "| model | 60 | 10.0% | 0.0% | 8 | 12 |" in lines
    assert len(lines) == 6


def test_a_model_folder_is_needed(tmp_path: Path) -> None:
    from ripieno.errors import ModelError

    with pytest.raises(ModelError):
        originality.Continuer(tmp_path)

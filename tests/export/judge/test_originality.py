import numpy as np
from tests.export.judge.tunes import notes, scale

from ripieno_export.judge.originality import LONGEST, Index, words


def walk(*pitches):
    return words(notes(*[(2 * n, 2 * n + 2, p) for n, p in enumerate(pitches)]))


TRAINED = walk(60, 62, 64, 65, 67, 69, 71, 72, 60)


def test_a_run_is_known_in_any_key():
    assert Index([TRAINED]).longest_runs([walk(67, 69, 71, 72, 74, 30)]).tolist() == [4]


def test_another_rhythm_is_another_run():
    slow = words(notes((0, 4, 60), (4, 8, 62), (8, 12, 64)))
    assert Index([TRAINED]).longest_runs([slow]).tolist() == [0]


def test_a_run_does_not_cross_from_one_piece_to_the_next():
    halves = [walk(60, 62, 64), walk(64, 65, 67)]
    assert Index(halves).longest_runs([walk(60, 62, 64, 65, 67)]).tolist() == [2]


def test_each_line_has_a_figure_of_its_own():
    lines = [walk(60, 62, 64), walk(60, 50), walk(60)]
    assert Index([TRAINED]).longest_runs(lines).tolist() == [2, 0, 0]


def test_a_copy_is_followed_as_far_as_it_matters():
    long = words(scale(400))
    assert Index([long]).longest_runs([long]).tolist() == [LONGEST]


def test_the_top_line_counts():
    doubled = notes((0, 2, 60), (0, 2, 48), (2, 4, 62), (2, 4, 50))
    assert np.array_equal(words(doubled), walk(60, 62))
    assert len(words(notes())) == 0

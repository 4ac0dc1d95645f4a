import math

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("scipy")
pytest.importorskip("symusic")

from ripieno_export import continuing
from ripieno_export.evaluation import bleu, classes, likeness, memory, sound
from ripieno_export.evaluation.continuations import HUMAN
from ripieno_export.evaluation.predictions import Reading
from ripieno_export.evaluation.spectrum import aligned, cepstrum, distance_db
from ripieno_export.judge.sound import RATE_HZ, heard
from ripieno_export.tokenize import Notes

pytestmark = pytest.mark.torch

C_MAJOR = (60, 62, 64, 65, 67, 69, 71, 72)


def notes(pitches=C_MAJOR, every_s=0.5, length_s=0.4, velocity=80) -> Notes:
    starts = np.arange(len(pitches)) * every_s
    return continuing.notes_of(
        starts, starts + length_s, list(pitches), [velocity] * len(pitches)
    )


# ── heads as classifiers ──────────────────────────────────────────────────────────


def test_a_known_confusion_has_its_known_scores():
    # Played 0 0 0 0 1 1 2, chosen 0 0 1 2 1 1 0.
    told, chosen = np.array([0, 0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 2, 1, 1, 0])
    counts = classes.confusion(told, chosen, 4)
    assert counts[0].tolist() == [2, 1, 1, 0]
    found = classes.scores(counts)
    assert found.accuracy == pytest.approx(4 / 7)
    assert found.commonest == pytest.approx(4 / 7)
    assert found.classes == 3  # nobody played or chose the fourth
    f1 = (2 * 2 / (4 + 3), 2 * 2 / (2 + 3), 0.0)
    assert found.macro.precision == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)
    assert found.macro.recall == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert found.macro.f1 == pytest.approx(sum(f1) / 3)
    assert found.weighted.recall == pytest.approx(found.accuracy)
    assert found.weighted.f1 == pytest.approx((4 * f1[0] + 2 * f1[1]) / 7)


def test_a_perfect_prediction_scores_one():
    told = np.array([0, 1, 1, 3])
    found = classes.scores(classes.confusion(told, told, 5))
    assert (found.accuracy, found.macro.f1, found.weighted.f1) == (1.0, 1.0, 1.0)


def test_a_confusion_of_nothing_has_no_scores():
    with pytest.raises(ValueError, match="no events"):
        classes.scores(np.zeros((2, 2), np.int64))


# ── BLEU ──────────────────────────────────────────────────────────────────────────


def test_identical_continuations_have_a_bleu_of_one():
    words = [bleu.moves(notes())] * 3
    assert [f.mean for f in bleu.bleu(words, words).values()] == pytest.approx([1] * 4)


def test_disjoint_continuations_have_a_bleu_of_zero():
    ours, theirs = bleu.pitches(notes()), bleu.pitches(notes((61, 63, 66, 68, 70)))
    assert all(f.mean == 0 for f in bleu.bleu([ours] * 2, [theirs] * 2).values())


def test_a_repeated_word_counts_as_often_as_in_the_reference():
    # Papineni's example: seven times "the" against a sentence that has it twice.
    ours, theirs = ["the"] * 7, ["the", "cat", "is", "on", "the", "mat"]
    found = bleu.bleu([ours, ours], [theirs, theirs])
    assert found[1].mean == pytest.approx(2 / 7)
    assert found[2].mean == 0


def test_a_short_text_is_punished():
    theirs = list(C_MAJOR)
    found = bleu.bleu([theirs[:4]] * 2, [theirs] * 2)
    assert found[4].mean == pytest.approx(math.exp(1 - 8 / 4))


def test_words_do_not_depend_on_how_hands_scatter_a_chord():
    chord = continuing.notes_of([0, 0.01, 0.02], [1, 1, 1], [67, 60, 64], [80] * 3)
    assert bleu.pitches(chord) == (60, 64, 67)
    assert bleu.moves(chord) == ((60, 0), (64, 0), (67, 0))


def test_move_words_depend_on_the_rhythm():
    assert bleu.pitches(notes()) == bleu.pitches(notes(every_s=0.1))
    assert bleu.moves(notes()) != bleu.moves(notes(every_s=0.1))


# ── likeness ──────────────────────────────────────────────────────────────────────


def test_a_scale_in_half_seconds_uses_four_pitch_classes_a_bar():
    assert likeness.used_classes(notes()) == 4.0  # two bars: C D E F, G A B C


def test_very_short_notes_are_no_qualified_notes():
    both = np.concatenate([notes(), notes(length_s=0.05)])
    assert likeness.qualified(both) == 0.5


def test_silence_has_no_figures():
    silence = notes(())
    assert math.isnan(likeness.used_classes(silence))
    assert math.isnan(likeness.qualified(silence))
    assert likeness.features(silence).shape == (0, 10)


def test_humans_overlap_with_humans_as_humans_do():
    humans = [notes(tuple(p + k for p in C_MAJOR), 0.2 + 0.05 * k) for k in range(8)]
    found = likeness.figures(humans, humans)
    assert found["overlap area"].mean == pytest.approx(1.0)
    assert 0 < likeness.ceiling(humans) <= 1


# ── sound ─────────────────────────────────────────────────────────────────────────


def spectrum_of(piece: Notes):
    return cepstrum(heard([piece])[0], RATE_HZ)


def test_a_sound_is_at_no_distance_from_itself():
    once = spectrum_of(notes())
    assert once.shape[1] == 13
    assert distance_db(once, spectrum_of(notes())) == 0.0


def test_a_semitone_is_heard_and_an_octave_more():
    here = spectrum_of(notes())
    semitone = distance_db(here, spectrum_of(sound.higher(notes(), 1)))
    octave = distance_db(here, spectrum_of(sound.higher(notes(), 12)))
    assert 0 < semitone < octave


def test_loudness_alone_is_no_distance():
    samples = heard([notes()])[0]
    apart = distance_db(cepstrum(samples, RATE_HZ), cepstrum(samples / 2, RATE_HZ))
    assert apart == pytest.approx(0, abs=1e-9)


def test_the_same_notes_a_little_later_are_aligned():
    later = notes()
    later["start"] += 0.1
    later["end"] += 0.1
    ours, theirs = spectrum_of(notes()), spectrum_of(later)
    straight = np.sqrt(2 * ((ours - theirs[: len(ours)]) ** 2).sum(1)).mean()
    assert distance_db(ours, theirs) < straight / 2


def test_the_cheapest_way_goes_from_corner_to_corner():
    rows, columns = aligned(np.array([[0.0, 9, 9], [0, 9, 9], [9, 0, 9], [9, 9, 0]]))
    assert list(zip(rows, columns, strict=True)) == [(0, 0), (1, 0), (2, 1), (3, 2)]


def test_the_human_is_the_scale_of_the_distance():
    found = sound.figures({HUMAN: [notes(), notes(every_s=0.3)]})
    assert found[HUMAN]["MCD, dB"].mean == 0.0
    assert found[sound.HIGHER]["MCD, dB"].mean > 0.5


# ── memory ────────────────────────────────────────────────────────────────────────


def test_places_lie_in_doubling_bins():
    assert memory.bins(40) == [(0, 8), (8, 16), (16, 32), (32, 40)]


def test_the_same_events_are_judged_after_hearing_more():
    def read(events):  # an event costs as much as its number: it tells which was judged
        nats = np.zeros((*events[:, 1:].shape[:2], 4))
        nats[..., 0] = events[:, 1:, 2]
        return Reading(np.zeros_like(events[:, 1:]), nats)

    crops = np.zeros((2, 33, 4), np.int64)
    crops[..., 2] = np.arange(33)
    found = memory.by_heard(read, crops, judged=8)
    assert [k for k, _ in found] == [1, 4, 16, 25]
    assert all(nats.tolist() == [28.5, 28.5] for _, nats in found)


def test_the_loss_of_context_is_zero_at_the_longest_context():
    places = np.ones((4, 16))
    figures = memory.as_figures(places, [(1, np.full(4, 3.0)), (8, np.ones(4))])
    assert [p["lost"]["nats"] for p in figures["by_heard"]] == [2.0, 0.0]

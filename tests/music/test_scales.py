import pytest

from ripieno.music import scales

C_MAJOR = {0, 2, 4, 5, 7, 9, 11}


def test_a_scale_is_known_by_its_name():
    assert scales.named("C major") == C_MAJOR
    assert scales.named("a minor") == C_MAJOR
    assert scales.named("D dorian") == C_MAJOR
    assert scales.named("F# minor pentatonic") == {6, 9, 11, 1, 4}


@pytest.mark.parametrize("name", ["", "H major", "C", "C mayor", "##"])
def test_an_unknown_scale_is_named_with_those_there_are(name):
    with pytest.raises(ValueError, match="dorian"):
        scales.named(name)


@pytest.mark.parametrize("tonic", range(12))
def test_a_key_is_heard_from_its_scale_and_triad(tonic):
    tune = [0, 4, 7, 0, 2, 4, 5, 7, 9, 11, 0, 7, 4, 0]
    weights = [0.0] * 12
    for step in tune:
        weights[(tonic + step) % 12] += 1
    assert scales.key_of(weights) == (tonic, "major")


def test_silence_has_no_key():
    assert scales.key_of([0.0] * 12) is None


def test_fewer_notes_than_a_key_needs_allow_all_pitch_classes():
    assert scales.heard([60, 64, 67]) == scales.CHROMATIC


def test_a_frequent_note_belongs_to_the_scale_in_any_key():
    blue = [60, 64, 67, 70, 60, 64, 67, 70, 60, 65, 69, 60, 70]
    assert 70 % 12 in scales.heard(blue)


def test_a_passing_note_does_not_open_the_scale():
    tune = [60, 62, 64, 65, 67, 69, 71, 72, 67, 64, 60, 61, 62, 60] * 2
    assert scales.heard(tune[:-15]) == C_MAJOR

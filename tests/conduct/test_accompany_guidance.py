"""Accompaniment keeps the musician's chart, landings, chord lock and scale."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.accompanied import (
    BASS,
    CHORDS,
    TEXTURE,
    TWINKLE,
    WINDOW,
    classes,
    insists,
    names,
    performed,
    sounding_at,
)
from tests.inputs import (
    BEAT,
    line,
)
from tests.outputs import note_ons

from ripieno.music import chords, scales
from ripieno.settings.params import COMMITS
from ripieno.testing import ScriptedDuet


@pytest.mark.parametrize("commit", COMMITS)
@pytest.mark.parametrize("latency_ms", [0, 300, None])
def test_a_chord_of_the_chart_is_played_at_its_beat(commit, latency_ms):
    mind = None if latency_ms is None else insists("F#")
    played = performed(
        line(TWINKLE, beats=24), mind, listen=0, commit=commit,
        latency_ms=latency_ms or 0, chart="| Am | F G | C . . E7 | - |",
    )  # fmt: skip
    wanted = {2: "Am", 4: "F", 6: "G", 8: "C", 10: "C", 11: "E7", 16: "Am", 20: "F"}
    for beat, name in wanted.items():
        pad = classes(sounding_at(played, beat * BEAT + WINDOW))
        root, third, *others = chords.pitch_classes(chords.named(name))
        assert {root, third} <= pad <= {root, third, *others}, beat
    silent = [
        at for at, _ in note_ons(played.sent) if 12 * BEAT + WINDOW < at < 16 * BEAT
    ]
    assert silent == []
    for channel in (CHORDS, BASS, TEXTURE):
        assert not sounding_at(played, 13 * BEAT, channel)


def test_an_empty_bar_of_the_chart_leaves_the_chord_free():
    mind = insists("Bbm")
    performed(line(TWINKLE), mind, listen=0, chart="| C | | F | ? |")
    assert [names(mind)[beat] for beat in (2, 4, 7, 8, 12)] == [
        "C", "Bbm", "Bbm", "F", "Bbm",
    ]  # fmt: skip


melodies = st.lists(st.integers(48, 84), min_size=1, max_size=24)


@settings(deadline=None, max_examples=25)
@given(
    melodies,
    st.sampled_from([0, 1, 4]),
    st.sampled_from(["C", "F#m7b5", "Bb7"]),
    st.sampled_from([0, 400, None]),
)
def test_a_landing_is_reached_at_any_melody(melody, commit, name, latency_ms):
    mind = None if latency_ms is None else ScriptedDuet()
    played = performed(
        line(melody, beats=34), mind, commit=commit, chart=f"{name}@9 G@4",
        latency_ms=latency_ms or 0,
    )  # fmt: skip
    tones = set(chords.pitch_classes(chords.named(name)))
    assert classes(sounding_at(played, 32 * BEAT + WINDOW)) <= tones
    assert {7, 11} <= classes(sounding_at(played, 12 * BEAT + WINDOW)) <= {7, 11, 2}


def test_the_way_to_a_landing_leads_there():
    """Free, it follows the tune; a beat before the landing it plays what goes there."""
    tune = line((60, 64, 67, 72), beats=20)
    free, led = insists("N"), insists("N")
    performed(tune, free)
    performed(tune, led, chart="F#@5")
    assert names(led)[16] == "F#"
    assert names(free)[16] != "F#"
    assert names(led)[17] != "F#"


@settings(deadline=None, max_examples=15)
@given(melodies, st.sampled_from([0, 2]), st.sampled_from([0, 300, None]))
def test_only_the_locked_chords_are_played(melody, commit, latency_ms):
    mind = None if latency_ms is None else insists("F#")
    played = performed(
        line(melody, beats=24), mind, commit=commit, chord_lock="Am F Dm7",
        latency_ms=latency_ms or 0,
    )  # fmt: skip
    allowed = [set(chords.pitch_classes(chords.named(n))) for n in ("Am", "F", "Dm7")]
    for beat in range(8, 24):
        pad = classes(sounding_at(played, beat * BEAT + WINDOW))
        assert any(pad <= tones for tones in allowed)
    assert mind is None or set(names(mind).values()) <= {"Am", "F", "Dm7", "-"}


@settings(deadline=None, max_examples=15)
@given(
    melodies,
    st.sampled_from(["C major", "D dorian", "A minor", "F# blues"]),
    st.sampled_from([0, 1.0]),
    st.booleans(),
)
def test_every_note_of_the_pad_is_in_the_scale(melody, scale, lead, has_mind):
    mind = ScriptedDuet() if has_mind else None
    played = performed(line(melody, beats=24), mind, scale=scale, lead=lead)
    assert classes(p for _, p in note_ons(played.sent, CHORDS)) <= scales.named(scale)


def test_lead_1_ignores_the_melody_and_lead_0_follows_it():
    in_c, in_f_sharp = line((60, 64, 67, 72)), line((66, 70, 73, 78))
    before = [m for m in in_c if m[0] < 12 * BEAT]
    elsewhere = before + [m for m in in_f_sharp if m[0] >= 12 * BEAT]
    for lead, is_same in ((1.0, True), (0.0, False)):
        minds = ScriptedDuet(), ScriptedDuet()
        for melody, mind in zip((in_c, elsewhere), minds, strict=True):
            performed(melody, mind, lead=lead)
        assert (names(minds[0]) == names(minds[1])) == is_same
        assert len(set(names(minds[0]).values())) > 1


def test_a_leader_does_not_trust_the_network():
    mind = ScriptedDuet()
    performed(line(TWINKLE), mind, lead=1.0)
    assert {ask.trust for ask in mind.asked} == {0.0}

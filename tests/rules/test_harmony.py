"""The harmony engine recognises the chords of clear music."""

import contextlib

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.command import MODELS

from ripieno.errors import ModelError
from ripieno.inference.manifest import TABLES
from ripieno.inference.tables import load
from ripieno.music.chords import N_CHORDS, named, root_of, transposed
from ripieno.music.spans import Phase, Span
from ripieno.rules.harmony import Harmony, Tables, plain_tables

COUNTED = [
    load(path.parent) for path in sorted(MODELS.glob(f"*/{TABLES}"))
]  # those that are shipped
TABLES_ = [plain_tables(), *COUNTED]
SPANS = 4


def arpeggio(*pitches):
    """A beat of sixteenths, each struck and let go."""
    frames = tuple((pitch,) for pitch in pitches)
    return Span(frames, frames)


def long(*pitches):
    """A beat on which some keys are struck and held."""
    return Span((pitches, (), (), ()), (pitches,) * 4)


REST = Span(((),) * 4, ((),) * 4)


def phase_at(index):
    return Phase(index % SPANS, SPANS, index // SPANS)


def after(spans, tables=None):
    """A harmony that heard some spans from bar 1 on."""
    harmony = Harmony(tables)
    for index, span in enumerate(spans):
        harmony.heard(span, phase_at(index))
    return harmony


def likeliest(weights):
    return int(np.argmax(weights))


def weights_after(spans, beat=None, tables=None, evidence=1.0):
    harmony = after(spans, tables)
    belief = harmony.ahead([phase_at(len(spans))])
    return harmony.weights(belief, beat, evidence)


every_table = pytest.mark.parametrize(
    "tables", TABLES_, ids=lambda t: f"{t.prior[0]:.2f}"
)


# ── what it believes ─────────────────────────────────────────────────────────────────


@every_table
@pytest.mark.parametrize(
    ("name", "tones"),
    [("C", (60, 64, 67, 72)), ("Am", (57, 60, 64, 69)), ("F", (53, 57, 60, 65))],
)
def test_the_chord_of_an_arpeggio_becomes_likely(tables, name, tones):
    harmony = after([arpeggio(*tones)] * 3, tables)
    belief = harmony.ahead([])
    assert root_of(likeliest(belief)) == root_of(named(name))
    assert likeliest(belief) == named(name)
    assert belief[named(name)] > 5 * Harmony(tables).ahead([])[named(name)]


@every_table
def test_a_chord_on_the_beat_is_heard_at_once(tables):
    before = [arpeggio(60, 64, 67, 72)] * 4
    quiet = weights_after(before, tables=tables)
    struck = weights_after(before, long(55, 59, 62), tables)  # G B D
    assert likeliest(quiet) == named("C")
    assert set(np.argsort(struck)[-2:]) == {named("C"), named("G")}
    assert struck[named("G")] > quiet[named("G")] + 1.0


@every_table
def test_lower_evidence_changes_the_weights_less(tables):
    before, beat = [arpeggio(60, 64, 67, 72)] * 4, long(55, 59, 62, 65)
    quiet = weights_after(before, tables=tables)
    apart = [
        np.abs(weights_after(before, beat, tables, evidence) - quiet).sum()
        for evidence in (0.2, 0.6, 1.0)
    ]
    assert apart == sorted(apart)


@every_table
def test_a_change_is_likelier_on_a_downbeat(tables):
    harmony = after([arpeggio(60, 64, 67, 72)] * 8, tables)
    stays = [harmony.ahead([Phase(span, SPANS, 2)])[named("C")] for span in (0, 1)]
    assert stays[0] < stays[1]


@every_table
def test_belief_in_a_chord_fades_in_silence(tables):
    spans = [arpeggio(60, 64, 67, 72)] * 4
    share = [
        float(after(spans + [REST] * n, tables).ahead([])[named("C")])
        for n in (0, 8, 32)
    ]
    assert share == sorted(share, reverse=True)


def test_a_reset_harmony_equals_a_new_one():
    harmony = after([arpeggio(61, 65, 68, 73)] * 4)
    harmony.reset()
    assert np.array_equal(harmony.ahead([]), Harmony().ahead([]))
    assert np.array_equal(
        harmony.weights(harmony.ahead([]), REST),
        Harmony().weights(Harmony().ahead([]), REST),
    )


@every_table
def test_what_leads_to_a_target_is_the_target_itself_or_what_goes_there(tables):
    target = np.full(N_CHORDS, -30.0)
    target[named("C")] = 0.0
    harmony = Harmony(tables)
    now = harmony.backward(target, [])
    assert likeliest(now) == named("C")
    before = harmony.backward(target, [phase_at(4)])
    assert before[named("C")] > np.median(before)
    assert before.max() == pytest.approx(0.0, abs=1e-9)
    far = harmony.backward(target, [phase_at(i) for i in range(400)])
    assert np.ptp(far) < np.ptp(before)


def test_counted_tables_lead_from_a_dominant_to_its_tonic():
    for tables in COUNTED:
        target = np.full(N_CHORDS, -30.0)
        target[named("C")] = 0.0
        way = Harmony(tables).backward(target, [Phase(0, SPANS, 0)])
        assert way[named("G7")] > way[named("F#7")]


# ── laws ─────────────────────────────────────────────────────────────────────────────

pitches = st.lists(st.integers(0, 127), max_size=4).map(tuple)
frames = st.tuples(pitches, pitches, pitches, pitches)
spans_heard = st.lists(
    st.builds(
        lambda struck, held: Span(
            struck, tuple(tuple({*s, *h}) for s, h in zip(struck, held, strict=True))
        ),
        frames,
        frames,
    ),
    max_size=6,
)
middling = st.lists(st.integers(36, 90), max_size=3).map(tuple)
tunes = st.lists(
    st.tuples(middling, middling, middling, middling).map(lambda f: Span(f, f)),
    max_size=5,
)
phases = st.builds(Phase, st.integers(0, 15), st.integers(1, 16), st.integers(-9, 99))
tables_ = st.sampled_from(TABLES_)


def moved(span, semitones):
    return Span(
        tuple(tuple(p + semitones for p in frame) for frame in span.struck),
        tuple(tuple(p + semitones for p in frame) for frame in span.sounding),
    )


def rotated(values, semitones):
    """The same values for the chords transposed up by some semitones."""
    out = np.empty_like(values)
    for chord in range(N_CHORDS):
        out[transposed(chord, semitones)] = values[chord]
    return out


@settings(deadline=None)
@given(tunes, st.integers(0, 11), tables_)
def test_the_same_tune_in_another_key_has_the_same_chords_there(
    spans, semitones, tables
):
    beat = spans[0] if spans else None
    plain = weights_after(spans, beat, tables)
    there = weights_after(
        [moved(s, semitones) for s in spans],
        None if beat is None else moved(beat, semitones),
        tables,
    )
    assert there == pytest.approx(rotated(plain, semitones), abs=1e-6)


@settings(deadline=None)
@given(spans_heard, st.lists(phases, max_size=4), tables_)
def test_any_input_gives_probabilities_that_sum_to_one(spans, to_come, tables):
    harmony = after(spans, tables)
    belief = harmony.ahead(to_come)
    assert belief.shape == (N_CHORDS,)
    assert (belief >= 0).all()
    assert belief.sum() == pytest.approx(1.0)
    for beat in (None, *spans[:1]):
        weights = harmony.weights(belief, beat)
        assert np.exp(weights).sum() == pytest.approx(1.0)
        assert np.isfinite(weights).all()
        way = harmony.next_weights(weights, Phase(0, 4, 0))
        assert np.exp(way).sum() == pytest.approx(1.0, abs=1e-6)


@settings(deadline=None)
@given(st.integers(0, N_CHORDS - 1), st.lists(phases, max_size=6), tables_)
def test_every_chord_can_be_reached_from_every_chord(chord, to_come, tables):
    target = np.full(N_CHORDS, -30.0)
    target[chord] = 0.0
    way = Harmony(tables).backward(target, to_come)
    assert np.isfinite(way).all()
    assert way.max() <= 1e-9


# ── tables ───────────────────────────────────────────────────────────────────────────


def written(folder, tables):
    np.savez(folder / TABLES, **msgspec.structs.asdict(tables))
    return folder


def test_tables_are_read_as_they_were_written(tmp_path):
    found = load(written(tmp_path, plain_tables()))
    for name in Tables.__struct_fields__:
        assert np.array_equal(getattr(found, name), getattr(plain_tables(), name))


@every_table
def test_tables_are_shares(tables):
    assert tables.prior.sum() == pytest.approx(1.0)
    assert tables.moves.sum((1, 2)) == pytest.approx(np.ones(len(tables.prior)))
    assert tables.on_beat.sum(1) == pytest.approx(np.ones(len(tables.prior)))
    assert tables.off_beat.sum(1) == pytest.approx(np.ones(len(tables.prior)))
    assert ((tables.changes > 0) & (tables.changes < 1)).all()


def test_missing_tables_are_refused(tmp_path):
    with pytest.raises(ModelError, match="cannot be read"):
        load(tmp_path)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", b"no table at all"])
def test_damaged_tables_are_refused(tmp_path, damage):
    (tmp_path / TABLES).write_bytes(damage)
    with pytest.raises(ModelError, match="cannot be read"):
        load(tmp_path)


def test_tables_with_any_byte_changed_are_read_or_refused(tmp_path):
    whole = (written(tmp_path, plain_tables()) / TABLES).read_bytes()
    chance = np.random.default_rng(1)
    for place in chance.choice(len(whole), 300, replace=False):
        damaged = bytearray(whole)
        damaged[place] ^= int(chance.integers(1, 256))
        (tmp_path / TABLES).write_bytes(damaged)
        with contextlib.suppress(ModelError):
            load(tmp_path)


def test_tables_that_lack_something_are_refused(tmp_path):
    np.savez(tmp_path / TABLES, prior=plain_tables().prior)
    with pytest.raises(ModelError, match="cannot be read"):
        load(tmp_path)


def test_tables_of_another_shape_are_refused(tmp_path):
    small = msgspec.structs.replace(plain_tables(), changes=np.zeros((2, 2)))
    with pytest.raises(
        ModelError, match=r"changes has the shape \(2, 2\), not \(7, 12"
    ):
        load(written(tmp_path, small))


@pytest.mark.parametrize("name", plain_tables().__struct_fields__)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 1.5])
def test_tables_with_numbers_that_are_no_shares_are_refused(tmp_path, name, value):
    arrays = {
        n: getattr(plain_tables(), n).copy() for n in plain_tables().__struct_fields__
    }
    arrays[name].flat[3] = value
    np.savez(tmp_path / TABLES, **arrays)
    with pytest.raises(ModelError, match=f"{name} holds numbers that are no shares"):
        load(tmp_path)

"""Training of the duet uses the contexts and tokens of the daemon."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("symusic")

from tests.export.duet.walks import MADE, song, tokens_of

from ripieno.layouts import duet
from ripieno.layouts.duet import Scene
from ripieno.music import chords
from ripieno.music.chords import N_CHORDS, NO_CHORD
from ripieno.music.spans import Manner, Note, Phase
from ripieno_export.duet import packing, songs
from ripieno_export.duet.harmony_task import inputs
from ripieno_export.duet.packing import COLUMNS, Tokens
from ripieno_export.duet.songs import Song, Source

pytestmark = pytest.mark.torch

DATA = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture(scope="module")
def real() -> list[Song]:
    """A few songs of POP909 with their own chords, if the data is there."""
    source = Source("2_mit_ccby/pop909", "pop", "MELODY", "PIANO", "aligned/0")
    if not (DATA / source.path).is_dir():
        pytest.skip(f"{DATA / source.path} is not there")
    return songs.read(DATA, [source]).songs[:6]


def scene_of(row: "dict[str, int]") -> Scene:
    """What the daemon would know where a token is written."""
    return Scene(
        chord=row["chord"],
        before=row["before"],
        phase=Phase(row["span"], row["spans"], row["bar"]),
        melody=row["melody"] if row["melody"] >= 0 else None,
        is_struck=bool(row["struck"]),
        onsets=row["onsets"],
        manner=Manner(row["density"], row["voices"], row["style"]),
    )


def rows_of(tokens: Tokens) -> "list[dict[str, int]]":
    return [dict(zip(COLUMNS, row, strict=True)) for row in tokens.columns.tolist()]


def assert_contexts_are_the_daemons(tokens: Tokens) -> None:
    many = packing.contexts(tokens.columns, tokens.sounding)
    for place, row in enumerate(rows_of(tokens)):
        ringing = [int(p) for p in tokens.sounding[place] if p >= 0]
        one = duet.context(scene_of(row), row["frame"], ringing)
        np.testing.assert_array_equal(many[place], one, err_msg=str(place))


def decoded(tokens: Tokens) -> "list[tuple[int, Note]]":
    """(span as it comes, note) of every token that is one."""
    found, span = [], -1
    starts = set(tokens.starts.tolist())
    for place, row in enumerate(rows_of(tokens)):
        span += place in starts
        if row["token"] != duet.NEXT:
            pitch = duet.pitch_of(row["token"], row["chord"])
            frames = duet.LENGTHS[row["length"]]
            found.append((span, Note(row["frame"], pitch, frames)))
    return found


def written(piece: Song) -> "list[tuple[int, Note]]":
    """What `decoded` should find: the piano over chords, in lengths that there are."""
    sung = [s for s in range(piece.spans) if piece.chords[s * piece.span] != NO_CHORD]
    order = {span: place for place, span in enumerate(sung)}
    found, seen = [], set()
    for onset, end, pitch, _ in piece.piano.tolist():
        span, frame = divmod(onset, piece.span)
        if span not in order or (onset, pitch) in seen:
            continue
        seen.add((onset, pitch))
        frames = duet.LENGTHS[duet.length_of(end - onset)]
        found.append((order[span], Note(frame, pitch, frames)))
    return sorted(found, key=lambda pair: (pair[0], pair[1].frame, pair[1].pitch))


# ── what is learned is what is played ────────────────────────────────────────────────


@pytest.mark.parametrize("piece", MADE, ids=lambda piece: str(piece.meter))
def test_contexts_in_training_are_the_daemons_value_for_value(piece: Song) -> None:
    assert_contexts_are_the_daemons(tokens_of(piece))


def test_contexts_of_real_songs_are_the_daemons_value_for_value(
    real: list[Song],
) -> None:
    for piece in real[:2]:
        tokens = tokens_of(piece)
        assert_contexts_are_the_daemons(
            Tokens(tokens.columns[:800], tokens.sounding[:800], tokens.starts)
        )


@pytest.mark.parametrize("staleness", duet.STALENESS)
@pytest.mark.parametrize("piece", MADE, ids=lambda piece: str(piece.meter))
def test_harmony_learns_from_what_the_daemon_hears(piece: Song, staleness: int) -> None:
    """Rows and scalars, from the ear that the mind has, at every staleness."""
    spans = packing.spans_of(piece)
    ages = np.full(len(spans), staleness)
    rows, scalars = inputs(spans.rows, spans.phases, ages)
    heard, ear = packing.heard(piece), duet.Ear()
    for index in range(len(spans)):
        at = index - staleness
        if at >= 0:
            one = ear.rows(heard[at])
            ear.heard(heard[at])
        else:
            one = np.zeros((duet.CLASS_ROWS, 12), np.float32)
        np.testing.assert_array_equal(rows[index], one)
        phase = packing.phase_at(piece, index)
        told = duet.scalars(one, phase, staleness)
        np.testing.assert_array_equal(scalars[index], told)


def test_a_crop_forgets_nothing_that_the_daemon_would_hear(real: list[Song]) -> None:
    piece = real[0]
    spans, heard = packing.spans_of(piece), packing.heard(piece)
    assert len(heard) == len(spans) == piece.spans
    struck = sum(span.onsets for span in heard)
    assert struck == sum(
        onset < piece.spans * piece.span for onset in piece.melody[:, 0]
    )


# ── tokens ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("piece", MADE, ids=lambda piece: str(piece.meter))
def test_notes_survive_the_round_trip(piece: Song) -> None:
    lowest = duet.GROUND + 11
    piano = piece.piano[(piece.piano[:, 2] >= lowest) & (piece.piano[:, 2] <= 95)]
    kept = replace(piece, piano=piano)
    assert decoded(tokens_of(kept)) == written(kept)


def test_real_notes_survive_the_round_trip(real: list[Song]) -> None:
    for piece in real:
        pairs = list(zip(decoded(tokens_of(piece)), written(piece), strict=False))
        same = sum(one == other for one, other in pairs)
        assert len(pairs) > 300
        assert same >= 0.98 * len(pairs)  # clusters are cut, extremes move in


@pytest.mark.parametrize("chord", range(0, N_CHORDS, 7))
def test_every_pitch_comes_back_or_moves_by_octaves(chord: int) -> None:
    ground = duet.anchor(chord)
    for pitch in range(128):
        token = duet.token_of(pitch, chord)
        assert 1 <= token < duet.TOKENS
        back = duet.pitch_of(token, chord)
        assert back == pitch or not ground <= pitch < ground + duet.HEIGHTS
        assert (back - pitch) % 12 == 0


@pytest.mark.parametrize("semitones", [-5, -1, 0, 3, 5])
def test_transposed_tokens_are_the_same_notes_elsewhere(semitones: int) -> None:
    tokens = tokens_of(song(5))
    columns, sounding = packing.transposed(tokens.columns, tokens.sounding, semitones)
    moved = Tokens(columns, sounding, tokens.starts)
    for (_, one), (_, other) in zip(decoded(tokens), decoded(moved), strict=True):
        steps = other.pitch - one.pitch - semitones
        assert steps == 0 or (steps % 12 == 0 and not 36 <= one.pitch + semitones < 90)
        assert (one.frame, one.frames) == (other.frame, other.frames)
    for was, now in zip(rows_of(tokens), rows_of(moved), strict=True):
        for name in ("chord", "before"):
            assert now[name] == chords.transposed(was[name], semitones)
        sung = was["melody"] >= 0
        assert now["melody"] == (was["melody"] + semitones if sung else -1)
    np.testing.assert_array_equal(sounding < 0, tokens.sounding < 0)
    there = sounding >= 0
    np.testing.assert_array_equal(sounding[there], tokens.sounding[there] + semitones)
    assert_contexts_are_the_daemons(moved)


def test_every_span_with_a_chord_ends_all_its_frames() -> None:
    piece = song(6)
    tokens = tokens_of(piece)
    bounds = [*tokens.starts.tolist(), len(tokens)]
    for first, last in pairwise(bounds):
        ends = tokens.columns[first:last, 0] == duet.NEXT
        assert ends.sum() == piece.span
        assert ends[-1]


def test_a_silent_song_has_no_tokens() -> None:
    piece = song(7)
    no_piano = replace(piece, piano=np.zeros((0, 4), np.int64))
    no_chords = replace(piece, chords=np.full_like(piece.chords, NO_CHORD))
    assert packing.tokens_of(no_piano) is packing.tokens_of(no_chords) is None

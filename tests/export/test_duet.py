"""Training of the duet uses the contexts and tokens of the daemon."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("symusic")

import torch
from tests.export import tiny
from tests.export.tiny import ORIGIN

from ripieno.clock import SimulatedClock
from ripieno.errors import FileError, SettingsError
from ripieno.layouts import duet
from ripieno.layouts.duet import Scene
from ripieno.music import chords
from ripieno.music.chords import N_CHORDS, NO_CHORD, QUALITIES
from ripieno.music.meter import Meter
from ripieno.music.spans import FRAME_TICKS, Manner, Note, Phase
from ripieno_export import checkpoint, train
from ripieno_export.checkpoint import LAST
from ripieno_export.duet import counting, naming, packing, songs
from ripieno_export.duet.harmony_task import HarmonyTask, inputs
from ripieno_export.duet.packing import COLUMNS, Tokens
from ripieno_export.duet.songs import Song, Source
from ripieno_export.duet.texture_task import TextureTask, crop_of
from ripieno_export.preset import Preset
from ripieno_export.task import Task

pytestmark = [pytest.mark.torch, pytest.mark.usefixtures("torch_as_it_was")]

DATA = Path(__file__).parents[3] / "shared" / "data"
TINY = tiny.TINY.with_(hidden=8, events=48, warmup=1)
MAJOR = (0, 2, 4, 5, 7, 9, 11)


def song(seed: int, meter: str = "4/4", bars: int = 16, *, part: str = "train") -> Song:
    """A walk in C over its own triads; rests, rolled chords, a bass; silent bar 3."""
    chance, measure = np.random.default_rng(seed), Meter.parse(meter)
    span = measure.span_ticks // FRAME_TICKS
    frames = bars * measure.bar_ticks // FRAME_TICKS
    named = [chords.named(n) for n in ("C", "Am7", "F", "G7", "Dm", "Bdim", "Bb6")]
    row = np.repeat(chance.choice(named, frames // span), span)
    row[2 * frames // bars : 3 * frames // bars] = NO_CHORD
    melody, at = [], 0
    while at < frames - 4:
        length = int(chance.choice((1, 2, 3, 4, 8)))
        pitch = 60 + 12 * int(chance.integers(2)) + int(chance.choice(MAJOR))
        if chance.random() < 0.8:
            melody.append((at, min(at + length, frames), pitch, 80))
        at += length
    piano = [
        (int(at), int(at + chance.integers(1, 20)), int(pitch), 60)
        for at in sorted(set(chance.integers(0, frames - 1, 4 * bars)))
        for pitch in sorted(set(chance.integers(30, 100, chance.integers(1, 5))))
    ]
    return Song(
        ORIGIN, f"{seed}.mid", f"x {seed}", part, "pop", measure, 100.0,
        songs.sorted_notes([np.array(melody)]), songs.sorted_notes([np.array(piano)]),
        row,
    )  # fmt: skip


def real_songs() -> list[Song]:
    """A few songs of POP909 with their own chords, if the data is there."""
    source = Source("2_mit_ccby/pop909", "pop", "MELODY", "PIANO", "aligned/0")
    if not (DATA / source.path).is_dir():
        pytest.skip(f"{DATA / source.path} is not there")
    return songs.read(DATA, [source]).songs[:6]


MADE = [song(1), song(2, "3/4"), song(3, "6/8"), song(4, "2/4", 20)]


@pytest.fixture(scope="module")
def real() -> list[Song]:
    return real_songs()


def tokens_of(piece: Song) -> Tokens:
    tokens = packing.tokens_of(piece)
    assert tokens is not None
    return tokens


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
    kept = Song(
        piece.origin, piece.file, piece.family, piece.part, piece.style, piece.meter,
        piece.bpm, piece.melody, piano, piece.chords,
    )  # fmt: skip
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
    silent = [
        Song(
            piece.origin, piece.file, piece.family, piece.part, piece.style,
            piece.meter, piece.bpm, piece.melody, piano, row,
        )
        for piano, row in (
            (np.zeros((0, 4), np.int64), piece.chords),
            (piece.piano, np.full_like(piece.chords, NO_CHORD)),
        )
    ]  # fmt: skip
    assert [packing.tokens_of(each) for each in silent] == [None, None]


# ── crops ────────────────────────────────────────────────────────────────────────────


def texture_task(*, corrupts: bool, preset: Preset = TINY) -> TextureTask:
    learned = [tokens_of(piece) for piece in MADE]
    return TextureTask(preset, learned, [tokens_of(song(9))], corrupts=corrupts)


def test_a_corrupted_past_keeps_the_right_answers() -> None:
    """The same draws with and without: targets and lengths are the same."""
    clean, false = (texture_task(corrupts=corrupts) for corrupts in (False, True))
    changed = 0
    for seed in range(60):
        one, other = (
            task._crop(np.random.default_rng(seed)) for task in (clean, false)
        )
        np.testing.assert_array_equal(one[3], other[3])
        np.testing.assert_array_equal(one[4], other[4])
        changed += not np.array_equal(one[0], other[0])
        ends = one[0] == duet.NEXT
        np.testing.assert_array_equal(ends, other[0] == duet.NEXT)
        ring = slice(duet.RINGING, duet.RINGING + duet.HEIGHTS)
        assert (other[2][:, ring] <= one[2][:, ring]).all()
        rest = np.delete(one[2], np.r_[ring], axis=1)
        np.testing.assert_array_equal(rest, np.delete(other[2], np.r_[ring], axis=1))
    assert changed > 10


def test_a_crop_is_filled_up_with_what_is_no_target() -> None:
    tokens = tokens_of(song(8))
    token, length, rows, told, lengths = crop_of(
        tokens.columns[:20], tokens.sounding[:20], 32
    )
    assert (told[20:] == -1).all()
    assert (lengths[20:] == -1).all()
    assert not rows[20:].any()
    assert (len(token), len(length), len(rows)) == (32, 32, 32)
    np.testing.assert_array_equal(token[1:20], told[:19])
    assert token[0] == duet.NEXT
    assert ((lengths >= 0) == (told > 0)).all()


def test_a_batch_is_a_function_of_seed_and_step() -> None:
    sure = TINY.with_(dropout=0.0)
    one, two = (texture_task(corrupts=True, preset=sure) for _ in range(2))
    assert torch.equal(one.losses(5), two.losses(5))
    assert not torch.equal(one.losses(5), one.losses(6))


# ── the loop ─────────────────────────────────────────────────────────────────────────


class Stopped(Exception):  # noqa: N818 (it is no error: someone pressed a key)
    """The run was interrupted."""


def interrupted(task: Task, at: int) -> Task:
    """A task whose run is interrupted at a step."""
    losses = task.losses

    def stopping(step: int) -> torch.Tensor:
        if step == at:
            raise Stopped
        return losses(step)

    task.losses = stopping  # type: ignore[method-assign]
    return task


def harmony_task() -> HarmonyTask:
    learned = [packing.spans_of(piece) for piece in MADE]
    return HarmonyTask(TINY, learned, learned[:1], odds=[1, 2, 1, 1])


@pytest.mark.parametrize("kind", ["harmony", "texture"])
def test_a_resumed_run_ends_as_one_that_was_never_interrupted(
    kind: str, tmp_path: Path
) -> None:
    def make() -> Task:
        if kind == "harmony":
            return harmony_task()
        return texture_task(corrupts=True)

    clock = SimulatedClock()
    train.train(make(), TINY, tmp_path / "whole", clock=clock)
    with pytest.raises(Stopped):
        train.train(interrupted(make(), 4), TINY, tmp_path / "parts", clock=clock)
    assert checkpoint.load(tmp_path / "parts" / LAST)["progress"]["step"] == 3
    train.train(make(), TINY, tmp_path / "parts", clock=clock)
    whole, parts = (
        checkpoint.load(tmp_path / name / LAST) for name in ("whole", "parts")
    )
    assert whole["progress"] == parts["progress"]
    for name, weight in whole["model"].items():
        assert torch.equal(weight, parts["model"][name]), name


def test_a_run_begun_with_another_network_is_not_resumed(tmp_path: Path) -> None:
    train.train(harmony_task(), TINY, tmp_path, clock=SimulatedClock())
    with pytest.raises(SettingsError, match="begun with hidden = 8, not 16"):
        train.train(
            harmony_task(), TINY.with_(hidden=16), tmp_path, clock=SimulatedClock()
        )


def test_training_lowers_the_loss(tmp_path: Path) -> None:
    recipe = TINY.with_(steps=30, learning_rate=2e-2, valid_every=30)
    with torch.no_grad():
        before = sum(texture_task(corrupts=False, preset=recipe).judge())
    task = texture_task(corrupts=False, preset=recipe)
    assert train.train(task, recipe, tmp_path, clock=SimulatedClock()).best < before


# ── songs, chords, tables ────────────────────────────────────────────────────────────


def test_a_missing_source_says_which_folder_to_name(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="--data names the folder"):
        songs.read(tmp_path)


@pytest.mark.parametrize("path", ["4_copyleft/nottingham", "5_benchmarks/jsb"])
def test_copyleft_music_is_refused_for_training(path: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="may not be trained on"):
        songs.read(tmp_path, [Source(path, "auto")])


def test_labels_become_frames_and_unknown_ones_stay_free() -> None:
    row = songs.labels([(0.0, 1.0, "C"), (1.0, 0.5, "what?"), (1.5, 0.5, "A:min7")], 10)
    assert [chords.name_of(int(c)) for c in row] == (
        ["C"] * 4 + ["-"] * 2 + ["Am7"] * 2 + ["-"] * 2
    )


def test_training_yields_what_it_shares_with_held_out_songs() -> None:
    held, other = song(1, part="valid"), song(2)
    twin = Song(
        ORIGIN, "twin.mid", "another family", "train", "pop", held.meter, 100.0,
        held.melody + np.array([0, 0, 5, 0]), held.piano, held.chords,
    )  # fmt: skip
    assert songs.separate([twin, held, other]) == [held, other]


def test_a_family_has_one_part() -> None:
    parts = [songs.part_of(f"pop909 {n}", "train") for n in range(1000)]
    assert set(parts) == {"train", "test"}
    assert 0.05 < parts.count("test") / 1000 < 0.12
    assert songs.part_of("oneills 1", "train") == "train"
    assert songs.part_of("pop909 1", "valid") == "valid"


def test_a_chord_that_is_only_played_is_heard() -> None:
    """Four bars of arpeggios: their names, and silence where nobody plays."""
    names = ("C", "Am", "Dm", "G7")
    arpeggios = ((48, (0, 4, 7)), (45, (0, 3, 7)), (50, (0, 3, 7)), (43, (0, 4, 7, 10)))
    piano = [
        (16 * bar + 4 * beat + i, 16 * bar + 4 * beat + 4, root + step, 60)
        for bar, (root, steps) in enumerate(arpeggios)
        for beat in range(4)
        for i, step in enumerate(steps)
    ]
    piece = song(1, bars=5)
    played = Song(
        piece.origin, piece.file, piece.family, "train", "song", piece.meter, 100.0,
        np.zeros((0, 4), np.int64), songs.sorted_notes([np.array(piano)]),
        piece.chords[:80],
    )  # fmt: skip
    row = naming.named(played)
    heard = [chords.name_of(int(row[16 * bar + 8])) for bar in range(4)]
    assert heard == list(names)
    assert (row[64 + 4 :] == NO_CHORD).all()


def test_tables_count_what_is_there_and_share_it_among_keys() -> None:
    one = counting.count([song(1), song(3, "6/8")])
    for table in (one.on_beat, one.off_beat):
        np.testing.assert_allclose(table.sum(1), 1.0)
    np.testing.assert_allclose(one.moves.sum((1, 2)), 1.0)
    assert not one.moves[range(QUALITIES), 0, range(QUALITIES)].any()
    piece = song(1)
    moved = Song(
        piece.origin, piece.file, piece.family, "train", "pop", piece.meter, 100.0,
        piece.melody + np.array([0, 0, 3, 0]), piece.piano,
        np.array([chords.transposed(int(c), 3) for c in piece.chords]),
    )  # fmt: skip
    for name in ("prior", "changes", "moves", "on_beat", "off_beat"):
        np.testing.assert_allclose(
            getattr(counting.count([piece]), name),
            getattr(counting.count([moved]), name),
            err_msg=name,
        )

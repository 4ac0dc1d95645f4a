"""`render` without a clock: a file becomes a duet."""

from itertools import pairwise

import mido
import pytest
from tests.command import S, write_tune
from tests.tracks import notes, ons_minus_offs

from ripieno.clock import SystemClock
from ripieno.commands.cli import main
from ripieno.commands.render import render
from ripieno.files.midi import read_performance
from ripieno.music import messages
from ripieno.settings.config import Settings
from ripieno.settings.params import Params

NEAR_NS = 1_100_000
"""A tick at 120 bpm is 1.04 ms."""


def rendered(source, target, *, seed=1, tail_s=10.0, progress=lambda _: None, **play):
    """Render with some parameters; the duet, and how it went."""
    settings = Settings(provider="cpu", play=Params(**play))
    done = render(source, target, settings, seed=seed, tail_s=tail_s, progress=progress)
    return read_performance(target), done.status


def assert_unchanged(tracks, originals):
    """Same names, same bytes, at times that a sequencer cannot tell apart."""
    assert [track.name for track in tracks] == [track.name for track in originals]
    for track, original in zip(tracks, originals, strict=True):
        pairs = list(zip(track.messages, original.messages, strict=True))
        assert [new for (_, new), _ in pairs] == [old for _, (_, old) in pairs]
        assert all(abs(new - old) <= NEAR_NS for (new, _), (old, _) in pairs)


@pytest.fixture(scope="module")
def tune(tmp_path_factory):
    return write_tune(tmp_path_factory.mktemp("tune") / "tune.mid", phrases=2)


def test_render_keeps_the_humans_tracks_and_adds_the_machines(tune, tmp_path):
    duet, status = rendered(tune, tmp_path / "duet.mid")
    assert_unchanged(duet.tracks[:-1], read_performance(tune).tracks)
    machine = duet.tracks[-1]
    assert machine.name == "Ripieno solo"
    assert len(notes(machine)) == status.sent > 4
    assert not ons_minus_offs(machine)
    assert status.turns == status.on_time == 2


def orchestra(path, ticks_per_beat):
    """Three tracks, two channels, a pedal, a bend, and a tempo that changes twice."""
    beat = ticks_per_beat
    conductor = [
        mido.MetaMessage("set_tempo", tempo=600_000),
        mido.MetaMessage("time_signature", numerator=3, denominator=4),
        mido.MetaMessage("set_tempo", tempo=419_287, time=3 * beat + 7),
        mido.MetaMessage("set_tempo", tempo=731_001, time=beat - 5),
    ]
    upper = [mido.MetaMessage("track_name", name="Oboe")]
    upper += [mido.Message("program_change", program=68)]
    lower = [mido.MetaMessage("track_name", name="Left hand")]
    lower += [mido.Message("control_change", channel=1, control=64, value=127)]
    for place in range(9):
        upper += [mido.Message("note_on", note=72 + place, velocity=70, time=beat // 3)]
        upper += [mido.Message("pitchwheel", pitch=100 * place, time=beat // 5)]
        upper += [mido.Message("note_on", note=72 + place, velocity=0, time=beat // 3)]
        lower += [mido.Message("note_on", channel=1, note=48, velocity=40, time=beat)]
        lower += [mido.Message("note_off", channel=1, note=48, velocity=3)]
    lower += [mido.Message("control_change", channel=1, control=64, value=0)]
    tracks = [mido.MidiTrack(each) for each in (conductor, upper, lower)]
    file = mido.MidiFile(ticks_per_beat=ticks_per_beat, tracks=tracks)
    file.save(path)
    return path


@pytest.mark.parametrize("ticks_per_beat", [48, 97, 480, 1000])
def test_tempos_tracks_and_gestures_survive(tmp_path, ticks_per_beat):
    source = orchestra(tmp_path / "source.mid", ticks_per_beat)
    duet, _ = rendered(source, tmp_path / "duet.mid")
    original = read_performance(source)
    assert_unchanged(duet.tracks[:-1], original.tracks)
    assert [us for _, us in duet.tempos] == [us for _, us in original.tempos]
    assert [n for _, *n in duet.time_signatures] == [[3, 4]]


def test_the_same_seed_gives_the_same_file_and_another_one_other_notes(tune, tmp_path):
    paths = [tmp_path / f"{name}.mid" for name in ("one", "same", "other")]
    duets = [
        rendered(tune, path, seed=seed)[0]
        for path, seed in zip(paths, (1, 1, 2), strict=True)
    ]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert notes(duets[0].tracks[-1]) != notes(duets[2].tracks[-1])


def test_render_answers_after_the_phrase_is_over(tune, tmp_path):
    duet, _ = rendered(tune, tmp_path / "duet.mid")
    human = notes(read_performance(tune).tracks[0])
    for start_ns, _, _ in notes(duet.tracks[-1]):
        heard = [end_ns for onset_ns, end_ns, _ in human if onset_ns <= start_ns]
        assert start_ns >= max(heard)


def test_continue_fills_the_tail(tune, tmp_path):
    duet, _ = rendered(tune, tmp_path / "duet.mid", role="continue", tail_s=20.0)
    length_ns = read_performance(tune).length_ns
    onsets = [start_ns for start_ns, _, _ in notes(duet.tracks[-1])]
    tail = [at_ns for at_ns in onsets if at_ns > length_ns]
    silences_s = [(b - a) / S for a, b in pairwise([*tail, length_ns + 20 * S])]
    assert len(tail) > 10
    assert max(silences_s) < 8.0  # how long a model may well rest
    assert duet.length_ns <= length_ns + 20 * S + NEAR_NS


def test_without_a_tail_nothing_sounds_beyond_the_end(tune, tmp_path):
    duet, _ = rendered(tune, tmp_path / "duet.mid", role="continue", tail_s=0.0)
    assert duet.length_ns <= read_performance(tune).length_ns + NEAR_NS


def test_render_keeps_register_scale_polyphony_and_channel(tune, tmp_path):
    duet, _ = rendered(
        tune, tmp_path / "duet.mid",
        role="continue", tail_s=20.0, low=60, high=72, scale="D major",
        polyphony=2, channel=7,
    )  # fmt: skip
    machine = duet.tracks[-1]
    found = notes(machine)
    assert {messages.channel_of(data) for _, data in machine.messages} == {6}
    assert {pitch for _, _, pitch in found} <= set(range(60, 73))
    assert {pitch % 12 for _, _, pitch in found} <= {2, 4, 6, 7, 9, 11, 1}
    for start_ns, _, _ in found:
        assert sum(a <= start_ns < b - NEAR_NS for a, b, _ in found) <= 2


def test_a_file_may_be_written_over_itself(tune, tmp_path):
    path = tmp_path / "tune.mid"
    path.write_bytes(tune.read_bytes())
    duet, _ = rendered(path, path)
    assert_unchanged(duet.tracks[:-1], read_performance(tune).tracks)


def test_progress_rises_from_0_to_1(tune, tmp_path):
    seen: list[float] = []
    rendered(tune, tmp_path / "duet.mid", progress=seen.append)
    assert seen == sorted(seen)
    assert 0.0 <= seen[0] < 0.2
    assert seen[-1] == pytest.approx(1.0)


@pytest.mark.slow
def test_ten_minutes_take_a_fraction_of_ten_minutes(tmp_path):
    clock = SystemClock()
    source = write_tune(tmp_path / "long.mid", phrases=75)
    began_ns = clock.now_ns()
    duet, status = rendered(source, tmp_path / "duet.mid")
    took_s = (clock.now_ns() - began_ns) / S
    assert status.turns == status.on_time == 75
    assert len(duet.tracks) == 2
    assert took_s < 60  # half a second on an idle machine


def test_render_prints_a_summary(tune, tmp_path, capsys):
    target = tmp_path / "duet.mid"
    assert main(["render", str(tune), "-o", str(target), "--seed", "5"]) == 0
    out = capsys.readouterr().out
    assert f"{target}: 2 replies, " in out
    assert "event-gru; seed 5." in out


def test_a_random_seed_is_printed_and_repeats_the_render(tune, tmp_path, capsys):
    first, again = tmp_path / "first.mid", tmp_path / "again.mid"
    assert main(["render", str(tune), "-o", str(first)]) == 0
    seed = capsys.readouterr().out.rpartition("seed ")[2].strip(" .\n")
    assert main(["render", str(tune), "-o", str(again), "--seed", seed]) == 0
    assert first.read_bytes() == again.read_bytes()

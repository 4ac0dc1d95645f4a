"""Chord charts from files: text, markers, and chords as blocks of notes."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripieno.errors import FileError
from ripieno.files.charts import best_fit, maybe_chart_of, read_chart
from ripieno.files.midi import read_performance, write_score
from ripieno.files.performance import Score, Track
from ripieno.music import chords, messages
from ripieno.music.chart import Chart
from ripieno.music.meter import Meter

BEAT, BEAT_NS = 480, 500_000_000
BAR = 4 * BEAT


def said(chart: Chart, *beats: float) -> list[str | None]:
    """The chords at some beats, as one reads them; None where it is free."""
    found = [chart.chord_at(round(beat * BEAT)) for beat in beats]
    return [None if chord is None else chords.name_of(chord) for chord in found]


def blocks(*notes: tuple[float, float, list[int]], name: str = "CHORDS") -> Track:
    """A track of chords: (beat, how many beats, pitches)."""
    played = [
        (round(beat * BEAT_NS), messages.note_on(0, pitch, 70))
        for beat, length, pitches in notes
        for pitch in pitches
    ] + [
        (round((beat + length) * BEAT_NS), messages.note_off(0, pitch))
        for beat, length, pitches in notes
        for pitch in pitches
    ]
    played.sort(key=lambda pair: (pair[0], messages.is_note_on(pair[1])))
    return Track(name, tuple(played))


def written(path: Path, text: str | bytes) -> Path:
    """A file of that text."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def heard(path: Path, *tracks: Track, score: Score | None = None) -> Chart:
    """The chart of a file of these tracks."""
    write_score(path, tracks, score or Score())
    chart = maybe_chart_of(read_performance(path, may_be_silent=True))
    assert chart is not None
    return chart


# ── text ─────────────────────────────────────────────────────────────────────────────


def test_a_text_is_read_in_its_own_meter(tmp_path: Path) -> None:
    waltz = written(tmp_path / "waltz.txt", "\ufeffmeter: 3/4\n| C . G7 | C |\n")
    chart = read_chart(waltz, Meter(4, 4))
    assert (chart.bar_ticks, chart.length_ticks) == (3 * BEAT, 6 * BEAT)
    assert said(chart, 0, 2, 3) == ["C", "G7", "C"]


def test_a_text_without_a_meter_is_read_in_the_one_given(tmp_path: Path) -> None:
    path = written(tmp_path / "chart", "| C . . G7 |")
    assert said(read_chart(path), 2, 3) == ["C", "G7"]
    assert said(read_chart(path, Meter(12, 8)), 3, 4.5) == ["C", "G7"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "# mine\n| C | Hm |",
            r"is no chord chart: line 2: 'Hm' is not a chord; write",
        ),
        ("meter: waltz\n| C |", r"is no chord chart: 'waltz' is not a meter; write"),
        ("tempo: 3\n| C |", r"is no chord chart: line 1: 'tempo' is no header; write"),
        ("", r"is no chord chart: no line holds a bar; write"),
        (b"| C \xff |", r"is neither text nor MIDI: choose a .mid file, or"),
        (b" " * 1_100_000, r"cannot be read: it is larger than 1,048,576 bytes"),
    ],
)
def test_a_text_that_is_no_chart_is_refused_in_a_sentence(
    tmp_path: Path, text: str | bytes, sentence: str
) -> None:
    with pytest.raises(FileError, match=rf"chart\.txt {sentence}"):
        read_chart(written(tmp_path / "chart.txt", text))


def test_a_chart_that_is_not_there_is_named(tmp_path: Path) -> None:
    for name in ("chart.txt", "chart.mid"):
        with pytest.raises(FileError, match=f"{name} cannot be read: No such file"):
            read_chart(tmp_path / name)


# ── markers ──────────────────────────────────────────────────────────────────────────


def test_markers_of_a_file_without_a_note_are_a_chart(tmp_path: Path) -> None:
    path = tmp_path / "chart.MID"
    markers = ((0, "chord:D:min7"), (BAR, "chord:G:7"), (2 * BAR, "chord:C:maj7/E"))
    write_score(path, [Track("Blank", ())], Score(markers=markers))
    chart = read_chart(path)
    assert said(chart, 0, 4, 8) == ["Dm7", "G7", "Cmaj7"]
    assert chart.length_ticks == 3 * BAR
    assert chart.meter == "4/4"


def test_a_chart_is_the_same_as_markers_of_a_file(tmp_path: Path) -> None:
    chart = read_chart(written(tmp_path / "a.txt", "| C . . G7 | ? | Bbmaj7 F#m7b5 |"))
    markers = (
        (0, "chord:C"), (3 * BEAT, "chord:G7"), (BAR, "chord:?"),
        (2 * BAR, "chord:Bbmaj7"), (2 * BAR + 2 * BEAT, "chord:F#m7b5"),
    )  # fmt: skip
    silence = blocks((0, 12, [60]), name="Piano")
    found = heard(tmp_path / "a.mid", silence, score=Score(markers=markers))
    assert found.entries == chart.entries
    assert found.length_ticks == chart.length_ticks


def test_texts_are_chords_where_there_are_no_markers(tmp_path: Path) -> None:
    score = Score(markers=((0, "Verse"),), texts=((0, "Am"), (BAR, "F")))
    found = heard(tmp_path / "a.mid", blocks((0, 8, [60]), name="Piano"), score=score)
    assert said(found, 0, 4) == ["Am", "F"]


def test_any_resolution_is_read_as_480_ticks(tmp_path: Path) -> None:
    path = tmp_path / "chart.mid"
    write_score(path, [Track("", ())], Score(markers=((0, "Dm"), (BAR, "G"))))
    path.write_bytes(path.read_bytes().replace(b"\x01\xe0MTrk", b"\x00\x60MTrk"))
    assert said(read_chart(path), 0, 19, 20) == ["Dm", "Dm", "G"]


def test_the_length_is_whole_bars_of_the_last_meter(tmp_path: Path) -> None:
    signatures = ((0, 3, 4), (6 * BEAT, 4, 4))
    score = Score(time_signatures=signatures, markers=((0, "Dm"), (3 * BEAT, "Gm")))
    found = heard(tmp_path / "a.mid", blocks((0, 11, [60])), score=score)
    assert found.length_ticks == 14 * BEAT
    assert found.bar_ticks == 3 * BEAT


def test_a_label_that_is_no_chord_is_named(tmp_path: Path) -> None:
    path = tmp_path / "chart.mid"
    write_score(path, [Track("", ())], Score(markers=((0, "chord:H:7"),)))
    with pytest.raises(FileError, match=r"a marker that is no chord: 'H:7' is not"):
        read_chart(path)


def test_a_file_without_chords_says_how_to_add_them(tmp_path: Path) -> None:
    path = tmp_path / "tune.mid"
    for track in (
        blocks((0, 4, [60, 64, 67]), name="Piano"),
        blocks((0, 4, [60]), (4, 4, [64])),
    ):
        write_score(path, [track], Score())
        assert maybe_chart_of(read_performance(path)) is None
    with pytest.raises(FileError, match="tells no chords: add markers such as chord:B"):
        read_chart(path)


def test_a_chart_with_any_byte_changed_is_read_or_refused(tmp_path: Path) -> None:
    score = Score(markers=((0, "chord:D:min7"), (BAR, "G")), texts=((9, "Am"),))
    write_score(tmp_path / "a.mid", [blocks((0, 4, [48, 52, 55]))], score)
    real, read = (tmp_path / "a.mid").read_bytes(), 0
    for at in range(len(real)):
        for value in (0x00, 0x7F, 0x80, 0xFF, real[at] ^ 1):
            changed = real[:at] + bytes((value,)) + real[at + 1 :]
            path = written(tmp_path / "b.mid", changed)
            with contextlib.suppress(FileError):
                read += read_chart(path).length_ticks > 0
    assert read > len(real)


# ── blocks of notes ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["CHORDS", "Chords", " chord "])
def test_a_track_of_chords_is_heard(tmp_path: Path, name: str) -> None:
    track = blocks(
        (0, 4, [48, 52, 55]), (4, 2, [45, 48, 52, 55]), (6, 2, [43, 47, 50, 53]),
        name=name,
    )  # fmt: skip
    found = heard(tmp_path / "a.mid", track)
    assert said(found, 0, 4, 6) == ["C", "Am7", "G7"]
    assert found.length_ticks == 2 * BAR


def test_strummed_and_overlapping_chords_are_heard_on_the_beat(tmp_path: Path) -> None:
    track = blocks(
        (0, 4.2, [48]), (0.05, 4.1, [52]), (0.1, 4.0, [55]),
        (3.97, 3, [53]), (4.02, 3, [57]), (4.06, 3, [60]),
    )  # fmt: skip
    found = heard(tmp_path / "a.mid", track)
    assert [(at / BEAT, *said(found, at / BEAT)) for at, _ in found.entries] == [
        (0, "C"),
        (4, "F"),
    ]


def test_short_chords_last_and_an_empty_bar_is_silence(tmp_path: Path) -> None:
    triads = ([48, 52, 55], [53, 57, 60], [55, 59, 62])
    starts = (0, 2, 12)
    track = blocks(*((s, 0.1, t) for s, t in zip(starts, triads, strict=True)))
    found = heard(tmp_path / "a.mid", track, blocks((0, 24, [60]), name="Piano"))
    assert said(found, 1.9, 2, 3.9, 4, 12, 16) == ["C", "F", "F", "-", "G", "-"]


def test_markers_win_over_a_track_of_chords(tmp_path: Path) -> None:
    track = blocks((0, 4, [48, 52, 55]))
    found = heard(tmp_path / "a.mid", track, score=Score(markers=((0, "chord:F#"),)))
    assert said(found, 0) == ["F#"]


def test_the_lowest_note_tells_chords_of_the_same_notes_apart() -> None:
    fits = {
        "Am7": [45, 60, 64, 67],
        "C6": [48, 57, 64, 67],
        "Csus4": [48, 53, 55],
        "Fsus2": [41, 55, 60],
        "C7": [36, 52, 58, 62],  # a ninth without its fifth
        "C": [48, 55],
    }
    assert {name: chords.name_of(best_fit(p)) for name, p in fits.items()} == {
        name: name for name in fits
    }
    assert best_fit([]) == chords.NO_CHORD


@given(st.integers(0, chords.N_CHORDS - 1), st.integers(24, 60))
def test_a_chord_in_root_position_is_recognised(chord: int, low: int) -> None:
    root = low + (chords.root_of(chord) - low) % 12
    steps = chords.INTERVALS[chords.quality_of(chord)]
    assert best_fit([root + step for step in steps]) == chord

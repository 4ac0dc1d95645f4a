import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripieno.music import chords
from ripieno.music.chart import (
    Chart,
    compacted,
    entries_of,
)
from ripieno.music.chords import NO_CHORD
from ripieno.music.lead_sheet import MOST_BARS, headers, parse, text_of
from ripieno.music.meter import Meter

BAR, BEAT = 1920, 480

words = st.sampled_from(["C", "Am", "G7", "Bbmaj7", "F#m7b5", "-", "?"])
bars = st.one_of(
    st.just(""),
    st.lists(words, min_size=1, max_size=6).map(" ".join),
    st.lists(st.one_of(words, st.just(".")), min_size=0, max_size=3).map(
        lambda rest: " ".join(["Dm", *rest])
    ),
)
sheets = st.lists(bars, min_size=1, max_size=12).map(
    lambda all_: f"| {' | '.join(all_)} |"
)
entries = st.lists(
    st.tuples(
        st.integers(-5, 30), st.one_of(st.none(), st.integers(-1, chords.N_CHORDS - 1))
    )
)
charts = st.builds(
    lambda found, length_ticks, repeats: Chart(
        compacted(found, length_ticks), length_ticks, 4, 1, repeats
    ),
    entries,
    st.integers(1, 24),
    st.booleans(),
)


def sheet(text, bar_ticks=BAR, beat_ticks=BEAT):
    return parse(text, bar_ticks, beat_ticks)


def said(chart, *beats):
    """The chords at some beats, as one reads them; None where it is free."""
    found = [chart.chord_at(round(beat * BEAT)) for beat in beats]
    return [None if chord is None else chords.name_of(chord) for chord in found]


def changes(chart):
    """(beat, name) of each change."""
    return [(ticks / BEAT, *said(chart, ticks / BEAT)) for ticks, _ in chart.entries]


# ── the value ────────────────────────────────────────────────────────────────────────


def test_a_chord_lasts_until_the_next():
    chart = sheet("| C | Am F |")
    assert said(chart, 0, 3.9, 4, 5.9, 6, 7.9) == ["C", "C", "Am", "Am", "F", "F"]


def test_a_chart_begins_again_where_it_ends():
    chart = sheet("| C | G |")
    assert said(chart, 8, 12, 800, 804) == ["C", "G", "C", "G"]
    assert chart.next_after(4 * BEAT) == (8 * BEAT, chords.named("C"))


def test_a_chart_that_does_not_repeat_leaves_you_free_at_its_end():
    chart = sheet("loop: no\n| C | G |")
    assert said(chart, 7.9, 8, 12) == ["G", None, None]
    assert chart.next_after(4 * BEAT) == (8 * BEAT, None)
    assert chart.next_after(8 * BEAT) is None


def test_before_its_beginning_nothing_is_written():
    chart = sheet("| C | G |")
    assert chart.chord_at(-1) is None
    assert chart.next_after(-100) == (0, chords.named("C"))


def test_one_chord_for_ever_never_changes():
    assert sheet("| C | % |").next_after(0) is None


def test_a_chord_over_the_repeat_is_no_change():
    chart = sheet("| C | G | C |")
    assert chart.next_after(8 * BEAT) == (16 * BEAT, chords.named("G"))


@given(charts, st.integers(-5, 80))
def test_next_after_is_the_first_tick_with_another_chord(chart, ticks):
    now = chart.chord_at(ticks)
    later = ((at, chart.chord_at(at)) for at in range(ticks + 1, ticks + 90))
    assert chart.next_after(ticks) == next((e for e in later if e[1] != now), None)


@given(charts, st.integers(0, 80))
def test_a_repeating_chart_is_periodic(chart, ticks):
    chart = msgspec.structs.replace(chart, repeats=True)
    assert chart.chord_at(ticks) == chart.chord_at(ticks + chart.length_ticks)


# ── text ─────────────────────────────────────────────────────────────────────────────


def test_chords_share_a_bar_evenly():
    assert changes(sheet("| C G |")) == [(0, "C"), (2, "G")]
    assert changes(sheet("| C F G Am |")) == [(0, "C"), (1, "F"), (2, "G"), (3, "Am")]


@pytest.mark.parametrize("same", [".", "/"])
def test_a_point_is_one_more_beat(same):
    text = f"| C {same} {same} G7 | F {same} C |"
    assert changes(sheet(text)) == [(0, "C"), (3, "G7"), (4, "F"), (6, "C")]


def test_a_point_carries_a_chord_over_the_bar_line():
    assert changes(sheet("| C | . . G . |")) == [(0, "C"), (6, "G")]


def test_a_beat_of_a_compound_meter_is_dotted():
    chart = sheet("| C7 . . G7 |", bar_ticks=12 * 240, beat_ticks=3 * 240)
    assert changes(chart) == [(0, "C7"), (4.5, "G7")]


def test_percent_repeats_a_bar_with_all_its_chords():
    assert said(sheet("| C G | % | % |"), 4, 6, 8, 10) == ["C", "G", "C", "G"]


def test_silence_is_written_and_freedom_is_not():
    chart = sheet("| C | - | N.C. | | F ? |")
    assert said(chart, 0, 4, 8, 12, 16, 18) == ["C", "-", "-", None, "F", None]
    assert chart.chord_at(4 * BEAT) == NO_CHORD


def test_a_line_is_played_as_often_as_it_says():
    chart = sheet("| C | G | x2\n| F | x1\nAm x2")
    assert said(chart, 0, 4, 8, 12, 16, 20, 24) == ["C", "G", "C", "G", "F", "Am", "Am"]
    assert chart.length_ticks == 7 * BAR


@pytest.mark.parametrize("text", ["C|G", "|C|G|", "C | G |", "| C || G ||", "C\n\nG"])
def test_outer_and_double_bar_lines_change_nothing(text):
    assert sheet(text).entries == sheet("| C | G |").entries
    assert sheet(text).length_ticks == 2 * BAR


def test_remarks_and_headers_are_no_bars():
    text = "# a blues\nTitle: Blues in F | slow\nmeter: 4/4\nloop: No\n\n  # go\n| F7 |"
    chart = sheet(text)
    assert (chart.title, chart.meter) == ("Blues in F | slow", "4/4")
    assert not chart.repeats
    assert chart.entries == sheet("F7").entries
    assert headers(text)["meter"] == "4/4"


def test_labels_of_data_sets_are_chords_and_no_headers():
    assert changes(sheet("Bb:min7/F | C:maj")) == [(0, "Bbm7"), (4, "C")]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("C\n# x\n| C | H7 |", r"line 3: 'H7' is not a chord; write a root .* or %"),
        ("C . . . . |", r"line 1: 'C \. \. \. \.' is a bar of 5; it may hold 4"),
        ("C " * 17, r"line 1: .* is a bar of 17; it may hold 16"),
        ("% | C", r"line 1: '%' has no bar before it"),
        ("C % |", r"line 1: '%' repeats a whole bar"),
        (". C", r"line 1: '\.' has no chord before it"),
        ("x3", r"line 1: 'x3' repeats nothing"),
        ("C x0", r"line 1: 'x0' repeats nothing"),
        ("C\nD x2000", r"line 2: the chart is longer than 2000 bars"),
        ("C x99999999999", r"line 1: 'x99999999999' is not a chord"),
        ("tempo: 120\nC", r"line 1: 'tempo' is no header; write title, meter, loop"),
        ("loop: maybe\nC", r"line 1: loop is 'maybe'; write yes or no"),
        ("C\nmeter: 3/4", r"line 2: 'meter' belongs above the first bar"),
        ("# nothing\n", r"no line holds a bar; write one such as \| C"),
    ],
)
def test_an_unreadable_chord_is_named_with_its_line(text, sentence):
    with pytest.raises(ValueError, match=sentence):
        sheet(text)


def test_the_longest_chart_is_read():
    assert sheet(f"C x{MOST_BARS}").length_ticks == MOST_BARS * BAR


def test_a_chart_in_normal_form_is_written_unchanged():
    text = (
        "title: Blues\nmeter: 4/4\nloop: no\n"
        "| C7 | F7 | C7 | Gm7 C7 |\n"
        "| F7 . . C7 | - |  | C Dm Em F |\n"
    )
    assert text_of(sheet(text)) == text


@given(sheets, st.booleans())
def test_what_is_written_is_read_as_it_was(text, repeats):
    chart = msgspec.structs.replace(sheet(text), repeats=repeats, title="Ländler")
    assert sheet(text_of(chart)) == chart


@given(st.text(alphabet="CGm7b5#|.%/-?x2: \n\tN", max_size=60))
def test_any_text_is_a_chart_or_refused_in_one_sentence(text):
    try:
        chart = sheet(text)
    except ValueError as error:
        sentence = str(error)
    else:
        sentence = f"line of {chart.length_ticks // BAR} bars"
    assert sentence.startswith(("line ", "no line "))


# ── markers ──────────────────────────────────────────────────────────────────────────


def marked(*texts):
    """Chords of markers, one a beat."""
    found = entries_of([(beat * BEAT, text) for beat, text in enumerate(texts)])
    return {at // BEAT: c if c is None else chords.name_of(c) for at, c in found}


def test_labels_and_plain_names_are_chords():
    assert marked("chord:Bb:min7", "chord:C:maj/E") == {0: "Bbm7", 1: "C"}
    assert marked("C", "Am7", "F#dim") == {0: "C", 1: "Am7", 2: "F#dim"}


def test_beside_labels_other_markers_are_sections():
    assert marked("A", "chord:C:maj", "B", "chord:G:7") == {1: "C", 3: "G7"}


def test_sections_among_names_are_left_out():
    assert marked("Verse", "C", "F", "Chorus", "G") == {1: "C", 2: "F", 4: "G"}


def test_the_letters_of_a_form_are_not_read_as_chords():
    assert marked("A", "A", "B", "A") == {}
    assert marked("Intro", "Verse", "Chorus", "Am") == {}
    assert marked("C", "G", "C") == {0: "C", 1: "G", 2: "C"}


def test_an_unknown_label_is_simplified_or_left_free():
    found = marked("chord:C:7(#9)", "chord:G:sus4(7,9)", "chord:B:(0,4,6)", "chord:N")
    assert found == {0: "C7", 1: "Gsus4", 2: None, 3: "-"}


def test_labels_without_a_readable_one_are_refused():
    with pytest.raises(ValueError, match="'H:7' is not a chord"):
        marked("Verse", "chord:H:7", "chord:cis")


def test_markers_become_entries_or_none():
    found = entries_of([(0, "Dm7"), (BAR, "G7")])
    assert compacted(found, 2 * BAR) == sheet("| Dm7 | G7 |").entries
    assert entries_of([(0, "Intro")]) == ()


@given(sheets)
def test_a_chart_is_the_same_as_markers(text):
    chart = sheet(text)
    if any(chord is not None for _, chord in chart.entries):
        names = [
            (tick, "?" if chord is None else chords.name_of(chord))
            for tick, chord in chart.entries
        ]
        markers = [(tick, f"chord:{name}") for tick, name in names]
        assert entries_of(markers) == chart.entries


# ── beats of different lengths ───────────────────────────────────────────────────────

SEVEN = Meter(7, 8)


@pytest.mark.parametrize(
    ("bar", "expected"),
    [
        ("C . G", [(0, "C"), (2, "G")]),
        ("C G F", [(0, "C"), (1, "G"), (2, "F")]),
        ("C G", [(0, "C"), (2, "G")]),
    ],
)
def test_in_seven_eight_chords_begin_on_felt_beats(bar, expected):
    chart = parse(bar, SEVEN.bar_ticks, SEVEN.span_ticks, SEVEN.starts)
    assert changes(chart) == expected
    written = parse(text_of(chart), SEVEN.bar_ticks, SEVEN.span_ticks, SEVEN.starts)
    assert written == chart


def test_a_bar_of_seven_words_counts_eighths():
    chart = parse("C . . G . . F", SEVEN.bar_ticks, SEVEN.span_ticks, SEVEN.starts)
    assert changes(chart) == [(0, "C"), (1.5, "G"), (3, "F")]

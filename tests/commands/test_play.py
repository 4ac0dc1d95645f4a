"""The status line of `ripieno play`."""

from rich.console import Console

from ripieno.commands.play import View, live_line
from ripieno.ipc import notes
from ripieno.protocol import FALLBACK, Ready
from ripieno.settings.status import Status


def test_a_turn_is_told_with_how_many_were_on_time():
    line = live_line(
        Status(
            turn="machine", role="answer", provider="CPUExecutionProvider",
            heard=12, sent=30, turns=3, on_time=2, ready=3, late_p50_ms=0.1,
            late_p99_ms=0.25,
        )
    ).plain  # fmt: skip
    assert line == (
        "▶ machine  answer  heard 12  played 30  turns 2/3 on time  ready 100%  "
        "late 0.10/0.25 ms (p50/p99)  CPU"
    )


def test_an_accompaniment_is_told_with_place_tempo_chords_and_figures():
    line = live_line(
        Status(
            turn="machine", role="accompany", provider="CUDAExecutionProvider",
            position="9.3", bpm=92.5, is_external=True, chord="C",
            promised=(("10.1", "F"),), tentative=(("11.1", "G7"), ("12.1", "C")),
            isr=0.984, asynchrony_p95_ms=7.4, heard=12, sent=30,
        )
    ).plain  # fmt: skip
    assert line == (
        "▶ machine  accompany  9.3  92.5 bpm (MIDI clock)  C → F G7? C?  "
        "heard 12  played 30  ISR 98%  with you to 7 ms (p95)  "
        "late 0.00/0.00 ms (p50/p99)  CUDA"
    )


def test_our_own_tempo_is_told_as_such_and_only_where_there_is_a_beat():
    assert "  1.1  120 bpm  " in live_line(Status(position="1.1", bpm=120.0)).plain
    assert "bpm" not in live_line(Status(role="answer", bpm=60.0)).plain


def test_the_section_is_told_in_brackets():
    line = live_line(Status(position="9.3", section="B'", bpm=120.0)).plain
    assert "  9.3 [B']  120 bpm  " in line


def test_only_the_next_few_chords_are_told():
    tentative = tuple((f"{bar}.1", "Am") for bar in range(2, 20))
    line = live_line(Status(chord="C", tentative=tentative)).plain
    assert "C → Am? Am? Am? Am?  heard" in line


def test_a_chord_that_stays_has_nothing_to_go_to():
    assert "  C  heard" in live_line(Status(chord="C")).plain


def test_a_lighter_model_that_took_over_is_told():
    line = live_line(Status(role="answer", model="event-gru", shed=2, climbed=1)).plain
    assert "  event-gru (down 2×, up 1×)  " in line


def test_a_fallback_is_told():
    assert live_line(Status(fallbacks=3)).plain.endswith("fallback 3×")
    assert "fallback" not in live_line(Status()).plain


def test_a_role_without_a_model_is_said_once_and_names_are_no_markup(capsys):
    view = View(Console(highlight=False, soft_wrap=True), ["answer"])
    why = "The model [/bold]\x1b[2J does not work."
    ready = Ready(FALLBACK, "", FALLBACK, why, ("answer", "continue"), shift=-1)
    view.show(ready)
    for _ in range(2):
        view.show(notes.Report(Status(role="answer")))
    said = "The fallback plays answer: The model [/bold]\\x1b[2J does not work.\n"
    assert capsys.readouterr().out == said

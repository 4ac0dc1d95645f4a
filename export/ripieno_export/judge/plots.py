"""Figures that are seen rather than read, and the one page that holds them.

Only this file of the judge and `rolls` import matplotlib. Every plot is an SVG in a
string; the page is one HTML file that loads nothing. Colours differ in lightness too,
and every line is named beside its end or in a legend.
"""

import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from ripieno_export.judge.adaptation import PUSH_BEAT
from ripieno_export.judge.figure import Figure
from ripieno_export.judge.pieces import Floats

SIZE_INCHES: Final = (7.0, 3.6)
COLOURS: Final = (
    "#1b3a57",
    "#d1702f",
    "#4d9078",
    "#8c6bb1",
    "#c2a83e",
    "#7f7f7f",
    "#d98cb3",
    "#76b7d6",
)
"""Of different lightness as well; the first is the darkest."""
STYLE: Final[dict[Any, Any]] = {
    "svg.hashsalt": "ripieno",  # the same plot is the same file
    "svg.fonttype": "none",
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem;
  padding: 0 1rem; color: #222; background: #fff; }}
svg {{ max-width: 100%; height: auto; }}
table {{ border-collapse: collapse; font-size: 13px; }}
td, th {{ border: 1px solid #ddd; padding: .2rem .5rem; text-align: left;
  white-space: nowrap; }}
.wide {{ overflow-x: auto; }}
figure {{ margin: 2rem 0; }} figcaption {{ color: #555; }}
</style>
<h1>{title}</h1>
{body}
</html>
"""


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing and what it shows.

    Attributes:
        title: a sentence for whoever does not see it.
        svg: an ``<svg>`` element.
    """

    title: str
    svg: str


def latency(late_ms: Mapping[str, Floats]) -> Plot:
    """Histogram of sent − due, per system, in milliseconds."""
    canvas, axes = _canvas("sent − due, ms", "share of messages")
    for colour, (name, values) in zip(cycle(COLOURS), late_ms.items(), strict=False):
        if len(values):
            weights = np.full(len(values), 1 / len(values))
            label = f"{name} (p99 {np.quantile(values, 0.99):.2f} ms)"
            shares, edges = np.histogram(values, bins=60, weights=weights)
            axes.stairs(shares, edges, color=colour, label=label)
    axes.set_yscale("log")
    return _plot("How late messages were sent", canvas, axes)


def quality_against_latency(
    curves: Mapping[str, Sequence[tuple[float, Figure]]], name: str = "NIC"
) -> Plot:
    """A figure against simulated latency.

    Args:
        curves: per system, (latency in milliseconds, figure) in rising order; of one
            point, a level line is drawn: a baseline that latency does not touch.
        name: the figure's.
    """
    canvas, axes = _canvas("latency, ms", name)
    for colour, (system, points) in zip(cycle(COLOURS), curves.items(), strict=False):
        means = [figure.mean for _, figure in points]
        if len(points) == 1:
            axes.axhline(means[0], color=colour, linestyle="--", label=system)
            continue
        errors = [np.nan_to_num(figure.error) for _, figure in points]
        at = [latency_ms for latency_ms, _ in points]
        axes.errorbar(at, means, errors, color=colour, marker="o", label=system)
    return _plot(f"{name} against latency", canvas, axes)


def recovery(
    curves: Mapping[str, Floats], push_beat: int = PUSH_BEAT, last_beat: int = 48
) -> Plot:
    """NIC by beat around the tritone push; see `adaptation.recovery_curve`."""
    canvas, axes = _canvas("beats after the push", "NIC, two beats")
    for colour, (system, curve) in zip(cycle(COLOURS), curves.items(), strict=False):
        shown = curve[:last_beat]
        axes.plot(np.arange(len(shown)) - push_beat, shown, color=colour, label=system)
    axes.axvline(0, color="#999999", linewidth=1)
    return _plot("Recovery after the tritone push", canvas, axes)


def beat_positions(histograms: Mapping[str, Floats]) -> Plot:
    """Where in the bar notes begin, per system; see `rhythm.beat_positions`."""
    canvas, axes = _canvas("sixteenth of the bar", "share of onsets")
    for colour, (system, counts) in zip(
        cycle(COLOURS), histograms.items(), strict=False
    ):
        shares = counts / max(counts.sum(), 1)
        places = np.arange(1, len(shares) + 1)
        axes.step(places, shares, where="mid", color=colour, label=system)
    axes.set_xticks(range(1, 17, 4))
    return _plot("Where in the bar notes begin", canvas, axes)


def write_page(title: str, markdown: str, plots: Sequence[Plot], path: Path) -> None:
    """Write tables and plots as one HTML file that loads nothing.

    Args:
        title: the page's.
        markdown: of `ripieno_export.judge.report.as_markdown`.
        plots: in order.
        path: where to; a file there is replaced.
    """
    figures = [
        f"<figure>{plot.svg}<figcaption>{html.escape(plot.title)}</figcaption></figure>"
        for plot in plots
    ]
    body = "\n".join([_tables(markdown), *figures])
    text = PAGE.format(title=html.escape(title), body=body)
    path.write_text(text, encoding="utf-8")


def _canvas(x: str, y: str) -> tuple[Canvas, Axes]:
    with rc_context(STYLE):
        canvas = Canvas(figsize=SIZE_INCHES, layout="constrained")
        axes = canvas.add_subplot()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    return canvas, axes


def _plot(title: str, canvas: Canvas, axes: Axes) -> Plot:
    if axes.get_legend_handles_labels()[1]:
        axes.legend(frameon=False)
    drawn = io.StringIO()
    with rc_context(STYLE):
        canvas.savefig(drawn, format="svg", metadata={"Date": None})
    svg = drawn.getvalue()
    named = f'<svg role="img" aria-label="{html.escape(title)}" '
    return Plot(title, svg[svg.index("<svg") :].replace("<svg ", named, 1))


def _tables(markdown: str) -> str:
    """The report's own Markdown (headings, tables, paragraphs) as HTML."""
    lines: list[str] = []
    for text in markdown.splitlines():
        is_row = text.startswith("|")
        if is_row and not (lines and lines[-1].startswith("<tr>")):
            lines.append('<div class="wide"><table>')
        elif not is_row and lines and lines[-1].startswith("<tr>"):
            lines.append("</table></div>")
        if not is_row:
            lines.append(_paragraph(text))
        elif not text.startswith("| --- |"):
            lines.append(_html_row(text))
    if lines and lines[-1].startswith("<tr>"):
        lines.append("</table></div>")
    return "\n".join(filter(None, lines))


def _paragraph(text: str) -> str:
    if text.startswith("### "):
        return f"<h2>{html.escape(text[4:])}</h2>"
    return f"<p>{html.escape(text)}</p>" if text else ""


def _html_row(text: str) -> str:
    cells = (cell.strip() for cell in text.strip().strip("|").split("|"))
    return f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>"

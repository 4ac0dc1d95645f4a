"""The evaluation's pictures, as PNG files. The only file of it that draws.

Colours differ in lightness too, and systems keep theirs from plot to plot.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure as Canvas

from ripieno.layouts.vocabulary import DELTA_EDGES_S, N_DOWN
from ripieno_export.evaluation import continuations
from ripieno_export.evaluation.curves import Curves
from ripieno_export.judge.plots import COLOURS
from ripieno_export.judge.texture import FEATURES
from ripieno_export.tokenize import Floats, Ints

DPI: Final = 120
STYLE: Final[dict[Any, Any]] = {
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "savefig.dpi": DPI,
}
COLOUR: Final = dict(zip(continuations.SYSTEMS, COLOURS, strict=False))
BINS: Final = 16
OCTAVE: Final = 12


@contextmanager
def _canvas(path: Path, width: float, height: float) -> Iterator[Canvas]:
    """A canvas that is saved when the block ends."""
    with rc_context(STYLE):
        canvas = Canvas(figsize=(width, height), layout="constrained")
        yield canvas
        canvas.savefig(path, format="png", metadata={"Software": None})


def confusion(name: str, counts: Ints, path: Path) -> None:
    """A confusion matrix; each row, what was played, is shared out to one."""
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    shown = np.ma.masked_where(
        np.repeat(counts.sum(1) == 0, len(counts)), shares.ravel()
    )
    with _canvas(path, 5.6, 4.8) as canvas:
        axes = canvas.add_subplot()
        axes.set_facecolor("#eeeeee")  # what was never played
        picture = axes.imshow(
            shown.reshape(counts.shape),
            cmap="Blues",
            norm=PowerNorm(0.5, 0, 1),  # rare confusions are seen as well
            origin="lower",
            interpolation="nearest",
        )
        canvas.colorbar(picture, label="share of what was played", shrink=0.85)
        axes.set(xlabel=f"{name} chosen", ylabel=f"{name} played")
        ticks = _ticks(name, len(counts))
        axes.set_xticks(list(ticks), list(ticks.values()))
        axes.set_yticks(list(ticks), list(ticks.values()))
        if len(counts) <= 4:
            _write_in(axes, shares, counts)
        if name == "key":
            axes.axhline(N_DOWN - 0.5, color="#888888", linewidth=0.6)
            axes.axvline(N_DOWN - 0.5, color="#888888", linewidth=0.6)


def _write_in(axes: Axes, shares: Floats, counts: Ints) -> None:
    for (row, column), share in np.ndenumerate(shares):
        colour = "white" if share > 0.4 else "black"
        label = f"{share:.1%}\n{counts[row, column]:,}"
        axes.text(column, row, label, ha="center", va="center", color=colour)


def _ticks(name: str, size: int) -> dict[int, str]:
    """Where an axis is labelled, in musicians' units."""
    if name == "source":
        return {0: "human", 1: "machine"}
    if name == "delta":
        at_s = (0.03, 0.1, 0.3, 1.0, 3.0)
        places = [int(np.searchsorted(DELTA_EDGES_S, s, "right")) - 1 for s in at_s]
        named = {p: f"{s:g} s" for p, s in zip(places, at_s, strict=True)}
        return {0: "at once", **named}
    if name == "key":
        octaves = range(24, 109, 2 * OCTAVE)
        downs = {p: f"C{p // OCTAVE - 1}" for p in octaves}
        return downs | {N_DOWN + p: f"{label}↑" for p, label in downs.items()}
    return {level: str(level) for level in range(0, size, 8)}


def by_place(places: Mapping[str, Floats], path: Path) -> None:
    """Nats by place in the crop, smoothed by doubling bins; a band is two errors.

    Args:
        places: by system, nats of each event of each crop, shape (B, T).
        path: where to.
    """
    with _canvas(path, 6.4, 3.8) as canvas:
        axes = canvas.add_subplot()
        for colour, (name, nats) in zip(COLOURS, places.items(), strict=False):
            pairs = list(pairwise(_edges(nats.shape[1]).tolist()))
            parts = np.array([nats[:, a:b].mean(1) for a, b in pairs])
            centres = np.array([np.sqrt((a + 1) * b) for a, b in pairs])
            _band(axes, centres, parts.mean(1), _errors(parts), name, colour)
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set(xlabel="events heard before", ylabel="nats an event")
        axes.legend(frameon=False)


def _edges(length: int) -> Ints:
    """Two places to a doubling."""
    steps = np.arange(0, 2 * np.log2(length) + 1)
    return np.unique(
        [0, *np.minimum(np.rint(2 ** (steps / 2)), length).astype(int), length]
    )


def by_heard(points: Mapping[str, Sequence[tuple[int, Floats]]], path: Path) -> None:
    """Nats of the same last events after hearing more and more before them.

    The band is two errors of the difference from the longest memory.
    """
    with _canvas(path, 6.4, 3.8) as canvas:
        axes = canvas.add_subplot()
        for colour, (name, pairs) in zip(COLOURS, points.items(), strict=False):
            heard = np.array([k for k, _ in pairs], np.float64)
            parts = np.array([nats for _, nats in pairs])
            lost = parts - parts[-1]
            _band(axes, heard, parts.mean(1), _errors(lost), name, colour)
            axes.plot(heard, parts.mean(1), "o", color=colour, ms=4)
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set(xlabel="events heard before", ylabel="nats an event, same events")
        axes.legend(frameon=False)


def _errors(parts: Floats) -> Floats:
    """Standard errors over crops of values [points, B]."""
    size = parts.shape[1]
    if size < 2:
        return np.zeros(len(parts))
    return np.asarray(parts.std(1, ddof=1) / np.sqrt(size))


def _band(
    axes: Axes, at: Floats, means: Floats, errors: Floats, name: str, colour: str
) -> None:
    """A line, and two errors around it."""
    axes.plot(at, means, color=colour, label=name)
    low, high = means - 2 * errors, means + 2 * errors
    axes.fill_between(at, low, high, color=colour, alpha=0.18, linewidth=0)


def learning(curves: Curves, path: Path) -> None:
    """The losses of a run at each step."""
    with _canvas(path, 6.4, 3.8) as canvas:
        axes = canvas.add_subplot()
        for colour, (name, (steps, values)) in zip(
            COLOURS, curves.items(), strict=False
        ):
            marker = "o" if len(steps) <= 40 else None
            label = name.removesuffix("/all")
            axes.plot(steps, values, color=colour, label=label, marker=marker, ms=3)
        axes.set(xlabel="step", ylabel="nats an event")
        axes.legend(frameon=False)


def _bins(values: Floats) -> Floats:
    """Edges from the 1st to the 99th percentile; of counts, each bin holds as many."""
    low, high = np.quantile(values, [0.01, 0.99])
    if (values == np.rint(values)).all():
        step = max(1, int(np.ceil((high - low) / BINS)))
        return np.arange(np.floor(low), high + step + 1, step) - 0.5
    return np.linspace(low, max(high, low + 1e-9), BINS + 1)


def overlaps(features: Mapping[str, Floats], path: Path) -> None:
    """The ten features' histograms, the human's filled, systems as lines.

    Args:
        features: by system, rows of `texture.FEATURES`; the human's is the first.
        path: where to.
    """
    human, *systems = features
    with _canvas(path, 12.0, 5.0) as canvas:
        grid = canvas.subplots(2, 5)
        for column, (axes, feature) in enumerate(zip(grid.flat, FEATURES, strict=True)):
            every = np.concatenate([rows[:, column] for rows in features.values()])
            edges = _bins(every)
            for name in (human, *systems):
                values = np.clip(features[name][:, column], edges[0], edges[-1])
                shares = np.histogram(values, edges)[0] / max(len(values), 1)
                is_human = name == human
                axes.stairs(
                    shares,
                    edges,
                    fill=is_human,
                    color="#c9d3dd" if is_human else COLOUR[name],
                    label=name,
                    linewidth=1.4,
                )
            axes.set_title(feature, fontsize=9)
            axes.set_yticks([])
        handles, labels = grid.flat[0].get_legend_handles_labels()
        canvas.legend(
            handles, labels, loc="outside lower center", ncols=5, frameon=False
        )

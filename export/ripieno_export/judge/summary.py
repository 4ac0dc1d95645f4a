"""T4: what was found, as JSON, Markdown and one HTML page, and takes to listen to."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from ripieno.clock import NS_PER_MS
from ripieno_export.judge import plots, report
from ripieno_export.judge.conditions import ENGINE, ON_BEAT, PRODUCT
from ripieno_export.judge.excerpts import LIVE
from ripieno_export.judge.metrics import Sheet
from ripieno_export.judge.recording import extremes, write_recording
from ripieno_export.judge.results import Results
from ripieno_export.judge.simulated import Trace
from ripieno_export.judge.songs import PREVIOUS
from ripieno_export.judge.targets import PREDICTING

TITLE: Final = "The accompanist, judged"
BUYS: Final = ("NIC", "LG", "PC2", "beat JSD", "onset EMD", "chord beats")
"""The figures that show the effect of deciding late."""
ABOUT: Final = (
    "With default settings, the product listens for eight beats before it enters. A "
    "figure counts only frames in which both sound. Songs are cut to their first "
    "beats, from the bar of the melody's first note. The human's onsets vary by 8 ms "
    "(σ), and the tempo drifts by ±1.5 %. 2 % of the notes are wrong; figures compare "
    "with the written melody. The chord is the one that the accompanist reports as "
    "played. Notes are its bass and texture as they were sent. The pad follows from "
    "the chord by rule and is not counted."
)


def write(results: Results, folder: Path) -> None:
    """Write everything into a folder.

    Raises:
        FileError: a recording cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(as_json(results), indent=2, ensure_ascii=False)
    (folder / "figures.json").write_text(text + "\n", encoding="utf-8")
    markdown = as_markdown(results)
    (folder / "figures.md").write_text(f"# {TITLE}\n\n{markdown}", encoding="utf-8")
    plots.write_page(TITLE, markdown, _plots(results), folder / "figures.html")
    write_takes(results, folder / "takes")


def write_takes(results: Results, folder: Path, count: int = 3) -> None:
    """Write the worst and the best takes, by note-in-chord, as MIDI and WAV."""
    worst, best = extremes([score for *_, score in results.heard], count)
    for name, places in (("worst", worst), ("best", best)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for place in places:
            piece, answer, _ = results.heard[place]
            write_recording(piece, answer.whole, folder / name)


# ── JSON ──────────────────────────────────────────────────────────────────────────


def as_json(results: Results) -> dict[str, Any]:
    """All of it as JSON values."""
    return {
        "model": results.model,
        "seconds": results.seconds,
        "notes": results.notes,
        "invariants": [
            {"claim": f.claim, "holds": f.holds, "detail": f.detail}
            for f in results.findings
        ],
        "likelihood": [
            {
                "corpus": found.corpus,
                "harmony nats a span": {
                    str(age): figure.mean for age, figure in found.harmony.items()
                },
                "texture nats a token": found.texture.mean
                if found.texture.songs
                else None,
            }
            for found in results.likelihoods
        ],
        "response ms": _responses(results.trace),
        "agreement": [
            {
                "figure": found.name,
                "live": found.live.mean,
                "simulated": found.simulated.mean,
                "holds": found.holds,
            }
            for found in results.agreements
        ],
        "sheets": report.as_json(results.sheets),
    }


def _responses(trace: Trace | None) -> dict[str, dict[str, float]]:
    """Quantiles of the first section's response times, in milliseconds."""
    if trace is None:
        return {}
    rows = {"on the beat": trace.on_beat, "before the beat": trace.ahead}
    return {
        name: {
            f"p{share}": round(float(np.percentile(times[:, 0], share)) / NS_PER_MS, 2)
            for share in (50, 95, 99)
        }
        for name, times in rows.items()
    }


# ── Markdown ──────────────────────────────────────────────────────────────────────


def as_markdown(results: Results) -> str:
    """All tables, tier by tier."""
    took = ", ".join(f"{tier} {s:g} s" for tier, s in results.seconds.items())
    parts = [
        f"Model: {results.model}. {took}.",
        ABOUT,
        *results.notes,
        _table("T0, invariants", ("claim", "holds", "tried on"), _invariants(results)),
        _likelihood(results),
        _live(results),
        report.as_markdown([s for s in results.sheets if s.condition == LIVE]),
        _agreement(results),
        *_buys(results),
        report.as_markdown([s for s in results.sheets if s.condition != LIVE]),
        _missed(results),
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _table(
    title: str, head: Sequence[str], rows: Sequence[Sequence[str]], below: str = ""
) -> str:
    if not rows:
        return ""
    lines = [f"### {title}", "", _row(head), _row(["---"] * len(head))]
    return "\n".join([*lines, *map(_row, rows), "", below])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _invariants(results: Results) -> list[tuple[str, str, str]]:
    return [(f.claim, "yes" if f.holds else "NO", f.detail) for f in results.findings]


def _likelihood(results: Results) -> str:
    ages = sorted({age for found in results.likelihoods for age in found.harmony})
    head = ["corpus", *(f"harmony, δ = {age}" for age in ages), "texture"]
    rows = [
        [
            found.corpus,
            *(report.shown(found.harmony[age]) for age in ages),
            report.shown(found.texture),
        ]
        for found in results.likelihoods
    ]
    below = (
        "Nats with teacher forcing. Harmony: the human chord of a span, when the "
        "newest note heard is δ spans old. Texture: a token of the human piano on the "
        "human chords, without a requested manner."
    )
    return _table("T1, likelihood", head, rows, below)


def _live(results: Results) -> str:
    times = _responses(results.trace)
    late = results.late_ms
    rows = [
        [f"response {name}, ms", *(f"{value:g}" for value in quantiles.values())]
        for name, quantiles in times.items()
    ]
    rows += [
        [f"{name}, ms", *(f"{np.percentile(v, q):.2f}" for q in (50, 95, 99))]
        for name, v in late.items()
        if len(v)
    ]
    below = (
        "Response: from a request to the thinker's first notes. Arrival is measured at "
        "the human's port, which is read every 0.5 ms. A JACK period is 2.7 ms."
    )
    return _table("T2, time", ["figure", "p50", "p95", "p99"], rows, below)


def _agreement(results: Results) -> str:
    rows = [
        [
            found.name,
            report.shown(found.live),
            report.shown(found.simulated),
            "yes" if found.holds else "NO",
        ]
        for found in results.agreements
    ]
    head = ["figure", "live", "simulated", "within two standard errors"]
    below = "The same excerpts, the same human, the response times measured live."
    return _table("T2 and T3 agree", head, rows, below)


def _buys(results: Results) -> list[str]:
    """The gain of deciding late: one table for each corpus."""
    corpora = dict.fromkeys(s.corpus for s in results.sheets if s.condition == ON_BEAT)
    return [
        _table(
            f"What low latency gives, {corpus}",
            ["chords are decided", *BUYS],
            [
                [name, *(_shown(sheet, figure) for figure in BUYS)]
                for name, sheet in _decided(results.sheets, corpus)
            ],
        )
        for corpus in corpora
    ]


def _shown(sheet: Sheet, name: str) -> str:
    figure = sheet.figures.get(name)
    return "" if figure is None else report.shown(figure)


def _decided(sheets: Sequence[Sheet], corpus: str) -> list[tuple[str, Sheet]]:
    wanted = (
        ("on the beat, no latency", f"{PRODUCT}, no latency"),
        ("on the beat, measured latency", PRODUCT),
        ("on the beat, 125 ms slower", f"{PRODUCT}, + 125 ms"),
        ("on the beat, a beat slower", f"{PRODUCT}, + 1 beat"),
        ("one beat ahead", f"{PRODUCT}, 1 beat ahead"),
        ("four beats ahead", f"{PRODUCT}, 4 beats ahead"),
        ("by the rules alone, on the beat", ENGINE),
        ("by the rules alone, one beat ahead", f"{ENGINE}, 1 beat ahead"),
        ("by the rules alone, four beats ahead", f"{ENGINE}, 4 beats ahead"),
        ("by a human, who knows the song", "human"),
    )
    tables = (ON_BEAT, PREDICTING)
    named = {
        s.system: s
        for s in sheets
        if s.corpus == corpus and s.condition in tables and s.system != PREVIOUS
    }
    return [(words, named[system]) for words, system in wanted if system in named]


def _missed(results: Results) -> str:
    """The figures of the default settings that miss what they must reach."""
    ours = [
        s for s in results.sheets if s.system in (PRODUCT, f"{PRODUCT}, 1 beat ahead")
    ]
    found = [
        line for sheet in ours for line in report.missed(sheet, _human(results, sheet))
    ]
    if not found:
        return "Every figure of the product is at least what it must be."
    return _table("Below what must be", ["figure"], [[line] for line in found])


def _human(results: Results, sheet: Sheet) -> Sheet | None:
    place = (report.HUMAN, sheet.corpus, sheet.condition)
    every = ((s.system, s.corpus, s.condition) for s in results.sheets)
    return dict(zip(every, results.sheets, strict=True)).get(place)


# ── plots ─────────────────────────────────────────────────────────────────────────


def _plots(results: Results) -> list[plots.Plot]:
    drawn = [plots.latency(results.late_ms)] if results.late_ms else []
    for corpus, curves in _against_latency(results).items():
        for name in ("NIC", "LG"):
            points = {
                system: [(at, sheet.figures[name]) for at, sheet in row]
                for system, row in curves.items()
            }
            plot = plots.quality_against_latency(points, name)
            drawn.append(plots.Plot(f"{corpus}: {plot.title}", plot.svg))
    for corpus, recovered in results.curves.items():
        plot = plots.recovery(recovered)
        drawn.append(plots.Plot(f"{corpus}: {plot.title}", plot.svg))
    for corpus, counts in results.positions.items():
        plot = plots.beat_positions(counts)
        drawn.append(plots.Plot(f"{corpus}: {plot.title}", plot.svg))
    return drawn


def _against_latency(
    results: Results,
) -> Mapping[str, dict[str, list[tuple[float, Sheet]]]]:
    found: dict[str, dict[str, list[tuple[float, Sheet]]]] = {}
    at_ms = {c.system: c.latency_ms for c in results.conditions}
    for sheet in results.sheets:
        if sheet.condition != ON_BEAT or sheet.system == PREVIOUS:
            continue
        rows = found.setdefault(sheet.corpus, {PRODUCT: []})
        at = at_ms.get(sheet.system)
        if at is not None:
            rows[PRODUCT].append((at, sheet))
        elif sheet.system in ("human", "constant tonic", ENGINE):
            rows[sheet.system] = [(0.0, sheet)]
    for rows in found.values():
        rows[PRODUCT].sort(key=lambda point: point[0])
    return found

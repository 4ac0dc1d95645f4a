"""The figures as Markdown. It reads what `figures.json` holds, and measures nothing."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ripieno.layouts.vocabulary import FIELDS
from ripieno_export.card import NAMES, table, wrap

Figures = Mapping[str, Any]

HEADS: Final = (
    "Each head is given the fields before its own. *Commonest* is the accuracy of "
    "always choosing the commonest value. Macro means count every value that was "
    "played or chosen once; weighted means count it as often as it was played."
)
MEMORY: Final = (
    "The first table is by place in a crop that is read from silence; from place to "
    "place, the music changes too. In the second table, the same {judged} events are "
    "judged after hearing only the last of the events before them. There, only the "
    "memory changes."
)
CONTINUATIONS: Final = (
    "{prompts} held-out prompts of ten seconds were continued for eight seconds, from "
    "the human's next note on. The model plays through the daemon's composer. *prompt "
    "again* is the last seconds of the prompt. *Markov of the prompt* is what the "
    "daemon plays without a model. *human, another piece* is another prompt's true "
    "continuation. Figures are means ± standard errors."
)
BLEU: Final = (
    "Corpus BLEU against the human's continuation, unsmoothed. *Pitches* are in the "
    "order of onsets. *Moves* also have the time since the chord before, in classes of "
    "a factor of two. There are many good continuations, so only the differences "
    "between rows have a meaning."
)
LIKENESS: Final = (
    "The columns are the pitch classes in two seconds, the share of notes of 62.5 ms "
    "or longer, and the overlap of ten features with the human's. The overlap is given "
    "as a share of that of humans with humans in other pieces ({ceiling:.3f}), ± its "
    "spread over halvings. The values nearest to the human's are best."
)
SOUND: Final = (
    "Mel-cepstral distance of renderings by the built-in voice from the human's: 13 "
    "coefficients, aligned in time. It is for regressions only: it shows that a "
    "rendering or the sampling changed, and does not say how good music is."
)
ABOUT: Final = {"bleu": BLEU, "likeness": LIKENESS, "sound": SOUND}


def as_markdown(figures: Figures, pictures: Mapping[str, str]) -> str:
    """All tables and pictures.

    Args:
        figures: as in `figures.json`.
        pictures: by file name, what each shows.
    """
    parts = [
        f"# {figures['model']}",
        f"{figures['parameters'] / 1e6:.2f} million parameters; {figures['judged']}.",
        *_likelihood(figures["likelihood"]),
        *_heads(figures["heads"]),
        *_memory(figures["memory"]),
        *_continuations(figures),
        "## Pictures",
        *(f"![{what}]({file})" for file, what in pictures.items()),
    ]
    return "\n\n".join(parts) + "\n"


def _likelihood(likelihood: Figures) -> list[str]:
    fields = ("total", *FIELDS)
    rows = [
        [NAMES[name], *(f"{nats[field]:.3f}" for field in fields)]
        for name, nats in likelihood["nats"].items()
    ]
    kinds = [
        [kind, *(f"{by[name]['total']:.3f}" for name in NAMES)]
        for kind, by in likelihood["by_kind"].items()
    ]
    about = (
        f"Nats an event on {likelihood['events']:,} events of {likelihood['crops']} "
        "fixed crops; lower is better. The baselines learned from "
        f"{likelihood['baseline_events']:,} events. The best one for each field was "
        "chosen on the held-out crops themselves."
    )
    return [
        "## Likelihood",
        wrap(about),
        table(["", *fields], rows),
        table(["total, by kind", *NAMES.values()], kinds),
    ]


def _heads(heads: Figures) -> list[str]:
    means = ("precision", "recall", "f1")
    columns = [f"{kind} {name}" for kind in ("macro", "weighted") for name in means]
    rows = [
        [
            name,
            f"{of['accuracy']:.3f}",
            f"{of['commonest']:.3f}",
            *(f"{of[kind][m]:.3f}" for kind in ("macro", "weighted") for m in means),
            str(of["classes"]),
        ]
        for name, of in heads.items()
    ]
    head = ["head", "accuracy", "commonest", *columns, "values"]
    return ["## Each head as a classifier", wrap(HEADS), table(head, rows)]


def _memory(found: Figures) -> list[str]:
    if "by_place" not in found:
        return []
    places = [
        [f"{p['from']} – {p['to']}", _nats(p["nats"], p["error"])]
        for p in found["by_place"]
    ]
    heard = [
        [str(p["heard"]), _nats(p["nats"], p["error"]), _nats(**p["lost"])]
        for p in found["by_heard"]
    ]
    last = f"nats of the last {found['judged_events']}"
    about = f"{found['crops']} whole crops of {found['events']} events."
    return [
        "## What memory gives",
        wrap(f"{about} {MEMORY.format(judged=found['judged_events'])}"),
        table(["events before", "nats an event"], places),
        table(["heard", last, "lost against the longest"], heard),
    ]


def _continuations(figures: Figures) -> list[str]:
    parts = ["## Continuations", wrap(CONTINUATIONS.format(prompts=figures["prompts"]))]
    ceiling = figures["overlap_ceiling"]
    for measure, rows in figures["continuations"].items():
        about = ABOUT.get(measure, "")
        if about:
            share = float("nan") if ceiling is None else ceiling
            parts.append(wrap(about.format(ceiling=share)))
        parts.append(_systems(rows))
    return parts


def _systems(rows: Mapping[str, Figures]) -> str:
    names: Sequence[str] = list(dict.fromkeys(n for row in rows.values() for n in row))
    cells = [
        [system, *(_shown(row.get(name)) for name in names)]
        for system, row in rows.items()
    ]
    return table(["", *names], cells)


def _shown(figure: Figures | None) -> str:
    if figure is None or figure["mean"] is None:
        return "–"
    return _nats(figure["mean"], figure["error"])


def _nats(nats: float, error: float | None) -> str:
    return f"{nats:.3f}" if not error else f"{nats:.3f} ± {error:.3f}"

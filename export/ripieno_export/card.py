"""The card of an event model, from measured figures, and parts of all cards.

This module only makes text; it measures nothing and reads no file.
"""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ripieno.inference.manifest import Manifest
from ripieno.layouts.vocabulary import FIELDS
from ripieno_export import licences

Figures = dict[str, Any]
NAMES: Final = {
    "model": "this model",
    "markov": "variable-order Markov",
    "unigram": "unigram",
}
WIDTH: Final = 80
FAMILIES: Final = {"transformer": "Transformer", "rnn": "plain (tanh) RNN"}

SHARED: Final = (
    "It was trained on Western keyboard music, songs and folk tunes. Most of these are "
    "scores whose timing was made uneven at random. Only five and a half hours were "
    "played by people."
)
"""A limit of models that were trained on the shared music."""
EVENTS_A_SECOND: Final = 10
"""The rate of events in the shared music, roughly: 256 events last about 25 s."""
LIMITS: Final = (
    "It knows no beat, key or form: its time is in seconds. It was trained on crops of "
    "{events} events, about {seconds} seconds. Over longer spans it keeps a style, but "
    "not a theme.",
    "In its training data, notes were assigned to human and machine at random; nobody "
    "plays with a machine there. So it has learned how music continues, not how people "
    "answer each other.",
    "It relies on the daemon's masks for held notes, register and scale.",
)
CREDITS: Final = {
    "polish_piano": "the Fryderyk Chopin Institute (CC BY 4.0: Polish Music Heritage "
    "in Open Access, polishscores.org; Chopin first editions)",
    "giantmidi_sample": "GiantMIDI-Piano (ByteDance; CC BY 4.0)",
    "mutopia_ccby": "the contributors to the Mutopia Project (public domain and CC BY)",
    "openscore_lieder": "OpenScore Lieder (CC0)",
    "pop909": "POP909 (MIT)",
    "openewld_clean": "OpenEWLD (MIT)",
    "oneills": "those who encoded O'Neill's and Ryan's tunes (in the public domain; "
    "the encodings carry no licence of their own)",
}
"""Source of the shared music → whom to thank for it and for related sources."""
POP909: Final = (
    "POP909's arrangements and annotations are MIT-licensed, but the songs themselves "
    "belong to third-party composers. No song is stored in this folder. Whoever "
    "publishes what the model plays should know that it learned from these songs."
)
FILES: Final = (
    "All figures are in `figures.json`. The daemon's tests run `golden.npz` again."
)
MACHINE: Final = "one thread of a shared two-core AMD EPYC (Zen 4)"
"""Where the times on the cards were measured."""


def card(manifest: Manifest, preset: dict[str, Any], figures: Figures) -> str:
    """The card of a model, in Markdown.

    Args:
        manifest: of the finished folder.
        preset: the recipe, as the checkpoint holds it.
        figures: what `publish.measure` found.
    """
    parts = [
        _head(manifest, preset, figures),
        _use(manifest),
        _likelihood(preset, figures),
        copying(manifest.name, figures),
        _step(figures["step_ms"]),
        _data(manifest),
        _licence(manifest),
        _limits(manifest, preset),
        _again(manifest, preset, figures),
    ]
    return "\n\n".join(parts) + "\n"


def wrap(text: str, bullet: str = "") -> str:
    """A paragraph, or a list's item."""
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=bullet,
        subsequent_indent=" " * len(bullet),
        break_long_words=False,
        break_on_hyphens=False,
    )


def bullets(lines: Iterable[str]) -> str:
    """A list."""
    return "\n".join(wrap(line, "- ") for line in lines)


def made_again(name: str, text: str) -> str:
    """The last section of a card.

    Args:
        name: of the model.
        text: how these weights came about, in sentences.
    """
    command = f"    ripieno-export make {name} --data DIR"
    return f"## Making it again\n\n{command}\n\n{wrap(f'{text} {FILES}')}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _head(manifest: Manifest, preset: dict[str, Any], figures: Figures) -> str:
    family = FAMILIES.get(manifest.family, manifest.family.upper())
    layers = "one layer" if preset["layers"] == 1 else f"{preset['layers']} layers"
    what = (
        f"A {family} that plays keyboard music in free time. It receives, event by "
        "event, what the human and the model itself have played. For the next event it "
        "predicts who plays, when, which key goes down or up, and how hard. It has "
        f"{layers} of {preset['hidden']} units and "
        f"{manifest.parameters / 1e6:.2f} million parameters. `model.onnx` is "
        f"{figures['bytes'] / 1e6:.1f} MB, float32, batch 1. It was made for Ripieno's "
        "`answer` and `continue` roles, with piano playing and melodies."
    )
    event = (
        "One event is (source, delta, key, velocity). `ripieno.layouts.vocabulary` "
        f"defines these fields; its fingerprint is `{manifest.fingerprint}`."
    )
    return f"# {manifest.name}\n\n{wrap(what)}\n\n{wrap(event)}"


def data_table(manifest: Manifest, counted: str = "pieces") -> str:
    """The sources, with what was counted of each, their licences and commits."""
    rows = [
        [
            source.name,
            str(source.pieces),
            source.licence,
            f"<{source.origin.split()[0]}>",
            f"`{source.commit[:10]}`",
        ]
        for source in manifest.sources
    ]
    return table(["source", counted, "licence", "from", "commit"], rows)


def _data(manifest: Manifest) -> str:
    how = (
        "About one piece in twenty-five is held out. A held-out piece was moved to "
        "training if its title occurs there, or if it shares a quarter of its interval "
        "16-grams with training. Each crop is transposed by up to 6 semitones, and its "
        "tempo is scaled by 0.75 to 1.33. If the source is a score, onsets are "
        "jittered, notes are shortened, and dynamics are drawn at random. Notes are "
        "assigned to human and machine at random: in turns of 2 to 10 s that change at "
        "the longest silences, one part to each, or all to the human."
    )
    return f"## Music it was trained on\n\n{data_table(manifest)}\n\n{wrap(how)}"


def _likelihood(preset: dict[str, Any], figures: Figures) -> str:
    fields = ("total", *FIELDS)
    rows = [
        [label, *(f"{figures['nats'][name][field]:.3f}" for field in fields)]
        for name, label in NAMES.items()
    ]
    kinds = [
        [kind, *(f"{by[name]['total']:.3f}" for name in NAMES)]
        for kind, by in figures["by_kind"].items()
    ]
    graph = figures["session"]
    baselines = (
        f"The baselines learned from {figures['baseline_events']:,} training events. "
        "The contexts, the order and the smoothing of each field were chosen on the "
        "held-out crops themselves, which favours the baselines. The choice (WB is "
        "Witten-Bell smoothing, AD absolute discounting): "
        + "; ".join(f"{field}: {name}" for field, name in figures["markov"].items())
        + f". On {graph['events']:,} of these events, the exported graph in the "
        f"daemon's session gives {graph['graph']['total']:.4f} nats, and torch gives "
        f"{graph['torch']['total']:.4f}."
    )
    return "\n\n".join(
        [
            "## How well it predicts held-out music",
            wrap(
                f"Nats per event on {figures['events']:,} events of "
                f"{figures['crops']} fixed crops; lower is better. Each field is "
                "predicted with the fields before it known."
            ),
            table(["", *fields], rows),
            table(["total, by kind", *NAMES.values()], kinds),
            wrap(baselines),
            wrap(
                "Weights and sampling were chosen on crops of the same held-out "
                f"pieces, {min(preset['valid_crops'], figures['crops'])} of these "
                f"{figures['crops']} among them: the figures are a little optimistic."
            ),
        ]
    )


def copying(name: str, figures: Figures) -> str:
    """The section that says how often a model copies, compared with people.

    Args:
        name: of the model.
        figures: with those of `originality.measure`, if they were measured.
    """
    title = "## How often it copies"
    found = figures.get("originality", {"draws": {}})
    rows = [
        [
            label,
            seed,
            str(told["continuations"]),
            f"{told['copies']:.2%}",
            f"{told['timed_copies']:.2%}",
            f"{told['longest_median']:.0f}",
            f"{told['longest_p90']:.0f}",
        ]
        for seed, systems in found["draws"].items()
        for label, told in systems.items()
        if told["continuations"]
    ]
    if not rows:
        command = f"    ripieno-export originality {name} --data DIR"
        return f"{title}\n\nNot measured. This does:\n\n{command}"
    how = (
        f"For each seed, {found['prompts']} prompts of held-out music were continued "
        "with the published sampling. Beside each stands the human's own continuation, "
        "and equally many notes of both are judged. A copy is 32 consecutive notes of "
        "the top line that also occur in the training music: with the same intervals, "
        "or with the same intervals and lengths. The longest run is one with the same "
        "intervals and lengths. The other figures of this card are of the same "
        "held-out pieces. Sampling was chosen on the prompts of the first seed."
    )
    head = [
        "",
        "seed",
        "continuations",
        "copies, intervals",
        "copies, with lengths",
        "longest run, median",
        "p90",
    ]
    return f"{title}\n\n{wrap(how)}\n\n{table(head, rows)}"


def _step(step_ms: dict[str, float]) -> str:
    return "## A step\n\n" + wrap(
        f"A step takes {step_ms['p50']:.3f} ms at the median and {step_ms['p99']:.3f} "
        f"ms at the 99th percentile, on {MACHINE}. Batch 1, sampling included, in the "
        "daemon's session."
    )


def _use(manifest: Manifest) -> str:
    sampling = manifest.sampling
    pairs = zip(FIELDS, sampling.temperature, sampling.top_p, strict=True)
    rows = [[field, str(heat), str(share)] for field, heat, share in pairs]
    defaults = table(["sampling defaults", "temperature", "top-p"], rows)
    return f"## Using it\n\n    ripieno play --model {manifest.name}\n\n{defaults}"


def _limits(manifest: Manifest, preset: dict[str, Any]) -> str:
    names = {source.name for source in manifest.sources}
    events = preset["events"]
    own = [
        line.format(events=events, seconds=5 * round(events / EVENTS_A_SECOND / 5))
        for line in LIMITS
    ]
    lines = [SHARED, *own] if names >= set(CREDITS) else own
    return f"## Limits\n\n{bullets(lines)}"


def _licence(manifest: Manifest) -> str:
    names = {source.name for source in manifest.sources}
    thanks = [words for name, words in CREDITS.items() if name in names]
    credit = f" With thanks to the makers of the music: {'; '.join(thanks)}."
    told = licences.sentence(manifest.licence) + (credit if thanks else "")
    parts = [wrap(told)]
    if "pop909" in names:
        parts.append(wrap(POP909))
    return "\n\n".join(["## Licence", *parts])


def changes(progress: Mapping[str, Any]) -> str:
    """How a recipe was changed while it ran, in sentences that begin with a space.

    Args:
        progress: of the run; see `ripieno_export.checkpoint.Progress`.
    """
    told = ""
    for change in progress.get("changes", ()):
        settings = ", ".join(
            f"`{name}` {values[1]} instead of {values[0]}"
            for name, values in change.items()
            if name != "step"
        )
        told += f" After step {change['step']} the run went on with {settings}."
    return told


def history(figures: Figures) -> str:
    """How these weights came about, where no recipe says it; begins with a space.

    Whoever trained the weights writes it into `figures.json`, where it stays.
    """
    return f" {figures['history']}" if "history" in figures else ""


def _again(manifest: Manifest, preset: dict[str, Any], figures: Figures) -> str:
    return made_again(
        manifest.name,
        f"These weights are of step {figures['progress']['best_step']} of "
        f"{preset['steps']}, the best on held-out crops."
        f"{changes(figures['progress'])}",
    )

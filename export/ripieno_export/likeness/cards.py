"""The phrase encoder's card: written from what was measured. It measures nothing."""

from typing import Any, Final

from ripieno.inference.manifest import Manifest
from ripieno_export.card import (
    MACHINE,
    POP909,
    bullets,
    changes,
    data_table,
    made_again,
    table,
    wrap,
)
from ripieno_export.licences import sentence

Figures = dict[str, Any]

METHODS: Final = {
    "similar": "as `ripieno similar` ranks: this model and runs together",
    "model": "this model alone",
    "untrained": "the same, untrained",
    "linear": "principal components of the rolls",
    "interval runs": "runs of three intervals of the upper line, tf-idf",
    "rhythm": "histograms of rhythm",
    "pitch classes": "pitch classes, at the best transposition",
}
SETS: Final = {
    "whole": "whole pieces",
    "melody": "voices and tunes alone",
    "piano": "pianos",
    "nottingham": "Nottingham's tunes with chords, none trained on",
}
CONDITIONS: Final = {"tempo told": "tempo told", "tempo not told": "not told"}
COMPARED: Final = {"model": "Alone", "similar": "As `ripieno similar` ranks"}
THANKS: Final = (
    "They were trained on music under CC BY 4.0, whose makers are named with thanks: "
    "the Fryderyk Chopin Institute (Polish Music Heritage in Open Access, "
    "polishscores.org; Chopin first editions), GiantMIDI-Piano (ByteDance), and the "
    "contributors to the Mutopia Project; on CC0 music of OpenScore (Lieder and String "
    "Quartets); on the MIT-licensed POP909 and OpenEWLD; on the Open Hymnal; and on "
    "music in the public domain, some of whose encodings carry no licence of their own "
    "(O'Neill's, Ryan's, Bach's chorales)."
)
LIMITS: Final = (
    "It sees eight beats at a time on a grid of sixteenths. Triplets are rounded, "
    "ornaments are lost, and form beyond eight beats is not seen.",
    "It relies on the beats of the file. Where somebody played without a click, it "
    "finds less (the columns *not told*).",
    "Likeness is what two windows of one piece have in common: motifs, harmony, rhythm "
    "and figures of accompaniment together. Words, instruments, dynamics and drums are "
    "not seen.",
    "It is made to tell pieces apart, not to reconstruct them. Principal components "
    "with as many numbers keep more of a window than its decoder does (above).",
    "Runs of intervals see the upper line only. A tune in an inner voice or in the "
    "bass can be found by the encoder alone.",
    "Key and register do not count: a transposed piece is the same piece.",
    "Its music is Western: pop songs, art songs, piano music, choirs, quartets and "
    "fiddle tunes.",
)


def card(manifest: Manifest, figures: Figures) -> str:
    """The card, in Markdown."""
    parts = [
        _head(manifest, figures),
        "## Using it\n\n    ripieno similar tune.mid ~/music\n\n"
        + wrap(
            "The embedding of a file is the mean of the embeddings of its windows. It "
            "can be used as a vector of its style: see "
            "`ripieno.similarity.embeddings.style_of`."
        ),
        _retrieval(figures["retrieval"]),
        _weighed(figures["runs"]),
        _neighbours(figures["neighbours"]),
        _rebuilt(figures["reconstruction_f1"]),
        _speed(figures),
        f"## Music it was trained on\n\n{data_table(manifest)}",
        wrap(
            "About one piece in twenty-five is held out. On one half of these pieces, "
            "the weights of the network, the way in which likeness is summed, and the "
            "weight of runs of intervals were chosen. The other half was measured. "
            "A held-out piece was moved to training if its title occurs there, or if "
            "it shares a quarter of its interval 16-grams with training."
        ),
        f"## Licence\n\n{wrap(f'{sentence(manifest.licence)} {THANKS}')}",
        wrap(POP909),
        f"## Limits\n\n{bullets(LIMITS)}",
        _again(manifest, figures),
    ]
    return "\n\n".join(parts) + "\n"


def _head(manifest: Manifest, figures: Figures) -> str:
    size = {t.name: t.shape[1] for t in manifest.outputs}
    what = (
        "A convolutional autoencoder that measures how alike two phrases are. It reads "
        "eight beats as a piano roll. It gives "
        f"{size['embedding']} numbers for the kind of music (the embedding) and "
        f"{size['detail']} for the phrase (the detail). In training, a decoder "
        "reconstructed the roll from both. The encoder also learned to tell whether "
        "two windows, each varied in another way, are of one piece. Without the "
        f"decoder it has {manifest.parameters / 1e6:.2f} million parameters. "
        f"`model.onnx` is {figures['bytes'] / 1e6:.1f} MB, float32, with a batch of "
        f"{manifest.inputs[0].shape[0]} windows. It plays no role. `ripieno similar` "
        "ranks MIDI files by its embeddings and by runs of intervals; `runs.npy` says "
        "how rare each run is."
    )
    layout = (
        "`ripieno.layouts.likeness` defines windows, rolls and runs; its fingerprint "
        f"is `{manifest.fingerprint}`. Rolls are centred on their own mean pitch, so a "
        "transposed copy is the same roll."
    )
    return f"# {manifest.name}\n\n{wrap(what)}\n\n{wrap(layout)}"


def _retrieval(found: Figures) -> str:
    how = (
        "A query is the first half of a held-out piece, in another key and at another "
        "tempo. Where the tempo is told, the file says it. Where it is not told, all "
        "times are stretched against the grid by 0.8 to 1.25. The library holds the "
        "second halves of all held-out pieces, and of pieces of the training music. "
        "The columns are recall at 1 (@1), recall at 5 (@5) and the mean of 1 / rank "
        "(MRR). Ties count against a method."
    )
    parts = ["## Finding the other half", wrap(how)]
    for kind, results in found.items():
        head = (
            f"{SETS[kind]}: {results['queries']} queries, {results['library']} halves"
        )
        columns = [
            f"{name}, {shown}"
            for shown in CONDITIONS.values()
            for name in ("@1", "@5", "MRR")
        ]
        rows = [
            [label, *_recalls(results, method)]
            for method, label in METHODS.items()
            if method in results["tempo told"]
        ]
        parts.append(table([head, *columns], rows))
    parts += [wrap(_behind(found, *method)) for method in COMPARED.items()]
    return "\n\n".join(parts)


def _behind(found: Figures, method: str, label: str) -> str:
    """Where plain runs of intervals find as much as a method, or nearly."""
    places = [
        (
            row[method]["at_1"] - row["interval runs"]["at_1"],
            f"{SETS[kind]} ({CONDITIONS[name]}: {row[method]['at_1']:.3f} against "
            f"{row['interval runs']['at_1']:.3f})",
        )
        for kind, results in found.items()
        for name, row in results.items()
        if name in CONDITIONS
    ]
    if behind := [place for more, place in places if more <= 0]:
        return (
            f"{label}, it finds no more at the first place than plain runs of "
            f"intervals do in these cases: {'; '.join(behind)}."
        )
    return (
        f"{label}, it finds more at the first place than plain runs of intervals do in "
        f"every table. The smallest difference is in {min(places)[1]}."
    )


def _weighed(found: Figures) -> str:
    tried = found["mrr_by_weight"]
    how = (
        "`ripieno similar` shows (*m* + *w r*) / (1 + *w*). *m* is the likeness by "
        "this model. *r* is the cosine of the two pieces' runs of three intervals, "
        "each weighted by its rarity in training music. *w* is "
        f"{found['weight']:g}. It has the best mean of 1 / rank of the values below, "
        "in the same searches on the half of the held-out music that is used for "
        "choices:"
    )
    rows = [["mean of 1 / rank", *(f"{mrr:.3f}" for mrr in tried.values())]]
    parts = ["## The weight of runs", wrap(how), table(["*w*", *tried], rows)]
    return "\n\n".join(parts)


def _recalls(results: Figures, method: str) -> list[str]:
    return [
        f"{results[condition][method][name]:.3f}"
        for condition in CONDITIONS
        for name in ("at_1", "at_5", "mrr")
    ]


def _neighbours(found: Figures) -> str:
    how = (
        f"For each of {found['asked']} held-out pieces, the {found['k']} nearest of "
        f"{found['known']} training pieces vote which sort of collection it is from. "
        "The sort was not known in training. *Balanced* is the mean accuracy of all "
        "sorts. *Same* is the share of neighbours of the right sort. For random pieces "
        f"it is {found['chance']['same']:.3f}. Always naming the largest sort has an "
        f"accuracy of {found['chance']['accuracy']:.3f}."
    )
    methods = [name for name in METHODS if name in found]
    rows = [
        [
            METHODS[name],
            *(
                f"{found[name][n]:.3f}"
                for n in ("accuracy", "balanced_accuracy", "same")
            ),
        ]
        for name in methods
    ]
    confusion = found["model"]["confusion"]
    names = list(confusion)
    voted = list(
        dict.fromkeys([*names, *(v for row in confusion.values() for v in row)])
    )
    matrix = [
        [real, *(str(confusion[real].get(name, 0)) for name in voted)] for real in names
    ]
    return "\n\n".join(
        [
            "## What its neighbours are",
            wrap(how),
            table(["", "accuracy", "balanced", "same"], rows),
            table(["true sort ↓, voted →", *voted], matrix),
        ]
    )


def _rebuilt(found: Figures) -> str:
    labels = {
        "model": "this autoencoder",
        "linear": "linear, as many numbers",
        "mean roll": "mean roll",
    }
    rows = [
        [labels[name], f"{row['struck']:.3f}", f"{row['sounding']:.3f}"]
        for name, row in found.items()
    ]
    how = (
        "F1 over the cells of held-out windows. The threshold of each method was "
        "chosen on other windows. The linear method is principal components."
    )
    own, linear = found["model"], found["linear"]
    worse = [cell for cell in ("struck", "sounding") if own[cell] < linear[cell]]
    if worse:
        shown = ", ".join(f"{own[c]:.3f} against {linear[c]:.3f} {c}" for c in worse)
        how += (
            f" **The network reconstructs less than the linear method**: {shown}. Its "
            "decoder was used in training only and is not in this folder."
        )
    return "\n\n".join(
        [
            "## What the decoder reconstructs",
            wrap(how),
            table(["", "struck", "sounding"], rows),
        ]
    )


def _speed(figures: Figures) -> str:
    taken = figures["run_ms"]
    return "## A run\n\n" + wrap(
        f"A run of 16 windows takes {taken['p50']:.2f} ms at the median and "
        f"{taken['min']:.2f} ms at best, on {MACHINE}, which was busy. Measured in the "
        "daemon's session."
    )


def _again(manifest: Manifest, figures: Figures) -> str:
    progress, steps = figures["progress"], figures["recipe"]["steps"]
    return made_again(
        manifest.name,
        f"These weights are of step {progress['best_step']} of {steps}, the best on "
        f"held-out pairs.{changes(progress)}",
    )

"""The phrase encoder's card: written from what was measured. It measures nothing."""

from typing import Any, Final

from ripieno.inference.manifest import Manifest
from ripieno_export.card import POP909, changes, data_table, table, wrap
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
    "It sees eight beats at a time on a sixteenth grid: triplets are rounded, "
    "ornaments lost, form beyond eight beats unknown.",
    "It trusts the file's beats. Where somebody played without a click, it finds less "
    "(the columns *not told*).",
    "Likeness is what two windows of one piece have in common: motifs, harmony, rhythm "
    "and texture together. It knows no taste, no words, no sound: instruments, "
    "dynamics and drums are not seen.",
    "It is made to tell pieces apart, not to give them back: principal components of "
    "as many numbers keep more of a window than its decoder does (above).",
    "Runs see the upper line alone: a tune in an inner voice or the bass is found by "
    "the encoder or not at all.",
    "It is transposed with the music: key and register are no part of likeness.",
    "Its music is Western: pop songs, art songs, piano music, choirs, quartets and "
    "fiddle tunes.",
)


def card(manifest: Manifest, figures: Figures) -> str:
    """The card, in Markdown."""
    parts = [
        _head(manifest, figures),
        f"## Music it was trained on\n\n{data_table(manifest)}",
        wrap(
            "Held out is about one piece in twenty-five, of which one half chose the "
            "best weights, how likeness is summed and what runs of intervals weigh in "
            "it, and the other half was measured. "
            "A held-out piece whose title is also in training, or that shares a "
            "quarter of its interval 16-grams with it, was moved to training."
        ),
        _retrieval(figures["retrieval"]),
        _weighed(figures["runs"]),
        _neighbours(figures["neighbours"]),
        _rebuilt(figures["reconstruction_f1"]),
        _speed(figures),
        "## Using it\n\n    ripieno similar tune.mid ~/music\n\n"
        + wrap(
            "A file's own embedding, the mean of its windows', may serve as a vector "
            "of its style: see `ripieno.similarity.embeddings.style_of`."
        ),
        "## Limits\n\n" + "\n".join(wrap(line, "- ") for line in LIMITS),
        f"## Licence\n\n{wrap(f'{sentence(manifest.licence)} {THANKS}')}",
        wrap(POP909),
        _again(manifest, figures),
    ]
    return "\n\n".join(parts) + "\n"


def _head(manifest: Manifest, figures: Figures) -> str:
    size = {t.name: t.shape[1] for t in manifest.outputs}
    what = (
        "Says how alike two phrases are. A convolutional autoencoder reads eight beats "
        f"as a piano roll and gives {size['embedding']} numbers of what kind of music "
        f"it is (the embedding) and {size['detail']} of which phrase (the detail); its "
        "decoder, in training alone, gives the roll back from both. Beside that it "
        "learned to tell which two windows, each varied in its own way, are of one "
        f"piece. {manifest.parameters / 1e6:.2f} million parameters without the "
        f"decoder; `model.onnx` is {figures['bytes'] / 1e6:.1f} MB, float32, a batch "
        f"of {manifest.inputs[0].shape[0]} windows. It plays no role: "
        "`ripieno similar` ranks MIDI files by it and by runs of intervals, whose "
        "rarity is in `runs.npy`."
    )
    layout = (
        "Windows, rolls and runs: see `ripieno.layouts.likeness`, fingerprint "
        f"`{manifest.fingerprint}`. Rolls are centred on their own mean pitch, so a "
        "transposed copy is the same roll."
    )
    return f"# {manifest.name}\n\n{wrap(what)}\n\n{wrap(layout)}"


def _retrieval(found: Figures) -> str:
    how = (
        "A query is the first half of a piece that was held out, in another key; its "
        "tempo is another one, too, which its file tells, or does not: then all times "
        "are stretched against the grid, by 0.8 … 1.25. The library holds second "
        "halves: of all held-out pieces, filled up with pieces of the training music. "
        "Recall at 1, recall at 5, and the mean of 1 / rank; ties count against a "
        "method."
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
            f"intervals in: {'; '.join(behind)}."
        )
    return (
        f"{label}, it finds more at the first place than plain runs of intervals in "
        f"every table; by the least in {min(places)[1]}."
    )


def _weighed(found: Figures) -> str:
    tried = found["mrr_by_weight"]
    how = (
        "`ripieno similar` shows (*m* + *w r*) / (1 + *w*): *m* is the likeness by "
        "this model, *r* the cosine of the two pieces' runs of three intervals, each "
        f"weighted by its rarity in training music, and *w* is {found['weight']:g}, "
        "the one of these with the best mean of 1 / rank over the same searches in the "
        "other half of the held-out music, the one that chooses:"
    )
    rows = [["mean of 1 / rank", *(f"{mrr:.3f}" for mrr in tried.values())]]
    parts = ["## What runs weigh", wrap(how), table(["*w*", *tried], rows)]
    return "\n\n".join(parts)


def _recalls(results: Figures, method: str) -> list[str]:
    return [
        f"{results[condition][method][name]:.3f}"
        for condition in CONDITIONS
        for name in ("at_1", "at_5", "mrr")
    ]


def _neighbours(found: Figures) -> str:
    how = (
        f"The {found['k']} nearest of {found['known']} training pieces vote for each "
        f"of {found['asked']} held-out pieces: what sort of collection is it from? "
        "Training was not told. *Same* is the share of neighbours of the right sort; "
        f"among random pieces it is {found['chance']['same']:.3f}, and the largest "
        f"sort alone makes an accuracy of {found['chance']['accuracy']:.3f}."
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
            table(["is ↓, voted →", *voted], matrix),
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
        "F1 over the cells of held-out windows; each method's threshold was chosen on "
        "other windows. The linear one is made of principal components."
    )
    own, linear = found["model"], found["linear"]
    worse = [cell for cell in ("struck", "sounding") if own[cell] < linear[cell]]
    if worse:
        shown = ", ".join(f"{own[c]:.3f} against {linear[c]:.3f} {c}" for c in worse)
        how += (
            f" **The network gives back less than it**: {shown}. Its decoder only "
            "served training and is not in this folder."
        )
    return "\n\n".join(
        [
            "## What the decoder gives back",
            wrap(how),
            table(["", "struck", "sounding"], rows),
        ]
    )


def _speed(figures: Figures) -> str:
    taken = figures["run_ms"]
    return "## A run\n\n" + wrap(
        f"{taken['p50']:.2f} ms at the median, {taken['min']:.2f} ms at best for 16 "
        "windows: one thread of a shared and busy two-core AMD EPYC (Zen 4), through "
        "the daemon's session."
    )


def _again(manifest: Manifest, figures: Figures) -> str:
    progress, steps = figures["progress"], figures["recipe"]["steps"]
    ends = wrap(
        f"These weights are of step {progress['best_step']} of {steps}, the best on "
        f"held-out pairs.{changes(progress)} All figures are in `figures.json`; "
        "`golden.npz` is replayed by the daemon's tests."
    )
    command = f"    ripieno-export make {manifest.name} --data DIR"
    return f"## Making it again\n\n{command}\n\n{ends}"

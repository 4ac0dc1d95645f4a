"""The loop's model card: written from what was measured.

This module only makes text; it measures nothing and reads no file.
"""

from typing import Any, Final

from ripieno.inference.manifest import Manifest
from ripieno_export.card import POP909, changes, data_table, history, table, wrap
from ripieno_export.licences import sentence
from ripieno_export.loops.leaning import QUALIFIED

COLUMNS: Final = {
    "notes": "notes a bar",
    "classes": "pitch classes a bar",
    "chord_tones": "chord tones",
    "empty": "empty bars",
    "qualified": "longer than a sixteenth",
    "distance": "distance",
}
APART: Final = {
    "at": "where notes begin",
    "lengths": "how long they are",
    "rows": "how high",
    "chords": "how many at once",
}
SHARES: Final = ("chord_tones", "empty", "qualified")
DAEMON: Final = (
    "It heeds a density that is asked for little: where the knob `busy` is set, the "
    "daemon takes so many of the likeliest onsets. And where a bar begins without a "
    "bass it adds the chord's root."
)
LIMITS: Final = (
    "It learned from pop ballads in 4/4, arranged for piano. A bar of 3/4 is the first "
    "three beats of one in 4/4, a dotted beat three quarters of a half bar: it has "
    "never heard a waltz or a jig.",
    "It knows a bar and the one before it. Form comes from the knob `bars`, the chart "
    "and the player.",
    "No note is held over a bar line.",
    "It learned no dynamics: how loud a note is follows its place in the bar, by rule.",
)


def card(manifest: Manifest, figures: dict[str, Any]) -> str:
    """The card of a loop, in Markdown.

    Args:
        manifest: of the finished folder.
        figures: what `publish` found.
    """
    parts = [
        _head(manifest, figures),
        _data(manifest, figures),
        _bars(figures),
        _fragments(figures),
        _patterns(figures),
        _speed(figures["bar_ms"]),
        "## Limits\n\n" + "\n".join(wrap(line, "- ") for line in LIMITS),
        f"## Licence\n\n{wrap(f'{sentence(manifest.licence)} {POP909}')}",
        _again(manifest, figures),
    ]
    return "\n\n".join(parts) + "\n"


def _head(manifest: Manifest, figures: dict[str, Any]) -> str:
    what = (
        "A generative adversarial network that makes a bar of accompaniment from "
        "noise, the chords of its four beats, and the bar before. Noise is the "
        "pattern: the same noise under other chords is the same pattern there. "
        "Generator and critic are convolutional; in training an encoder finds the "
        "noise of real bars, which "
        "the generator has to bring back. Bars become binary inside the network by a "
        "straight-through estimator, and a row sounds only on from an onset. All is "
        "counted from the root, so every key is one. It has "
        f"{manifest.parameters / 1e6:.2f} million parameters; `model.onnx` is "
        f"{figures['bytes'] / 1e6:.1f} MB, float32, batch 1. It was made for Ripieno's "
        "`loop` role."
    )
    layout = (
        "Its inputs and outputs are those of `ripieno.layouts.pattern`, fingerprint "
        f"`{manifest.fingerprint}`."
    )
    return f"# {manifest.name}\n\n{wrap(what)}\n\n{wrap(layout)}"


def _data(manifest: Manifest, figures: dict[str, Any]) -> str:
    options = figures["recipe"]["options"]
    how = (
        "Bars in 4/4 of the piano, with the chords that people wrote, on a grid of "
        "sixteenths. Songs whose chords change elsewhere than on the bar line are left "
        "out, as their bar lines are wrong; so are empty bars. "
        f"{options['alone']:.0%} of the bars were shown without the bar before, "
        f"{options['free']:.0%} without their density. Songs that share a quarter of "
        "their melody with held-out ones were left out, too."
    )
    return f"## Music it was trained on\n\n{data_table(manifest)}\n\n{wrap(how)}"


def _bars(figures: dict[str, Any]) -> str:
    rows = [
        [name, *(_shown(key, own[key]) for key in COLUMNS)]
        for name, own in figures["bars"].items()
    ]
    apart = [
        [name, *(f"{own[key]:.3f}" for key in APART)]
        for name, own in figures["apart"].items()
        if name != "real bars"
    ]
    text = (
        f"{figures['bars_held_out']:,} bars of {figures['songs_held_out']} songs that "
        "neither training nor the choice of the weights has seen; made as the daemon "
        "has them made, in patterns of four bars that are told the bar before and how "
        "many notes the first has. The daemon's own changes are off: no bass is added, "
        "no limit kept, no beat silenced. Moved bars: "
        "real ones of other songs by chance, each note moved to the chord as the "
        "daemon moves notes. Triads: a root and a triad on every beat. Distance: the "
        "share of "
        "notes that two bars of the set do not have in common."
    )
    differ = "How far each distribution lies from that of real bars, in bits:"
    return "\n\n".join(
        [
            "## Its bars beside real ones",
            wrap(text),
            table(["", *COLUMNS.values()], rows),
            wrap(differ),
            table(["", *APART.values()], apart),
        ]
    )


def _fragments(figures: dict[str, Any]) -> str:
    """How short its notes are, and how that was bounded."""
    made, real = (figures["bars"][name] for name in ("loop-gan", "real bars"))
    bound = (
        "MuseGAN's own bound for a qualified note, a 32nd, cannot fail on this grid, "
        "whose shortest note is a sixteenth. Qualified here are only longer ones: "
        f"{made['qualified']:.1%} of its notes, {real['qualified']:.1%} of the real "
        "ones. Counting a hold without an onset as a note, as the network writes them, "
        f"it is {1 - made['one_step_raw']:.1%}; such holds are silent in the graph "
        "itself."
    )
    tried = figures["holds_tried"]
    holds = {name: own for name, own in tried.items() if name != "real bars"}
    nearest = min(holds, key=lambda name: holds[name]["lengths"])
    rule = (
        "A constant is added to the logits of all holds before they become binary: "
        f"{figures['hold']}. The rule is the least of those below with which "
        f"{QUALIFIED:.0%} of the notes of validation bars are longer than a sixteenth "
        "(where none is enough, the most). The lengths alone lie nearest to real ones "
        f"with {nearest}."
    )
    rows = [
        ["longer than a sixteenth", *(f"{t['qualified']:.1%}" for t in tried.values())],
        ["lengths from real, bits", *(f"{t['lengths']:.3f}" for t in tried.values())],
        ["notes a bar", *(f"{t['notes']:.2f}" for t in tried.values())],
    ]
    return "\n\n".join(
        [
            "## Fragments, the known fault of this family",
            wrap(bound),
            wrap(rule),
            table(["validation: holds lean", *tried], rows),
        ]
    )


def _patterns(figures: dict[str, Any]) -> str:
    same, kept = figures["same_chords"], figures["rhythm_kept"]
    diversity = (
        f"Under the same chords ({same['conditions']} that are frequent), bars of "
        f"other "
        f"noise have a distance of {same['made']:.2f}, in no case less than "
        f"{same['made_least']:.2f}; real bars {same['real']:.2f}."
    )
    rhythm = (
        "Neighbours in a pattern share "
        f"{kept['in a pattern']:.0%} of the steps on which anything begins; where a "
        f"new pattern begins {kept['to the next pattern']:.0%}; neighbours in real "
        f"songs {kept['real neighbours']:.0%}, bars of different songs "
        f"{kept['real strangers']:.0%}."
    )
    asked = figures["notes_asked"]
    head = ["notes asked", *asked]
    row = ["notes made", *(f"{made:.1f}" for made in asked.values())]
    return "\n\n".join(
        [
            "## Patterns",
            wrap(diversity),
            wrap(rhythm),
            table(head, [row]),
            wrap(DAEMON),
        ]
    )


def _speed(bar_ms: dict[str, float]) -> str:
    return "## A bar\n\n" + wrap(
        f"The graph runs {bar_ms['p50']:.2f} ms at the median and {bar_ms['p99']:.2f} "
        "ms at the 99th of a hundred: one thread of a shared two-core AMD EPYC (Zen "
        "4), batch 1; the quietest of forty bursts, as other work ran beside it."
    )


def _again(manifest: Manifest, figures: dict[str, Any]) -> str:
    progress = figures["progress"]
    ends = wrap(
        f"These weights are of step {progress['best_step']} of "
        f"{figures['recipe']['steps']}, chosen by how far bars to held-out chords lie "
        "from real ones (`ripieno_export.loops.task`), never by what the critic says; "
        "so was the constant that is added to the logits of its onsets, "
        f"{figures['lean']}.{changes(progress)}{history(figures)} "
        "All figures are in `figures.json`; `golden.npz` is replayed by the daemon's "
        "tests."
    )
    command = f"    ripieno-export make {manifest.name} --data DIR"
    return f"## Making it again\n\n{command}\n\n{ends}"


def _shown(key: str, value: float) -> str:
    return f"{value:.1%}" if key in SHARES else f"{value:.2f}"

"""The duet's model cards: written from what was measured. It measures nothing."""

from collections.abc import Sequence
from typing import Any, Final

from ripieno.inference.manifest import Manifest
from ripieno_export.card import (
    POP909,
    bullets,
    changes,
    data_table,
    history,
    made_again,
    table,
    wrap,
)
from ripieno_export.licences import sentence

THANKS: Final = (
    "With thanks to OpenScore Lieder (CC0), POP909 (MIT) and its corrected labels "
    "(POP909-CL, MIT), OpenEWLD and Neonscribe's lead sheets, and those who encoded "
    "O'Neill's and Ryan's tunes."
)
LAYOUT: Final = (
    "`ripieno.layouts.duet` defines spans, frames and tokens; its fingerprint is `{}`."
)
LIMITS: Final = (
    "It was trained on pop songs, art songs, old lead sheets and fiddle tunes, nearly "
    "all in 4/4, 3/4 or 6/8. It plays in other meters, but has not learned them.",
    "It takes the melody for one voice over its accompaniment. It hears chords that "
    "the human plays, but no such playing was in the data.",
    "It knows chords of twelve qualities. Ninths and thirteenths are heard as "
    "sevenths.",
    "Art songs have no chord labels. A rule named their chords from their notes; this "
    "rule finds POP909's roots in 94 of 100 sixteenths.",
    "Texture does not know time in seconds: swing, touch and loudness are added on "
    "output.",
)


def duet(manifest: Manifest, figures: dict[str, Any]) -> str:
    """The card of the duet."""
    what = (
        "Two small recurrent networks that accompany on the beat. *Harmony* "
        "(`harmony.onnx`) receives the pitch classes of the melody, the chord that "
        "sounds and for how long it has lasted, and gives a chord for each felt beat. "
        "It is the same in every key: its batch has twelve rows, one for each root. "
        "*Texture* (`model.onnx`) writes a piano part on that "
        "chord, token by token, with pitches relative to the chord's root. "
        f"Together they have {manifest.parameters / 1e6:.2f} million parameters and "
        f"{figures['bytes'] / 1e6:.1f} MB, float32, batch 1."
    )
    return _joined(
        f"# {manifest.name}",
        wrap(what),
        wrap(LAYOUT.format(manifest.fingerprint)),
        "## Using it",
        f"    ripieno play --role accompany --model {manifest.name}",
        *_likelihood(figures),
        *_steps(figures["step_ms"], figures["machine"]),
        *_music(manifest),
        "## Licence",
        wrap(f"{sentence(manifest.licence)} {THANKS}"),
        wrap(POP909),
        "## Limits",
        bullets(LIMITS),
        _again(manifest, figures),
    )


def _music(manifest: Manifest) -> Sequence[str]:
    return (
        "## Music it was trained on",
        data_table(manifest),
        wrap(
            "Held out are 5 % by the index of the data, and by a hash of the tune's "
            "name another 8 % of POP909 and 20 % of the lead sheets. The latter are "
            "test parts, on which no choice is made. Training songs that share a "
            "quarter of their melodic 16-grams with these were left out. For tunes "
            "without chords, a teacher network that hears the whole tune named the "
            "chords."
        ),
    )


def _likelihood(figures: dict[str, Any]) -> Sequence[str]:
    nats = figures["chord_nats_by_staleness"]
    texture = figures["texture_nats"]
    return (
        "## How well it predicts held-out music",
        wrap(
            f"Measured on {figures['held_out_songs']} songs with written chords, heard "
            "from their beginning. The network is told its own chords, not the written "
            "ones. A uniform guess would give 4.970 nats a chord."
        ),
        table(
            ["newest note heard", *(f"{age} beats ago" for age in nats)],
            [["nats a chord", *(f"{value:.3f}" for value in nats.values())]],
        ),
        wrap(
            f"On {figures['held_out_pianos']} held-out piano parts, without being told "
            f"a density or a thickness, texture needs {texture['token']:.3f} nats for "
            f"a token and {texture['length']:.3f} for its length."
        ),
        wrap(
            "`ripieno-export evaluate --role accompany` judges how it accompanies. The "
            "results are in `benchmarks/README.md`."
        ),
    )


def _steps(step_ms: dict[str, dict[str, float]], machine: str) -> Sequence[str]:
    harmony, texture = step_ms["harmony"], step_ms["texture"]
    return (
        "## A step",
        wrap(
            f"Harmony takes {harmony['p50']:.3f} ms at the median and "
            f"{harmony['p99']:.3f} ms at the 99th percentile; a token of texture takes "
            f"{texture['p50']:.3f} and {texture['p99']:.3f} ms, sampling included. "
            f"Measured on {machine}."
        ),
    )


def _again(manifest: Manifest, figures: dict[str, Any]) -> str:
    recipes, progress = figures["recipes"], figures["progress"]
    ends = "; ".join(
        f"{kind}: recipe `{recipes[kind]['name']}`, {recipes[kind]['hidden']} units, "
        f"step {progress[kind]['best_step']} of {recipes[kind]['steps']}"
        for kind in recipes
    )
    changed = "".join(changes(progress[kind]) for kind in recipes)
    return made_again(manifest.name, f"{ends}.{changed}{history(figures)}")


def tables(manifest: Manifest) -> str:
    """The card of the tables that the rules for harmony use."""
    what = (
        "The tables of the rules for harmony: how often each chord is played, how "
        "often it changes and to which chord, and which notes are sung to it on and "
        f"off the beat. These {manifest.parameters:,} numbers were counted, not "
        "trained. They are relative to the root, so all keys share them. If the "
        "thinker is late, the rules choose the chord of a beat. The grammar of chords "
        "also takes from them how often one chord follows another."
    )
    return _joined(
        f"# {manifest.name}",
        wrap(what),
        wrap(LAYOUT.format(manifest.fingerprint)),
        "## Music it was counted from",
        data_table(manifest),
        "## Licence",
        wrap(sentence(manifest.licence, "tables")),
        wrap(POP909),
        "## Making it again",
        f"    ripieno-export make {manifest.name} --data DIR",
    )


def _joined(*parts: str) -> str:
    return "\n\n".join(parts) + "\n"

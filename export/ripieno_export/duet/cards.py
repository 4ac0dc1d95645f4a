"""The duet's model cards: written from what was measured. It measures nothing."""

from collections.abc import Sequence
from typing import Any, Final

from ripieno.inference.manifest import Manifest
from ripieno_export.card import POP909, changes, data_table, history, table, wrap
from ripieno_export.licences import sentence

THANKS: Final = (
    "With thanks to OpenScore Lieder (CC0), POP909 (MIT) and its corrected labels "
    "(POP909-CL, MIT), OpenEWLD and Neonscribe's lead sheets, and those who encoded "
    "O'Neill's and Ryan's tunes."
)
LAYOUT: Final = (
    "Spans, frames and tokens: see `ripieno.layouts.duet`, fingerprint `{}`."
)
LIMITS: Final = (
    "It was trained on pop songs, art songs, old lead sheets and fiddle tunes, nearly "
    "all in 4/4, 3/4 or 6/8. Other meters work; it has not learned them.",
    "The melody is taken for one voice over its accompaniment; chords that the human "
    "plays are heard, but such playing was not in the data.",
    "Chords are of twelve qualities. Ninths and thirteenths are heard as sevenths.",
    "Art songs have no chord labels: theirs were heard in their own notes by rule, "
    "which finds POP909's roots in 94 of 100 sixteenths.",
    "The texture never sees seconds: swing, touch and loudness are added on output.",
)


def duet(manifest: Manifest, figures: dict[str, Any]) -> str:
    """The card of the duet."""
    what = (
        "An accompanist on the beat: two small recurrent networks. *Harmony* "
        "(`harmony.onnx`) hears the melody by pitch class and gives a chord for each "
        "felt beat; it is the same in every key: twelve rows of one batch, one a "
        "root. *Texture* (`model.onnx`) writes a piano part on that chord, token by "
        "token, counted from the chord's root. "
        f"Together {manifest.parameters / 1e6:.2f} million parameters, "
        f"{figures['bytes'] / 1e6:.1f} MB, float32, batch 1."
    )
    return _joined(
        f"# {manifest.name}",
        wrap(what),
        wrap(LAYOUT.format(manifest.fingerprint)),
        *_music(manifest),
        *_likelihood(figures),
        *_steps(figures["step_ms"]),
        "## Using it",
        f"    ripieno play --role accompany --model {manifest.name}",
        "## Limits",
        "\n".join(wrap(line, "- ") for line in LIMITS),
        "## Licence",
        wrap(f"{sentence(manifest.licence)} {THANKS}"),
        wrap(POP909),
        *_again(manifest, figures),
    )


def _music(manifest: Manifest) -> Sequence[str]:
    return (
        "## Music it was trained on",
        data_table(manifest),
        wrap(
            "Held out are the index's 5 % and, of POP909, another 8 % by a hash of the "
            "song's number, which the harness judges; training songs that share a "
            "quarter of their melodic 16-grams with those were left out. Tunes without "
            "chords were named by a teacher that hears the whole tune."
        ),
    )


def _likelihood(figures: dict[str, Any]) -> Sequence[str]:
    nats = figures["chord_nats_by_staleness"]
    texture = figures["texture_nats"]
    return (
        "## How well it predicts held-out music",
        wrap(
            f"{figures['held_out_songs']} songs with written chords, heard from their "
            "beginning; a uniform guess would be 4.970 nats."
        ),
        table(
            ["newest note heard", *(f"{age} beats ago" for age in nats)],
            [["nats a chord", *(f"{value:.3f}" for value in nats.values())]],
        ),
        wrap(
            "After it had learned what people wrote, harmony was tuned by reward to "
            "fit the moment and to find its way back after a jump "
            "(`docs/decisions/0012-harmony-tuned-by-reward.md`): likelihood is what "
            "that costs."
        ),
        wrap(
            f"Texture, over {figures['held_out_pianos']} held-out pianos, not told how "
            f"to fill: {texture['token']:.3f} nats a token and {texture['length']:.3f} "
            "for its length."
        ),
        wrap(
            "How it plays with people is judged by `ripieno-export evaluate --role "
            "accompany`; the table stands in `benchmarks/README.md`."
        ),
    )


def _steps(step_ms: dict[str, dict[str, float]]) -> Sequence[str]:
    harmony, texture = step_ms["harmony"], step_ms["texture"]
    return (
        "## A step",
        wrap(
            f"Harmony {harmony['p50']:.3f} ms at the median, {harmony['p99']:.3f} ms "
            f"at the 99th of a hundred; texture {texture['p50']:.3f} and "
            f"{texture['p99']:.3f} ms a token, sampling included: one thread of a "
            "shared two-core AMD EPYC (Zen 4)."
        ),
    )


def _again(manifest: Manifest, figures: dict[str, Any]) -> Sequence[str]:
    recipes, progress = figures["recipes"], figures["progress"]
    ends = "; ".join(
        f"{kind}: recipe `{recipes[kind]['name']}`, {recipes[kind]['hidden']} units, "
        f"step {progress[kind]['best_step']} of {recipes[kind]['steps']}"
        for kind in recipes
    )
    changed = "".join(changes(progress[kind]) for kind in recipes)
    return (
        "## Making it again",
        f"    ripieno-export make {manifest.name} --data DIR",
        wrap(
            f"{ends}.{changed}{history(figures)} All figures are in `figures.json`; "
            "`golden.npz` is replayed by the daemon's tests."
        ),
    )


def tables(manifest: Manifest) -> str:
    """The card of the harmony engine's tables."""
    what = (
        "What the player's own harmony engine knows: how often chords are played, how "
        "often and where to they change, which notes are sung to them on the beat and "
        "off it. Counted, not trained; relative to the root, so that all keys share "
        f"it. {manifest.parameters:,} numbers. It names chords where the thinker is "
        "late, and is an expert beside the duet's harmony otherwise."
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

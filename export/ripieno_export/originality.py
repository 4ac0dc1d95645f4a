"""How much of an event model's output was copied from its training music.

A prompt is some seconds of held-out music, cut at an onset. The model continues it
through the daemon's composer, with its published sampling. It is compared with the
human's own continuation, since music of one tradition shares much. The top line is
compared, once by its intervals alone (whatever key, tempo and rhythm: this finds most)
and once with each note's length in sixteenths, as `ripieno_export.judge.originality`
does. Of each pair of continuations equally many notes are looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ripieno.inference.controls import Controls
from ripieno.inference.session import Loaded
from ripieno.minds.composer import Composer
from ripieno_export import continuing
from ripieno_export.augment import HELD_OUT, vary
from ripieno_export.judge import pieces
from ripieno_export.judge.originality import Index, Words, words
from ripieno_export.packed import Packed
from ripieno_export.tokenize import Floats, Ints, Notes, is_pedal

COPIED: Final = 32
"""Consecutive notes that make a copy."""
PROMPT_S: Final = 8.0
SPAN_S: Final = 20.0
"""Seconds of a continuation: 60 to 100 notes of a top line, enough for a copy."""
TOGETHER_S: Final = 0.03
"""Onsets within this time, in seconds, are one chord."""
SECONDS_A_BEAT: Final = 0.5
"""Seconds a beat, if a piece's beats are not known."""
SEED: Final = 20_262
SEEDS: Final = (SEED, 20_263)
"""The seeds of the prompts on a card; sampling was chosen with the first one only."""
TRIES: Final = 8
"""Beginnings that are tried in a piece for each prompt that it is to give."""


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """Held-out music that stops at an onset.

    Attributes:
        heard: what was played until then; seconds from its start.
        real: what the human played from there; seconds from the cut.
        cut_s: when that is, from the start of what was heard.
        beats: the piece's beats from the cut on, in seconds from it.
    """

    heard: Notes
    real: Notes
    cut_s: float
    beats: Floats


@dataclass(frozen=True, slots=True)
class Copying:
    """What a system's continuations share with the training music.

    Attributes:
        continuations: how many were long enough to be judged.
        notes: of their top lines, on average.
        copies: the share that holds `COPIED` consecutive notes of it, by intervals.
        timed_copies: the same by intervals and lengths.
        longest_median, longest_p90: notes of the longest run by intervals and lengths.
    """

    continuations: int
    notes: float
    copies: float
    timed_copies: float
    longest_median: float
    longest_p90: float


def draw(packed: Packed, count: int, *, seed: int = SEED) -> list[Prompt]:
    """So many prompts from held-out music, as evenly from its pieces as they allow."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(np.flatnonzero(packed.held_out)).tolist()
    each = -(-count // max(len(order), 1))
    found: list[Prompt] = []
    for piece in order:
        made = (_cut(packed, piece, rng) for _ in range(each * TRIES))
        kept = [prompt for prompt in made if prompt is not None][:each]
        found += kept
        if len(found) >= count:
            break
    return found[:count]


def _cut(packed: Packed, piece: int, rng: np.random.Generator) -> Prompt | None:
    notes = packed.piece(piece)
    start = notes["start"].astype(np.float64)
    latest_s = float(start[-1]) - PROMPT_S - SPAN_S
    if latest_s < float(start[0]):
        return None
    begin_s = rng.uniform(float(start[0]), latest_s)
    after = np.flatnonzero((start >= begin_s + PROMPT_S) & ~is_pedal(notes))
    cut_s = float(start[after[0]])
    heard = _moved(notes[(start >= begin_s) & (start < cut_s)], begin_s)
    heard["end"] = np.minimum(heard["end"], cut_s - begin_s)
    engraved, flat = bool(packed.engraved[piece]), bool(packed.flat[piece])
    if len(heard):
        heard = vary(heard, HELD_OUT, rng, engraved=engraved, flat=flat)
    real = _moved(notes[(start >= cut_s) & (start < cut_s + SPAN_S)], cut_s)
    return Prompt(heard, real, cut_s - begin_s, packed.beats_of(piece) - cut_s)


def _moved(notes: Notes, to_s: float) -> Notes:
    notes = notes.copy()
    notes["start"] -= to_s
    notes["end"] -= to_s
    return notes


def line(notes: Notes, beats: Floats, *, is_timed: bool) -> Words:
    """A top line in the words of `judge.originality`.

    Args:
        notes: in seconds.
        beats: when beats fall, in the same seconds; may be empty.
        is_timed: whether lengths count, in sixteenths.
    """
    notes = notes[~is_pedal(notes)]
    notes = notes[np.argsort(notes["start"], kind="stable")]
    chord = np.cumsum(np.diff(notes["start"], prepend=-np.inf) > TOGETHER_S)
    highest = np.lexsort((-notes["pitch"].astype(np.int64), chord))
    top = notes[highest[np.flatnonzero(np.diff(chord, prepend=0))]]
    found = np.zeros(len(top), pieces.NOTE)
    found["start"] = np.arange(len(top))
    found["pitch"] = top["pitch"]
    found["end"] = found["start"] + (_sixteenths(top, beats) if is_timed else 1)
    return words(found)


def _sixteenths(notes: Notes, beats: Floats) -> Ints:
    start, end = notes["start"].astype(np.float64), notes["end"].astype(np.float64)
    if len(beats) < 2:
        length = (end - start) / SECONDS_A_BEAT
    else:
        place = np.clip(np.searchsorted(beats, start, "right"), 1, len(beats) - 1)
        length = (end - start) / np.maximum(np.diff(beats)[place - 1], 1e-3)
    return np.maximum(np.rint(4 * length), 1).astype(np.int64)


def lines_of(packed: Packed, chosen: Ints, *, is_timed: bool) -> list[Words]:
    """The top lines of some pieces of a corpus."""
    return [
        line(packed.piece(piece), packed.beats_of(piece), is_timed=is_timed)
        for piece in chosen.tolist()
    ]


class Continuer:
    """A published event model that goes on where a prompt stops."""

    def __init__(self, folder: Path) -> None:
        """Load it on the CPU, where every machine gives the same notes.

        Raises:
            ModelError: it is not to be run, or reads no events.
        """
        session = Loaded(folder, "cpu")
        self.name, shaping = session.manifest.name, session.manifest.sampling
        sampling = Controls(temperature=shaping.temperature, top_p=shaping.top_p)
        self._composer = Composer(session, sampling)

    def play(self, prompt: Prompt, seed: int = 1) -> Notes:
        """The notes that it plays for `SPAN_S`; seconds from the cut."""
        wish = continuing.ask(prompt.cut_s, SPAN_S, seed)
        return continuing.play(self._composer, prompt.heard, wish)


def compare(
    learned: tuple[Packed, Ints],
    prompts: Sequence[Prompt],
    systems: Mapping[str, Sequence[Notes]],
) -> dict[str, Copying]:
    """How much each system copies from what was learned.

    Args:
        learned: a corpus, and the pieces of it that count.
        prompts: what was continued.
        systems: for each its continuations, one a prompt. Of all systems' continuations
            of a prompt as many notes are judged as the shortest has.
    """
    found: dict[str, dict[bool, Ints]] = {name: {} for name in systems}
    lengths: Ints = np.zeros(0, np.int64)
    for is_timed in (False, True):
        index = Index(lines_of(*learned, is_timed=is_timed))
        spoken = {
            name: [
                line(notes, prompt.beats, is_timed=is_timed)
                for notes, prompt in zip(played, prompts, strict=True)
            ]
            for name, played in systems.items()
        }
        least = [min(map(len, same)) for same in zip(*spoken.values(), strict=True)]
        kept = [n for n, length in enumerate(least) if length >= COPIED - 1]
        lengths = np.array([least[n] for n in kept], np.int64)
        for name, said in spoken.items():
            cut = [said[n][: least[n]] for n in kept]
            found[name][is_timed] = index.longest_runs(cut)
    return {name: _copying(runs, lengths) for name, runs in found.items()}


def _copying(runs: dict[bool, Ints], lengths: Ints) -> Copying:
    if not len(lengths):
        return Copying(0, 0.0, 0.0, 0.0, 0.0, 0.0)
    timed = runs[True] + 1  # so many intervals join one note more
    median, most = np.percentile(timed, (50, 90))
    return Copying(
        continuations=len(lengths),
        notes=round(float(lengths.mean()) + 1, 1),
        copies=round(float((runs[False] + 1 >= COPIED).mean()), 4),
        timed_copies=round(float((timed >= COPIED).mean()), 4),
        longest_median=float(median),
        longest_p90=float(most),
    )


def judge(
    folder: Path, packed: Packed, count: int, *, seed: int = SEED
) -> dict[str, Copying]:
    """A published model beside the human, on a corpus's held-out music.

    Raises:
        ModelError: the model cannot be run.
    """
    prompts, model = draw(packed, count, seed=seed), Continuer(folder)
    played = {
        model.name: [model.play(prompt) for prompt in prompts],
        "human": [prompt.real for prompt in prompts],
    }
    return compare((packed, np.flatnonzero(~packed.held_out)), prompts, played)


def measure(folder: Path, packed: Packed, count: int) -> dict[str, Any]:
    """What a card tells of a published model's copies: so many prompts of each seed.

    Raises:
        ModelError: the model cannot be run.
    """
    draws = {
        str(seed): as_figures(judge(folder, packed, count, seed=seed)) for seed in SEEDS
    }
    return {"prompts": count, "draws": draws}


def as_figures(found: dict[str, Copying]) -> dict[str, Any]:
    """As JSON values."""
    return {name: asdict(copying) for name, copying in found.items()}

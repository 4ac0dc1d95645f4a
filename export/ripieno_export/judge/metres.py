"""Learns and judges how the metre is heard: `python -m ripieno_export.judge.metres`.

::

    python -m ripieno_export.judge.metres --data DIR [--tunes 400]

It plays the melodies of the development parts to `ripieno.hear.meters`, fits its
weights by maximum likelihood, and prints them. The figures come from five-fold
cross-validation by tune family. 2/4 and 2/2 count as 4/4, and 12/8 as 6/8: these share
their felt beats. There is no music in 5/4 and 7/8 with a known metre, so melodies in
4/4 are barred anew.
"""

import argparse
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch

from ripieno.hear.meter_choice import MeterChoice
from ripieno.hear.meter_weights import Weights
from ripieno.hear.meters import METRICS, TOLD, MeterEvidence, told_as
from ripieno.music.meter import Meter
from ripieno.music.spans import FRAME_TICKS
from ripieno.settings.output import say
from ripieno_export.judge import kinds
from ripieno_export.judge.pieces import Bools, Floats, Ints, TestPiece

FOLDS: Final = 5
LOOKS: Final = (12, 20, 32, 48, 64, 96)
"""The beats after the first note at which the model learns."""
BARS: Final = (4, 8, 16)
AS_FOUR: Final = ("4/4", "2/2", "2/4")
FEWEST: Final = 12
"""Melodies with fewer notes are left out."""
DECAY: Final = 5e-4
"""The weight of the squares."""
MADE: Final = 40
"""How many melodies are barred anew in each way."""
WAYS: Final = (
    ("7/8", (0, 4, 8, 12), 14),
    ("7/8", (0, 4, 8, None), 14),
    ("7/8=3+2+2", (0, 6, 10, None), 14),
    ("5/4", (0, 4, 8, 12), 20),
    ("5/4", (0, 4, 12, 16), 20),
)
"""Metre, the frames on which the beats of a bar in 4/4 begin then, and the new length.
None leaves the beat out; what begins beyond the new bar is left out too."""


@dataclass(frozen=True, slots=True, eq=False)
class Tune:
    """A melody whose tick 0 is a bar line.

    Attributes:
        kind: of music; ``made`` where it was barred anew.
        told: the metre that ought to be told.
        bar: frames in a bar.
        fold: in which it is judged.
        notes: onset frame and pitch, shape (N, 2); one a frame.
    """

    kind: str
    told: str
    bar: int
    fold: int
    notes: Ints


def tunes(data: Path, most: int | None) -> list[Tune]:
    """Read the melodies of all kinds, and bar some anew."""
    found, four = [], []
    for kind in kinds.KINDS:
        for piece in kinds.read(data, kind, kinds.DEV, most).pieces:
            name = "{}/{}".format(*piece.meter)
            told = "4/4" if name in AS_FOUR else told_as(name)
            if told not in TOLD or len(notes := _notes(piece)) < FEWEST:
                continue
            fold = int(hashlib.sha256(piece.family.encode()).hexdigest(), 16) % FOLDS
            tune = Tune(kind, told, piece.bar_frames, fold, notes)
            found.append(tune)
            four += [tune] if name in ("4/4", "2/2") else []
    order = np.random.default_rng(0).permutation(len(four))
    for number, way in enumerate(WAYS):
        chosen = order[number * MADE : (number + 1) * MADE]
        found += [barred_anew(four[index], *way) for index in chosen]
    return [tune for tune in found if len(tune.notes) >= FEWEST]


def _notes(piece: TestPiece) -> Ints:
    """The highest note of each frame, from a bar line at most seven bars before it."""
    bar, by_frame = piece.bar_frames, dict[int, int]()
    for start, pitch in piece.melody[["start", "pitch"]].tolist():
        frame = start - piece.pickup % bar + bar
        by_frame[frame] = max(pitch, by_frame.get(frame, 0))
    notes = np.array(sorted(by_frame.items()), np.int64).reshape(-1, 2)
    if len(notes):
        early = int(hashlib.sha256(piece.name.encode()).hexdigest(), 16) % 8
        notes[:, 0] += (early - notes[0, 0] // bar) * bar
    return notes


def barred_anew(tune: Tune, told: str, beats: Sequence[int | None], bar: int) -> Tune:
    """Return a melody in 4/4 with other bars; see `WAYS`."""
    notes = []
    for frame, pitch in tune.notes.tolist():
        begin = beats[frame % 16 // 4]
        if begin is not None and (into := begin + frame % 4) < bar:
            notes.append((frame // 16 * bar + into, pitch))
    return replace(tune, kind="made", told=told, bar=bar, notes=np.array(notes))


def heard(tune: Tune) -> Iterator[tuple[Floats, float]]:
    """Yield features, shape (metres, features), and beats, after each of `LOOKS`."""
    evidence, rows = MeterEvidence(), tune.notes.tolist()
    first = rows[0][0] // 4 * 4
    looks = [first + 4 * beats for beats in LOOKS if first + 4 * beats <= rows[-1][0]]
    for look in looks:
        while rows and rows[0][0] < look:
            frame, pitch = rows.pop(0)
            evidence.on_note(frame * FRAME_TICKS, pitch)
        evidence.advance(look * FRAME_TICKS)
        yield np.array(list(evidence.features())), evidence.beats


def fit(x: Floats, beats: Floats, told: Ints, weight: Floats) -> Weights:
    """Return the likeliest weights.

    Args:
        x: features, shape (N, metres, features).
        beats: heard so far, shape (N,).
        told: index into `TOLD`, shape (N,).
        weight: of each row, shape (N,).
    """
    is_told = np.array([[told_as(m.name) == name for m in METRICS] for name in TOLD])
    mask = torch.log(torch.tensor(is_told[told] + 1e-30))
    rows, share = torch.tensor(x), torch.tensor(weight / weight.sum())
    root = torch.tensor(beats).sqrt()[:, None]
    shared = torch.zeros(x.shape[2], dtype=torch.float64, requires_grad=True)
    own = torch.zeros(2, len(METRICS), dtype=torch.float64, requires_grad=True)
    descent = torch.optim.LBFGS(
        [shared, own], max_iter=150, line_search_fn="strong_wolfe"
    )

    def loss() -> torch.Tensor:
        descent.zero_grad()
        scores = torch.log_softmax((rows @ shared + own[0]) * root + own[1], 1)
        lost = -(torch.logsumexp(scores + mask, 1) * share).sum()
        lost = lost + DECAY * (shared.square().sum() + own.square().sum())
        lost.backward()  # type: ignore[no-untyped-call]
        return lost

    descent.step(loss)  # type: ignore[no-untyped-call]
    pairs = zip(*own.detach().tolist(), strict=True)
    return Weights(
        tuple(round(each, 2) for each in shared.detach().tolist()),
        {
            m.name: (round(a, 2), round(b, 2))
            for m, (a, b) in zip(METRICS, pairs, strict=True)
        },
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a tune was heard.

    Attributes:
        likeliest: the metre after each of `BARS`, as far as the tune goes.
        changes: bar (in bars of the tune) and metre of each change from 4/4.
    """

    likeliest: dict[int, str]
    changes: tuple[tuple[float, str], ...]


def outcome(tune: Tune, weights: Weights, shift: int = 0) -> Outcome:
    """Play a tune, later by some frames, and see what is told and chosen."""
    evidence, choice = MeterEvidence(weights), MeterChoice(Meter(), weights)
    likeliest, changes = dict[int, str](), []
    onsets = {frame + shift: pitch for frame, pitch in tune.notes.tolist()}
    first, last = min(onsets), max(onsets)
    looks = {first // 4 * 4 + bars * tune.bar: bars for bars in BARS}
    for frame in range(first, last + 4):
        ticks = frame * FRAME_TICKS
        if choice.advance(ticks):
            changes.append(((frame - first) / tune.bar, str(choice.meter)))
        evidence.advance(ticks)
        if frame in looks:
            shares = evidence.probabilities()
            likeliest[looks[frame]] = max(shares, key=shares.__getitem__)
        if frame in onsets:
            evidence.on_note(ticks, onsets[frame])
            choice.on_note(ticks, onsets[frame])
    return Outcome(likeliest, tuple(changes))


def report(judged: Iterable[tuple[Tune, Outcome]]) -> None:
    """Print a row for each kind and metre: accuracy, and what was chosen."""
    rows = dict[tuple[str, str], list[Outcome]]()
    for tune, found in judged:
        rows.setdefault((tune.kind, tune.told), []).append(found)
    say("kind, metre: tunes; right after 4, 8, 16 bars; chosen; wrong; bars until then")
    for (kind, told), outcomes in rows.items():
        cells = []
        for after in BARS:
            are = [
                told == each.likeliest[after]
                for each in outcomes
                if after in each.likeliest
            ]
            cells.append(_share(np.array(are)))
        right = [
            [bar for bar, name in each.changes if name == told] for each in outcomes
        ]
        wrong = [any(name != told for _, name in each.changes) for each in outcomes]
        bars = [each[0] for each in right if each]
        until = f"{np.median(bars):.0f}" if bars else "-"
        chosen = (
            _share(np.array([bool(each) for each in right])) if told != "4/4" else "-"
        )
        say(
            f"{kind:9} {told:10}{len(outcomes):4}  {' '.join(cells)}  {chosen} "
            f"{_share(np.array(wrong))} {until}"
        )


def _share(are: Bools) -> str:
    """A share and its standard error, in per cent."""
    if not len(are):
        return "-"
    share = are.mean()
    return f"{100 * share:.1f}±{100 * np.sqrt(share * (1 - share) / len(are)):.1f}"


def main() -> None:
    """Learn, and print the weights and the figures."""
    parser = argparse.ArgumentParser(prog="metres", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--tunes", type=int, default=400, help="at most, of each kind")
    given = parser.parse_args()
    torch.set_num_threads(1)
    played = tunes(given.data, given.tunes)
    looks = [(tune, x, beats) for tune in played for x, beats in heard(tune)]
    x = np.array([each for _, each, _ in looks])
    beats = np.array([each for _, _, each in looks])
    told = np.array([TOLD.index(tune.told) for tune, _, _ in looks])
    many = Counter((tune.kind, tune.told) for tune, _, _ in looks)
    weight = np.array([many[tune.kind, tune.told] ** -0.5 for tune, _, _ in looks])
    fold = np.array([tune.fold for tune, _, _ in looks])

    def learned(rows: Bools) -> Weights:
        return fit(x[rows], beats[rows], told[rows], weight[rows])

    say(str(learned(np.ones(len(looks), np.bool_))))
    folds = [learned(fold != number) for number in range(FOLDS)]
    report((tune, outcome(tune, folds[tune.fold])) for tune in played)
    say("begun on another beat than the first of a bar:")
    four = [tune for tune in played if tune.told == "4/4"]
    report((t, outcome(t, folds[t.fold], 4 + 4 * (i % 3))) for i, t in enumerate(four))


if __name__ == "__main__":
    main()

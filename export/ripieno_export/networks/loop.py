"""A generator of bars, its critic, and an encoder, all convolutional.

* The bar before and the chords are read step by step (pitches are channels) and folded
  into beats; noise unfolds them again, through transposed convolutions, into a new bar.
  Last, convolutions over pitch and time settle which rows of it are chord tones.
* Noise enters at every depth as a gain and an offset of each channel: a generator
  learns to ignore noise that enters only once.
* The bar is made binary on the way, its gradient that of the probability (a
  straight-through estimator), and a row sounds only on from an onset: fragments of
  notes cannot exist, and the critic never sees a shade that real bars have not.
* The critic sees bar, chords and the bar before; a step at a time, and as a picture; it
  is handed what ears notice first: pitch classes, how many strike, what is no chord
  tone. Its layers are spectrally normalised, so it needs no gradient penalty.
* An encoder finds the noise that a real bar may have come from, and the generator has
  to bring the bar back: so different noise means different bars. With a critic alone,
  all bars became alike. The encoder is not published.

Source: Dong et al. 2018, MuseGAN; Dong and Yang 2018, Convolutional GANs with binary
neurons; Miyato et al. 2018; Miyato and Koyama 2018 (the projection);
Larsen et al. 2016, Autoencoding beyond pixels; Zhu et al. 2017 (BicycleGAN).
"""

import math
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ripieno.layouts.pattern import (
    BEATS,
    CHORD,
    LOWEST,
    MANNER,
    NOISE,
    ONSET,
    ROWS,
    SOUND,
    STEPS,
    STEPS_IN_BEAT,
)

SLOPE: Final = 0.2
PLANES: Final = 8
"""The number of channels that the steps give to the last convolutions."""
PICTURE: Final = 16
GIVEN: Final = NOISE + MANNER
assert LOWEST % 12 == 0, "row 0 is a C, so rows fold into pitch classes"


def binary(probability: Tensor) -> Tensor:
    """1 where it is likely, else 0; the gradient is that of the probability."""
    hard = (probability > 0.5).to(probability.dtype)
    return hard + probability - probability.detach()


def sounding(onsets: Tensor, holds: Tensor) -> Tensor:
    """What sounds: from an onset on, as long as it is held. [B, STEPS, ROWS] each."""
    rows = [onsets[:, 0]]
    for step in range(1, STEPS):
        onset = onsets[:, step]
        rows.append(onset + (1 - onset) * holds[:, step] * rows[-1])
    return torch.stack(rows, 1)


def planes_of(chords: Tensor) -> Tensor:
    """Chord tones and roots as pictures: [B, BEATS, CHORD] → [B, 2, STEPS, ROWS]."""
    tones = torch.unflatten(chords, 2, (2, 12)).repeat(1, 1, 1, ROWS // 12)
    return tones.transpose(1, 2).repeat_interleave(STEPS_IN_BEAT, 2)


def steps_of(roll: Tensor) -> Tensor:
    """A roll with pitches as channels: [B, 2, STEPS, ROWS] → [B, 2 · ROWS, STEPS]."""
    return roll.transpose(2, 3).flatten(1, 2)


def chords_at(chords: Tensor) -> Tensor:
    """[B, BEATS, CHORD] → [B, CHORD, STEPS]."""
    return chords.transpose(1, 2).repeat_interleave(STEPS_IN_BEAT, 2)


class Turned(nn.Module):
    """A convolution whose channels noise turns up and down."""

    def __init__(self, convolution: nn.Module, channels: int) -> None:
        super().__init__()
        self.convolution = convolution
        self.norm = nn.GroupNorm(8, channels)
        self.gains = nn.Linear(GIVEN, 2 * channels)

    def forward(self, seen: Tensor, given: Tensor) -> Tensor:
        """[B, C, T], [B, GIVEN] → [B, C', T']."""
        gain, offset = self.gains(given)[..., None].chunk(2, 1)
        found = self.norm(self.convolution(seen)) * (1 + gain) + offset
        return nn.functional.leaky_relu(found, SLOPE)


class Generator(nn.Module):
    """Noise → a bar.

    Attributes:
        lean: what is added to the logits of onsets; chosen when it is published, since
            the mean of many generators is thinner than each of them.
        hold: the same of holds, since notes of one step are too many otherwise.
    """

    lean: float = 0.0
    hold: float = 0.0

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.read = nn.Conv1d(2 * ROWS + CHORD, hidden, 3, padding=1)
        self.fold = nn.ModuleList(
            nn.Conv1d(hidden, hidden, 4, stride=2, padding=1) for _ in range(2)
        )
        self.seed = nn.Linear(GIVEN + BEATS * CHORD, hidden * BEATS)
        self.beats = Turned(nn.Conv1d(2 * hidden, hidden, 3, padding=1), hidden)
        self.unfold = nn.ModuleList(
            Turned(nn.ConvTranspose1d(hidden, hidden, 4, stride=2, padding=1), hidden)
            for _ in range(2)
        )
        self.join = nn.ModuleList(
            Turned(nn.Conv1d(2 * hidden, hidden, 3, padding=1), hidden)
            for _ in range(2)
        )
        self.place = nn.Parameter(torch.randn(hidden, STEPS) * 0.02)
        self.write = Turned(nn.Conv1d(hidden, hidden, 3, padding=1), hidden)
        self.draw = nn.Conv1d(hidden, (PLANES + 2) * ROWS, 1)
        self.settle = nn.Sequential(
            nn.Conv2d(PLANES + 4, PICTURE, (3, 7), padding=(1, 3)),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(PICTURE, 2, (1, 3), padding=(0, 1)),
        )

    def logits(
        self, noise: Tensor, chords: Tensor, before: Tensor, manner: Tensor
    ) -> Tensor:
        """[B, NOISE], [B, BEATS, CHORD], a roll, [B, MANNER] → [B, 2, STEPS, ROWS].

        The layers: that a note begins here, and that it goes on.
        """
        given = torch.cat([noise, manner], 1)
        act = nn.functional.leaky_relu
        seen = [
            act(self.read(torch.cat([steps_of(before), chords_at(chords)], 1)), SLOPE)
        ]
        seen += [act(self.fold[0](seen[0]), SLOPE)]
        low = act(self.fold[1](seen[1]), SLOPE)
        seed = self.seed(torch.cat([given, chords.flatten(1)], 1))
        found = self.beats(
            torch.cat([act(seed.unflatten(1, (-1, BEATS)), SLOPE), low], 1), given
        )
        for unfold, join, skipped in zip(
            self.unfold, self.join, reversed(seen), strict=True
        ):
            found = join(torch.cat([unfold(found, given), skipped], 1), given)
        found = found + self.write(found + self.place, given)
        planes = torch.unflatten(self.draw(found), 1, (PLANES + 2, ROWS))
        drawn = planes.transpose(2, 3)
        picture = torch.cat([drawn[:, 2:], planes_of(chords), before], 1)
        found = drawn[:, :2] + self.settle(picture)
        begun, held = found.split(1, 1)
        return torch.cat([begun + self.lean, held + self.hold], 1)

    def forward(
        self, noise: Tensor, chords: Tensor, before: Tensor, manner: Tensor
    ) -> Tensor:
        """The same inputs → a roll, binary: [B, 2, STEPS, ROWS]."""
        chance = torch.sigmoid(self.logits(noise, chords, before, manner))
        onsets, holds = binary(chance).unbind(1)
        return torch.stack([onsets, sounding(onsets, holds)], 1)


class Critic(nn.Module):
    """How real a bar is, given its chords, the bar before, and the manner."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        norm = spectral_norm
        told = 4 * ROWS + CHORD + 12 + 2
        self.read = nn.Sequential(
            norm(nn.Conv1d(told, hidden, 3, padding=1)),
            nn.LeakyReLU(SLOPE),
            norm(nn.Conv1d(hidden, hidden, 4, stride=2, padding=1)),
            nn.LeakyReLU(SLOPE),
            norm(nn.Conv1d(hidden, hidden, 4, stride=2, padding=1)),
            nn.LeakyReLU(SLOPE),
            nn.Flatten(),
        )
        self.look = nn.Sequential(
            norm(nn.Conv2d(7, PICTURE, (3, 12), stride=(1, 3), padding=(1, 6))),
            nn.LeakyReLU(SLOPE),
            norm(
                nn.Conv2d(PICTURE, 2 * PICTURE, (4, 5), stride=(2, 2), padding=(1, 2))
            ),
            nn.LeakyReLU(SLOPE),
            norm(nn.Conv2d(2 * PICTURE, 2 * PICTURE, (4, 3), stride=(2, 2), padding=1)),
            nn.LeakyReLU(SLOPE),
            nn.Flatten(),
        )
        seen = hidden * BEATS + 2 * PICTURE * BEATS * 6
        self.think = nn.Sequential(norm(nn.Linear(seen, hidden)), nn.LeakyReLU(SLOPE))
        self.project = norm(nn.Linear(MANNER + BEATS * CHORD, hidden))
        self.score = norm(nn.Linear(hidden + 1, 1))

    def forward(
        self, roll: Tensor, chords: Tensor, before: Tensor, manner: Tensor
    ) -> Tensor:
        """A roll, [B, BEATS, CHORD], a roll, [B, MANNER] → [B]."""
        onsets, sound = roll[:, ONSET], roll[:, SOUND]
        planes = planes_of(chords)
        strange = onsets * (1 - planes[:, 0])
        folded = torch.unflatten(onsets, 2, (-1, 12)).sum(2)
        classes = folded.transpose(1, 2)  # [B, 12, T]
        counts = torch.stack([onsets.sum(2), strange.sum(2)], 1) / 4  # [B, 2, T]
        told = [steps_of(roll), steps_of(before), chords_at(chords), classes, counts]
        picture = torch.cat(
            [roll, before, planes, (sound * (1 - planes[:, 0]))[:, None]], 1
        )
        seen = torch.cat([self.read(torch.cat(told, 1)), self.look(picture)], 1)
        thought: Tensor = self.think(seen)
        spread = thought.std(0, unbiased=False).mean().expand(len(thought), 1)
        plain: Tensor = self.score(torch.cat([thought, spread], 1))[:, 0]
        given = torch.cat([manner, chords.flatten(1)], 1)
        fit: Tensor = (thought * self.project(given)).sum(1)
        return plain + fit / math.sqrt(thought.shape[1])


class Encoder(nn.Module):
    """A real bar → the noise that it may have come from; for training alone."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        told = 4 * ROWS + CHORD
        self.read = nn.Sequential(
            nn.Conv1d(told, hidden, 3, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Conv1d(hidden, hidden, 4, stride=2, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Conv1d(hidden, hidden, 4, stride=2, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Flatten(),
            nn.Linear(hidden * BEATS, 2 * NOISE),
        )

    def forward(self, roll: Tensor, chords: Tensor, before: Tensor) -> Tensor:
        """A roll, its chords, the roll before → means, log variances [B, 2 · NOISE]."""
        told = [steps_of(roll), steps_of(before), chords_at(chords)]
        found: Tensor = self.read(torch.cat(told, 1))
        return found


class Loop(nn.Module):
    """All of them, and the generator's running mean, which is what is published."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.generator, self.critic = Generator(hidden), Critic(hidden)
        self.encoder = Encoder(hidden)
        self.mean = Generator(hidden).requires_grad_(requires_grad=False)
        self.mean.load_state_dict(self.generator.state_dict())

    def forward(self, side: str, *inputs: Tensor) -> Tensor:
        """One of them by name; a wrapper around all of it sees every call."""
        if side == "logits":
            return self.generator.logits(*inputs)
        part = {"critic": self.critic, "generator": self.generator}
        found: Tensor = (part | {"encoder": self.encoder})[side](*inputs)
        return found

    @torch.no_grad()
    def average(self, kept: float) -> None:
        """Move the mean a little towards the generator."""
        for mean, now in zip(
            self.mean.parameters(), self.generator.parameters(), strict=True
        ):
            mean.lerp_(now, 1 - kept)

"""Teacher-forced reading: of a line of play, step by step, or of a network, at once."""

from itertools import pairwise

import numpy as np
import torch

from ripieno.inference.controls import Controls
from ripieno.inference.lines import Scored
from ripieno.layouts.vocabulary import FIELDS, SIZES, Event
from ripieno_export.evaluation.predictions import Reading
from ripieno_export.networks.events import EventNetwork
from ripieno_export.tokenize import Ints


def replay(line: Scored, events: Ints) -> Reading:
    """Predictions of one crop [T + 1, 4], through a line.

    Masks force every field to what was played, so that the logits of the next field
    are conditional on the truth.
    """
    line.reset()
    chosen = np.zeros((len(events) - 1, len(FIELDS)), np.int64)
    nats = np.zeros((len(events) - 1, len(FIELDS)))
    for number, (heard, told) in enumerate(pairwise(events)):
        masks = tuple(np.arange(n) == v for n, v in zip(SIZES, told, strict=True))
        line.step(Event(*heard.tolist()), Controls(masks=masks))
        for head, logits in enumerate(line.logits()):
            shifted = logits.astype(np.float64) - logits.max()
            nats[number, head] = np.log(np.exp(shifted).sum()) - shifted[told[head]]
            chosen[number, head] = logits.argmax()
    return Reading(chosen, nats)


def read_by(network: EventNetwork, events: Ints) -> Reading:
    """Predictions of crops [B, T + 1, 4], all at once."""
    with torch.no_grad():
        heard = torch.from_numpy(events)
        chosen, nats = [], []
        for head, logits in enumerate(network(heard)):
            shares = torch.log_softmax(logits.double(), -1)  # [B, T, V]
            told = heard[:, 1:, head, None]
            nats.append(-shares.gather(-1, told)[..., 0])
            chosen.append(logits.argmax(-1))
    return Reading(torch.stack(chosen, -1).numpy(), torch.stack(nats, -1).numpy())

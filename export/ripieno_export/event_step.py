"""The step graph of any event network: which one, for which family."""

from pathlib import Path

from ripieno_export import checkpoint, event_task
from ripieno_export.networks.events import EventNetwork
from ripieno_export.networks.recurrent import EventRecurrent
from ripieno_export.networks.transformer import EventTransformer
from ripieno_export.recurrent_step import RecurrentStep
from ripieno_export.step import Step
from ripieno_export.transformer_step import TransformerStep


def step_of(model: EventNetwork, events: int) -> Step:
    """The step of a network.

    Args:
        model: trained.
        events: how many events the crops had that it was trained on: a Transformer
            does not look back any farther.

    Raises:
        TypeError: there is no step for this network.
    """
    if isinstance(model, EventTransformer):
        return TransformerStep(model, events).eval()
    if isinstance(model, EventRecurrent):
        return RecurrentStep(model).eval()
    raise TypeError(f"{type(model).__name__} has no step graph")


def step_in(weights: Path) -> Step:
    """The step of the network in a checkpoint."""
    events = int(checkpoint.load(weights)["preset"]["events"])
    return step_of(event_task.network_of(weights), events)

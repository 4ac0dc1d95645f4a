"""Notochord, its GRU at its released size with random weights: feed, then query."""

import random
import warnings
from importlib import metadata

from turns import missing, serve

warnings.simplefilter("ignore")
try:
    import torch
    from notochord import Notochord
except (ImportError, OSError) as error:  # OSError: PortAudio is not there
    missing(f"{error}; pip install notochord, and name its Python with --python")

torch.set_num_threads(1)
torch.manual_seed(1)
model = Notochord().eval()
model.reset()
chance = random.Random(1)


def answer():
    """A note is heard; what comes next?"""
    model.feed(
        inst=1, pitch=chance.randrange(48, 84), time=0.2, vel=chance.randrange(1, 127)
    )
    model.query()


serve(
    {
        "notochord": metadata.version("notochord"),
        "torch": torch.__version__,
        "parameters": sum(weight.numel() for weight in model.parameters()),
    },
    answer,
)

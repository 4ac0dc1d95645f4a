"""What of a preset only the harmonizer knows: its ``[options]``."""

from typing import Annotated

import msgspec
from msgspec import Meta

Share = Annotated[float, Meta(ge=0.0, le=1.0)]


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How its crops are drawn and led.

    Attributes:
        motets: the share of crops drawn from motets, the rest being chorales and hymns.
        corrupted: the share of onsets whose history is falsified.
        own: the share of crops whose history is what the network answered itself.
        leash: how often such a crop is told the true history all the same.
        own_after: the step from which on that is done.
    """

    motets: Share = 0.25
    corrupted: Share = 0.15
    own: Share = 0.5
    leash: Share = 0.5
    own_after: int = 600

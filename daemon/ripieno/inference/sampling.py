"""Sampling: mask, temperature, top-p, inverse CDF.

The graph of a step model does the same inside ONNX and is tested against this. Models
without sampling in the graph use this. Noise is an argument, so the same noise gives
the same choice.
"""

import numpy as np
import numpy.typing as npt


def sample(
    logits: npt.NDArray[np.float32],
    mask: npt.NDArray[np.bool_],
    temperature: float = 1.0,
    top_p: float = 1.0,
    noise: float = 0.5,
) -> int:
    """Return the index that is chosen.

    Args:
        logits: shape (n,), unnormalised log-probabilities.
        mask: shape (n,), True where a choice is allowed; at least one must be.
        temperature: divides the logits; 1e-4 at least.
        top_p: keeps the smallest set of likeliest choices that holds this share.
        noise: a uniform number in [0, 1).

    Raises:
        ValueError: the mask allows nothing.
    """
    if not mask.any():
        raise ValueError("the mask allows nothing")
    scaled = np.where(mask, logits / max(temperature, 1e-4), -np.inf)
    weights = np.exp(scaled - scaled.max())
    order = np.argsort(-weights, kind="stable")
    shares = weights[order] / weights.sum()
    before = np.cumsum(shares) - shares
    is_kept = (before < top_p) & (shares > 0)
    kept = np.cumsum(np.where(is_kept, shares, 0.0))
    place = int(np.searchsorted(kept, noise * kept[-1], side="right"))
    return int(order[min(place, int(np.count_nonzero(is_kept)) - 1)])

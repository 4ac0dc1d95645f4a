"""How each model family encodes music, with fingerprints; shared with training."""

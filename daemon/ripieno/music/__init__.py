"""Values shared with training: time, messages, plans, scales, the vocabulary."""

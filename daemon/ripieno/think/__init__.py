"""Performance → plan: models, constraints, sampling, and a fallback without them."""

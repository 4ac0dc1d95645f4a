"""Performance → plan: one module for each model family."""

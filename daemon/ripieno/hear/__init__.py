"""MIDI in → performance: what was played, and when a phrase is over."""

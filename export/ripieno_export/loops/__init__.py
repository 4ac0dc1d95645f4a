"""The loop: bars of accompaniment, a generator and its critic."""

"""Communication between our processes: shared memory, rings, messages."""

"""What lies between our processes: shared memory, rings, notes to the supervisor."""

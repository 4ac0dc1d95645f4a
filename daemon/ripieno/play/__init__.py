"""Plan → MIDI out: the schedule in ticks, and the ledger of what sounds."""

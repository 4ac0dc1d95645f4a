"""Who owns the tempo: our own clock, or MIDI clock."""

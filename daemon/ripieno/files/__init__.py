"""Standard MIDI files, charts and journals."""

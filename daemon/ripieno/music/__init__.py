"""Musical values: time, meter, chords, scales, charts, voicings, messages."""

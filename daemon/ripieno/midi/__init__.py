"""The edge to MIDI: ports, the byte parser, Standard MIDI files."""

"""Live MIDI: JACK to the frame, rtmidi, and ports in memory."""

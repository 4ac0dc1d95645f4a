"""The edge to sound: the monitor voice, WAV files, SoundFonts, sound devices."""

"""The sound of a take: voices, a WAV file, and sound devices."""

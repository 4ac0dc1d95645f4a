"""Chooses chords, for the roles that play on the beat."""

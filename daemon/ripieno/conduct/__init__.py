"""What all that play share: the chord of a beat."""

"""What plays without a model: harmony, a fallback for turns, parallel motion."""

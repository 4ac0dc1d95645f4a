"""The phrase encoder: what is alike in music, learned from windows of pieces."""

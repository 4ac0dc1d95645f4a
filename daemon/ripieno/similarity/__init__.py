"""How alike two pieces are: embeddings, and runs of intervals."""

"""Models: their folders, their graphs, and ONNX Runtime, which runs them.

Only `bound` runs graphs. Nothing here reads a clock.
"""

"""Models: their folders, their graphs, and ONNX Runtime, which runs them."""

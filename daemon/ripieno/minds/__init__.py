"""Performance → plan: one module for each model family.

None of them reads a clock or knows ONNX Runtime.
"""

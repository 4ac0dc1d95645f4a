"""The harmonizer's model: four-part writing learned from chorales, hymns and motets."""

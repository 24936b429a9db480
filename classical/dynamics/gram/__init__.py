"""Gram dynamics: rows follow the motion through the Gram matrix of the examples, and sleep until they could fire."""

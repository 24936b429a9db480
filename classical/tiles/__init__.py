"""Weights stored by input in tiles of 64 outputs, for queries most of whose coordinates are zero."""

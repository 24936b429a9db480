"""Training a deep network with a finder for each layer."""

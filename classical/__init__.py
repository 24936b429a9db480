"""Classical finders and the training loop of half-space-reporting training."""

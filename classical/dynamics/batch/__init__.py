"""Training on a few examples at a time, on lists that survive between the batches."""

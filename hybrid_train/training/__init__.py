"""What the training loop asks for: dynamics, batches, losses, adversaries."""

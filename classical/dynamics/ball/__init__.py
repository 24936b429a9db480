"""Training on examples that an adversary moves, on lists that cover its whole ball."""

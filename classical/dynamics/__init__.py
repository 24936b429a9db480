"""Ways of training a network: through the sets a finder finds, or faster on lists of their own."""

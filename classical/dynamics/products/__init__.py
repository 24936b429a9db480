"""Dynamics by matrix products: every neuron multiplied with every example of a step."""

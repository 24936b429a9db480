"""Runs and comparisons: from a config to a results directory."""

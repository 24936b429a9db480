"""The training loop: one for every algorithm."""

from __future__ import annotations

from classical.training.loop import StepRecord, Training, gradient_descent, two_layer_dynamics

__all__ = ["StepRecord", "Training", "gradient_descent", "two_layer_dynamics"]

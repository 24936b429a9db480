"""The peers of the SGD benchmark: the same mini-batch step done densely in PyTorch, as a user writes it and by hand.

All train f(x) = m^{-1/2} sum_r a_r max(<w_r, x> - b, 0) on the squared loss, in float32, on all cores.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from hybrid_train.support.processors import usable_processors


class DenseSgd(ABC):
    """A network at W(0) and its dense step.

    Args:
        weights: (m, d) float32 W(0); copied.
        signs: (m,) a.
        threshold: b.
        rate: eta.
    """

    name: str

    def __init__(self, weights: np.ndarray, signs: np.ndarray, threshold: float, rate: float) -> None:
        import torch

        self.torch: Any = torch
        torch.set_num_threads(usable_processors())
        self.signs = torch.tensor(signs, dtype=torch.float32) / math.sqrt(len(weights))
        self.threshold, self.rate = threshold, rate
        self.keep(torch.tensor(weights))

    @abstractmethod
    def keep(self, weights: Any) -> None:
        """Take W(0)."""

    @abstractmethod
    def step(self, inputs: Any, targets: Any, factors: Any) -> Any:
        """Take one step and return the (B,) residuals before it."""

    def take(self, inputs: np.ndarray, targets: np.ndarray, factors: np.ndarray) -> float:
        """Take one step on a batch and return its loss, each example counted with its factor."""
        torch = self.torch
        x, y, c = (torch.tensor(part, dtype=torch.float32) for part in (inputs, targets, factors))
        residual = self.step(x, y, c)
        return float((0.5 * c * residual**2).sum())


class Autograd(DenseSgd):
    """As a user writes it: autograd and ``torch.optim.SGD``."""

    name = "autograd"

    def keep(self, weights: Any) -> None:
        self.weights = weights.requires_grad_()
        self.optimizer = self.torch.optim.SGD([self.weights], lr=self.rate)

    def step(self, inputs: Any, targets: Any, factors: Any) -> Any:
        self.optimizer.zero_grad()
        residual = self.torch.relu(inputs @ self.weights.T - self.threshold) @ self.signs - targets
        (0.5 * factors * residual**2).sum().backward()
        self.optimizer.step()
        return residual.detach()


class ByHand(DenseSgd):
    """Without autograd: in-place operations, the update fused into the matrix product."""

    name = "by hand"

    def keep(self, weights: Any) -> None:
        self.weights = weights

    def step(self, inputs: Any, targets: Any, factors: Any) -> Any:
        torch = self.torch
        with torch.no_grad():
            excess = torch.mm(inputs, self.weights.T).sub_(self.threshold).clamp_(min=0.0)
            residual = excess @ self.signs - targets
            pull = excess.gt_(0.0).mul_(self.signs).mul_((factors * residual)[:, None])
            self.weights.addmm_(pull.T, inputs, alpha=-self.rate)
        return residual


class ByHandTransposed(ByHand):
    """The same with the weights stored as (d, m)."""

    name = "by hand, transposed"

    def keep(self, weights: Any) -> None:
        self.weights = weights.T.contiguous().T

    def step(self, inputs: Any, targets: Any, factors: Any) -> Any:
        torch, columns = self.torch, self.weights.T
        with torch.no_grad():
            excess = torch.mm(inputs, columns).sub_(self.threshold).clamp_(min=0.0)
            residual = excess @ self.signs - targets
            pull = excess.gt_(0.0).mul_(self.signs).mul_((factors * residual)[:, None])
            columns.addmm_(inputs.T, pull, alpha=-self.rate)
        return residual


PEERS: tuple[type[DenseSgd], ...] = (Autograd, ByHand, ByHandTransposed)


def fastest(make: Any, batch: tuple[np.ndarray, np.ndarray, np.ndarray], steps: int = 3) -> tuple[type[DenseSgd], Any]:
    """Return the class with the fastest step, and the milliseconds of each by name.

    Args:
        make: called with a class, returns it at W(0).
        batch: inputs, targets and factors.
        steps: timed, after one that is not.
    """
    times = {}
    for kind in PEERS:
        peer = make(kind)
        peer.take(*batch)
        started = time.perf_counter()
        for _ in range(steps):
            peer.take(*batch)
        times[kind] = 1e3 * (time.perf_counter() - started) / steps
    return min(times, key=lambda kind: times[kind]), {kind.name: times[kind] for kind in PEERS}

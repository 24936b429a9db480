"""The peers of the deep benchmark: the same full-batch step with dense products, in PyTorch and in NumPy.

All train f(x) = B h_2, h_l = max(W_l h_{l-1} - b_l, 0) on the squared loss, W_1 and W_2 moving, in float32, on all
processors. h_0 = max(A x - b_0, 0) never changes and is computed once.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from hybrid_train.network.deep import DeepNetwork


class Peer(ABC):
    """A network at W(0) and its dense step.

    Args:
        network: two trained layers; copied.
        inputs: (n, d).
        targets: (n, 1).
        rate: eta.
    """

    name: str

    def __init__(self, network: DeepNetwork, inputs: np.ndarray, targets: np.ndarray, rate: float) -> None:
        first, *trained = [(layer.blocks[0].points[:], layer.threshold) for layer in network.layers]
        hidden = np.maximum(inputs.astype(np.float32) @ first[0].T - np.float32(first[1]), 0)
        self.thresholds, self.rate = [threshold for _, threshold in trained], rate
        self.keep([np.array(weights) for weights, _ in trained], hidden)
        self.ends(network.output_weights.astype(np.float32).T, targets.astype(np.float32))

    @abstractmethod
    def keep(self, weights: list[np.ndarray], hidden: np.ndarray) -> None:
        """Take W(0) and h_0."""

    @abstractmethod
    def ends(self, output: np.ndarray, targets: np.ndarray) -> None:
        """Take B^T (m, 1) and the targets."""

    @abstractmethod
    def step(self) -> float:
        """Take one step and return the loss before it."""


class Torch(Peer):
    """What all ways of writing it in PyTorch have in common."""

    def keep(self, weights: list[np.ndarray], hidden: np.ndarray) -> None:
        import torch

        self.torch: Any = torch
        torch.set_num_threads(os.cpu_count() or 1)
        self.weights = [torch.from_numpy(matrix) for matrix in weights]
        self.hidden = torch.from_numpy(hidden)

    def ends(self, output: np.ndarray, targets: np.ndarray) -> None:
        self.output, self.targets = self.torch.from_numpy(output.copy()), self.torch.from_numpy(targets)


class Autograd(Torch):
    """As a user writes it: autograd and ``torch.optim.SGD``."""

    name = "autograd"

    def keep(self, weights: list[np.ndarray], hidden: np.ndarray) -> None:
        super().keep(weights, hidden)
        for matrix in self.weights:
            matrix.requires_grad_()
        self.optimizer = self.torch.optim.SGD(self.weights, lr=self.rate)

    def step(self) -> float:
        torch, h = self.torch, self.hidden
        self.optimizer.zero_grad()
        for matrix, threshold in zip(self.weights, self.thresholds, strict=True):
            h = torch.relu(h @ matrix.T - threshold)
        loss = 0.5 * ((h @ self.output - self.targets) ** 2).sum()
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())


class ByHand(Torch):
    """Without autograd: in-place operations, the updates fused into the matrix products."""

    name = "by hand"

    def step(self) -> float:
        torch, (one, two) = self.torch, self.weights
        with torch.no_grad():
            first = torch.mm(self.hidden, one.T).sub_(self.thresholds[0]).clamp_(min=0.0)
            second = torch.mm(first, two.T).sub_(self.thresholds[1]).clamp_(min=0.0)
            residual = second @ self.output - self.targets
            above = (residual @ self.output.T).mul_(second.gt_(0.0))
            below = torch.mm(above, two).mul_(first > 0.0)
            two.addmm_(above.T, first, alpha=-self.rate)
            one.addmm_(below.T, self.hidden, alpha=-self.rate)
        return float(0.5 * (residual**2).sum())


class Compiled(ByHand):
    """The same through ``torch.compile``."""

    name = "compiled"

    def ends(self, output: np.ndarray, targets: np.ndarray) -> None:
        super().ends(output, targets)
        (low, high), rate = self.thresholds, self.rate

        def step(one: Any, two: Any, hidden: Any, output: Any, targets: Any) -> Any:
            first = (hidden @ one.T - low).clamp(min=0.0)
            second = (first @ two.T - high).clamp(min=0.0)
            residual = second @ output - targets
            above = (residual @ output.T) * (second > 0.0)
            below = (above @ two) * (first > 0.0)
            two.sub_(above.T @ first, alpha=rate)
            one.sub_(below.T @ hidden, alpha=rate)
            return residual

        self.compiled = self.torch.compile(step, dynamic=False)

    def step(self) -> float:
        with self.torch.no_grad():
            residual = self.compiled(*self.weights, self.hidden, self.output, self.targets)
        return float(0.5 * (residual**2).sum())


class NumpyDense(Peer):
    """NumPy, written like the one by hand; the updates go through blocks of rows, so that no second matrix is held."""

    name = "NumPy dense"

    _ROWS = 256

    def keep(self, weights: list[np.ndarray], hidden: np.ndarray) -> None:
        self.weights, self.hidden = weights, hidden

    def ends(self, output: np.ndarray, targets: np.ndarray) -> None:
        self.output, self.targets = output, targets

    def step(self) -> float:
        one, two = self.weights
        first = np.maximum(self.hidden @ one.T - np.float32(self.thresholds[0]), 0)
        second = np.maximum(first @ two.T - np.float32(self.thresholds[1]), 0)
        residual = second @ self.output - self.targets
        above = np.float32(-self.rate) * (residual @ self.output.T) * (second > 0)
        below = (above @ two) * (first > 0)
        for matrix, errors, hidden in ((two, above, first), (one, below, self.hidden)):
            for start in range(0, len(matrix), self._ROWS):
                matrix[start : start + self._ROWS] += errors[:, start : start + self._ROWS].T @ hidden
        return float(0.5 * np.square(residual, dtype=np.float64).sum())


PYTORCH: tuple[type[Torch], ...] = (Autograd, ByHand, Compiled)

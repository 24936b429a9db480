"""Peers of the benchmark on real data: the same step done densely, for any number of outputs and two losses.

All train f_k(x) = m^{-1/2} sum_r a_rk max(<w_r, x> - b, 0), in float32, on all cores: three ways of writing it in
PyTorch, and one pass over blocks of neurons that stay in the cache.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np

from hybrid_train.support.kernels import kernel
from hybrid_train.support.parallel import one_blas_thread
from hybrid_train.support.processors import usable_processors
from hybrid_train.training.losses import CrossEntropyLoss, Loss


class Dense(ABC):
    """A network at W(0) and its dense step.

    Args:
        weights: (m, d) float32 W(0); copied.
        signs: (m, K) a.
        threshold: b.
        rate: eta.
        loss: squared or cross-entropy.
    """

    name: str

    def __init__(self, weights: np.ndarray, signs: np.ndarray, threshold: float, rate: float, loss: Loss) -> None:
        self.scaled = (signs / math.sqrt(len(weights))).astype(np.float32)
        self.threshold, self.rate, self.loss = threshold, rate, loss
        self.keep(weights.copy())

    @abstractmethod
    def keep(self, weights: np.ndarray) -> None:
        """Take W(0)."""

    @abstractmethod
    def step(self, inputs: np.ndarray, targets: np.ndarray, factor: float) -> np.ndarray:
        """Take one step on (B, d) examples, each counted so often; return the (B, K) outputs before it."""


class _Torch(Dense):
    def keep(self, weights: np.ndarray) -> None:
        import torch

        self.torch: Any = torch
        torch.set_num_threads(usable_processors())
        self.signs = torch.tensor(self.scaled)
        self.put(torch.tensor(weights))

    def put(self, weights: Any) -> None:
        self.weights = weights

    def tensors(self, *arrays: np.ndarray) -> list[Any]:
        """Return float32 tensors."""
        return [self.torch.tensor(array, dtype=self.torch.float32) for array in arrays]

    def slope(self, outputs: Any, targets: Any) -> Any:
        """Return the derivative of the loss in the outputs."""
        return (self.torch.softmax(outputs, 1) if isinstance(self.loss, CrossEntropyLoss) else outputs) - targets


class Autograd(_Torch):
    """As a user writes it: autograd and ``torch.optim.SGD``."""

    name = "autograd"

    def put(self, weights: Any) -> None:
        self.weights = weights.requires_grad_()
        self.optimizer = self.torch.optim.SGD([self.weights], lr=self.rate)

    def step(self, inputs: np.ndarray, targets: np.ndarray, factor: float) -> np.ndarray:
        torch = self.torch
        x, y = self.tensors(inputs, targets)
        self.optimizer.zero_grad()
        outputs = torch.relu(x @ self.weights.T - self.threshold) @ self.signs
        if isinstance(self.loss, CrossEntropyLoss):
            value = -(y * torch.log_softmax(outputs, 1)).sum()
        else:
            value = 0.5 * ((outputs - y) ** 2).sum()
        (factor * value).backward()
        self.optimizer.step()
        return np.asarray(outputs.detach().numpy())


class ByHand(_Torch):
    """Without autograd: in-place operations, the update fused into the matrix product."""

    name = "by hand"

    def step(self, inputs: np.ndarray, targets: np.ndarray, factor: float) -> np.ndarray:
        torch = self.torch
        x, y = self.tensors(inputs, targets)
        with torch.no_grad():
            excess = torch.mm(x, self.weights.T).sub_(self.threshold).clamp_(min=0.0)
            outputs = excess @ self.signs
            pull = excess.gt_(0.0).mul_(self.slope(outputs, y) @ self.signs.T)
            self.weights.addmm_(pull.T, x, alpha=-self.rate * factor)
        return np.asarray(outputs.numpy())


class ByHandTransposed(ByHand):
    """The same with the weights stored as (d, m)."""

    name = "by hand, transposed"

    def put(self, weights: Any) -> None:
        self.columns = weights.T.contiguous()
        self.weights = self.columns.T

    def step(self, inputs: np.ndarray, targets: np.ndarray, factor: float) -> np.ndarray:
        torch = self.torch
        x, y = self.tensors(inputs, targets)
        with torch.no_grad():
            excess = torch.mm(x, self.columns).sub_(self.threshold).clamp_(min=0.0)
            outputs = excess @ self.signs
            pull = excess.gt_(0.0).mul_(self.slope(outputs, y) @ self.signs.T)
            self.columns.addmm_(x.T, pull, alpha=-self.rate * factor)
        return np.asarray(outputs.numpy())


class Blocked(Dense):
    """One pass over blocks of neurons: the update of the last step and the evaluation of the next, threshold fused.

    For the same examples at every step.
    """

    name = "blocked dense"
    block = 512

    def keep(self, weights: np.ndarray) -> None:
        self.weights = weights
        self._outputs: np.ndarray | None = None
        self._mask: np.ndarray | None = None

    def step(self, inputs: np.ndarray, targets: np.ndarray, factor: float) -> np.ndarray:
        x = np.ascontiguousarray(inputs, np.float32)
        if self._outputs is None:
            self._mask = np.zeros((len(self.weights), len(x)), np.uint8)
            self._outputs = self._pass(x, None)
        outputs = self._outputs
        slope = self.loss.derivative(outputs, targets)
        self._outputs = self._pass(x, (-self.rate * factor * slope).astype(np.float32))
        return outputs

    def _pass(self, x: np.ndarray, pull: np.ndarray | None) -> np.ndarray:
        threads = usable_processors()
        bounds = [len(self.weights) * part // threads for part in range(threads + 1)]
        with one_blas_thread(), ThreadPoolExecutor(threads) as pool:
            return np.asarray(sum(pool.map(lambda part: self._range(x, pull, *part), pairwise(bounds))))

    def _range(self, x: np.ndarray, pull: np.ndarray | None, first: int, last: int) -> np.ndarray:
        assert self._mask is not None
        outputs, products = np.zeros((len(x), self.scaled.shape[1])), np.empty((self.block, len(x)), np.float32)
        for start in range(first, last, self.block):
            rows = slice(start, min(start + self.block, last))
            z, signs, mask = products[: rows.stop - rows.start], self.scaled[rows], self._mask[rows]
            if pull is not None:
                np.matmul(signs, pull.T, out=z)
                _mask(z, mask)
                self.weights[rows] += z @ x
            np.matmul(self.weights[rows], x.T, out=z)
            _excess(z, np.float32(self.threshold), mask)
            outputs += z.T @ signs
        return outputs


@kernel
def _mask(z: Any, mask: Any) -> None:
    for r in range(z.shape[0]):
        for i in range(z.shape[1]):
            z[r, i] = z[r, i] if mask[r, i] else np.float32(0.0)


@kernel
def _excess(z: Any, threshold: Any, mask: Any) -> None:
    for r in range(z.shape[0]):
        for i in range(z.shape[1]):
            excess = z[r, i] - threshold
            mask[r, i] = excess > 0
            z[r, i] = max(excess, np.float32(0.0))


TORCH: tuple[type[Dense], ...] = (Autograd, ByHand, ByHandTransposed)


def fastest(
    kinds: Sequence[type[Dense]], make: Callable[[type[Dense]], Dense], batch: tuple[np.ndarray, np.ndarray, float]
) -> type[Dense]:
    """Return the class whose second step on a batch takes least time."""
    seconds = {}
    for kind in kinds:
        peer = make(kind)
        peer.step(*batch)
        began = time.perf_counter()
        peer.step(*batch)
        seconds[kind] = time.perf_counter() - began
    return min(seconds, key=lambda kind: seconds[kind])

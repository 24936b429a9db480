"""Peers of the training benchmarks: the same full-batch step done densely, as a user writes it and as best we can.

Both train f(x) = m^{-1/2} sum_r a_r max(<w_r, x> - b, 0) on the squared loss, in float32, on all cores.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np

from hybrid_train.support.kernels import kernel
from hybrid_train.support.parallel import one_blas_thread
from hybrid_train.support.processors import usable_processors


class TorchDense:
    """PyTorch as a user writes it: autograd through one matrix product, plain SGD.

    Args:
        weights: (m, d) float32 W(0); copied.
        signs: (m,) a.
        threshold: b.
        inputs: (n, d).
        targets: (n,).
        rate: eta.
    """

    name = "PyTorch dense"

    def __init__(
        self,
        weights: np.ndarray,
        signs: np.ndarray,
        threshold: float,
        inputs: np.ndarray,
        targets: np.ndarray,
        rate: float,
    ) -> None:
        import torch

        self._torch = torch
        torch.set_num_threads(usable_processors())
        self._weights = torch.tensor(weights, requires_grad=True)
        self._signs = torch.tensor(signs, dtype=torch.float32)
        self._inputs = torch.tensor(inputs, dtype=torch.float32)
        self._targets = torch.tensor(targets, dtype=torch.float32)
        self._threshold, self._scale = threshold, 1 / math.sqrt(len(weights))
        self._optimizer = torch.optim.SGD([self._weights], lr=rate)

    def step(self) -> float:
        """Take one step and return the loss before it."""
        torch = self._torch
        self._optimizer.zero_grad()
        hidden = torch.relu(self._inputs @ self._weights.T - self._threshold)
        outputs = hidden @ self._signs * self._scale
        loss = 0.5 * ((outputs - self._targets) ** 2).sum()
        loss.backward()
        self._optimizer.step()
        return float(loss.detach())


class BlockedDense:
    """The best dense step we know: one pass over blocks of neurons that stay in the cache.

    The update of the last step is fused with the evaluation of the next: for a block, W_b -= eta C_b X, Z = W_b X^T,
    and one compiled loop turns Z into outputs and the block's part of the mask. The mask is either kept (one byte a
    pair, n x m of them) or found again by another product; the faster of the two is to be taken.

    Args:
        weights: (m, d) float32; moved in place.
        keep_mask: keep the mask instead of computing it again.
        block: neurons in a block.

    The others are those of :class:`TorchDense`.
    """

    name = "blocked dense"

    def __init__(
        self,
        weights: np.ndarray,
        signs: np.ndarray,
        threshold: float,
        inputs: np.ndarray,
        targets: np.ndarray,
        rate: float,
        *,
        keep_mask: bool = False,
        block: int = 2048,
    ) -> None:
        self._weights = weights
        self._signs = np.ascontiguousarray(signs, np.float32)
        self._inputs = np.ascontiguousarray(inputs, np.float32)
        self._targets = targets
        self._threshold, self._rate = np.float32(threshold), rate
        self._block, self._threads = block, usable_processors()
        self._scale = 1 / math.sqrt(len(weights))
        self._mask = np.zeros((len(weights), len(inputs)), np.uint8) if keep_mask else None
        self._outputs: np.ndarray | None = None

    def step(self) -> float:
        """Take one step and return the loss before it."""
        if self._outputs is None:
            self._outputs = self._pass(None)
        residual = self._outputs - self._targets
        self._outputs = self._pass((-self._rate * self._scale * residual).astype(np.float32))
        return float(0.5 * np.square(residual).sum())

    def _pass(self, pull: np.ndarray | None) -> np.ndarray:
        """Move by ``pull`` (n,), each datum's part of the step, if there is one; return the outputs."""
        m = len(self._weights)
        bounds = [m * part // self._threads for part in range(self._threads + 1)]
        with one_blas_thread(), ThreadPoolExecutor(self._threads) as pool:
            parts = list(pool.map(lambda part: self._range(pull, *part), pairwise(bounds)))
        return sum(parts) * self._scale

    def _range(self, pull: np.ndarray | None, first: int, last: int) -> np.ndarray:
        n = len(self._inputs)
        transposed = np.ascontiguousarray(self._inputs.T)
        products = np.empty((self._block, n), np.float32)
        pulls = np.empty((self._block, n), np.float32)
        change = np.empty((self._block, self._inputs.shape[1]), np.float32)
        outputs = np.zeros(n)
        for start in range(first, last, self._block):
            rows = slice(start, min(start + self._block, last))
            size = rows.stop - rows.start
            weights, signs, z = self._weights[rows], self._signs[rows], products[:size]
            if pull is not None:
                if self._mask is None:
                    np.matmul(weights, transposed, out=z)
                    _pulls(z, signs, self._threshold, pull, pulls[:size])
                else:
                    _kept_pulls(self._mask[rows], signs, pull, pulls[:size])
                np.matmul(pulls[:size], self._inputs, out=change[:size])
                np.add(weights, change[:size], out=weights)
            np.matmul(weights, transposed, out=z)
            if self._mask is None:
                _sums(z, signs, self._threshold, outputs)
            else:
                _sums_and_mask(z, signs, self._threshold, outputs, self._mask[rows])
        return outputs


def fastest_blocked(make: Any) -> dict[str, Any]:
    """Return the options of :class:`BlockedDense` under which two steps take least time.

    Args:
        make: called with the options, returns a fresh :class:`BlockedDense`.
    """
    import time

    seconds = {}
    for keep_mask in (False, True):
        for block in (512, 2048, 8192):
            dense = make(keep_mask=keep_mask, block=block)
            dense.step()
            started = time.perf_counter()
            dense.step()
            dense.step()
            seconds[keep_mask, block] = time.perf_counter() - started
    keep_mask, block = min(seconds, key=lambda options: seconds[options])
    return {"keep_mask": keep_mask, "block": block}


@kernel
def _pulls(z: Any, signs: Any, threshold: Any, pull: Any, out: Any) -> None:
    for r in range(z.shape[0]):
        sign = signs[r]
        for i in range(z.shape[1]):
            out[r, i] = sign * pull[i] if z[r, i] > threshold else np.float32(0.0)


@kernel
def _kept_pulls(mask: Any, signs: Any, pull: Any, out: Any) -> None:
    for r in range(mask.shape[0]):
        sign = signs[r]
        for i in range(mask.shape[1]):
            out[r, i] = sign * pull[i] if mask[r, i] else np.float32(0.0)


@kernel
def _sums(z: Any, signs: Any, threshold: Any, outputs: Any) -> None:
    for r in range(z.shape[0]):
        sign = signs[r]
        for i in range(z.shape[1]):
            outputs[i] += sign * max(z[r, i] - threshold, np.float32(0.0))


@kernel
def _sums_and_mask(z: Any, signs: Any, threshold: Any, outputs: Any, mask: Any) -> None:
    for r in range(z.shape[0]):
        sign = signs[r]
        for i in range(z.shape[1]):
            excess = z[r, i] - threshold
            mask[r, i] = excess > 0
            outputs[i] += sign * max(excess, np.float32(0.0))

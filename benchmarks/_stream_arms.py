"""The arms of the streaming benchmark: ours through the registry, and peers that answer the same question.

Every arm is built once on the points and then answers batch after batch of fresh queries, with the set of each query
as (query ids, point ids), in any order within a query.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from typing import Any, final

import numpy as np
import numpy.typing as npt
from sklearn.neighbors import BallTree, KDTree

from hybrid_train.finder.bank import DenseBank
from hybrid_train.finder.registry import make_finder
from hybrid_train.support.parallel import one_blas_thread
from hybrid_train.support.processors import usable_processors

STEPS = 1000
"""Length of the run that finders are told to expect."""

Array = npt.NDArray[Any]
Pairs = tuple[Array, Array]


class Arm(ABC):
    """One way of answering."""

    @abstractmethod
    def __init__(self, points: Array, queries: Array, threshold: float) -> None:
        """Prepare for these points; ``queries`` are an example of what will come."""

    @abstractmethod
    def answer(self, queries: Array) -> Any:
        """Answer a batch of queries (timed)."""

    @abstractmethod
    def pairs(self, answer: Any) -> Pairs:
        """Return the answer's (query ids, point ids) (not timed)."""


class _Ours(Arm):
    kind: str

    def __init__(self, points: Array, queries: Array, threshold: float) -> None:
        self.queries = DenseBank(queries)
        self.rows = np.arange(len(queries))
        self.finder = make_finder(self.kind)
        self.finder.plan(total_queries=len(queries) * STEPS)
        self.finder.build(DenseBank(points), self.queries, threshold)

    def answer(self, queries: Array) -> Any:
        self.queries.assign(self.rows, queries)
        self.finder.move_queries(self.rows, queries)
        return self.finder.find()

    def pairs(self, answer: Any) -> Pairs:
        return answer.query_ids, answer.point_ids


def ours(name: str) -> type[Arm]:
    """Return the arm of a registered finder."""
    return type(name, (_Ours,), {"kind": name})


@final
class NumpyDense(Arm):
    """Blocked matrix products with the threshold fused in, the points shared out among threads; the block tuned."""

    def __init__(self, points: Array, queries: Array, threshold: float) -> None:
        self.points, self.threshold = points, np.float32(threshold)
        self.threads = usable_processors()
        self.pool = ThreadPoolExecutor(self.threads)
        self.block = _fastest((1024, 2048, 4096, 8192, 16384), self._with_block, queries)

    def _with_block(self, block: int, queries: Array) -> None:
        self.block = block
        self.answer(queries)

    def answer(self, queries: Array) -> Any:
        bounds = np.linspace(0, len(self.points), self.threads + 1).astype(int)
        with one_blas_thread():
            parts = list(self.pool.map(lambda first, last: self._scan(queries, first, last), bounds[:-1], bounds[1:]))
        rows, ids, values = (np.concatenate(part) for part in zip(*parts, strict=True))
        order = np.argsort(rows, kind="stable")
        return np.bincount(rows, minlength=len(queries)), ids[order], values[order]

    def _scan(self, queries: Array, first: int, last: int) -> tuple[Array, Array, Array]:
        """Return (query, point, inner product) of the active pairs of a range of points."""
        rows, ids, values = [], [], []
        room = np.empty((len(queries), self.block), np.float32)
        above = np.empty((len(queries), self.block), bool)
        for start in range(first, last, self.block):
            points = self.points[start : min(start + self.block, last)]
            products, over = room, above
            if len(points) < self.block:
                products, over = room[:, : len(points)].copy(), above[:, : len(points)].copy()
            np.matmul(queries, points.T, out=products)
            np.greater(products, self.threshold, out=over)
            flat = np.flatnonzero(over)
            row = flat // len(points)
            rows.append(row.astype(np.uint8 if len(queries) <= 256 else np.int64))  # bytes are sorted faster
            ids.append(flat - row * len(points) + start)
            values.append(products.reshape(-1)[flat])
        return np.concatenate(rows), np.concatenate(ids), np.concatenate(values)

    def pairs(self, answer: Any) -> Pairs:
        return np.repeat(np.arange(len(answer[0])), answer[0]), answer[1]


@final
class TorchDense(Arm):
    """The same in PyTorch, on its own threads; the block tuned."""

    def __init__(self, points: Array, queries: Array, threshold: float) -> None:
        import torch

        self.torch = torch
        self.points, self.threshold = torch.from_numpy(points), threshold
        self.block = _fastest((2048, 8192, 32768, len(points)), self._with_block, queries)

    def _with_block(self, block: int, queries: Array) -> None:
        self.block = block
        self.answer(queries)

    def answer(self, queries: Array) -> Any:
        torch, found = self.torch, []
        asked = torch.from_numpy(queries)
        for start in range(0, len(self.points), self.block):
            products = asked @ self.points[start : start + self.block].T
            rows, ids = torch.nonzero(products > self.threshold, as_tuple=True)
            found.append((rows, ids + start, products[rows, ids]))
        rows, ids, values = (torch.cat(part) for part in zip(*found, strict=True))
        order = torch.argsort(rows.to(torch.uint8), stable=True)
        return rows[order], ids[order], values[order]

    def pairs(self, answer: Any) -> Pairs:
        return answer[0].numpy(), answer[1].numpy()


@final
class Faiss(Arm):
    """FAISS IndexFlatIP.range_search: inner products strictly above the radius."""

    def __init__(self, points: Array, queries: Array, threshold: float) -> None:
        import faiss

        self.index, self.threshold = faiss.IndexFlatIP(points.shape[1]), threshold
        self.index.add(points)

    def answer(self, queries: Array) -> Any:
        return self.index.range_search(queries, self.threshold)

    def pairs(self, answer: Any) -> Pairs:
        limits, _, ids = answer
        return np.repeat(np.arange(len(limits) - 1), np.diff(limits.astype(np.int64))), ids


class _Lifted(Arm):
    """A Euclidean tree over points lifted by one dimension.

    <p, q> > b where (p, sqrt(M^2 - ||p||^2)) lies within sqrt(M^2 + ||q||^2 - 2 b) of (q, 0).
    """

    tree: Any

    def __init__(self, points: Array, queries: Array, threshold: float) -> None:
        squares = np.einsum("ij,ij->i", points, points, dtype=np.float64)
        self.largest, self.threshold = float(squares.max()), threshold
        lifted = np.column_stack([points, np.sqrt(self.largest - squares)])
        self.index = self.tree(lifted, leaf_size=self._leaf(lifted, queries))

    def _leaf(self, lifted: Array, queries: Array) -> int:
        def query(leaf: int, _: Array) -> None:
            self.index = trees[leaf]
            self.answer(queries[:8])

        trees = {leaf: self.tree(lifted, leaf_size=leaf) for leaf in (40, 160)}
        return _fastest(tuple(trees), query, queries)

    def answer(self, queries: Array) -> Any:
        squares = np.einsum("ij,ij->i", queries, queries, dtype=np.float64)
        radius = np.sqrt(np.maximum(self.largest + squares - 2 * self.threshold, 0))
        return self.index.query_radius(np.column_stack([queries, np.zeros(len(queries))]), radius)

    def pairs(self, answer: Any) -> Pairs:
        return np.repeat(np.arange(len(answer)), [len(row) for row in answer]), np.concatenate(answer)


@final
class SklearnKDTree(_Lifted):
    """scikit-learn's KDTree by the lift."""

    tree = KDTree


@final
class SklearnBallTree(_Lifted):
    """scikit-learn's BallTree by the lift."""

    tree = BallTree


def _fastest(choices: tuple[int, ...], run: Any, queries: Array) -> int:
    """Return the choice that runs fastest, the best of three after a warm-up."""

    def seconds(choice: int) -> float:
        started = time.perf_counter()
        run(choice, queries)
        return time.perf_counter() - started

    times = {choice: min(seconds(choice) for _ in range(4)) for choice in choices}
    return min(choices, key=lambda choice: times[choice])

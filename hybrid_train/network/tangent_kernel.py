"""The tangent kernel over the active pairs alone, as an operator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, eigsh

from hybrid_train.finder.predicate import inner_products
from hybrid_train.support.arrays import FloatArray, IntArray

_DENSE_KERNEL = 512


@dataclass(frozen=True, eq=False)
class TangentKernel:
    """m H over the neurons that fired, as an operator on (n, K) arrays; memory is the number of active pairs.

    Attributes:
        data: (n, d).
        datum: (nnz,) the datum of each pair.
        neuron: (nnz,) its neuron, counted among those that fired, ascending.
        signs: (fired, K).
    """

    data: FloatArray
    datum: IntArray
    neuron: IntArray
    signs: FloatArray

    def top_eigenvalue(self) -> float:
        size = len(self.data) * self.signs.shape[1]
        if size <= _DENSE_KERNEL:
            return max(0.0, float(np.linalg.eigvalsh(self._dense())[-1]))
        operator = LinearOperator((size, size), matvec=self._apply, dtype=np.float64)
        # A start of our own: ARPACK's is drawn from global state, and the learning rate must not be.
        begin = np.random.default_rng(0).standard_normal(size)
        return max(0.0, float(eigsh(operator, k=1, which="LA", v0=begin, tol=1e-6, return_eigenvectors=False)[0]))

    def _dense(self) -> FloatArray:
        n, outputs = len(self.data), self.signs.shape[1]
        rows = self.datum[:, None] * outputs + np.arange(outputs)
        columns = np.broadcast_to(self.neuron[:, None], rows.shape)
        signed = sparse.csr_array(
            (self.signs[self.neuron].ravel(), (rows.ravel(), columns.ravel())), shape=(n * outputs, len(self.signs))
        )
        overlaps = (signed @ signed.T).toarray()
        gram = self.data @ self.data.T
        return np.asarray(overlaps * np.repeat(np.repeat(gram, outputs, axis=0), outputs, axis=1))

    def _apply(self, vector: FloatArray) -> FloatArray:
        """One product: gather each neuron's combination of the data, then spread it over the data it fires for."""
        n, outputs = len(self.data), self.signs.shape[1]
        signs = self.signs[self.neuron]
        coefficients = np.einsum("pk,pk->p", vector.reshape(n, outputs)[self.datum], signs)
        indptr = np.searchsorted(self.neuron, np.arange(len(self.signs) + 1))
        combined = sparse.csr_array((coefficients, self.datum, indptr), shape=(len(self.signs), n)) @ self.data
        spread = inner_products(combined, self.data, self.neuron, self.datum)
        result = np.empty((n, outputs))
        for k in range(outputs):
            result[:, k] = np.bincount(self.datum, weights=spread * signs[:, k], minlength=n)
        return result.ravel()

"""The tangent kernel over the active pairs alone, as an operator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from hybrid_train.finder.predicate import inner_products
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.support.eigenvalues import top_of_operator


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
        return top_of_operator(self._apply, len(self.data) * self.signs.shape[1], matrix=self._dense)

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

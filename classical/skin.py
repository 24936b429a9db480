"""Neighbour lists with a skin: look again only at what could have changed, with proof."""

from __future__ import annotations

from typing import Annotated, Any, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from classical.dynamics.ball.dynamics import BallDynamics
from classical.dynamics.batch.dynamics import BatchDynamics
from classical.dynamics.crowding import examples_in_common, price_of_following
from classical.dynamics.gram.dynamics import GramDynamics
from classical.dynamics.rows.dynamics import RowDynamics
from classical.lists.following import ACCURACY, MOST_COLUMNS, ROUNDS
from classical.lists.neighbour_lists import NeighbourLists
from classical.lists.thickness import best_skin, first_skin
from hybrid_train.errors import InvariantError
from hybrid_train.finder.active_sets import ActiveSets
from hybrid_train.finder.bank import Bank, Motion, Watched, checked_rows
from hybrid_train.finder.candidates import CandidateFinder
from hybrid_train.finder.cost import Cost
from hybrid_train.finder.interface import EXACT, Promise
from hybrid_train.finder.predicate import norm_bounds
from hybrid_train.finder.proof import Proof
from hybrid_train.finder.watching import WatchingFinder
from hybrid_train.network.two_layer import TwoLayerNetwork
from hybrid_train.support.arrays import FloatArray, IntArray
from hybrid_train.training.dynamics import Dynamics
from hybrid_train.training.following import FollowingFinder
from hybrid_train.training.optimisers import Optimiser

_FEW_IN_COMMON = 3.0
"""Examples per firing neuron up to which following all of them is cheaper than looking at those of a batch."""

_DEAR = 1.0
"""Price of following a network through the Gram matrix, as a multiple of evaluating its lists, that is too much."""

_SPACINGS = 64
"""Error of a followed inner product that is tolerated besides, in spacings of the bank's numbers."""


@final
class SkinFinder(FollowingFinder, WatchingFinder, CandidateFinder):
    """Certified neighbour lists that follow the weights through the Gram matrix; no curse of dimension.

    For each vector p of one bank it lists the q of the other within a skin s of being active, and the inner products.
    A pair outside the list cannot become active until drift eats its distance: |<p', q'> - <p, q>| <=
    ||p' - p|| ||q'|| + ||p|| ||q' - q||. Each p is scanned again when its own bound, with room for rounding, is spent.
    Vectors that move by sparse combinations of the other bank (``move_points_along``) are followed through the Gram
    matrix, in O(coefficients x list length) whatever the dimension. A followed inner product within its error bound
    of b is evaluated from the vectors, so the sets are those of the shared predicate, always.

    The bank with lists is the one that moves; the larger one (the points on a tie) while neither has moved or both
    have. That is settled in ``build`` and whenever motion of the other bank has spent half of the lists, when
    everything is scanned afresh. Vectors of the listed bank that move by other means than combinations keep their
    lists if they were handed in as an array; of a live bank, whose old vectors are gone, they are scanned again.

    Inner products are reported to a relative 1e-9 of ||p|| ||q|| (64 spacings, 7.6e-6, where a bank that is followed
    holds float32). Charged: ``inner_products`` for scans (every pair of a scanned row) and evaluations,
    ``nodes_visited`` for list entries touched, no d-dimensional work each.

    Args:
        skin: s as a distance, (b - <p, q>) / ||q||; None adapts it to the drift (see :func:`best_skin`).
        gram: train networks on fixed examples without being asked for sets: by :class:`GramDynamics`, or where
            examples that resemble each other make following dear, by :class:`RowDynamics`.

    Attributes:
        rescans: rows scanned again since ``build``.
    """

    source = (
        "Verlet, Computer experiments on classical fluids (Physical Review 159, 1967), for lists with a skin; "
        "Song, Yang, Zhang: Does preprocessing help training over-parameterized neural networks? (NeurIPS 2021), "
        "for the question"
    )

    def __init__(
        self, *, skin: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None, gram: bool = True
    ) -> None:
        super().__init__()
        self._skin = skin
        self._gram = gram
        self._evaluates = True
        self._proving = False
        self.rescans = 0

    @property
    def promise(self) -> Promise:
        return EXACT

    @property
    def candidates(self) -> int:
        """Pairs in the lists now."""
        self._check_built()
        return self._lists.candidates

    @property
    def deviation(self) -> float:
        """Largest |followed - evaluated| inner product met so far: how far following has wandered."""
        self._check_built()
        return max(self._deviation, self._lists.deviation)

    def dynamics(self, network: TwoLayerNetwork, inputs: FloatArray) -> Dynamics | None:
        if not self._gram:
            return None
        stored, many = network.weights.lent() is not None, len(inputs) > MOST_COLUMNS
        if stored and (many or price_of_following(network, inputs) > _DEAR):
            return RowDynamics(network, inputs, skin=self._skin)
        return None if many else GramDynamics(network, inputs, skin=self._skin)

    def dynamics_for_batches(self, network: TwoLayerNetwork, inputs: FloatArray) -> Dynamics | None:
        if not self._gram:
            return None
        stored, many = network.weights.lent() is not None, len(inputs) > MOST_COLUMNS
        if stored and (many or examples_in_common(network, inputs) > _FEW_IN_COMMON):
            return BatchDynamics(network, inputs, self._skin)
        return None if many else GramDynamics(network, inputs, skin=self._skin)

    def dynamics_for_fresh(
        self, network: TwoLayerNetwork, inputs: FloatArray, optimiser: Optimiser | None = None
    ) -> Dynamics | None:
        stored = network.weights.lent() is not None and network.weights.dtype == np.float32
        return BatchDynamics(network, inputs, fresh=True) if self._gram and stored and optimiser is None else None

    def dynamics_within(self, network: TwoLayerNetwork, inputs: FloatArray, reach: float) -> Dynamics | None:
        stored = network.weights.lent() is not None
        return BallDynamics(network, inputs, reach, skin=self._skin) if stored else None

    def facts(self) -> dict[str, Any]:
        return {"candidates": self.candidates, "rescans": self.rescans, "deviation": self.deviation}

    def build(self, points: Bank | npt.ArrayLike, queries: Bank | npt.ArrayLike, threshold: float) -> None:
        self._watch(points, queries, threshold)
        self.cost = Cost()
        self.rescans = 0
        self._deviation = 0.0
        self._answers = 0
        self._step = self._ahead = 0.0
        self._swing = 0.0
        self._points_moved = self._queries_moved = False
        self._frame_is_new = True
        self._points_listed = self._points_get_lists()
        self._scan_all()

    def find(self, rows: npt.ArrayLike | None = None) -> ActiveSets:
        self._check_built()
        asked = None if rows is None else checked_rows(rows, len(self._queries), "queries")
        self._settle()
        shape = len(self._queries), len(self._points)
        if self._points_listed and asked is not None:
            indptr, indices, values = self._lists.report_columns(asked)
            sets = ActiveSets(indptr, indices, values, shape, asked)
        elif self._points_listed:
            occupied, indptr = self._lists.occupied()
            sets = ActiveSets(indptr, *self._lists.report(occupied, indptr), shape, occupied, "point")
        else:
            asked = np.arange(len(self._queries)) if asked is None else asked
            indptr = np.zeros(len(asked) + 1, np.int64)
            np.cumsum(self._lists.fired(asked), out=indptr[1:])
            sets = ActiveSets(indptr, *self._lists.report(asked, indptr), shape, asked)
        self._charge()
        return sets

    def rule_out_only(self) -> None:
        """Keep the lists certain and no more: motion is measured, not followed, and listed pairs are not evaluated.

        Charged then: every pair of a scanned row, and one inner product for the length of each row's motion.
        """
        self._evaluates = False

    def candidates_of(self, rows: npt.ArrayLike | None = None) -> tuple[IntArray, IntArray]:
        self._check_built()
        asked = checked_rows(rows, len(self._queries), "queries")
        self._settle()
        self._charge()
        listed, columns = self._lists.listed()
        queries, points = (columns, listed) if self._points_listed else (listed, columns)
        place = np.full(len(self._queries), -1, np.int64)
        place[asked] = np.arange(len(asked))
        wanted = place[queries] >= 0
        order = np.lexsort((points[wanted], place[queries[wanted]]))
        counts = np.bincount(place[queries[wanted]], minlength=len(asked))
        return np.concatenate([[0], np.cumsum(counts)]), points[wanted][order]

    def prepare_proofs(self) -> None:
        self._proving = True

    def proof(self, sets: ActiveSets) -> Proof:
        """Return the lists made since the last proof; those made before still hold, as far as their rows moved.

        ``side`` is the bank that has lists and ``afresh`` whether all were made anew, against the other bank as it is
        now; ``scanned`` (S,) rows, where they are now, with ``gap`` (S,), the distance (b - <p, q>) / ||q|| from which
        on no list holds a vector, and what is nearer in ``lists``, from ``list_starts`` (S + 1,) on.
        """
        scanned, afresh = self._lists.scanned_since()
        starts, columns, gap = self._lists.candidates_of(scanned)
        return Proof(
            "lists",
            {
                "side": np.array("points" if self._points_listed else "queries"),
                "afresh": np.array(afresh),
                "scanned": scanned,
                "gap": gap,
                "list_starts": starts,
                "lists": columns,
            },
        )

    def move_points(self, rows: npt.ArrayLike, points: npt.ArrayLike) -> None:
        self._points_moved = True
        self._move(self._points, rows, points)

    def move_queries(self, rows: npt.ArrayLike, queries: npt.ArrayLike) -> None:
        self._queries_moved = True
        self._move(self._queries, rows, queries)

    def move_points_along(self, motion: Motion) -> None:
        self._points_moved = True
        self._move_along(self._points, motion)

    def move_queries_along(self, motion: Motion) -> None:
        self._queries_moved = True
        self._move_along(self._queries, motion)

    @property
    def _listed(self) -> Watched:
        return self._points if self._points_listed else self._queries

    def _move(self, bank: Watched, rows: npt.ArrayLike, vectors: npt.ArrayLike) -> None:
        if bank is not self._listed:
            where = bank.put(rows, vectors)
            self._lists.frame.move(where, bank[where])
            return
        before = None if bank.live else bank[checked_rows(rows, len(bank), bank.name)]
        where = bank.put(rows, vectors)
        lengths = np.full(len(where), np.inf)
        if before is not None:
            with np.errstate(over="ignore", invalid="ignore"):
                lengths = norm_bounds(bank[where].astype(np.float64) - before) * (1 + 1e-15)
            self._expect(float(lengths.mean()) if len(where) else 0.0)
        self._lists.advance(where, lengths)

    def _move_along(self, bank: Watched, motion: Motion) -> None:
        if bank is not self._listed or motion.bank.dtype != bank.dtype:
            self._move(bank, motion.rows, motion.vectors)
            return
        where = checked_rows(motion.rows, len(bank), bank.name)
        lists = self._lists
        along = lists.frame.now if motion.directions is None else motion.directions
        shape = len(where), len(along)
        if motion.coefficients.shape != shape:
            raise InvariantError(f"a motion of {shape[0]} rows has coefficients of shape {motion.coefficients.shape}")
        if not bank.live:
            bank.put(where, motion.vectors)
        if not self._evaluates:
            lists.evaluated += len(where)
        if motion.directions is None and self._evaluates:
            self._expect(lists.follow(where, motion.coefficients))
        else:
            self._expect(lists.drift(where, motion.coefficients, along))

    def _expect(self, length: float) -> None:
        """Learn from the mean length of a step how long the next ones will be, and how far they will lead."""
        if not 0 < length < np.inf:
            return
        before = self._step
        self._step = 0.5 * (before + length) if before else length
        # steps that shrink by a factor f are followed by f / (1 - f) times the last one, all together
        slowing = max(before - self._step, 1e-3 * before)
        self._ahead = self._step * (max(2.0, self._step / slowing) if slowing else 2.0)

    def _settle(self) -> None:
        lists, moved = self._lists, self._lists.frame.moved.any()
        self._answers += 1
        if moved:
            if self._frame_is_new:
                self._swing = 1.25 * lists.frame.sway
                self._frame_is_new = False
            self._lost += lists.note_columns()
            if self._lost > len(self._listed) // 2:
                self._start_over()
                return
        if not self._evaluates:
            lists.skin = self._best_skin()
            self.rescans += lists.rescan_spent()
            return
        block = -(-len(self._listed) // ROUNDS)
        first = self._answers % ROUNDS * block
        lists.freshen(min(first, len(self._listed)), min(first + block, len(self._listed)))
        lists.skin = self._best_skin()
        self.rescans += lists.settle(compare=not moved)

    def _start_over(self) -> None:
        """Scan everything, and choose anew which bank has the lists."""
        self._charge()
        self._deviation = self.deviation
        listed = self._points_get_lists()
        if listed != self._points_listed:
            self._points_listed = listed
            self._swing = self._step = 0.0
        self._scan_all()
        self.rescans += len(self._listed)

    def _points_get_lists(self) -> bool:
        if self._points_moved != self._queries_moved:
            return self._points_moved
        return len(self._points) >= len(self._queries)

    def _scan_all(self) -> None:
        columns = self._queries if self._points_listed else self._points
        self._first_skin = first_skin(self._listed)
        spacing = float(np.finfo(self._listed.dtype).eps)
        accuracy = max(ACCURACY, _SPACINGS * spacing)
        skin = self._skin or self._first_skin
        self._lists = NeighbourLists(self._listed, columns, self._threshold, skin, self._swing, accuracy)
        self._lists.remembering = self._proving
        spare = self._lists.candidates - self._lists.active
        self._lost = 0
        self._frame_is_new = True
        self._density = spare / (skin * max(1, self._lists.occupied_rows))
        self._charge()

    def _best_skin(self) -> float:
        if self._skin is not None:
            return self._skin
        if self._step == 0 or self._density == 0:
            return self._first_skin
        columns, dimension = self._lists.frame.now.shape
        return min(best_skin(self._step, self._density, columns, dimension), self._ahead)

    def _charge(self) -> None:
        lists = self._lists
        self.cost.inner_products += lists.scanned + lists.evaluated
        self.cost.nodes_visited += lists.touched
        lists.scanned = lists.evaluated = lists.touched = 0

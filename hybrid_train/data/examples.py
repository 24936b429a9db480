"""Examples as they stand in a table, and how they become data sets: split, prepared, drawn, in this order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, final

import numpy as np
import numpy.typing as npt

from hybrid_train.data.checks import draw_rows
from hybrid_train.data.dataset import Dataset
from hybrid_train.data.holding_out import held_out_rows, overlap
from hybrid_train.data.preparation import Preparation, Switch, fitted, fitted_targets
from hybrid_train.support.arrays import FloatArray, IntArray


@final
@dataclass(frozen=True, eq=False)
class Examples:
    """A table of examples as it stands: nothing scaled, nothing drawn.

    Attributes:
        inputs: (n, d).
        targets: (n,) -1/+1 or labels 0..K-1 of classes, (n,) or (n, K) real.
        name: for tables and messages.
        classes: K where there are more than two classes.
        labels: the classes as they are called, in order; None for real targets.
        columns: names of the columns of ``inputs``; None where nobody named them.
        target: name of the column of the targets; None likewise.
        notes: what was not taken as it stands, in sentences.
    """

    inputs: FloatArray
    targets: npt.NDArray[Any]
    name: str
    classes: int | None = None
    labels: tuple[Any, ...] | None = None
    columns: tuple[str, ...] | None = None
    target: str | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.inputs)

    def at(self, rows: IntArray) -> Examples:
        """Return some of the rows."""
        return replace(self, inputs=self.inputs[rows], targets=self.targets[rows])


@final
@dataclass(frozen=True)
class Wishes:
    """What is asked of :func:`prepared`.

    Attributes:
        n: rows to train on, drawn without replacement and balanced over classes; None for all that are not held out.
        seed: the run's seed.
        test: share of the rows to hold out; None for none.
        standardise: see :func:`hybrid_train.data.preparation.fitted`.
        bias: likewise.
    """

    n: int | None = None
    seed: int = 0
    test: float | None = None
    standardise: Switch = False
    bias: Switch = False


class Prepared(NamedTuple):
    """Data ready for training.

    Attributes:
        dataset: to train on.
        held_out: never trained on; None if nothing is held out.
        preparation: what was done to both, and is to be done to rows that come later.
    """

    dataset: Dataset
    held_out: Dataset | None
    preparation: Preparation


_NOTHING = Wishes()
_SUFFIX = " (held out)"


def prepared(examples: Examples, wishes: Wishes = _NOTHING, test: Examples | None = None) -> Prepared:
    """Return data sets of examples: rows are held out first, what scales the rest is fitted to the rest alone.

    Args:
        examples: all there are.
        wishes: of the caller.
        test: examples of their own to hold out, in place of a share.

    Raises:
        ConfigError: a share or number of rows that cannot be.
        DataError: a row that cannot be scaled to ||x|| = 1, or more rows asked for than there are.
    """
    grouped = examples.targets if examples.labels is not None else None
    notes = list(examples.notes)
    kept: IntArray = np.arange(len(examples))
    out: IntArray | None = None
    if wishes.test is not None:
        kept, out, note = held_out_rows(len(examples), wishes.test, wishes.seed, grouped)
        notes += [f"{examples.name}: {note}"] if note else []
    preparation, decided = preparation_of(examples.at(kept), standardise=wishes.standardise, bias=wishes.bias)
    chosen = kept[draw_rows(len(kept), wishes.n, wishes.seed, None if grouped is None else grouped[kept])]
    # Every row is prepared before any is drawn: a bad one is refused whatever the seed, by its own number.
    every = _dataset(examples, preparation)
    held_out = None if test is None else _dataset(test, preparation, _SUFFIX)
    if out is not None:
        test, held_out = examples.at(out), _at(every, out, _SUFFIX)
    notes += decided
    if test is not None:
        notes += [*_overlap_note(examples.at(kept), test), *(note for note in test.notes if note not in notes)]
    return Prepared(replace(_at(every, chosen), notes=tuple(notes)), held_out, preparation)


def preparation_of(
    examples: Examples, *, standardise: Switch, bias: Switch, weights: FloatArray | None = None
) -> tuple[Preparation, tuple[str, ...]]:
    """Return the preparation that fits examples, and notes on what was decided.

    Args:
        examples: to be trained on, and no others.
        standardise: see :func:`hybrid_train.data.preparation.fitted`.
        bias: likewise.
        weights: (n,) how often each row counts; once by default.
    """
    name = examples.name
    found, notes = fitted(examples.inputs, standardise=standardise, bias=bias, name=name, weights=weights)
    scales: dict[str, Any] = {}
    if examples.labels is None:
        scales, more = fitted_targets(examples.targets, standardise=standardise, name=name, weights=weights)
        notes += more
    preparation = Preparation(
        examples.inputs.shape[1],
        columns=examples.columns,
        target=examples.target,
        labels=examples.labels,
        **found,
        **scales,
    )
    return preparation, notes


def _dataset(examples: Examples, preparation: Preparation, suffix: str = "") -> Dataset:
    inputs = preparation.apply(examples.inputs, examples.name)
    targets = examples.targets if examples.labels is not None else preparation.scaled_targets(examples.targets)
    return Dataset(inputs, targets, examples.name + suffix, examples.classes)


def _at(dataset: Dataset, rows: IntArray, suffix: str = "") -> Dataset:
    return replace(dataset, inputs=dataset.inputs[rows], targets=dataset.targets[rows], name=dataset.name + suffix)


def _overlap_note(kept: Examples, held_out: Examples) -> list[str]:
    both = overlap(kept.inputs, held_out.inputs)
    if not both:
        return []
    return [f"{held_out.name}: {both} of {len(held_out)} held-out rows are also among those trained on"]

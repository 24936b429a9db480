"""``[data]``: one table for each kind of data, which says how they are had."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self, final

from pydantic import AfterValidator, Field, model_validator

from hybrid_train.config.section import MOST, Belonging, Count, Positive, Section
from hybrid_train.config.sizes import check_inputs
from hybrid_train.data import (
    Dataset,
    Distribution,
    EvenPolynomials,
    Examples,
    Preparation,
    Wishes,
    make_inputs,
    prepared,
    read_examples,
    scikit_table,
    sphere,
    two_spirals,
)
from hybrid_train.data.arrays import examples_of
from hybrid_train.data.digits import digit_examples
from hybrid_train.errors import ConfigError
from hybrid_train.support.messages import quoted

HELD_OUT = 1024
"""Examples that judge a network trained on fresh ones."""


class Data(NamedTuple):
    """What a ``[data]`` table comes to.

    Attributes:
        source: the distribution it names, if it names one.
        dataset: to train on; where every step draws fresh examples, others that no step sees.
        held_out: never trained on; None if nothing is held out.
        preparation: what was done to rows, and is to be done to those that come later.
    """

    source: Distribution | None
    dataset: Dataset
    held_out: Dataset | None
    preparation: Preparation


class Given(NamedTuple):
    """Arrays that Python hands over.

    Attributes:
        data: (X, y) to train on.
        test: (X, y) to hold out; None for none, or for a share of ``data``.
    """

    data: Any
    test: Any = None


class DataSection(Section):
    """A ``[data]`` table: by itself a data set of n examples."""

    kind: str

    @abstractmethod
    def load(self, seed: int, given: Given | None = None) -> Data:
        """Return the data that the table names.

        Args:
            seed: the run's seed.
            given: for ``kind = "arrays"``.

        Raises:
            ConfigError: arrays are asked for and there are none.
            DataError: they cannot be read, or have fewer rows than asked for.
            ResourceError: they would not fit in memory.
        """

    @property
    def fresh(self) -> bool:
        """Whether every step draws examples of its own."""
        return False

    @property
    def size(self) -> int | None:
        """How many examples are asked for; None for all there are, or for fresh ones."""
        n: int | None = getattr(self, "n", None)
        return n


def _as_drawn(dataset: Dataset, source: Distribution | None = None) -> Data:
    """Return data that were drawn as the network takes them."""
    labels = tuple(range(dataset.classes)) if dataset.classes is not None else ((-1, 1) if dataset.binary else None)
    return Data(source, dataset, None, Preparation(dataset.dimension, labels=labels))


Share = Annotated[float, Field(gt=0, lt=1, description="a share strictly between 0 and 1")]
Switch = Annotated[bool | Literal["auto"], Field(description="true, false or 'auto'")]


class TableSection(DataSection):
    """A ``[data]`` table of rows and columns, of which ``n`` rows are trained on, by itself all that are not held out.

    ``test`` is the share of the rows that is held out, as scikit-learn's ``train_test_split`` does with ``run.seed``,
    each class alike. ``standardise`` brings columns (and real targets) to mean 0 and spread 1 over the other rows,
    "auto" by whether they share a unit, as pixels do: then to mean 0 alone; ``bias`` gives rows a constant coordinate
    before they get length 1, so that their length is not lost, "auto" where columns are standardised or centred.
    """

    kind: str
    n: Count | None = None
    test: Annotated[
        Share | Annotated[str, Field(min_length=1, max_length=4096)] | None,
        Field(description="a share strictly between 0 and 1, or the path of a second file"),
    ] = None
    standardise: Switch = "auto"
    bias: Switch = "auto"

    @abstractmethod
    def examples(self, given: Given | None) -> tuple[Examples, Examples | None]:
        """Return the rows as they are, and those to hold out where they come apart."""

    def load(self, seed: int, given: Given | None = None) -> Data:
        examples, test = self.examples(given)
        share = None if isinstance(self.test, str) else self.test
        wishes = Wishes(self.n, seed, share, self.standardise, self.bias)
        return Data(None, *prepared(examples, wishes, test))

    @model_validator(mode="after")
    def _a_file_is_held_out_of_a_file(self) -> Self:
        if self.kind != "file" and isinstance(self.test, str):
            raise ValueError(f"test={quoted(self.test)}: expected a share strictly between 0 and 1")
        return self


@final
class SphereConfig(DataSection):
    """``[data] kind = "sphere"``: uniform on the unit sphere."""

    kind: Literal["sphere"]
    n: Count
    dim: Count
    targets: Literal["random_signs", "gaussian"] = "random_signs"

    def load(self, seed: int, given: Given | None = None) -> Data:
        check_inputs(self.n, self.dim)
        return _as_drawn(sphere(self.n, self.dim, seed, targets=self.targets))


def _distinct_digits(classes: Any) -> Any:
    if classes == "all":
        return classes
    if len(classes) < 2 or len(set(classes)) < len(classes) or not set(classes) <= set(range(10)):
        raise ValueError(f"classes={quoted(classes)}: expected 'all' or at least two distinct digits from 0 to 9")
    return classes


@final
class DigitsConfig(TableSection):
    """``[data] kind = "digits"``: scikit-learn's 8 x 8 handwritten digits, whose pixels share a unit."""

    kind: Literal["digits"]
    standardise: Switch = False
    bias: Switch = False
    classes: Annotated[
        Literal["all"] | list[int],
        Field(description="'all' or at least two distinct digits from 0 to 9"),
        AfterValidator(_distinct_digits),
    ] = Field(default=[3, 8])

    def examples(self, given: Given | None) -> tuple[Examples, None]:
        return digit_examples(self.classes), None


@final
class BreastCancerConfig(TableSection):
    """``[data] kind = "breast_cancer"``: scikit-learn's Wisconsin diagnostic table."""

    kind: Literal["breast_cancer"]
    standardise: Switch = True
    bias: Switch = False

    def examples(self, given: Given | None) -> tuple[Examples, None]:
        return scikit_table(self.kind), None


@final
class ScikitConfig(TableSection):
    """``[data] kind = "wine"``, ``"iris"`` or ``"diabetes"`` (real targets): tables that scikit-learn brings along."""

    kind: Literal["wine", "iris", "diabetes"]
    standardise: Switch = True
    bias: Switch = True

    def examples(self, given: Given | None) -> tuple[Examples, None]:
        return scikit_table(self.kind), None


@final
class FileConfig(TableSection):
    """``[data] kind = "file"``: a CSV, TSV, NPZ or NPY file; a relative path starts at the config file's folder.

    ``test`` may be a second file. ``columns`` are those to learn from, by themselves all but the ``target``.
    """

    kind: Literal["file"]
    path: Annotated[str, Field(min_length=1, max_length=4096, description="the path of a CSV, TSV, NPZ or NPY file")]
    header: Annotated[bool | Literal["auto"], Field(description="true, false or 'auto'")] = "auto"
    target: Annotated[
        Annotated[str, Field(min_length=1)] | Annotated[int, Field(ge=-MOST, le=MOST)],
        Field(description="'last', a column name or a column number"),
    ] = "last"
    columns: Annotated[
        Annotated[list[str | int], Field(min_length=1)] | None,
        Field(description="a list of column names or column numbers"),
    ] = None
    labels: Literal["auto", "real", "classes"] = "auto"

    def examples(self, given: Given | None) -> tuple[Examples, Examples | None]:
        examples = self._read(self.path)
        return examples, self._read(self.test, examples) if isinstance(self.test, str) else None

    def _read(self, path: str, like: Examples | None = None) -> Examples:
        return read_examples(
            path, target=self.target, labels=self.labels, header=self.header, columns=self.columns, like=like
        )


@final
class ArraysConfig(TableSection):
    """``[data] kind = "arrays"``: what Python hands over, ``hybrid_train.run(config, data=(X, y))``."""

    kind: Literal["arrays"]
    labels: Literal["auto", "real", "classes"] = "auto"

    def examples(self, given: Given | None) -> tuple[Examples, Examples | None]:
        if given is None:
            raise ConfigError(
                "data.kind='arrays': there are none; give them from Python, hybrid_train.run(config, data=(X, y))"
            )
        if given.test is not None and self.test is not None:
            raise ConfigError(f"data.test={self.test}: remove it or test=(X, y), each of them says what is held out")
        examples = examples_of(given.data, labels=self.labels)
        return examples, None if given.test is None else examples_of(given.test, name="test", like=examples)


@final
class EvenPolynomialConfig(DataSection):
    """``[data] kind = "even_polynomial"``: p(x) of even degree up to ``degree`` (SGD Definition 1.4).

    With ``n`` a data set of so many examples; without it every step draws new ones, and ``held_out`` more judge the
    network that is returned.
    """

    BELONGS: ClassVar[Mapping[str, Belonging]] = {"points": Belonging("inputs", ("random_points",))}
    REPLACES: ClassVar[Mapping[str, tuple[str, ...]]] = {"n": ("held_out",)}

    kind: Literal["even_polynomial"]
    dim: Count
    n: Count | None = None
    held_out: Count | None = None
    inputs: Literal["sphere", "cube", "random_points"] = "sphere"
    points: Count | None = None
    degree: Annotated[int, Field(ge=2, le=1000, multiple_of=2, description="an even number of at least 2")] = 4
    norm: Annotated[Positive | Literal["auto"], Field(description="a number above 0 or 'auto'")] = "auto"
    terms: Count | None = None
    targets: Literal["values", "signs"] = "values"

    @property
    def fresh(self) -> bool:
        return self.n is None

    def load(self, seed: int, given: Given | None = None) -> Data:
        n = self.n or self.held_out or 1
        check_inputs(max(n, self.points or 1), self.dim)
        source = EvenPolynomials(
            make_inputs(self.inputs, self.dim, points=self.points, seed=seed),
            self.degree,
            self.norm,
            terms=self.terms,
            targets=self.targets,
            seed=seed,
        )
        return _as_drawn(source.examples(n, held_out=self.fresh), source)

    @model_validator(mode="before")
    @classmethod
    def _held_out_default(cls, table: Any) -> Any:
        return table if "n" in table else {"held_out": HELD_OUT} | table

    @model_validator(mode="after")
    def _held_out_is_for_fresh_examples(self) -> Self:
        if self.n is not None and self.held_out is not None:
            raise ValueError(f"held_out={self.held_out}: remove it, it belongs to fresh examples, without n")
        return self


@final
class TwoSpiralsConfig(DataSection):
    """``[data] kind = "two_spirals"``: two interleaved spirals in the plane, lifted to the unit sphere."""

    kind: Literal["two_spirals"]
    n: Annotated[int, Field(ge=2, le=MOST)] = 194
    turns: Annotated[float, Field(gt=0, le=1e6, description="a number above 0")] = 3.0
    noise: Annotated[float, Field(ge=0, le=1e6)] = 0.0

    def load(self, seed: int, given: Given | None = None) -> Data:
        return _as_drawn(two_spirals(self.n, turns=self.turns, noise=self.noise, seed=seed))


DATA_KINDS: dict[str, type[DataSection]] = {
    "sphere": SphereConfig,
    "digits": DigitsConfig,
    "breast_cancer": BreastCancerConfig,
    "wine": ScikitConfig,
    "iris": ScikitConfig,
    "diabetes": ScikitConfig,
    "file": FileConfig,
    "arrays": ArraysConfig,
    "even_polynomial": EvenPolynomialConfig,
    "two_spirals": TwoSpiralsConfig,
}
"""The kinds of data: name -> table."""

"""``[data]``: one table for each kind of data, which says how they are had."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self, final

from pydantic import AfterValidator, Field, model_validator

from hybrid_train.config.section import MOST, Belonging, Count, Positive, Section
from hybrid_train.config.sizes import check_inputs
from hybrid_train.data import (
    Dataset,
    Distribution,
    EvenPolynomials,
    breast_cancer,
    digits,
    from_file,
    make_inputs,
    sphere,
    two_spirals,
)
from hybrid_train.support.messages import quoted

HELD_OUT = 1024
"""Examples that judge a network trained on fresh ones."""


class DataSection(Section):
    """A ``[data]`` table: by itself a data set of n examples."""

    kind: str

    @abstractmethod
    def load(self, seed: int) -> tuple[Distribution | None, Dataset]:
        """Return the distribution this kind names, if it names one, and the data set (held out for fresh examples).

        Raises:
            DataError: it cannot be read, or has fewer rows than asked for.
            ResourceError: it would not fit in memory.
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


@final
class SphereConfig(DataSection):
    """``[data] kind = "sphere"``: uniform on the unit sphere."""

    kind: Literal["sphere"]
    n: Count
    dim: Count
    targets: Literal["random_signs", "gaussian"] = "random_signs"

    def load(self, seed: int) -> tuple[None, Dataset]:
        check_inputs(self.n, self.dim)
        return None, sphere(self.n, self.dim, seed, targets=self.targets)


def _distinct_digits(classes: Any) -> Any:
    if classes == "all":
        return classes
    if len(classes) < 2 or len(set(classes)) < len(classes) or not set(classes) <= set(range(10)):
        raise ValueError(f"classes={quoted(classes)}: expected 'all' or at least two distinct digits from 0 to 9")
    return classes


@final
class DigitsConfig(DataSection):
    """``[data] kind = "digits"``: scikit-learn's 8 x 8 handwritten digits; all rows of the classes without ``n``."""

    kind: Literal["digits"]
    n: Count | None = None
    classes: Annotated[
        Literal["all"] | list[int],
        Field(description="'all' or at least two distinct digits from 0 to 9"),
        AfterValidator(_distinct_digits),
    ] = Field(default=[3, 8])

    def load(self, seed: int) -> tuple[None, Dataset]:
        return None, digits(self.n, classes=self.classes, seed=seed)


@final
class BreastCancerConfig(DataSection):
    """``[data] kind = "breast_cancer"``: scikit-learn's Wisconsin diagnostic table; all rows without ``n``."""

    kind: Literal["breast_cancer"]
    n: Count | None = None

    def load(self, seed: int) -> tuple[None, Dataset]:
        return None, breast_cancer(self.n, seed=seed)


@final
class FileConfig(DataSection):
    """``[data] kind = "file"``: a CSV, TSV, NPZ or NPY file; a relative path starts at the config file's folder."""

    kind: Literal["file"]
    path: Annotated[str, Field(min_length=1, max_length=4096, description="the path of a CSV, TSV, NPZ or NPY file")]
    n: Count | None = None
    header: Annotated[bool | Literal["auto"], Field(description="true, false or 'auto'")] = "auto"
    target: Annotated[str | int, Field(description="'last', a column name or a column number")] = "last"
    labels: Literal["auto", "real", "classes"] = "auto"

    def load(self, seed: int) -> tuple[None, Dataset]:
        return None, from_file(
            self.path, n=self.n, target=self.target, labels=self.labels, seed=seed, header=self.header
        )


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

    def load(self, seed: int) -> tuple[Distribution, Dataset]:
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
        return source, source.examples(n, held_out=self.fresh)

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

    def load(self, seed: int) -> tuple[None, Dataset]:
        return None, two_spirals(self.n, turns=self.turns, noise=self.noise, seed=seed)


DATA_KINDS: dict[str, type[DataSection]] = {
    "sphere": SphereConfig,
    "digits": DigitsConfig,
    "breast_cancer": BreastCancerConfig,
    "file": FileConfig,
    "even_polynomial": EvenPolynomialConfig,
    "two_spirals": TwoSpiralsConfig,
}
"""The kinds of data: name -> table."""

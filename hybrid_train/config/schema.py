"""The sections of a config, each a strict schema: unknown keys refused, no value silently converted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, Self, final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from hybrid_train.losses import LOSSES, make_loss
from hybrid_train.names import nearest

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """One table of the config. Integers are taken for floats, booleans are never taken for numbers."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


@final
class SphereConfig(Section):
    """``[data] kind = "sphere"``: uniform on the unit sphere."""

    kind: Literal["sphere"]
    n: Count
    dim: Count
    targets: Literal["random_signs", "gaussian"] = "random_signs"


def _distinct_digits(classes: Any) -> Any:
    if classes == "all":
        return classes
    if len(classes) < 2 or len(set(classes)) < len(classes) or not set(classes) <= set(range(10)):
        raise ValueError(f"classes={classes!r}: expected 'all' or at least two distinct digits from 0 to 9")
    return classes


@final
class DigitsConfig(Section):
    """``[data] kind = "digits"``: scikit-learn's 8 x 8 handwritten digits; all rows of the classes without ``n``."""

    kind: Literal["digits"]
    n: Count | None = None
    classes: Annotated[
        Literal["all"] | list[int],
        Field(description="'all' or at least two distinct digits from 0 to 9"),
        AfterValidator(_distinct_digits),
    ] = [3, 8]


@final
class BreastCancerConfig(Section):
    """``[data] kind = "breast_cancer"``: scikit-learn's Wisconsin diagnostic table; all rows without ``n``."""

    kind: Literal["breast_cancer"]
    n: Count | None = None


@final
class FileConfig(Section):
    """``[data] kind = "file"``: a CSV or NPZ file; a relative path starts at the config file's folder."""

    kind: Literal["file"]
    path: Annotated[str, Field(min_length=1, description="the path of a CSV or NPZ file")]
    n: Count | None = None
    target: Annotated[str | int, Field(description="'last', a column name or a column number")] = "last"
    labels: Literal["auto", "real", "classes"] = "auto"


DataConfig = SphereConfig | DigitsConfig | BreastCancerConfig | FileConfig

DATA_KINDS: dict[str, type[DataConfig]] = {
    "sphere": SphereConfig,
    "digits": DigitsConfig,
    "breast_cancer": BreastCancerConfig,
    "file": FileConfig,
}


@final
class NetworkConfig(Section):
    """``[network]``: f(x) = m^{-1/2} sum_r a_r max(<w_r, x> - b, 0) (PRE Def. 3.1)."""

    kind: Literal["two_layer"] = "two_layer"
    width: Count = 1024
    threshold: Annotated[float | Literal["auto"], Field(description="a finite number or 'auto'")] = "auto"
    outputs: Annotated[Count | Literal["auto"], Field(description="a whole number of at least 1 or 'auto'")] = "auto"
    start: Literal["gaussian", "paired"] = "gaussian"

    @model_validator(mode="after")
    def _pairs_need_an_even_width(self) -> Self:
        if self.start == "paired" and self.width % 2:
            raise ValueError(f"width={self.width}: expected an even number, since start='paired' makes pairs")
        return self


def _known_loss(name: str) -> str:
    if name not in LOSSES:
        raise ValueError(f"loss={name!r}: expected one of {', '.join(LOSSES)}{nearest(name, LOSSES)}")
    return name


@final
class TrainingConfig(Section):
    """``[training]``: who is searched, how far, and on which loss."""

    algorithm: Literal["gd"] = "gd"
    index: Literal["neurons", "data"] = "neurons"
    steps: Annotated[int, Field(ge=0)] = 100
    learning_rate: Annotated[Positive | Literal["auto"], Field(description="a number above 0 or 'auto'")] = "auto"
    loss: Annotated[str, AfterValidator(_known_loss)] = "squared"
    huber_delta: Positive | None = None

    @property
    def loss_options(self) -> dict[str, float]:
        """The loss's own options, as :func:`hybrid_train.losses.make_loss` takes them."""
        return {} if self.huber_delta is None else {"delta": self.huber_delta}

    @model_validator(mode="after")
    def _options_fit_the_loss(self) -> Self:
        if self.huber_delta is not None and self.loss != "huber":
            raise ValueError(f"huber_delta={self.huber_delta!r}: remove it, it belongs to loss='huber'")
        if self.learning_rate == "auto" and make_loss(self.loss, **self.loss_options).curvature is None:
            raise ValueError(
                f"learning_rate='auto': expected a number above 0, since loss={self.loss!r} has no bounded curvature"
            )
        return self


@final
class RunConfig(Section):
    """``[run]``: the root of all randomness, and how often the sets are audited (0 for never)."""

    seed: Annotated[int, Field(ge=0)] = 0
    audit_every: Annotated[int, Field(ge=0)] = 1


@final
@dataclass(frozen=True)
class FinderConfig:
    """``[finder]``: who finds the active sets, and the options of that kind that were given."""

    kind: str = "scan"
    options: dict[str, Any] = field(default_factory=dict)


@final
@dataclass(frozen=True)
class Config:
    """A whole config, valid. Made by :func:`hybrid_train.load_config`.

    Attributes:
        data: one of the kinds of :data:`DATA_KINDS`.
        network: the network and its start.
        training: the algorithm.
        finder: who searches.
        finders: options by finder kind for comparisons, the ``[finders.<kind>]`` tables.
        run: seed and audit.
    """

    data: DataConfig
    network: NetworkConfig
    training: TrainingConfig
    finder: FinderConfig
    finders: dict[str, dict[str, Any]]
    run: RunConfig

    def options_of(self, kind: str) -> dict[str, Any]:
        """Return the options of a finder in a comparison.

        Those of ``[finder]`` count only where its kind is this one; ``[finders.<kind>]`` adds to them and wins.
        """
        own = self.finder.options if kind == self.finder.kind else {}
        return own | self.finders.get(kind, {})

    def with_finder(self, kind: str, index: Literal["neurons", "data"]) -> Config:
        """Return the config of one run of a comparison."""
        return replace(
            self,
            training=self.training.model_copy(update={"index": index}),
            finder=FinderConfig(kind, self.options_of(kind)),
            finders={},
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the tables of the config, defaults filled in; ``load_config`` reads them back to the same config."""
        tables = {
            "data": self.data.model_dump(exclude_none=True),
            "network": self.network.model_dump(),
            "training": self.training.model_dump(exclude_none=True),
            "finder": {"kind": self.finder.kind, **self.finder.options},
            "run": self.run.model_dump(),
        }
        return tables | ({"finders": self.finders} if self.finders else {})

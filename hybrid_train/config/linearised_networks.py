"""``[network]`` of linearised networks (SGD appendices B.1, B.2): W stays, V is trained on the features at W."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self, final

from pydantic import Field, model_validator

from hybrid_train.config.section import Count, Positive, Section, ThresholdChoice
from hybrid_train.support.messages import quoted


class LinearisedSection(Section):
    """A ``[network]`` table of g(x) = <V, psi(x)>, psi(x)_r = c a_r x where <w_r, x> > b, W drawn and never moved.

    ``threshold`` is b as in a network of two layers, or a ``fraction`` of the features that is to fire for a datum.
    """

    REPLACES: ClassVar = {"fraction": ("threshold",), "threshold": ("fraction",)}

    storage: ClassVar[Literal["stored"]] = "stored"

    kind: str
    width: Count = 1024
    threshold: ThresholdChoice = "auto"
    fraction: Annotated[float, Field(gt=0, lt=1, description="a share strictly between 0 and 1")] | None = None
    dtype: Literal["float64", "float32"] = "float64"

    @property
    def starts_as(self) -> str:
        """The name that its start is registered under."""
        return self.kind

    @model_validator(mode="after")
    def _one_threshold(self) -> Self:
        if self.fraction is not None and self.threshold != "auto":
            raise ValueError(
                f"threshold={quoted(self.threshold)}: remove it or fraction, each of them sets the threshold"
            )
        return self


@final
class TangentKernelConfig(LinearisedSection):
    """``[network] kind = "tangent_kernel"``: g(x; V) = f(x; W(0)) + <V, df(x; W(0))/dW> (SGD appendix B.1).

    f is the network of two layers with the same keys; with ``start = "paired"``, which it has by itself, its output is
    0, and g is <V, df/dW> alone.
    """

    kind: Literal["tangent_kernel"]
    outputs: Annotated[Count | Literal["auto"], Field(description="a whole number of at least 1 or 'auto'")] = "auto"
    start: Literal["gaussian", "paired"] = "paired"
    output_weight: Positive = 1.0

    @model_validator(mode="after")
    def _pairs_need_an_even_width(self) -> Self:
        if self.start == "paired" and self.width % 2:
            raise ValueError(f"width={self.width}: expected an even number, since start='paired' makes pairs")
        return self


@final
class RandomFeaturesConfig(LinearisedSection):
    """``[network] kind = "random_features"``: g(x; V) = m^{-1/2} sum_r <v_r, x> 1[<w_r, x> > b] (SGD appendix B.2).

    It has ``width`` features and one output, since there are no signs that would tell several apart.
    """

    start: ClassVar[Literal["gaussian", "paired"]] = "gaussian"
    output_weight: ClassVar[float] = 1.0

    kind: Literal["random_features"]
    outputs: Annotated[Literal[1, "auto"], Field(description="1 or 'auto'")] = "auto"

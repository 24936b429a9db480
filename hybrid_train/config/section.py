"""What every table of a config has in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from hybrid_train.support.messages import quoted

MOST = 1 << 40
"""The largest size a config may name: beyond any memory, and still exact in every computation with it."""

MOST_STEPS = 10**12
MOST_LAYERS = 10_000
MOST_SEED = (1 << 128) - 1

Count = Annotated[int, Field(ge=1, le=MOST)]
Positive = Annotated[float, Field(ge=1e-100, le=1e100, description="a number above 0")]
"""Far enough from both ends of the floating-point numbers that squares and quotients stay among them."""

Threshold = Annotated[float, Field(ge=-1e6, le=1e6, description="a number from -10^6 to 10^6")]
"""In units of the standard deviation of <w, x>, of which no neuron sees more than about 40."""

_ALPHA: TypeAdapter[float] = TypeAdapter(Annotated[float, Field(gt=0, le=1, strict=True)])


def _known_family(value: float | str | dict[str, Any]) -> float | str | dict[str, Any]:
    if not isinstance(value, dict):
        return value
    try:
        ((name, alpha),) = value.items()
        return {{"alpha": "alpha"}[name]: float(_ALPHA.validate_python(alpha))}
    except (ValidationError, ValueError, KeyError):
        raise ValueError(
            f"threshold={quoted(value)}: expected {{alpha = A}} with a number A above 0 and at most 1, for "
            "sqrt(0.5 (1 - A) ln m)"
        ) from None


ThresholdChoice = Annotated[
    Threshold | Literal["auto"] | dict[str, Any],
    AfterValidator(_known_family),
    Field(description="a number from -10^6 to 10^6, 'auto' or a table {alpha = A}"),
]
"""b, "auto" for sqrt(0.4 ln m), or {alpha = A} for sqrt(0.5 (1 - A) ln m) (PRE Corollary E.1)."""


class Belonging(NamedTuple):
    """An option that makes sense under some values of another one.

    Attributes:
        switch: the other option of the same table.
        values: those of the switch, the first of them for messages.
    """

    switch: str
    values: tuple[Any, ...]


class Section(BaseModel):
    """One table of the config. Integers are taken for floats, booleans are never taken for numbers.

    Attributes:
        BELONGS: by option, what it depends on.
        REPLACES: by option, those that say the same in another way; an override of it puts them aside.
    """

    BELONGS: ClassVar[Mapping[str, Belonging]] = {}
    REPLACES: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="after")
    def _options_fit_each_other(self) -> Self:
        for name, (switch, values) in self.BELONGS.items():
            value = getattr(self, name)
            if value != type(self).model_fields[name].default and getattr(self, switch) not in values:
                raise ValueError(f"{name}={value!r}: remove it, it belongs to {switch}={values[0]!r}")
        return self


def misfits(schema: type[Section], table: Mapping[str, Any], key: str, value: Any) -> list[str]:
    """Return the options of a table that no longer make sense, or say the same, once ``key`` is ``value``."""
    foreign = [name for name, (switch, values) in schema.BELONGS.items() if switch == key and value not in values]
    return [name for name in (*foreign, *schema.REPLACES.get(key, ())) if name in table]

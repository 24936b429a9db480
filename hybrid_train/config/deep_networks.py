"""``[network]`` of deep networks (DEEP): fully connected, residual and convolutional."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self, final

from pydantic import Field, model_validator

from hybrid_train.config.section import MOST_LAYERS, Belonging, Count, Section, Threshold
from hybrid_train.errors import ConfigError
from hybrid_train.network.deep import DeepNetwork, convolutional, fully_connected, grid_patches, residual, residual_plan
from hybrid_train.network.deep.convolutional_networks import convolutional_scales
from hybrid_train.network.deep.scales import Thresholds, layer_scales

SPARSE_DEFAULTS: dict[str, Any] = {"share": 0.2, "calibrate": True}
"""What a deep ``[network]`` has by itself under ``threshold = "auto"``."""

DEEP_DEFAULTS: dict[str, Any] = {"width": 512, "depth": 2}
"""What ``kind = "deep"`` has by itself without ``widths``."""


_Depth = Annotated[int, Field(ge=1, le=MOST_LAYERS - 1)]


class LayerShape(NamedTuple):
    """The size of a hidden layer.

    Attributes:
        positions: S, the queries that an example makes.
        neurons: m, at each position.
        reads: D, numbers that a neuron reads.
        banks: finders, and banks of m neurons each.
    """

    positions: int
    neurons: int
    reads: int
    banks: int = 1


class DeepSection(Section):
    """A ``[network]`` table of h_l = max(W_l h_{l-1} - b_l, 0), l = 0 .. L, of which layer 0 is not trained.

    ``threshold`` is b_l in units of the inner product, for all layers or for each; with "auto" a ``share`` of each
    layer's neurons fires at the start, and ``calibrate`` fits the shifts to the data
    (:func:`hybrid_train.network.deep.calibrated`), without which a share much below 1/2 drifts from layer to layer.
    ``joint`` trains A and B, the first and the last matrix, beside the hidden layers; DEEP trains those alone.
    ``dtype`` is that of weights and hidden vectors.
    """

    BELONGS: ClassVar[Mapping[str, Belonging]] = dict.fromkeys(
        ("share", "calibrate"), Belonging("threshold", ("auto",))
    )

    kind: str
    outputs: Annotated[Count | Literal["auto"], Field(description="a whole number of at least 1 or 'auto'")] = "auto"
    threshold: Annotated[
        Threshold | Annotated[list[Threshold], Field(max_length=MOST_LAYERS)] | Literal["auto"],
        Field(description="a finite number, one for each layer or 'auto'"),
    ] = "auto"
    share: Annotated[float, Field(gt=0, lt=1, description="a share strictly between 0 and 1")] | None = None
    calibrate: bool | None = None
    joint: bool = False
    dtype: Literal["float64", "float32"] = "float64"

    @property
    def starts_as(self) -> str:
        """The name that its start is registered under."""
        return "deep"

    def check_inputs(self, dimension: int) -> None:
        """Raise ConfigError if the network cannot read inputs of this dimension; most read any."""

    @abstractmethod
    def drawn(self, dimension: int, outputs: int, seed: int) -> DeepNetwork:
        """Return the network before shifts are fitted to data, the same one every time.

        Args:
            dimension: d, of the inputs.
            outputs: K.
            seed: the run's seed.
        """

    @abstractmethod
    def shapes(self, dimension: int) -> list[LayerShape]:
        """Return the size of every hidden layer for inputs of this dimension."""

    @abstractmethod
    def _plan(self, thresholds: Thresholds) -> None:
        """Raise ConfigError where no weights go with the shifts."""

    @property
    def fitted_share(self) -> float | None:
        """The share that shifts are fitted to the data for; None where they are not."""
        return self.share if self.calibrate else None

    @property
    def neurons(self) -> int:
        """Coordinates of all hidden layers."""
        return sum(shape.positions * shape.neurons for shape in self.shapes(1))

    @property
    def queries(self) -> int:
        """Queries that an example makes in one pass, of all finders together."""
        return sum(shape.positions for shape in self.shapes(1))

    @model_validator(mode="before")
    @classmethod
    def _sparse_defaults(cls, table: Any) -> Any:
        return SPARSE_DEFAULTS | table if table.get("threshold", "auto") == "auto" else table

    @model_validator(mode="after")
    def _shifts_fit(self) -> Self:
        if self.threshold == "auto":
            return self
        try:
            self._plan(self.threshold)
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return self


@final
class DeepConfig(DeepSection):
    """``[network] kind = "deep"``: fully connected, m_0 .. m_L in ``widths``, or all ``width`` with L = ``depth``."""

    REPLACES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "width": ("widths",),
        "depth": ("widths",),
        "widths": ("width", "depth"),
    }

    kind: Literal["deep"]
    width: Count | None = None
    depth: _Depth | None = None
    widths: Annotated[
        Annotated[list[Count], Field(min_length=2, max_length=MOST_LAYERS)] | None,
        Field(description="a list of at least two whole numbers"),
    ] = None

    @property
    def layer_widths(self) -> list[int]:
        """m_0 .. m_L."""
        return self.widths or [self.width or 0] * (1 + (self.depth or 0))

    def drawn(self, dimension: int, outputs: int, seed: int) -> DeepNetwork:
        return fully_connected(
            self.layer_widths,
            dimension,
            outputs=outputs,
            threshold=self.threshold,
            share=self.share,
            seed=seed,
            dtype=self.dtype,
        )

    def shapes(self, dimension: int) -> list[LayerShape]:
        widths = self.layer_widths
        return [LayerShape(1, m, below) for m, below in zip(widths, [dimension, *widths[:-1]], strict=True)]

    def _plan(self, thresholds: Thresholds) -> None:
        layer_scales(self.layer_widths, thresholds, None)

    @model_validator(mode="before")
    @classmethod
    def _one_way_to_say_it(cls, table: Any) -> Any:
        if "widths" not in table:
            return DEEP_DEFAULTS | table
        for name in DEEP_DEFAULTS:
            if name in table:
                raise ValueError(f"{name}={table[name]!r}: remove it or widths, which tells the width of every layer")
        return table


@final
class ResidualConfig(DeepSection):
    """``[network] kind = "residual"``: L = ``depth`` trained layers of one width, all but the last residual."""

    kind: Literal["residual"]
    width: Count = DEEP_DEFAULTS["width"]
    depth: _Depth = DEEP_DEFAULTS["depth"]

    def drawn(self, dimension: int, outputs: int, seed: int) -> DeepNetwork:
        return residual(
            self.width,
            self.depth,
            dimension,
            outputs=outputs,
            threshold=self.threshold,
            share=self.share,
            seed=seed,
            dtype=self.dtype,
        )

    def shapes(self, dimension: int) -> list[LayerShape]:
        return [LayerShape(1, self.width, below) for below in [dimension, *[self.width] * self.depth]]

    def _plan(self, thresholds: Thresholds) -> None:
        residual_plan(self.width, self.depth, thresholds)


@final
class ConvolutionalConfig(DeepSection):
    """``[network] kind = "convolutional"``: layers 0 .. L - 1 see patches of a grid, layer L and the output everything.

    ``width`` is that of layer L, "auto" for as many neurons as the layer below has coordinates.
    """

    kind: Literal["convolutional"]
    channels: Annotated[
        list[Count], Field(min_length=1, max_length=MOST_LAYERS, description="a list of whole numbers of at least 1")
    ] = Field(default=[16])
    grid: Annotated[list[Count], Field(min_length=2, max_length=2, description="a list of two, height and width")]
    kernel: Count = 3
    input_channels: Count = 1
    shared: bool = True
    width: Annotated[Count | Literal["auto"], Field(description="a whole number of at least 1 or 'auto'")] = "auto"

    @property
    def positions(self) -> int:
        """Pixels of the grid."""
        return self.grid[0] * self.grid[1]

    @property
    def last(self) -> int:
        """m_L."""
        return self.positions * self.channels[-1] if self.width == "auto" else self.width

    def check_inputs(self, dimension: int) -> None:
        size = self.positions * self.input_channels
        if size != dimension:
            height, width = self.grid
            raise ConfigError(
                f"network.grid={self.grid}: {height} * {width} pixels of {self.input_channels} input_channels make "
                f"{size} numbers, but the data have dimension {dimension}"
            )

    def drawn(self, dimension: int, outputs: int, seed: int) -> DeepNetwork:
        return convolutional(
            self.channels,
            grid_patches(self.grid[0], self.grid[1], self.kernel),
            last=self.last,
            outputs=outputs,
            input_channels=self.input_channels,
            shared=self.shared,
            threshold=self.threshold,
            share=self.share,
            seed=seed,
            dtype=self.dtype,
        )

    def shapes(self, dimension: int) -> list[LayerShape]:
        below = [self.input_channels, *self.channels[:-1]]
        banks = 1 if self.shared else self.positions
        layers = [
            LayerShape(self.positions, m, self.kernel**2 * c, banks) for m, c in zip(self.channels, below, strict=True)
        ]
        return [*layers, LayerShape(1, self.last, self.positions * self.channels[-1])]

    def _plan(self, thresholds: Thresholds) -> None:
        convolutional_scales(self.channels, self.positions, self.kernel**2, self.last, thresholds, None)

    @model_validator(mode="after")
    def _patches_fit_the_grid(self) -> Self:
        if self.kernel > min(self.grid):
            raise ValueError(f"kernel={self.kernel}: expected at most {min(self.grid)}, the shorter side of the grid")
        return self

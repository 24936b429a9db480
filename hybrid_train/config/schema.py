"""The sections of a config, each a strict schema: unknown keys refused, no value silently converted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal, Self, final

from pydantic import AfterValidator, Field, TypeAdapter, model_validator

from hybrid_train.config.data_kinds import DataSection
from hybrid_train.config.deep_networks import ConvolutionalConfig, DeepConfig, ResidualConfig
from hybrid_train.config.linearised_networks import RandomFeaturesConfig, TangentKernelConfig
from hybrid_train.config.section import (
    MOST_SEED,
    MOST_STEPS,
    Belonging,
    Count,
    Positive,
    Section,
    Threshold,
    ThresholdChoice,
)
from hybrid_train.errors import ConfigError, InvariantError
from hybrid_train.support.messages import quoted
from hybrid_train.support.names import nearest
from hybrid_train.training.losses import LOSSES, make_loss

MOST_THREADS = 1024
"""More than any machine has use for."""


@final
class NetworkConfig(Section):
    """``[network]``: f(x) = m^{-1/2} sum_r a_r max(<w_r, x> - b, 0) (PRE Def. 3.1).

    ``threshold`` is b: a number, "auto" for sqrt(0.4 ln m), or ``{alpha = A}`` for sqrt(0.5 (1 - A) ln m), of which
    "auto" is that of A = 0.2 (PRE Corollary E.1).
    ``output_weight`` is the size B of the a_r, which are -B or +B (SGD Def. 1.3). With ``activation = "jump"`` it is
    sum_r a_r z_r 1[z_r > tau], z_r = <w_r, x> + b_r, on inputs with a last coordinate of 1/2 (ADV Def. 3.1): the
    threshold is ``tau``, or ``k`` of tau = k m^{-3/5}. Either kind takes in its place the ``fraction`` of the neurons
    that is to fire for a datum at the start.
    ``storage = "seeded"`` keeps no weights: W(0) is drawn again from the seed whenever it is read. ``"live"`` draws
    only the neurons that fire for some example, out of Poisson(m): the others never move and never matter.
    """

    BELONGS: ClassVar[Mapping[str, Belonging]] = {
        **dict.fromkeys(("tau", "k"), Belonging("activation", ("jump",))),
        **dict.fromkeys(("threshold", "start", "output_weight"), Belonging("activation", ("relu",))),
    }
    REPLACES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "tau": ("k", "fraction"),
        "k": ("tau", "fraction"),
        "fraction": ("tau", "k", "threshold"),
        "threshold": ("fraction",),
    }

    kind: Literal["two_layer"] = "two_layer"
    width: Count = 1024
    threshold: ThresholdChoice = "auto"
    outputs: Annotated[Count | Literal["auto"], Field(description="a whole number of at least 1 or 'auto'")] = "auto"
    start: Literal["gaussian", "paired"] = "gaussian"
    output_weight: Positive = 1.0
    activation: Literal["relu", "jump"] = "relu"
    tau: Threshold | None = None
    k: Annotated[float, Field(ge=-1e12, le=1e12, description="a finite number")] | None = None
    fraction: Annotated[float, Field(gt=0, lt=1, description="a share strictly between 0 and 1")] | None = None
    dtype: Literal["float64", "float32"] = "float64"
    storage: Literal["stored", "seeded", "live"] = "stored"

    @property
    def starts_as(self) -> str:
        """The name that its start is registered under."""
        return "lifted" if self.activation == "jump" else "two_layer"

    @model_validator(mode="after")
    def _one_threshold_of_the_jump(self) -> Self:
        given = {name: value for name in ("tau", "k", "fraction") if (value := getattr(self, name)) is not None}
        if self.fraction is not None and self.threshold != "auto":
            raise ValueError(f"threshold={self.threshold!r}: remove it or fraction, each of them sets the threshold")
        if len(given) > 1:
            name, value = list(given.items())[-1]
            raise ValueError(
                f"{name}={value!r}: remove it or the others, each of {', '.join(given)} sets the threshold"
            )
        return self

    @model_validator(mode="after")
    def _pairs_need_an_even_width(self) -> Self:
        if self.start == "paired" and self.width % 2:
            raise ValueError(f"width={self.width}: expected an even number, since start='paired' makes pairs")
        return self


NetworkSection = (
    NetworkConfig | TangentKernelConfig | RandomFeaturesConfig | DeepConfig | ResidualConfig | ConvolutionalConfig
)

NETWORK_KINDS: dict[str, type[NetworkSection]] = {
    "two_layer": NetworkConfig,
    "tangent_kernel": TangentKernelConfig,
    "random_features": RandomFeaturesConfig,
    "deep": DeepConfig,
    "residual": ResidualConfig,
    "convolutional": ConvolutionalConfig,
}


def _known_loss(name: str) -> str:
    if name not in LOSSES:
        raise ValueError(f"loss={quoted(name)}: expected one of {', '.join(LOSSES)}{nearest(name, LOSSES)}")
    return name


SGD_DEFAULTS: dict[str, Any] = {"batch_size": 16, "replacement": False, "keep": "random"}
"""What ``[training]`` has by itself under ``algorithm = "sgd"``."""


@final
class TrainingConfig(Section):
    """``[training]``: who is searched, how far, on which examples and on which loss.

    ``learning_rate = "auto"`` is 1 / the top eigenvalue of the kernel at the start, ``"theorem"`` what the theorem
    about such a run names: PRE Lemma 5.2, SGD Theorem 5.6, ADV Theorem 5.12, DEEP Theorems 1, 2 and 8.

    ``batch_size``, ``replacement`` and ``keep`` belong to ``algorithm = "sgd"``, which fills in
    :data:`SGD_DEFAULTS`: it returns W(t) for a random t, as SGD Algorithm 1 does, and of deep networks the last, as
    DEEP Theorem 2 does, unless ``keep`` says otherwise. ``replacement = "subset"`` draws a fresh subset of
    ``batch_size`` examples in every step (DEEP Theorem 2), in place of going through all before any comes again.
    ``algorithm = "adversarial"`` trains on examples that ``[adversary]`` has moved (ADV Algorithm 1), all of them or
    ``batch_size`` at a time. ``optimiser`` ("momentum" with ``momentum``, "adam") and ``weight_decay`` act on the
    neurons that are active in a step alone; ``schedule`` lets the learning rate fall to 0.
    """

    BELONGS: ClassVar[Mapping[str, Belonging]] = {
        "batch_size": Belonging("algorithm", ("sgd", "adversarial")),
        "replacement": Belonging("algorithm", ("sgd", "adversarial")),
        "huber_delta": Belonging("loss", ("huber",)),
        "geman_mcclure_scale": Belonging("loss", ("geman_mcclure",)),
        "momentum": Belonging("optimiser", ("momentum",)),
    }

    algorithm: Literal["gd", "sgd", "adversarial"] = "gd"
    index: Literal["neurons", "data"] = "neurons"
    steps: Annotated[int, Field(ge=0, le=MOST_STEPS)] = 100
    learning_rate: Annotated[
        Positive | Literal["auto", "theorem"], Field(description="a number above 0, 'auto' or 'theorem'")
    ] = "auto"
    loss: Annotated[str, AfterValidator(_known_loss)] = "squared"
    huber_delta: Positive | None = None
    geman_mcclure_scale: Positive | None = None
    batch_size: Count | None = None
    replacement: Annotated[bool | Literal["subset"], Field(description="true, false or 'subset'")] | None = None
    keep: Literal["last", "best", "average", "random"] | None = None
    optimiser: Literal["descent", "momentum", "adam"] = "descent"
    momentum: Annotated[float, Field(ge=0, lt=1, description="a number of at least 0 and below 1")] | None = None
    weight_decay: Annotated[float, Field(ge=0, le=1e6)] = 0.0
    schedule: Literal["constant", "linear", "cosine"] = "constant"

    @property
    def optimiser_options(self) -> dict[str, Any]:
        """What :func:`hybrid_train.training.optimisers.make_optimiser` takes beside name and shape."""
        momentum = {} if self.momentum is None else {"momentum": self.momentum}
        return {"weight_decay": self.weight_decay} | momentum

    @property
    def plain(self) -> bool:
        """Whether a step moves weights by a combination of the data, as the papers' do."""
        return self.optimiser == "descent" and self.weight_decay == 0.0

    @property
    def loss_options(self) -> dict[str, float]:
        """The loss's own options, as :func:`hybrid_train.training.losses.make_loss` takes them."""
        options = {"delta": self.huber_delta, "scale": self.geman_mcclure_scale}
        return {name: value for name, value in options.items() if value is not None}

    @property
    def batch(self) -> int:
        """B, the examples of a step of SGD.

        Raises:
            InvariantError: another algorithm.
        """
        if self.batch_size is None:
            raise InvariantError(f"training.algorithm={self.algorithm!r} has no batch_size")
        return self.batch_size

    @property
    def kept(self) -> Literal["last", "best", "average", "random"]:
        """Which W(t) is returned."""
        return self.keep or "last"

    @model_validator(mode="before")
    @classmethod
    def _sgd_defaults(cls, table: Any) -> Any:
        return SGD_DEFAULTS | table if table.get("algorithm") == "sgd" else table

    @model_validator(mode="after")
    def _rate_fits_the_loss(self) -> Self:
        if self.learning_rate != "auto" or self.optimiser == "adam":
            return self
        if make_loss(self.loss, **self.loss_options).curvature is None:
            raise ValueError(
                f"learning_rate='auto': expected a number above 0, since loss={self.loss!r} has no bounded curvature"
            )
        return self


@final
class AdversaryConfig(Section):
    """``[adversary]``: who moves the examples of a step, and how far (ADV Def. 3.3).

    ``steps``, ``step_size`` (2.5 rho / steps without it), ``random_start`` and ``restarts`` belong to ``kind = "pgd"``.
    """

    BELONGS: ClassVar[Mapping[str, Belonging]] = dict.fromkeys(
        ("steps", "step_size", "random_start", "restarts"), Belonging("kind", ("pgd",))
    )

    kind: Literal["none", "fgsm", "pgd"] = "pgd"
    norm: Literal["l2", "linf"] = "l2"
    rho: Annotated[float, Field(ge=0, le=1e6, description="a radius of at least 0")] = 0.1
    steps: Count | None = None
    step_size: Positive | None = None
    random_start: bool | None = None
    restarts: Count | None = None

    @property
    def options(self) -> dict[str, Any]:
        """What was given beside the ball, as :func:`hybrid_train.adversaries.make_adversary` takes it."""
        return self.model_dump(exclude={"kind", "norm", "rho"}, exclude_none=True)

    @model_validator(mode="after")
    def _restarts_differ(self) -> Self:
        if (self.restarts or 1) > 1 and not self.random_start:
            raise ValueError(f"restarts={self.restarts}: they would all be the same; set random_start=true")
        return self


_CHECKPOINTS: dict[str, TypeAdapter[Any]] = {
    "steps": TypeAdapter(Annotated[int, Field(ge=1, le=MOST_STEPS, strict=True)]),
    "seconds": TypeAdapter(Annotated[float, Field(ge=1e-3, le=1e9, strict=True)]),
    "at": TypeAdapter(
        Annotated[list[Annotated[int, Field(ge=1, le=MOST_STEPS, strict=True)]], Field(max_length=10**6)]
    ),
}


def _known_checkpoint(value: int | dict[str, Any]) -> int | dict[str, Any]:
    if isinstance(value, int):
        return value
    try:
        ((name, given),) = value.items()
        return {name: _CHECKPOINTS[name].validate_python(given)}
    except (ValueError, KeyError):
        raise ValueError(
            f"checkpoint={quoted(value)}: expected a number of steps, or one of {{steps = N}}, {{seconds = S}} and "
            "{at = [T, ...]}, above 0"
        ) from None


@final
class RunConfig(Section):
    """``[run]``: the root of all randomness, and how often the sets are audited (0 for never).

    ``threads`` is how many work at once, by itself as many as there are processors for this process; no result depends
    on it.

    ``checkpoint`` says at which W(t) the run can be taken up again by ``--resume``: every so many steps
    (``checkpoint = 100``, or ``{steps = 100}``), after so many seconds (``{seconds = 60}``), or at given steps
    (``{at = [10, 500]}``); 0 for none, which is the default, and then a run that was killed begins again. Such a break
    is an event of the run: lists, trees, running sums and a quantum search's memory are made anew there, from the
    weights, so that the run that is taken up equals the unbroken one to the last bit. It differs in last bits, and in
    what is charged, from a run without breaks. With ``seconds`` the clock says where the breaks are; the notes list
    them, and ``at`` repeats them. Where there are breaks, the finder ``auto`` goes by counts instead of the clock.

    ``snapshots = N`` keeps W(t) of every N steps beside the results, the last one included, 0 none:
    ``hybrid_train.load(directory, step=t)`` has it.

    ``proof = true`` writes beside the results why each of the finder's answers is complete; ``hybrid-train verify``
    checks it. The finder is then asked for its sets at every step, also where it could train without.
    """

    seed: Annotated[int, Field(ge=0, le=MOST_SEED)] = 0
    audit_every: Annotated[int, Field(ge=0, le=MOST_STEPS)] = 1
    threads: Annotated[
        Annotated[int, Field(ge=1, le=MOST_THREADS)] | Literal["auto"],
        Field(description=f"a whole number from 1 to {MOST_THREADS} or 'auto'"),
    ] = "auto"
    checkpoint: Annotated[
        Annotated[int, Field(ge=0, le=MOST_STEPS)] | dict[str, Any],
        AfterValidator(_known_checkpoint),
        Field(description="a number of steps, or a table {steps = N}, {seconds = S} or {at = [T, ...]}"),
    ] = 0
    snapshots: Annotated[int, Field(ge=0, le=MOST_STEPS)] = 0
    proof: bool = False

    @property
    def breaks(self) -> dict[str, Any]:
        """``checkpoint`` as a table; empty for none."""
        if isinstance(self.checkpoint, dict):
            return self.checkpoint
        return {"steps": self.checkpoint} if self.checkpoint else {}

    def break_at(self, step: int, seconds: float) -> bool:
        """Return whether there is a break at W(step), ``seconds`` after the last one or the begin."""
        match self.breaks:
            case {"steps": every}:
                return bool(step % every == 0)
            case {"seconds": least}:
                return bool(seconds >= least)
            case {"at": steps}:
                return step in steps
        return False

    def snapshot_at(self, step: int, last: int) -> bool:
        """Return whether W(step) is kept, ``last`` being the last step."""
        return self.snapshots > 0 and (step % self.snapshots == 0 or step == last)

    def most_breaks(self, steps: int) -> int:
        """Return how many breaks a run of so many steps has, at most."""
        match self.breaks:
            case {"steps": every}:
                return max(0, steps - 1) // int(every)
            case {"seconds": _}:
                return max(0, steps - 1)
            case {"at": given}:
                return len(given)
        return 0


@final
@dataclass(frozen=True)
class FinderConfig:
    """``[finder]``: who finds the active sets, and the options of that kind that were given."""

    kind: str = "auto"
    options: dict[str, Any] = field(default_factory=dict)


@final
@dataclass(frozen=True)
class Config:
    """A whole config, valid. Made by :func:`hybrid_train.load_config`.

    Attributes:
        data: one of the kinds of :data:`hybrid_train.config.data_kinds.DATA_KINDS`.
        network: the network and its start, one of the kinds of :data:`NETWORK_KINDS`.
        training: the algorithm.
        finder: who searches.
        finders: options by finder kind for comparisons, the ``[finders.<kind>]`` tables.
        run: seed and audit.
        adversary: who moves the examples; None without one.
        notes: what the overrides put aside, in sentences.
    """

    data: DataSection
    network: NetworkSection
    training: TrainingConfig
    finder: FinderConfig
    finders: dict[str, dict[str, Any]]
    run: RunConfig
    adversary: AdversaryConfig | None = None
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def two_layer(self) -> NetworkConfig:
        """The network, where nothing else will do.

        Raises:
            ConfigError: it is of another kind.
        """
        if not isinstance(self.network, NetworkConfig):
            raise ConfigError(f"network.kind={self.network.kind!r}: expected 'two_layer', this is about no other kind")
        return self.network

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
            "network": self.network.model_dump(exclude_none=True),
            "training": self.training.model_dump(exclude_none=True),
            "finder": {"kind": self.finder.kind, **self.finder.options},
            "run": self.run.model_dump(),
        }
        adversary = {} if self.adversary is None else {"adversary": self.adversary.model_dump(exclude_none=True)}
        return tables | adversary | ({"finders": self.finders} if self.finders else {})

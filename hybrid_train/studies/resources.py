"""What the arithmetic oracle takes: an oracle call, a Grover iteration, and finding all fired neurons of a query.

The answer is a document of rows in closed form, instant at any width, and where the circuit is small enough to be
built, of rows counted from it gate by gate beside the closed form of the very same query.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, final, get_args

from circuits.resources import (
    PairResources,
    SearchResources,
    Variant,
    count_circuit,
    pair_resources,
    search_resources,
)
from circuits.resources.gates import GateCounts
from hybrid_train.errors import ConfigError, ResourceError, UnwrittenError, is_interruption
from hybrid_train.experiments.document import versions
from hybrid_train.experiments.quality import qualities, quality_text
from hybrid_train.network.two_layer import auto_threshold
from hybrid_train.studies.physical import (
    Machine,
    advantage_cap,
    export_counts,
    physical_rows,
    physical_text,
    query_counts,
)
from hybrid_train.studies.quality import RESOURCES
from hybrid_train.support.text_table import aligned

if TYPE_CHECKING:
    from circuits.arithmetic import ArithmeticOracle

Adder = Literal["gidney", "draper"]
Loading = Literal["all", "coordinate"]

EXPECTED, THIS_QUERY, COUNTED = "closed form", "closed form, this query", "built circuit"
"""Where a row's figures are from."""

_PARTS = ("oracle call", "Grover iteration", "query")

_MOST_GATES = 300_000
"""Circuits with more take longer than some seconds to build and count."""

_CERTIFICATE_ANGLE = 1.0
"""Radians. Every angle of a certificate that Clifford+T does not have exactly costs the same."""

_WEIGHT_OF_MONOMIALS = 4
"""A gate controlled by many qubits takes so much longer to build than the others."""


@final
@dataclass(frozen=True)
class OracleSizes:
    """What an oracle is like, checked at birth.

    Attributes:
        width: m.
        dim: d.
        bits: p of a weight.
        query_bits: p_x of a query component; p if None.
        adder: ``gidney`` has few T gates, ``draper`` few qubits.
        loading: ``all`` words at once or ``coordinate`` by coordinate; None for the adder's usual one.
        swap: with ``gidney`` and ``all``, how many neighbouring neurons are loaded together.
        spare: with ``gidney``, further clean qubits.
        delta: in (0, 1), the probability that a query misses a neuron.
        pairs: n, to say what one search over all pairs with n data takes; None to say nothing.

    Raises:
        ConfigError: an option out of range, or a combination that does not exist.
    """

    width: int
    dim: int
    bits: int
    query_bits: int | None = None
    adder: Adder = "gidney"
    loading: Loading | None = None
    swap: int = 1
    spare: int = 0
    delta: float = 1e-6
    pairs: int | None = None

    def __post_init__(self) -> None:
        if self.adder not in get_args(Adder):
            raise ConfigError(f"adder={self.adder!r}: must be one of {', '.join(get_args(Adder))}")
        if self.loading not in (None, *get_args(Loading)):
            raise ConfigError(f"loading={self.loading!r}: must be one of {', '.join(get_args(Loading))}")
        if self.adder == "draper" and self.loading == "all":
            raise ConfigError("loading='all': adder='draper' loads coordinate by coordinate; take adder='gidney'")
        self.search()
        self.all_pairs()

    def all_pairs(self) -> PairResources | None:
        """Return what one search over all pairs takes, if it is asked for."""
        if self.pairs is None:
            return None
        return pair_resources(self.pairs, self.width, self.dim, self.bits, self.query_bits, delta=self.delta)

    @property
    def variant(self) -> Variant:
        """Adder and loading in one word, as :func:`circuits.resources.estimate` takes them."""
        return "draper" if self.adder == "draper" else self.loading or "all"

    def search(self, query: list[int] | None = None) -> SearchResources:
        """Return the closed form of one call, one iteration and one query; found neurons are unmarked.

        Args:
            query: (d,) integers; None for the expectation over queries.
        """
        sizes = self.width, self.dim, self.bits, self.query_bits
        return search_resources(
            *sizes, variant=self.variant, query=query, delta=self.delta, swap=self.swap, spare=self.spare
        )

    def is_buildable(self) -> bool:
        """Return whether the circuit can be built within seconds: a rough count of its gates and their conditions."""
        loaded = self.dim * self.bits * (1 << (self.width - 1).bit_length())
        gates = self.search().oracle.gates
        if self.variant == "draper":  # (2 d - 1) loads and as many unloads of half of all 2^n monomials a bit
            return 2 * loaded * _WEIGHT_OF_MONOMIALS + gates.rotations <= _MOST_GATES
        loads = 1 if self.variant == "all" else 2
        return loads * loaded * (1 + self.swap) // 2 + 9 * gates.ands <= _MOST_GATES

    def buildable(self) -> OracleSizes:
        """Return the same oracle over the largest number of neurons, at most these, that can be built.

        Raises:
            ResourceError: none can.
        """
        sizes = self
        while not sizes.is_buildable():
            width = 1 << ((sizes.width - 1).bit_length() - 1)
            if width < max(2, 2 * self.swap):
                raise ResourceError(
                    f"dim={self.dim}, bits={self.bits}: at any width the circuit has more than {_MOST_GATES:,} gates, "
                    "the most that are built here; take a smaller dim or fewer bits"
                )
            sizes = replace(sizes, width=width)
        return sizes

    def build(self) -> ArithmeticOracle:
        """Return the oracle over standard normal weights and one random query, nothing found yet."""
        from circuits.arithmetic import example_oracle

        sizes = self.width, self.dim, self.bits, self.query_bits
        return example_oracle(*sizes, variant=self.variant, done=True, swap=self.swap, spare=self.spare)


def parse_width(text: str) -> int:
    """Return a number of neurons written as ``1048576`` or ``2^20``.

    Raises:
        ConfigError: it is neither.
    """
    base, power, exponent = text.partition("^")
    if not (base.isdecimal() and (exponent.isdecimal() if power else not exponent)) or len(text) > 40:
        raise ConfigError(f"width={text!r}: expected a whole number such as 1024 or 2^20")
    width = int(base) ** min(int(exponent), 1000) if power else int(base)
    if not 1 <= width <= 1 << 200:
        raise ConfigError(f"width={text}: must be from 1 to 2^200")
    return width


def oracle_resources(
    sizes: OracleSizes,
    *,
    draw: str | Path | None = None,
    machine: Machine | None = None,
    export: str | Path | None = None,
) -> dict[str, Any]:
    """Return what an oracle takes as a document: ``rows``, ``search``, ``notes``, and the options.

    A row says what for (``per``), where its figures are from (``source``), and has ``logical_qubits``, ``toffoli``
    (ANDs), ``t``, ``rotations`` and ``toffoli_depth``. With the closed form alone, D, the nonzero digits of the query,
    is their expectation; the built circuit has the digits of its own query, and so does the closed form beside it.

    Args:
        sizes: of the oracle.
        draw: where to write a picture of the circuit, a ``.png``, ``.pdf`` or ``.svg`` file.
        machine: to say what a query takes in physical qubits and time (``physical``); None to say nothing.
        export: where to write the logical counts of a query, see
            :func:`hybrid_train.studies.physical.export_counts`.

    Raises:
        ConfigError: a file type that cannot be drawn or exported, or the estimator is not installed.
        CheckpointError: the counts cannot be written.
        ResourceError: a picture of an oracle too large to build at any width.
        UnwrittenError: the picture cannot be drawn; it has the document.
    """
    found = sizes.search()
    if export is not None:
        export_counts(export, found, _title(sizes))
    physical = None if machine is None else physical_rows(found, machine)
    rows, notes = _rows(EXPECTED, found), []
    drawn = sizes.buildable() if draw is not None else sizes
    oracle = sizes.build() if sizes.is_buildable() else None
    if oracle is None:
        notes.append(f"a circuit of more than {_MOST_GATES:,} gates is not built here: in closed form alone")
    else:
        exact = sizes.search(oracle.test.query.tolist())
        rows += _rows(THIS_QUERY, exact) + _rows(COUNTED, _counted(sizes, oracle, exact))
    if sizes.variant == "draper":
        notes.append("draper: the closed form's ANDs are expected over weights, its rotations the most there may be")
    if draw is not None and drawn.width < sizes.width:
        notes.append(f"the picture shows the same oracle at width={drawn.width}")
    threshold = auto_threshold(sizes.width)
    digits = {EXPECTED: float(found.oracle.digits)} | ({} if oracle is None else {COUNTED: float(exact.oracle.digits)})
    options = asdict(sizes) | {"query_bits": sizes.query_bits or sizes.bits, "loading": _loading(sizes)}
    search = _search(sizes, found) | {"threshold": threshold, "digits": digits}
    all_pairs = sizes.all_pairs()
    document = {"rows": rows, "search": search, "options": options, "versions": versions(), "notes": notes}
    if all_pairs is not None:
        document["pairs"] = asdict(all_pairs)
    if physical is not None:
        document |= {"physical": physical, "logical_counts": query_counts(found)}
    document["quality"] = qualities(RESOURCES, document)
    if draw is not None:
        _draw(oracle or drawn.build(), draw, _title(drawn), document)
    return document


def _draw(oracle: ArithmeticOracle, path: str | Path, title: str, document: dict[str, Any]) -> None:
    """Draw the circuit; where that fails, the document goes with the error."""
    try:
        from circuits.resources.drawing import draw

        draw(oracle, path, title=title)
    except Exception as error:
        if is_interruption(error) or isinstance(error, ConfigError):
            raise
        reason = " ".join(str(error).split())
        raise UnwrittenError(
            f"draw={str(path)!r}: the picture could not be drawn: {type(error).__name__}: {reason}", document
        ) from error


def resources_text(document: dict[str, Any]) -> str:
    """Return the document of :func:`oracle_resources` for people."""
    given = {name: document["options"][name] for name in OracleSizes.__dataclass_fields__}
    title = _title(OracleSizes(**given))
    head = ["per", "from", "qubits", "Toffoli", "T", "rotations", "Toffoli depth", "is"]
    names = ("logical_qubits", "toffoli", "t", "rotations", "toffoli_depth")
    rows = sorted(document["rows"], key=lambda row: _PARTS.index(row["per"]))
    lines = [[row["per"], row["source"], *(f"{row[name]:,}" for name in names), row["quality"]] for row in rows]
    return "\n".join(
        [
            title,
            "",
            aligned([head, *lines], 2),
            "",
            *_remarks(document["search"]),
            *_pairs(document),
            *_physical(document),
            _quality(document),
        ]
    )


def _quality(document: dict[str, Any]) -> str:
    """Return how good the numbers are that people are shown below the table."""
    flags = {"neurons, data, bits": "given", "fired, calls, operations": RESOURCES["search.fired"]}
    flags["rotation precision"] = RESOURCES["search.rotation_precision"]
    if "physical" in document:
        flags["physical qubits, distance, time"] = RESOURCES["physical[].*"]
    return quality_text(flags)


def _title(sizes: OracleSizes) -> str:
    return (
        f"m = {sizes.width:,} neurons, d = {sizes.dim}, weights of {sizes.bits} bits, query components of "
        f"{sizes.query_bits or sizes.bits}; {sizes.adder} adders, loading {_loading(sizes)}"
        + (f", swap {sizes.swap}" if sizes.swap > 1 else "")
        + (f", {sizes.spare} spare qubits" if sizes.spare else "")
    )


def _remarks(search: dict[str, Any]) -> list[str]:
    digits = ", ".join(f"{count:.4g} ({source})" for source, count in search["digits"].items())
    return [
        "Toffoli: ANDs onto a clean qubit, of 4 T each, erased by measurement; depth: how many one after another",
        f"nonzero digits of the query: {digits}",
        f"a query: {search['fired']:,.4g} neurons fire (b = {search['threshold']:.4g}) and cost "
        f"{search['oracle_calls']:,} oracle calls, {search['certificate_calls']:,} of them",
        f"  to certify that none is left (delta = {search['delta']:g}); found neurons are unmarked",
        f"  each rotation of a query is synthesised to {search['rotation_precision']:.2g}, "
        "those of a single call or iteration to 1e-10",
        "beside a dense scan",
        f"  {search['oracle_calls']:,} oracle calls against {search['scan_inner_products']:,} inner products",
        f"  {search['memory_operations']:,} operations against {search['scan_operations']:,} multiply-adds, if a "
        "quantum memory held the weights",
        f"  {search['toffoli']:,} Toffoli against {search['scan_operations']:,} multiply-adds, the weights loaded by "
        "gates",
    ]


def _pairs(document: dict[str, Any]) -> list[str]:
    """Say what one search over all pairs takes, if it was asked for."""
    if "pairs" not in document:
        return []
    found, n = document["pairs"], document["options"]["pairs"]
    return [
        f"one search over all pairs with {n:,} data",
        f"  {found['logical_qubits']:,} qubits, {found['index_qubits']} of them the index, with the Draper oracle that "
        "loads both vectors",
        f"  {found['oracle_calls']:,} oracle calls for {found['fired']:,.4g} pairs, {found['certificate_calls']:,} of "
        "them for the certificate",
        f"  against {found['apart_oracle_calls']:,} and {found['apart_certificate_calls']:,} in {n:,} searches",
    ]


def _physical(document: dict[str, Any]) -> list[str]:
    return physical_text(document) if "physical" in document else []


def _rows(source: str, found: SearchResources) -> list[dict[str, Any]]:
    qubits = found.oracle.logical_qubits
    gates = found.oracle.gates, found.iteration, found.gates
    t_counts = found.oracle.t_count, found.iteration.t_count(), found.t_count
    return [
        {
            "per": per,
            "source": source,
            "quality": "expected" if found.oracle.expected or per == _PARTS[-1] else "exact",
            "logical_qubits": qubits,
            "toffoli": counts.ands,
            "t": t_count,
            "rotations": counts.rotations,
            "toffoli_depth": counts.and_depth,
        }
        for per, counts, t_count in zip(_PARTS, gates, t_counts, strict=True)
    ]


def _counted(sizes: OracleSizes, oracle: ArithmeticOracle, closed: SearchResources) -> SearchResources:
    """Return the same search with its gates and qubits counted from the circuits."""
    from circuits.grover import diffusion

    measured = sizes.adder == "gidney"
    circuit = oracle.circuit(measured=measured)
    call, reflection = count_circuit(circuit), count_circuit(diffusion(sizes.width))
    one: GateCounts = call + reflection
    turned = count_circuit(oracle.circuit(_CERTIFICATE_ANGLE, measured=measured))
    other = turned + count_circuit(diffusion(sizes.width, _CERTIFICATE_ANGLE))
    certificate = closed.certificate_calls
    return replace(
        closed,
        oracle=replace(closed.oracle, logical_qubits=circuit.num_qubits, gates=call, expected=False),
        diffusion=reflection,
        iteration=one,
        certificate_iteration=other,
        gates=one * (closed.oracle_calls - certificate) + other * certificate,
    )


def _search(sizes: OracleSizes, found: SearchResources) -> dict[str, Any]:
    return {
        "fired": found.fired,
        "delta": sizes.delta,
        "oracle_calls": found.oracle_calls,
        "certificate_calls": found.certificate_calls,
        "rotation_precision": found.rotation_precision,
        "memory_operations": found.memory_operations,
        "toffoli": found.gates.ands,
        "scan_inner_products": sizes.width,
        "scan_operations": found.scan_operations,
        "advantage_cap": advantage_cap(sizes.width, found.fired),
    }


def _loading(sizes: OracleSizes) -> str:
    return "coordinate" if sizes.variant == "draper" else sizes.variant

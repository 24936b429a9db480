"""Commands that count what a quantum search takes: ``count``, ``resources`` and ``crossover``."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from circuits.strategies import STRATEGIES
from hybrid_train.cli.options import (
    Commands,
    Parser,
    add_json,
    add_results,
    add_set,
    add_workers,
    given,
    names,
    number,
    path,
    place_of,
    refuse,
    refuse_settings,
    size,
    whole,
)
from hybrid_train.cli.printing import (
    DONE,
    FAILED,
    complain,
    escaped,
    note,
    show,
    show_files,
    show_json,
    show_result,
    worked_out,
)

_ORACLE = ("dim", "bits", "query_bits", "adder", "loading", "swap", "spare", "delta", "pairs")
_CROSSOVER = ("dim", "n", "bits", "query_bits", "steps", "delta", "swap", "toffoli_rate", "classical_rate", "seed")
_BY_CONFIG = "with --along the config and its run decide; "
_ALONG = {
    "widths": f"{_BY_CONFIG}--set network.width=M",
    "counts": f"{_BY_CONFIG}leave it out",
    "trials": f"{_BY_CONFIG}leave it out",
    "index": f"{_BY_CONFIG}--set training.index=INDEX",
    "n": f"{_BY_CONFIG}--set data.n=N",
    "newcomers": f"{_BY_CONFIG}leave it out",
    "formula": f"{_BY_CONFIG}leave it out",
    "seed": f"{_BY_CONFIG}--set run.seed=S",
    "workers": "with --along each step follows from the one before; leave it out",
    "scheduler": "with --along each step follows from the one before; leave it out",
}
"""Options of ``count`` that mean nothing along a training run, and what to do."""


def add_commands(commands: Commands) -> None:
    """Add the commands of this family."""
    _add_count(commands)
    _add_resources(commands)
    _add_crossover(commands)


def _add_count(commands: Commands) -> None:
    text = (
        "Oracle calls to find all fired neurons, played out on the exact law of Grover's algorithm for any width, "
        "beside what theory predicts; or, with --along, at every step of a training run."
    )
    count = commands.add_parser("count", help="oracle calls of each search strategy", description=text)
    add = count.add_argument
    add("--widths", metavar="M", help="2^10..2^30, a comma list, or both (2^10..2^20)")
    add("--strategies", metavar="A,B,C", help=",".join(STRATEGIES))
    add("--counts", metavar="K", help="fired neurons: 49, or 49,140,... for each width, or m^0.8, or 0.25m; m Q(b)")
    add("--trials", metavar="N", type=size, help="searches for each width and strategy; as many as take seconds")
    add("--delta", metavar="P", type=number, help="what may be missed with, in all (1e-6)")
    add("--index", metavar="INDEX", help="neurons (one query), or data (one step, all neurons); neurons")
    add("--n", metavar="N", type=size, help="data, for --index data and --scope pairs (64)")
    add("--scope", metavar="SCOPE", help="query, or pairs: one search over all (datum, neuron) pairs of a step; query")
    add("--formula", action="store_true", default=None, help="print the closed forms of the table below it")
    add("--all", action="store_true", default=None, help="print every width and column, with --along every step")
    add("--newcomers", metavar="SHARE", type=number, help="of the fired neurons, for warm (0.01)")
    add("--seed", metavar="S", type=whole, help="of the searches (0)")
    add("--along", metavar="CONFIG", type=path, help="count at every step of the training run of this TOML file")
    add_set(count, "override a value of that config; may be repeated")
    add_workers(count)
    add_results(count)
    count.set_defaults(command=_count)


def _add_resources(commands: Commands) -> None:
    text = "What the arithmetic oracle takes: qubits, Toffoli and T gates, depth; a call, an iteration, a query."
    resources = commands.add_parser("resources", help="qubits and gates of the real oracle", description=text)
    add = resources.add_argument
    add("--width", required=True, metavar="M", help="neurons: a number, or a power such as 2^20")
    add("--dim", required=True, metavar="D", type=whole, help="length of a weight vector")
    add("--bits", required=True, metavar="P", type=whole, help="bits of a weight")
    add("--query-bits", metavar="P", type=whole, help="bits of a query component; those of a weight")
    add("--adder", metavar="NAME", help="gidney (fewest T gates) or draper (fewest qubits); gidney")
    add("--loading", metavar="NAME", help="all words of a neuron at once, or coordinate by coordinate")
    text = "load so many neighbouring neurons together: fewer Toffoli, more qubits (1)"
    add("--swap", metavar="N", type=size, help=text)
    add("--spare", metavar="N", type=size, help="further clean qubits, for unloading (0)")
    add("--delta", metavar="P", type=number, help="probability that a query misses a neuron (1e-6)")
    add("--pairs", metavar="N", type=size, help="also one search over all pairs with N data")
    text = "what error-corrected qubits of these models take for a query (qubit_gate_ns_e3); needs qdk"
    add("--physical", metavar="A,B,C", nargs="?", const="", help=text)
    add("--error-budget", metavar="P", type=number, help="probability that such a query goes wrong (1e-3)")
    add("--price", metavar="X", type=number, help="of a physical qubit for an hour, to name what a query costs")
    add(
        "--export",
        metavar="FILE",
        type=path,
        help="write a query's counts there: .json for the estimator, .yaml (QREF)",
    )
    add("--draw", metavar="FILE", type=path, help="write the circuit there: .png, .pdf or .svg")
    add("--quiet", action="store_true", help="no notes and no progress")
    add_json(resources)
    resources.set_defaults(command=_resources)


def _add_crossover(commands: Commands) -> None:
    text = (
        "From what width each search strategy is cheaper than a dense scan and than the skin finder: in oracle calls, "
        "with a quantum memory assumed, and with the weights loaded by gates."
    )
    crossover: Parser = commands.add_parser(
        "crossover", help="from what width a quantum search is cheaper", description=text
    )
    add = crossover.add_argument
    add("--dim", metavar="D", type=size, help="length of a weight vector (16)")
    add("--n", metavar="N", type=size, help="data, that is queries a step (64)")
    add("--steps", metavar="T", type=size, help="steps over which the first one's cost is shared (100)")
    add("--bits", metavar="P", type=whole, help="bits of a weight (8)")
    add("--query-bits", metavar="P", type=whole, help="bits of a query component; those of a weight")
    add("--strategies", metavar="A,B,C", help="search strategies (known_k,bbht,adaptive,warm)")
    add("--delta", metavar="P", type=number, help="probability that a query misses a neuron (1e-6)")
    add("--swap", metavar="N", type=size, help="neurons loaded together; by default what takes the fewest Toffoli")
    add("--toffoli-rate", metavar="HZ", type=number, help="logical Toffoli gates a second (1e6)")
    add("--classical-rate", metavar="HZ", type=number, help="multiply-adds a second; by default this machine's")
    text = "also times on error-corrected qubits of these models (qubit_gate_ns_e3); needs qdk"
    add("--physical", metavar="A,B,C", nargs="?", const="", help=text)
    add("--error-budget", metavar="P", type=number, help="probability that a query goes wrong there (1e-3)")
    add("--seed", metavar="S", type=whole, help="of the trainings and searches that are counted (0)")
    add_results(crossover, "results directory to make, with the picture")
    crossover.set_defaults(command=_crossover)


def _count(options: argparse.Namespace) -> int:
    from hybrid_train.studies.count_table import along_text, count_text, formula_text

    if options.json:
        refuse(options, {"all": "--json has everything"})
    told = formula_text if options.formula else count_text
    work, written = (_counted, told) if options.along is None else (_counted_along, along_text)
    text = partial(written, whole=bool(options.all))
    result, errors = worked_out(lambda: work(options))
    return show_result(result, text, options, errors)


def _counted(options: argparse.Namespace) -> Any:
    from hybrid_train.studies.count import DEFAULT_STRATEGIES, DEFAULT_WIDTHS, count_oracle_calls
    from hybrid_train.studies.count_rules import parse_widths

    strategies = DEFAULT_STRATEGIES if options.strategies is None else names(options.strategies)
    idle = {} if not options.set else {"set": "it changes a config, and goes with --along CONFIG"}
    if options.index in (None, "neurons") and options.scope != "pairs":
        idle["n"] = "it is for --index data and --scope pairs"
    if "warm" not in strategies:
        idle["newcomers"] = "it is for the strategy warm, which is not among --strategies"
    refuse(options, idle)
    return count_oracle_calls(
        parse_widths(DEFAULT_WIDTHS if options.widths is None else options.widths),
        strategies,
        **given(options, ("counts", "trials", "delta", "seed", "index", "n", "newcomers", "scope", "out", "resume")),
        **given(options, ("workers", "scheduler")),
        progress=not options.quiet,
    )


def _counted_along(options: argparse.Namespace) -> Any:
    from hybrid_train.config import load_config
    from hybrid_train.studies.count_along import ALONG_STRATEGIES, count_along

    refuse(options, _ALONG)
    idle = {"finders": "it is for comparisons", "run.audit_every": "nothing is audited here"}
    refuse_settings(options.set, {name: f"{why}; leave it out" for name, why in idle.items()})
    return count_along(
        load_config(options.along, options.set),
        ALONG_STRATEGIES if options.strategies is None else names(options.strategies),
        **given(options, ("delta", "scope", "out", "resume")),
        progress=not options.quiet,
    )


def _resources(options: argparse.Namespace) -> int:
    from hybrid_train.studies.resources import OracleSizes, oracle_resources, parse_width, resources_text
    from hybrid_train.support.progress import announced

    sizes = OracleSizes(parse_width(options.width), **given(options, _ORACLE))
    machine = _machine(options)
    with announced("building and counting the circuit", shown=not options.quiet):
        document, errors = worked_out(
            lambda: oracle_resources(sizes, draw=options.draw, machine=machine, export=options.export)
        )
    note(document["notes"], options)
    if options.json:
        show_json(document)
    else:
        show(resources_text(document))
        if options.draw is not None and not errors:
            show(f"\npicture {escaped(str(options.draw))}")
        if options.export is not None:
            show(f"\ncounts {escaped(str(options.export))}")
    complain(*errors)
    return FAILED if errors else DONE


def _machine(options: argparse.Namespace) -> Any:
    """Return what is asked of the estimator of physical cost, or None."""
    from hybrid_train.studies.physical import Machine

    keys = [key for key in ("error_budget", "price") if hasattr(options, key)]
    if options.physical is None:
        refuse(options, dict.fromkeys(keys, "it goes with --physical"))
        return None
    models: dict[str, Any] = {"models": tuple(names(options.physical))} if options.physical else {}
    return Machine(**models, **given(options, keys))


def _crossover(options: argparse.Namespace) -> int:
    from hybrid_train.studies.crossover import crossover_text, write_crossovers
    from hybrid_train.studies.crossover_costs import CrossoverOptions

    assumed = given(options, _CROSSOVER)
    if options.strategies is not None:
        assumed["strategies"] = tuple(names(options.strategies))
    machine = _machine(options)
    if machine is not None:
        assumed |= {"physical": machine.models, "error_budget": machine.error_budget}
    places = {"out": options.out, "resume": options.resume}
    (document, pictures), errors = worked_out(
        lambda: write_crossovers(CrossoverOptions(**assumed), **places, progress=not options.quiet)
    )
    note(document.get("notes", []), options)
    if options.json:
        show_json(document)
    else:
        show(crossover_text(document))
        place = place_of(options)
        if place is not None:
            show_files(place, pictures)
    complain(*errors)
    return FAILED if errors else DONE

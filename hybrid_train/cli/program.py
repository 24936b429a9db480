"""The command line: ``hybrid-train run | compare | theory | count | resources | crossover | finders``.

Standard output carries the result alone (with ``--json`` one JSON document); notes, progress and errors go to
standard error. Exit codes: 0 done, 1 a run failed, 2 bad input, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, final

if TYPE_CHECKING:
    from hybrid_train.experiments.runs import Comparison

DONE, FAILED, BAD_INPUT, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 130, 141
PROGRAM = "hybrid-train"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        arguments: as typed after ``hybrid-train``; the process's own by default.
    """
    try:
        code = _guarded(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Nobody reads any more. The interpreter flushes once again at exit, into nothing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except KeyboardInterrupt:
        _complain("interrupted; what was finished is kept in the results directory, if there is one")
        return INTERRUPTED
    return code


def _guarded(arguments: Sequence[str] | None) -> int:
    """Run the command; every error becomes lines on standard error."""
    try:
        options = _parser().parse_args(arguments)
        code: int = options.command(options)
    except SystemExit as stop:
        return int(stop.code or DONE)
    except BrokenPipeError:
        raise
    except Exception as error:
        if os.environ.get("HYBRID_TRAIN_DEBUG") == "1":
            raise
        from hybrid_train.errors import ConfigError, DataError, ResourceError, is_interruption

        if is_interruption(error):
            raise KeyboardInterrupt from error
        bad_input = isinstance(error, ConfigError | DataError | ResourceError)
        _complain(*_error_lines(error))
        return BAD_INPUT if bad_input else FAILED
    return code


def _error_lines(error: Exception) -> list[str]:
    """Return one line; of a config with several errors, one for each."""
    from hybrid_train.errors import ConfigError, HybridTrainError

    if isinstance(error, ConfigError):
        return str(error).splitlines()
    text = " ".join(str(error).split())
    return [text if isinstance(error, HybridTrainError) else f"{type(error).__name__}: {text}"]


def _complain(*lines: str) -> None:
    for line in lines:
        print(f"{PROGRAM}: error: {line}", file=sys.stderr)


def _run(options: argparse.Namespace) -> int:
    from hybrid_train.config import load_config
    from hybrid_train.experiments.runs import run

    result = run(load_config(options.config, options.set), out=options.out, progress=not options.quiet)
    _show(result.table, options)
    return DONE


def _compare(options: argparse.Namespace) -> int:
    from hybrid_train.config import load_config
    from hybrid_train.experiments.runs import compare

    table = compare(
        load_config(options.config, options.set),
        _names(options.finders),
        indexes=_names(options.index) if options.index else None,
        out=options.out,
        progress=not options.quiet,
    )
    _show(table, options)
    _complain(*table.errors)
    return FAILED if table.errors else DONE


def _theory(options: argparse.Namespace) -> int:
    from hybrid_train.config import load_config
    from hybrid_train.theory import check_theory, theory_text

    config = load_config(options.config, options.set)
    result = check_theory(config, costs=not options.no_costs, out=options.out, progress=not options.quiet)
    _show_drawn(result, theory_text, options)
    return DONE


def _finders(options: argparse.Namespace) -> int:
    from hybrid_train.finder.catalogue import finder_text, known_finders

    known = known_finders()
    _print_json({"finders": known}) if options.json else print(finder_text(known))
    return DONE


def _resources(options: argparse.Namespace) -> int:
    from hybrid_train.studies.resources import OracleSizes, oracle_resources, parse_width, resources_text
    from hybrid_train.support.progress import announced

    names = ("dim", "bits", "query_bits", "adder", "loading", "swap", "spare", "delta")
    sizes = OracleSizes(parse_width(options.width), **{name: getattr(options, name) for name in names})
    with announced("building and counting the circuit", shown=not options.quiet):
        document = oracle_resources(sizes, draw=options.draw)
    _note(document["notes"], options)
    if options.json:
        _print_json(document)
        return DONE
    print(resources_text(document))
    if options.draw is not None:
        print(f"\npicture {options.draw}")
    return DONE


def _crossover(options: argparse.Namespace) -> int:
    from hybrid_train.studies.crossover import crossover_text, find_crossovers, write_crossovers
    from hybrid_train.studies.crossover_costs import CrossoverOptions

    names = ("dim", "n", "bits", "query_bits", "steps", "delta", "swap", "toffoli_rate", "classical_rate", "seed")
    given = {name: getattr(options, name) for name in names}
    if options.strategies is not None:
        given["strategies"] = tuple(_names(options.strategies))
    document = find_crossovers(CrossoverOptions(**given), out=options.out, progress=not options.quiet)
    pictures = [] if options.out is None else write_crossovers(options.out, document)
    if options.json:
        _print_json(document)
        return DONE
    print(crossover_text(document))
    if pictures:
        print(f"\nresults in {options.out}", *(f"picture {picture}" for picture in pictures), sep="\n")
    return DONE


def _count(options: argparse.Namespace) -> int:
    from hybrid_train.studies.count_table import along_text, count_text

    if options.along is not None:
        result: Any = _counted_along(options)
        text = along_text
    else:
        result = _counted(options)
        text = count_text
    _show_drawn(result, text, options)
    return DONE


def _counted(options: argparse.Namespace) -> Any:
    from hybrid_train.errors import ConfigError
    from hybrid_train.studies.count import DEFAULT_STRATEGIES, DEFAULT_WIDTHS, count_oracle_calls
    from hybrid_train.studies.count_rules import parse_widths

    if options.set:
        raise ConfigError("--set changes a config: it goes with --along CONFIG")
    return count_oracle_calls(
        parse_widths(options.widths or DEFAULT_WIDTHS),
        DEFAULT_STRATEGIES if options.strategies is None else _names(options.strategies),
        counts=options.counts,
        trials=options.trials,
        delta=options.delta,
        seed=options.seed,
        index=options.index,
        n=options.n,
        newcomers=options.newcomers,
        out=options.out,
        progress=not options.quiet,
    )


def _counted_along(options: argparse.Namespace) -> Any:
    from hybrid_train.config import load_config
    from hybrid_train.errors import ConfigError
    from hybrid_train.studies.count_along import ALONG_STRATEGIES, count_along

    for name in ("widths", "counts", "trials"):
        if getattr(options, name) is not None:
            raise ConfigError(f"--{name} does not go with --along, where the config and its run decide")
    return count_along(
        load_config(options.along, options.set),
        ALONG_STRATEGIES if options.strategies is None else _names(options.strategies),
        delta=options.delta,
        out=options.out,
        progress=not options.quiet,
    )


def _show(table: Comparison, options: argparse.Namespace) -> None:
    """Print a comparison."""
    from hybrid_train.experiments.table import comparison_text

    _show_drawn(table, lambda document: comparison_text(document["rows"]), options)


def _show_drawn(result: Any, text: Callable[[dict[str, Any]], str], options: argparse.Namespace) -> None:
    """Print the notes of a result that has a document and figures, then the result, then where its pictures are."""
    _note(result.notes, options)
    if options.json:
        _print_json(result.document())
        return
    print(text(result.document()))
    if options.out is not None:
        print(f"\nresults in {options.out}")
        for picture in result.figures:
            if picture.suffix == ".png":
                print(f"picture {picture}")


def _note(notes: Sequence[str], options: argparse.Namespace) -> None:
    if not options.quiet:
        for note in notes:
            print(f"{PROGRAM}: note: {note}", file=sys.stderr)


def _print_json(document: dict[str, Any]) -> None:
    from hybrid_train.support.files import json_text

    print(json_text(document, indent=1))


def _names(text: str) -> list[Any]:
    return [name.strip() for name in text.split(",") if name.strip()]


@final
class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, like every other error here."""

    def error(self, message: str) -> NoReturn:
        _complain(f"{message} (see {self.prog} --help)")
        sys.exit(BAD_INPUT)


@final
class _Version(argparse.Action):
    """Looks the version up only when asked."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        import hybrid_train

        print(f"{PROGRAM} {hybrid_train.__version__}")
        parser.exit()


def _parser() -> _Parser:
    parser = _Parser(prog=PROGRAM, description="Train wide networks touching only the neurons that fire.")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and stop")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="one training run", description="Train once, as the config says.")
    _add_experiment_options(run)
    run.set_defaults(command=_run)

    text = "Train with several finders: same data, same start."
    compare = commands.add_parser("compare", help="the same run with several finders", description=text)
    _add_experiment_options(compare)
    compare.add_argument("--finders", required=True, metavar="A,B,C", help="finders, as 'hybrid-train finders' lists")
    compare.add_argument("--index", metavar="INDEX", help="neurons, data or neurons,data; by default the config's")
    compare.set_defaults(command=_compare)

    text = "Each lemma's prediction beside the value measured in the training run of a config."
    theory = commands.add_parser("theory", help="predicted beside measured, lemma by lemma", description=text)
    _add_experiment_options(theory)
    theory.add_argument("--no-costs", action="store_true", help="leave the cost exponents out: no trainings beside")
    theory.set_defaults(command=_theory)

    text = "List the registered finders: what they promise, where they come from, their options."
    finders = commands.add_parser("finders", help="the registered finders", description=text)
    _add_json(finders)
    finders.set_defaults(command=_finders)
    _add_count(commands)
    _add_resources(commands)
    _add_crossover(commands)
    return parser


def _add_count(commands: Any) -> None:
    text = (
        "Oracle calls to find all fired neurons, played out on the exact law of Grover's algorithm for any width, "
        "beside what theory predicts; or, with --along, at every step of a training run."
    )
    count = commands.add_parser("count", help="oracle calls of each search strategy", description=text)
    add = count.add_argument
    add("--widths", metavar="M", help="2^10..2^30, a comma list, or both (2^10..2^20)")
    add("--strategies", metavar="A,B,C", help="known_k,exact,bbht,coupon,fixed_point,counting,adaptive,warm")
    add("--counts", metavar="K", help="fired neurons: 49, or 49,140,... for each width, or m^0.8, or 0.25m; m Q(b)")
    add("--trials", metavar="N", type=int, help="searches for each width and strategy; as many as take seconds")
    add("--delta", default=1e-6, metavar="P", type=float, help="what may be missed with, in all (1e-6)")
    add("--index", default="neurons", metavar="INDEX", help="neurons (one query), or data (one step, all neurons)")
    add("--n", default=64, metavar="N", type=int, help="data, for --index data (64)")
    add("--newcomers", default=0.01, metavar="SHARE", type=float, help="of the fired neurons, for warm (0.01)")
    add("--seed", default=0, metavar="S", type=int, help="of the searches (0)")
    add("--along", metavar="CONFIG", type=Path, help="count at every step of the training run of this TOML file")
    add("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="override a value of that config")
    add("--out", metavar="DIR", type=Path, help="results directory to make")
    add("--quiet", action="store_true", help="no notes and no progress bar")
    _add_json(count)
    count.set_defaults(command=_count)


def _add_resources(commands: Any) -> None:
    text = "What the arithmetic oracle takes: qubits, Toffoli and T gates, depth; a call, an iteration, a query."
    resources = commands.add_parser("resources", help="qubits and gates of the real oracle", description=text)
    resources.add_argument("--width", required=True, metavar="M", help="neurons: a number, or a power such as 2^20")
    _add_oracle_options(resources)
    resources.add_argument("--draw", metavar="FILE", type=Path, help="write the circuit there: .png, .pdf or .svg")
    resources.add_argument("--quiet", action="store_true", help="no notes and no progress")
    _add_json(resources)
    resources.set_defaults(command=_resources)


def _add_crossover(commands: Any) -> None:
    text = (
        "From what width each search strategy is cheaper than a dense scan and than the skin finder: in oracle calls, "
        "with a quantum memory assumed, and with the weights loaded by gates."
    )
    crossover = commands.add_parser("crossover", help="from what width a quantum search is cheaper", description=text)
    add = crossover.add_argument
    add("--dim", default=16, metavar="D", type=int, help="length of a weight vector (16)")
    add("--n", default=64, metavar="N", type=int, help="data, that is queries a step (64)")
    add("--steps", default=100, metavar="T", type=int, help="steps over which the first one's cost is shared (100)")
    add("--bits", default=8, metavar="P", type=int, help="bits of a weight (8)")
    add("--query-bits", metavar="P", type=int, help="bits of a query component; those of a weight")
    add("--strategies", metavar="A,B,C", help="search strategies (known_k,bbht,adaptive,warm)")
    add("--delta", default=1e-6, metavar="P", type=float, help="probability that a query misses a neuron (1e-6)")
    add("--swap", metavar="N", type=int, help="neurons loaded together; by default what takes the fewest Toffoli")
    add("--toffoli-rate", default=1e6, metavar="HZ", type=float, help="logical Toffoli gates a second (1e6)")
    add("--classical-rate", metavar="HZ", type=float, help="multiply-adds a second; by default this machine's")
    add("--seed", default=0, metavar="S", type=int, help="of the trainings and searches that are counted (0)")
    add("--out", metavar="DIR", type=Path, help="results directory to make, with the picture")
    add("--quiet", action="store_true", help="no progress")
    _add_json(crossover)
    crossover.set_defaults(command=_crossover)


def _add_oracle_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dim", required=True, metavar="D", type=int, help="length of a weight vector")
    parser.add_argument("--bits", required=True, metavar="P", type=int, help="bits of a weight")
    parser.add_argument("--query-bits", metavar="P", type=int, help="bits of a query component; those of a weight")
    text = "gidney (fewest T gates) or draper (fewest qubits)"
    parser.add_argument("--adder", default="gidney", metavar="NAME", help=text)
    text = "all words of a neuron at once, or coordinate by coordinate"
    parser.add_argument("--loading", metavar="NAME", help=text)
    text = "load so many neighbouring neurons together: fewer Toffoli, more qubits"
    parser.add_argument("--swap", default=1, metavar="N", type=int, help=text)
    parser.add_argument("--spare", default=0, metavar="N", type=int, help="further clean qubits, for unloading")
    text = "probability that a query misses a neuron"
    parser.add_argument("--delta", default=1e-6, metavar="P", type=float, help=text)


def _add_experiment_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", metavar="CONFIG", type=Path, help="a TOML file")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="override one value of the config; may be repeated",
    )
    parser.add_argument("--out", metavar="DIR", type=Path, help="results directory to make")
    parser.add_argument("--quiet", action="store_true", help="no notes and no progress bar")
    _add_json(parser)


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document, and nothing else")

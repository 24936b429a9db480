"""``sweep``: many training runs side by side."""

from __future__ import annotations

import argparse

from hybrid_train.cli.options import Commands, add_output, add_set, path, size
from hybrid_train.cli.printing import FAILED, complain, show_result, worked_out


def add_commands(commands: Commands) -> None:
    """Add the commands of this family."""
    text = (
        "Train with every combination of the values of a grid and every seed, side by side; started again with the "
        "same --out, it goes on where it was broken off."
    )
    sweep = commands.add_parser("sweep", help="many runs side by side", description=text)
    add = sweep.add_argument
    add("config", metavar="CONFIG", type=path, help="a TOML file")
    add("--grid", action="append", default=[], metavar="KEY=A,B,C", help="values of a key; may be repeated")
    add("--seeds", metavar="S", default="0", help="0..9, or a comma list (0)")
    add("--scheduler", metavar="ADDRESS", help="a Dask scheduler; by default processes of this machine")
    add("--workers", metavar="N", type=size, help="processes of this machine; one for each processor")
    add("--threads", metavar="N", type=size, help="threads of each run")
    add_set(sweep)
    add_output(sweep, "results directory, made or gone on with", "DIR")
    sweep.set_defaults(command=_sweep, resume=None)


def _sweep(options: argparse.Namespace) -> int:
    from hybrid_train.cli.options import refuse
    from hybrid_train.config import load_config
    from hybrid_train.experiments.reporting import write_report
    from hybrid_train.sweeps.engine import sweep, sweep_place
    from hybrid_train.sweeps.plan import parse_grid, parse_seeds
    from hybrid_train.sweeps.table import sweep_text

    if options.scheduler is not None:
        refuse(options, {"workers": "with --scheduler the cluster has its own"})
    place = sweep_place(options.out)
    grid, seeds = parse_grid(options.grid), parse_seeds(options.seeds)
    result, errors = worked_out(
        lambda: sweep(
            load_config(options.config, options.set),
            grid,
            seeds,
            out=place,
            scheduler=options.scheduler,
            workers=options.workers,
            threads=options.threads,
            progress=not options.quiet,
        )
    )
    if not errors:
        write_report(place)
    code = show_result(result, sweep_text, options, errors)
    complain(*result.errors)
    return FAILED if result.errors else code

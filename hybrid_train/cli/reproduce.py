"""``hybrid-train reproduce``: the claims of a paper, measured."""

from __future__ import annotations

import argparse

from hybrid_train.cli.options import Commands, add_results, add_workers, names, whole
from hybrid_train.cli.printing import show_result, worked_out

_PAPERS = ("pre", "sgd", "adv", "deep")


def add_commands(commands: Commands) -> None:
    """Add the commands of this family."""
    text = (
        "Measure the claims of a paper (pre: preprocessing, sgd, adv: adversarial, deep): a picture, the numbers and a "
        "verdict for each. A claim takes up to ten minutes on two processors; broken off, --resume goes on."
    )
    command = commands.add_parser(
        "reproduce", help="a paper's claims as figures, numbers and verdicts", description=text
    )
    command.add_argument("paper", metavar="PAPER", help=", ".join(_PAPERS))
    command.add_argument("--quick", action="store_true", help="small sizes: about a minute for a paper")
    command.add_argument("--claims", metavar="A,B", type=names, help="some of the claims only")
    command.add_argument("--seed", metavar="S", type=whole, default=0, help="of everything drawn (0)")
    add_workers(command)
    add_results(command)
    command.set_defaults(command=_reproduce)


def _reproduce(options: argparse.Namespace) -> int:
    from hybrid_train.reproduce import reproduce, reproduction_text

    result, errors = worked_out(
        lambda: reproduce(
            options.paper,
            quick=options.quick,
            claims=options.claims,
            seed=options.seed,
            out=options.out,
            resume=options.resume,
            workers=options.workers,
            scheduler=options.scheduler,
            progress=not options.quiet,
        )
    )
    return show_result(result, reproduction_text, options, errors)

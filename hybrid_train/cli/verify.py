"""``verify``: check the proofs that a run wrote."""

from __future__ import annotations

import argparse

from hybrid_train.cli.options import Commands, add_json, path
from hybrid_train.cli.printing import DONE, show, show_json


def add_commands(commands: Commands) -> None:
    """Add the commands of this family."""
    text = "Check that no answer of the finder of a run missed a pair, by the proofs that run.proof = true wrote."
    verify = commands.add_parser("verify", help="check the proofs of a run", description=text)
    verify.add_argument("run", metavar="RUN", type=path, help="results directory of a run with run.proof = true")
    add_json(verify)
    verify.set_defaults(command=_verify)


def _verify(options: argparse.Namespace) -> int:
    from hybrid_train.experiments.proving import verify

    found = verify(options.run)
    if options.json:
        show_json(found)
        return DONE
    missing = "none is missing" if found["may_miss"] == 0 else f"any is missing with at most {found['may_miss']:.3g}"
    show(
        f"verified: {found['answers']} answers list {found['listed']} pairs, all that fire: {missing}\n"
        f"  {found['evaluated']} pairs were evaluated again, {found['ruled_out']} are ruled out by the proofs"
    )
    if found["bound_to_run"]:
        show(f"  they are this run's: {', '.join(found['bound_to_run'])} agree")
    return DONE

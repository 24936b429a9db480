"""``hybrid-train theory``: what the papers predict beside what is measured."""

from __future__ import annotations

import argparse

from hybrid_train.cli.options import Commands, add_experiment_options, config_of, refuse, refuse_settings
from hybrid_train.cli.printing import show_result, worked_out


def add_commands(commands: Commands) -> None:
    """Add the commands of this family."""
    text = "Each lemma's prediction beside the value measured in the training run of a config."
    theory = commands.add_parser("theory", help="predicted beside measured, lemma by lemma", description=text)
    add_experiment_options(theory)
    theory.add_argument("--no-costs", action="store_true", help="leave the cost exponents out: no trainings beside")
    theory.add_argument(
        "--widths",
        metavar="M",
        help="widths at which costs are counted: 2^10..2^16, a comma list, or both (2^10..2^15)",
    )
    theory.add_argument(
        "--seeds",
        type=int,
        default=1,
        metavar="N",
        help="train from N seeds, and show how often each line failed beside how often its theorem lets it (1)",
    )
    theory.set_defaults(command=_theory)


def _theory(options: argparse.Namespace) -> int:
    from hybrid_train.studies.count_rules import parse_widths
    from hybrid_train.theory import check_theory, theory_text

    idle = {"finders": "it is for comparisons", "run.audit_every": "nothing is audited here"}
    refuse_settings(options.set, {name: f"{why}; leave it out" for name, why in idle.items()})
    config = config_of(options, "theory")
    if options.no_costs:
        refuse(options, {"widths": "--no-costs leaves the costs out"})
    places = {"out": options.out, "resume": options.resume}
    widths = None if options.widths is None else parse_widths(options.widths)
    result, errors = worked_out(
        lambda: check_theory(
            config,
            costs=not options.no_costs,
            widths=widths,
            seeds=options.seeds,
            **places,
            progress=not options.quiet,
        )
    )
    return show_result(result, theory_text, options, errors)

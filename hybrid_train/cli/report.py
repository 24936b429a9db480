"""``report``: one HTML page of a results directory; ``cite``: what to cite for a config."""

from __future__ import annotations

import argparse

from hybrid_train.cli.options import Commands, add_json, add_set, path
from hybrid_train.cli.printing import DONE, escaped, show, show_json


def add_commands(commands: Commands) -> None:
    """Add the commands of this family."""
    text = (
        "Write one self-contained HTML page about a results directory: what was asked, what came out, figures, costs, "
        "how to reproduce it and what to cite."
    )
    report = commands.add_parser("report", help="one HTML page of a results directory", description=text)
    report.add_argument("directory", metavar="DIR", type=path, help="results directory of any command")
    report.add_argument("--out", metavar="FILE", type=path, help="the page; DIR/report.html by default")
    add_json(report)
    report.set_defaults(command=_report)

    text = "Print BibTeX of exactly what a run of a config uses: algorithm, finder, strategy, simulator, data."
    cite = commands.add_parser("cite", help="BibTeX of what a config uses", description=text)
    cite.add_argument("config", metavar="CONFIG", type=path, help="a TOML file")
    cite.add_argument("--finders", metavar="A,B,C", help="those of a comparison, in the place of the config's own")
    add_set(cite)
    add_json(cite)
    cite.set_defaults(command=_cite)


def _report(options: argparse.Namespace) -> int:
    from hybrid_train.experiments.reporting import write_report

    target = write_report(options.directory, options.out)
    if options.json:
        show_json({"page": str(target), "bytes": target.stat().st_size})
    else:
        show(f"page {escaped(str(target))}")
    return DONE


def _cite(options: argparse.Namespace) -> int:
    from hybrid_train.cli.options import names
    from hybrid_train.config import load_config
    from hybrid_train.experiments.citing import bibtex

    config = load_config(options.config, options.set)
    found = bibtex(config, names(options.finders or ""))
    show_json({"bibtex": found}) if options.json else show(found)
    return DONE

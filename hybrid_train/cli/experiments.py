"""Commands that train: ``run`` and ``compare``; and ``finders``, who may search."""

from __future__ import annotations

import argparse
from typing import Any

from hybrid_train.cli.options import Commands, add_experiment_options, add_json, config_of, names, refuse_settings
from hybrid_train.cli.printing import DONE, escaped, note, show, show_json, show_result, worked_out
from hybrid_train.errors import ConfigError
from hybrid_train.support.names import nearest


def add_commands(commands: Commands) -> None:
    """Add the commands of this family."""
    run = commands.add_parser("run", help="one training run", description="Train once, as the config says.")
    add_experiment_options(run)
    run.set_defaults(command=_run)

    text = "Train with several finders: same data, same start."
    compare = commands.add_parser("compare", help="the same run with several finders", description=text)
    add_experiment_options(compare)
    compare.add_argument("--finders", metavar="A,B,C", help="finders, as 'hybrid-train finders' lists")
    compare.add_argument("--index", metavar="INDEX", help="neurons, data or neurons,data; by default the config's")
    compare.set_defaults(command=_compare)

    text = "List the registered finders: what they promise, where they come from, their options."
    finders = commands.add_parser("finders", help="the registered finders", description=text)
    finders.add_argument("names", metavar="NAME", nargs="*", help="these alone; all by default")
    add_json(finders)
    finders.set_defaults(command=_finders)


def _run(options: argparse.Namespace) -> int:
    from hybrid_train.experiments.runs import run

    refuse_settings(options.set, {"finders": "it is for comparisons; here set finder.kind and finder.<option>"})
    config = config_of(options, "run")
    result, errors = worked_out(lambda: run(config, out=options.out, resume=options.resume, progress=not options.quiet))
    return show_result(result.table, _table, options, errors)


def _compare(options: argparse.Namespace) -> int:
    from hybrid_train.experiments.runs import compare

    finders = names(_finders_of(options))
    if options.index is not None:
        refuse_settings(options.set, {"training.index": "--index says who is searched; leave one of them out"})
    config = config_of(options, "compare")
    idle = {f"finders.{kind}": f"{kind!r} is not among --finders" for kind in config.finders if kind not in finders}
    if config.finder.kind not in finders:
        idle["finder"] = f"finder.kind={config.finder.kind!r} is not among --finders; use finders.<kind>.<option>"
    refuse_settings(options.set, idle)
    indexes = names(options.index) if options.index is not None else _requested(options, "indexes")
    places = {"out": options.out, "resume": options.resume}
    table, errors = worked_out(lambda: compare(config, finders, indexes=indexes, **places, progress=not options.quiet))
    return show_result(table, _table, options, [*table.errors, *errors])


def _finders_of(options: argparse.Namespace) -> str:
    """Return the comma list of finders: that of the option, or of the directory that is gone on with."""
    if options.finders is not None:
        return str(options.finders)
    requested = _requested(options, "finders")
    if requested is None:
        raise ConfigError("--finders: missing, name some (see hybrid-train finders)")
    return ",".join(map(str, requested))


def _requested(options: argparse.Namespace, key: str) -> list[Any] | None:
    """Return what the directory that is gone on with was begun with; None where nothing is, or a CONFIG is given."""
    if options.resume is None or options.config is not None:
        return None
    from hybrid_train.experiments.folder import read_request, requested_config

    requested_config(options.resume, "compare")
    found = read_request(options.resume).get(key)
    return found if isinstance(found, list) else None


def _finders(options: argparse.Namespace) -> int:
    from hybrid_train.finder.listing import finders_text, listed_finders

    found, notes = listed_finders()
    note(notes)
    known = {finder["name"]: finder for finder in found}
    for name in options.names:
        if name not in known:
            raise ConfigError(f"{escaped(name)!r}: unknown finder{nearest(name, known)}; there are {', '.join(known)}")
    chosen = [known[name] for name in options.names or known]
    show_json({"finders": chosen}) if options.json else show(finders_text(chosen))
    return DONE


def _table(document: dict[str, Any]) -> str:
    from hybrid_train.experiments.table import columns_quality, comparison_text

    rows = document["rows"]
    return f"{comparison_text(rows)}\n\n{columns_quality(rows, document['quality'])}"

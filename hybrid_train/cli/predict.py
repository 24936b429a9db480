"""``predict``: what a trained network says of the rows of a file."""

from __future__ import annotations

import argparse
import csv
import io
from typing import Any

from hybrid_train.cli.options import Commands, add_output, path
from hybrid_train.cli.printing import DONE, escaped, note, show, show_json


def add_commands(commands: Commands) -> None:
    """Add the commands of this family."""
    text = "Predict the rows of a file with the network of a run: classes and their probabilities, or numbers."
    predict = commands.add_parser("predict", help="predictions of a trained network", description=text)
    predict.add_argument("run", metavar="RUN", type=path, help="results directory of a run")
    predict.add_argument("file", metavar="FILE", type=path, help="rows to predict for: CSV, TSV, NPZ or NPY")
    add_output(predict, "CSV file to write, in place of standard output", "FILE")
    predict.set_defaults(command=_predict)


def _predict(options: argparse.Namespace) -> int:
    from hybrid_train.data import read_rows
    from hybrid_train.errors import ConfigError
    from hybrid_train.experiments.model import load
    from hybrid_train.support.files import write_text

    if options.out is not None and options.out.exists():
        raise ConfigError(f"out={str(options.out)!r}: is there already; name another file or remove this one")
    model = load(options.run)
    table = read_rows(options.file, model.preparation)
    outputs = model.outputs(table.inputs)
    predictions, probabilities = model.meaning(outputs), model.probabilities(outputs)
    document = {
        "classes": None if model.classes is None else list(model.classes),
        "predictions": predictions.tolist(),
        "probabilities": None if probabilities is None else probabilities.tolist(),
        "notes": list(table.notes),
    }
    note(table.notes, options)
    text = _csv(document)
    if options.out is not None:
        write_text(options.out, text)
    if options.json:
        show_json(document)
    elif options.out is None:
        show(text.removesuffix("\n"))
    else:
        show(f"{len(predictions)} predictions in {escaped(str(options.out))}")
    return DONE


def _csv(document: dict[str, Any]) -> str:
    """Return predictions as a table: a line for each row, counted from 0, with the probabilities of the classes."""
    predictions, probabilities = document["predictions"], document["probabilities"]
    several = isinstance(predictions[0], list)
    titles = [f"prediction_{k}" for k in range(len(predictions[0]))] if several else ["prediction"]
    titles += [] if probabilities is None else [f"p({label})" for label in document["classes"]]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["row", *titles])
    for row, prediction in enumerate(predictions):
        shares = [] if probabilities is None else probabilities[row]
        writer.writerow([row, *(prediction if several else [prediction]), *shares])
    return text.getvalue()

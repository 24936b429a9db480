"""The figures of a page, drawn afresh from the document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, final

from hybrid_train.errors import is_interruption
from hybrid_train.report.adversarial import write_pseudo_figures, write_robustness_figure
from hybrid_train.report.claims import write_claim_figures
from hybrid_train.report.crossover import write_crossover_figure
from hybrid_train.report.figures import Gallery, write_comparison_figures, write_run_figures
from hybrid_train.report.landscape import write_landscape_figure
from hybrid_train.report.oracle_calls import write_along_figure, write_count_figure
from hybrid_train.report.page.numbers import cut
from hybrid_train.report.page.svg import inline_svg
from hybrid_train.report.sweep import write_sweep_figure
from hybrid_train.report.theory import write_theory_figures

_LONGEST = 400
"""Characters of a caption."""

Document = Mapping[str, Any]
_Write = Callable[[Gallery, Document], Any]


@final
@dataclass(frozen=True)
class Picture:
    """A figure of a page.

    Attributes:
        name: as its files are called.
        caption: what it shows, in a sentence.
        svg: one element.
    """

    name: str
    caption: str
    svg: str


_CAPTIONS = {
    "loss": "The loss at each step, summed over the data; curves that coincide lie on each other, the later thinner.",
    "cost": "What each step is charged: inner products, tree nodes visited and oracle calls together, against a dense "
    "step of m n inner products.",
    "fired": "Neurons that fire: for each datum at start and end, and over the steps, beside the expectation m Q(b).",
    "oracle_calls": "Mean oracle calls against the width, with bands of two standard errors; lines are the paper's "
    "m^(9/10), sqrt(mk), and a scan.",
    "oracle_calls_along": "Oracle calls of all queries at each step of the training run.",
    "crossover": "The cost of each search in units of a dense scan's; below 1 it is cheaper.",
    "theory_spectrum": "Eigenvalues of the kernels, largest first, and the bounds of the last ones.",
    "theory_convergence": "Error and movement of the neurons over the steps, beside what the papers bound them by.",
    "theory_fired": "Neurons that fire, and that flip, over the steps, beside the predictions.",
    "theory_robustness": "Robust and clean loss of the examples of each step.",
    "theory_pseudo_network": "The network beside its pseudo-network, and the movement that the paper assumes.",
    "landscape": "The objective around points of training, and cuts along its two axes.",
    "sweep": "What each value of the first key of the grid comes to: the mean over the others and over seeds, and the "
    "range.",
}


def pictures(command: str, document: Document) -> tuple[list[Picture], list[str]]:
    """Return the figures of a document, and a sentence for each that could not be drawn."""
    found, failed = [], []
    for write in _writers(command, document):
        gallery = Gallery()
        try:
            write(gallery, document)
        except Exception as error:  # documents of others hold anything
            if is_interruption(error):
                raise
            failed.append(f"a picture could not be drawn: {type(error).__name__}")
        for name, figure in gallery.figures.items():
            caption = _CAPTIONS.get(name) or _claim_caption(name, document)
            try:
                found.append(Picture(name, caption, inline_svg(figure, name.replace("_", "-"), caption)))
            except Exception as error:
                if is_interruption(error):
                    raise
                failed.append(f"the picture {name} could not be drawn: {type(error).__name__}")
    return found, failed


def _claim_caption(name: str, document: Document) -> str:
    """Return what a claim's picture shows, or the name where there is no such claim."""
    for row in document.get("rows") or ():
        if isinstance(row, dict) and name == f"claim_{row.get('claim')}":
            return cut(f"{row.get('says')} {row.get('source')}: {row.get('holds')}; {row.get('measured')}", _LONGEST)
    return name


def _writers(command: str, document: Document) -> list[_Write]:
    known: dict[str, list[_Write]] = {
        "run": [write_run_figures],
        "compare": [write_comparison_figures],
        "count": [write_count_figure],
        "count --along": [write_along_figure],
        "crossover": [write_crossover_figure],
        "sweep": [write_sweep_figure],
        "reproduce": [write_claim_figures],
    }
    if command == "theory":
        series = document.get("series")
        return [] if not isinstance(series, dict) else [write for key, write in _THEORY.items() if key in series]
    return known.get(command, []) if document.get("rows") else []


_THEORY: dict[str, _Write] = {
    "spectrum_cts": write_theory_figures,
    "gap_on_examples": write_pseudo_figures,
    "landscape": lambda place, document: write_landscape_figure(place, document["series"]["landscape"]),
    "robustness": lambda place, document: write_robustness_figure(place, document["series"]["robustness"]),
}
"""What draws a theory check, by a key of its series."""

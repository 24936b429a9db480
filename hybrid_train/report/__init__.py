"""Pictures of runs and comparisons, and the numbers behind each picture.

The ``plot_*`` functions draw into the axes they are given and return them; legend and layout stay with the caller.
The ``write_*`` functions lay out whole figures and save them. Nothing here touches Matplotlib's global state, so
it works without a display and beside a user's own figures.
"""

from __future__ import annotations

from hybrid_train.report.curves import plot_cost_parts, plot_costs, plot_losses
from hybrid_train.report.figures import write_comparison_figures, write_run_figures
from hybrid_train.report.fired import plot_fired, plot_fired_per_step

__all__ = [
    "plot_cost_parts",
    "plot_costs",
    "plot_fired",
    "plot_fired_per_step",
    "plot_losses",
    "write_comparison_figures",
    "write_run_figures",
]

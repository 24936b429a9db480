"""One self-contained HTML page of a results directory: see :func:`page_html`."""

from __future__ import annotations

from hybrid_train.report.page.page import page_html
from hybrid_train.report.page.subject import Subject

__all__ = ["Subject", "page_html"]

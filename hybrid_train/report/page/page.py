"""The page: what a document holds, laid out by a template that escapes everything."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined, Template

from hybrid_train.report.page.contents import asked, facts, headline, notes, tables, versions
from hybrid_train.report.page.drawing import pictures
from hybrid_train.report.page.glossary import CHARGE, COSTS
from hybrid_train.report.page.numbers import cut
from hybrid_train.report.page.subject import Subject

LARGEST = 150_000
"""Bytes of a page besides its figures."""

_ROWS = (1000, 500, 250, 120, 60, 30, 10, 3)
"""Rows of a table, tried until the page is small enough."""

_LONGEST_CONFIG, _LONGEST_COMMAND, _LONGEST_BIBTEX = 16_000, 4_000, 16_000


def page_html(subject: Subject) -> str:
    """Return the page of a results directory.

    It is whole by itself: no network, no file beside it; its style and script are named by their hashes in its own
    security policy, and it can be read without them.

    Args:
        subject: what was read from the directory; nothing in it is trusted.
    """
    drawn, failed = pictures(subject.command, subject.document)
    style, script = _asset("page.css"), _asset("page.js")
    fixed: dict[str, Any] = {
        "style": style,
        "script": script,
        "policy": _policy(style, script),
        "pictures": drawn,
        "costs": COSTS,
        "charge": CHARGE,
        "headline": headline(subject),
        "facts": facts(subject),
        "asked": asked(subject),
        "notes": [*notes(subject), *failed],
        "versions": versions(subject),
        "config": None if subject.config is None else cut(subject.config, _LONGEST_CONFIG),
        "again": cut(subject.again, _LONGEST_COMMAND),
        "bibtex": cut(subject.bibtex, _LONGEST_BIBTEX),
        "command": subject.command,
    }
    return next(page for page in _attempts(subject, fixed) if page is not None)


def _attempts(subject: Subject, fixed: Mapping[str, Any]) -> Iterator[str | None]:
    """Yield the page with fewer and fewer rows, None where it is still too large."""
    figures = sum(len(picture.svg.encode()) for picture in fixed["pictures"])
    for most in _ROWS:
        page = _template().render(fixed, tables=tables(subject, most))
        small = len(page.encode()) - figures <= LARGEST
        yield page if small or most == _ROWS[-1] else None


def _policy(style: str, script: str) -> str:
    """Return the security policy: nothing from anywhere but this style and this script."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{digest}'"


@cache
def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


@cache
def _template() -> Template:
    environment = Environment(
        loader=DictLoader({"page": _asset("page.html.j2")}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page")

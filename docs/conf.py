"""How the documentation is built: ``make docs``. Nothing here asks the network."""

from __future__ import annotations

import re
import sys
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
ROOT = DOCS.parent
sys.path.insert(0, str(ROOT))

project = "hybrid_train"
author = "The hybrid_train developers"
copyright = author  # noqa: A001 - Sphinx's name
release = version = version_of("hybrid-train")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "gallery/GALLERY_HEADER.rst"]
suppress_warnings = ["config.cache"]  # functions in sphinx_gallery_conf are settled by this file alone

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the signature has them; the words are in the docstring
autodoc_inherit_docstrings = True
autodoc_default_options = {"members": True}
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

templates_path = ["_templates"]

html_theme = "pydata_sphinx_theme"
html_title = "hybrid_train"
html_static_path = ["_static"]
html_css_files = ["wide.css"]
html_show_sourcelink = False
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "navigation_with_keys": False,
}

sphinx_gallery_conf = {
    "examples_dirs": str(ROOT / "examples"),
    "gallery_dirs": "gallery",
    "filename_pattern": r"/(tour|own_finder|estimator|noise)\.py",
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,
    "min_reported_time": 1e9,
    "remove_config_comments": True,
    "notebook_images": False,
    "abort_on_example_error": True,
    "backreferences_dir": None,
    "copyfile_regex": r".*\.(toml|csv)",
    "plot_gallery": "True",
}


def _escape_bars(app: Any, what: str, name: str, documented: Any, options: Any, lines: list[str], /) -> None:
    """Norms and kets are written with bars, which reStructuredText takes for substitutions."""
    for at, line in enumerate(lines):
        parts = re.split(r"(``.*?``)", line)
        parts[::2] = [part.replace("|", r"\|") for part in parts[::2]]
        lines[at] = "".join(parts)


def _skip_routing(app: Any, what: str, name: str, documented: Any, skip: bool, options: Any, /) -> bool | None:
    """Leave out what scikit-learn adds to every estimator: its words link to its own pages."""
    return True if re.fullmatch(r"set_\w+_request", name) else None


def setup(app: Any) -> None:
    """Add both to Sphinx."""
    app.connect("autodoc-process-docstring", _escape_bars, priority=400)
    app.connect("autodoc-skip-member", _skip_routing)

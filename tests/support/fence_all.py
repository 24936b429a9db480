"""Plug-in of pytest that fences every array of a whole run: see ``make test-fences``."""

import os

from tests.support import fences

fences.install(before=os.environ.get("FENCE") == "start")

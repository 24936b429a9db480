"""The listing of finders says what the classes say, without importing them."""

from __future__ import annotations

import json
import subprocess
import sys

from hybrid_train.finder.catalogue import own_finders
from hybrid_train.finder.listing import WRITTEN_DOWN, finders_text


def test_what_is_written_down_is_what_the_classes_say() -> None:
    written = json.loads(WRITTEN_DOWN.read_text(encoding="utf-8"))
    found = json.loads(json.dumps(own_finders()))
    assert written == found, "run `python -m hybrid_train.finder.listing`"


def test_nothing_heavy_is_loaded_for_it() -> None:
    code = (
        "import sys\nfrom hybrid_train.finder.listing import listed_finders\nfound, notes = listed_finders()\n"
        "assert len(found) >= 9 and not notes\n"
        "print(sorted({'numpy', 'scipy', 'numba', 'pydantic', 'qiskit'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"


def test_lines_fit_a_screen_and_say_all() -> None:
    finders = own_finders()
    text = finders_text(finders)
    assert max(map(len, text.split("\n"))) <= 118
    flat = " ".join(text.split())
    for finder in finders:
        assert finder["summary"].split()[0] in flat
        assert all(f"{finder['name']}.{option}" in text for option in finder["options"])


def test_one_that_cannot_be_loaded_says_why() -> None:
    text = finders_text([{"name": "broken", "class": "no:Where", "error": "no module named 'no'"}])
    assert text.split("\n")[1].split(None, 1) == ["broken", "cannot be loaded  no module named 'no'"]

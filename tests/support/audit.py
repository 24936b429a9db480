"""Ask an advisory service about every pinned package, with pip-audit, and say what it could not tell."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

_SHOWN = 5


def verdict(report: dict[str, Any]) -> tuple[int, list[str]]:
    """Return exit code and lines for a report of pip-audit: 0 nothing known, 1 a vulnerability, 2 nothing asked."""
    every = report["dependencies"]
    asked = [one for one in every if "vulns" in one]
    skipped = [f"{one['name']} ({one['skip_reason']})" for one in every if "vulns" not in one]
    lines = [
        f"{one['name']} {one['version']}: {bad['id']}, mended in {', '.join(bad['fix_versions']) or 'no version yet'}"
        for one in asked
        for bad in one["vulns"]
    ]
    found = bool(lines)
    if skipped:
        rest = f" and {len(skipped) - _SHOWN} more" if len(skipped) > _SHOWN else ""
        lines.append(f"not asked about: {', '.join(skipped[:_SHOWN])}{rest}")
    if not asked:
        count = len(every)
        lines.append(
            f"the advisory service knows none of the {count} packages, or cannot be reached: nothing was audited"
        )
        return 2, lines
    lines.append(f"{len(asked)} of {len(every)} packages asked about" + ("" if found else ": no known vulnerability"))
    return int(found), lines


def main(program: str, lock: str) -> int:
    """Run pip-audit on a lock and print the verdict."""
    options = ["--no-deps", "--disable-pip", "--progress-spinner", "off", "-f", "json"]
    done = subprocess.run([program, "-r", lock, *options], capture_output=True, text=True, check=False)
    try:
        code, lines = verdict(json.loads(done.stdout))
    except ValueError:
        why = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        code, lines = 2, [f"the advisory service cannot be reached: nothing was audited ({why[:200]})"]
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

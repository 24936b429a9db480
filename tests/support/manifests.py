"""Results directories that were edited by somebody who knows how to make them look whole."""

from __future__ import annotations

from pathlib import Path

from hybrid_train.experiments.manifest import Manifest


def signed(run: Path) -> None:
    """Let the manifest of a directory speak of its files as they are now."""
    manifest = Manifest.read(run)
    for name in manifest.files:
        manifest.take(run, name)
    manifest.write(run)

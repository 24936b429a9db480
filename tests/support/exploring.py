"""How many examples a law is tried on: few in the suite, many under ``--hypothesis-profile=explore``."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

EXPLORE = "explore"
_STEPS = 12
"""Rules played in a history."""


def register() -> None:
    """Make the profile known; ``EXPLORE`` is how many examples each law is tried on."""
    settings.register_profile(
        EXPLORE,
        deadline=None,
        max_examples=int(os.environ.get("EXPLORE", "600")),
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )


def histories(few: int) -> settings:
    """Return the settings of a law about histories: so few of them in the suite."""
    return settings(_examples(few), stateful_step_count=_STEPS, suppress_health_check=list(HealthCheck))


def examples(few: int, share: float = 1.0) -> settings:
    """Return the settings of a law about single examples: so few of them in the suite.

    Args:
        few: in the suite.
        share: of those of a history, when exploring.
    """
    return settings(_examples(few, share), suppress_health_check=list(HealthCheck))


def _examples(few: int, share: float = 1.0) -> settings:
    exploring = settings.get_current_profile_name() == EXPLORE
    many = max(1, round(share * settings.default.max_examples)) if exploring else few
    return settings(max_examples=many, deadline=None)

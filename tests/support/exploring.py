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
        max_examples=int(os.environ.get("EXPLORE", "300")),
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )


def histories(few: int) -> settings:
    """Return the settings of a law about histories: so few of them in the suite."""
    return settings(_examples(few), stateful_step_count=_STEPS, suppress_health_check=list(HealthCheck))


def examples(few: int) -> settings:
    """Return the settings of a law about single examples: so few of them in the suite."""
    return settings(_examples(few), suppress_health_check=list(HealthCheck))


def _examples(few: int) -> settings:
    exploring = settings.get_current_profile_name() == EXPLORE
    return settings(settings.default if exploring else settings(max_examples=few), deadline=None)

"""How hard the tests with free inputs try."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings


def load_profile() -> None:
    """40 examples a test, or as many as HEADRACE_EXAMPLES says. No deadline: it would test the machine."""
    examples = int(os.environ.get("HEADRACE_EXAMPLES", "40"))
    settings.register_profile("headrace", max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("headrace")

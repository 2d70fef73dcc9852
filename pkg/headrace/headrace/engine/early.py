"""What the zygote loads before it forks the first supervisor. Importing this loads nothing: the engine forks early."""

from __future__ import annotations

from headrace.sandbox.zygote import Entry


def load_supervisor() -> Entry:
    """Runs in the zygote: load the runner, build what every supervisor needs, and return what a supervisor does."""
    from headrace.base.lean import import_msgspec

    import_msgspec()
    from headrace.runner import supervisor

    supervisor.warm()
    return supervisor

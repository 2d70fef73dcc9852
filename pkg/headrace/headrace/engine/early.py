"""What the zygote loads before it forks the first supervisor. Importing this loads nothing: the engine forks early."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from headrace.base.sockets import Socket


def load_supervisor() -> Callable[[Callable[[], None], Sequence[str]], Callable[[Socket], None]]:
    """Runs in the zygote: load the runner, build what every supervisor needs, and return what a supervisor does."""
    from headrace.base.lean import import_msgspec

    import_msgspec()
    from headrace.runner.supervisor import stand_by, warm

    warm()
    return stand_by

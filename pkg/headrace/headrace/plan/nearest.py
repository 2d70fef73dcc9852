"""The nearest of the names that exist, for messages about one that does not."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, names: Iterable[str]) -> str:
    """The name most like `name`, empty where none is.

    >>> nearest("tset", ["lint", "test"])
    'test'
    """
    import difflib

    by_folded = {known.lower(): known for known in names}
    found = difflib.get_close_matches(name.lower(), by_folded, 1, 0.5)
    return by_folded[found[0]] if found else ""


def hint(name: str, names: Iterable[str]) -> str:
    """What to say after "there is no NAME": the nearest name, else what there is."""
    known = list(dict.fromkeys(names))
    close = nearest(name, known)
    if close:
        return f"did you mean '{close}'?"
    return f"there are {', '.join(known)}" if known else "there are none"

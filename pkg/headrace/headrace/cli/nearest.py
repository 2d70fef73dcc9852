"""The nearest name that exists, for whoever mistyped one."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, names: Iterable[str]) -> str | None:
    """The name with the fewest edits, if these are few for its length; a swap of neighbours counts once.

    >>> nearest("pln", ["run", "plan", "ls"]), nearest("itset", ["itest", "utest"]), nearest("x", ["plan"])
    ('plan', 'itest', None)
    """
    best: tuple[int, str] | None = None
    for name in names:
        folded, low = name.lower(), word.lower()
        cost = 1 if len(low) > 2 and folded.startswith(low) else _distance(low, folded)
        if cost <= max(1, len(name) // 3) and (best is None or cost < best[0]):
            best = cost, name
    return best[1] if best else None


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """A hint: the nearest name, else the few that exist, else nothing.

    >>> did_you_mean("pln", ["run", "plan"]), did_you_mean("zzz", ["run", "plan"]), did_you_mean("zzz", [])
    ("did you mean 'plan'?", 'there are run and plan', '')
    """
    known = list(dict.fromkeys(names))
    near = nearest(word, known)
    if near is not None:
        return f"did you mean '{near}'?"
    if not known:
        return ""
    if len(known) == 1:
        return f"there is only {known[0]}"
    shown = known[:12]
    rest = f" and {len(known) - len(shown)} more" if len(known) > len(shown) else ""
    return "there are " + (", ".join(shown) + rest if rest else ", ".join(shown[:-1]) + " and " + shown[-1])


def _distance(a: str, b: str) -> int:
    """Edits (insert, delete, replace, swap neighbours) between two words."""
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        row = [i]
        for j, right in enumerate(b, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (left != right))
            if i > 1 and j > 1 and left == b[j - 2] and a[i - 2] == right:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]

"""`[tool.headrace.init]` of the root pyproject.toml."""

from __future__ import annotations

from headrace.base.errors import Position, Problem, UsageError
from headrace.init.base import Base, Publish
from headrace.init.choices import Settings
from headrace.init.places import place
from headrace.init.project import table
from headrace.init.tree import Tree

_KNOWN: dict[str, tuple[object, ...]] = {
    "publish": ("described", "hardened"),
    "release": ("make", "headrace"),
    "all-versions": (True, False),
}


def settings_of(tree: Tree, asked: Base, *, publish: Publish | None = None, all_versions: bool = False) -> Settings:
    """An option of this call (`publish`, `all_versions`) counts before the file, the file before those of earlier
    calls (`asked`). Raises UsageError for what the file cannot hold."""
    path = "pyproject.toml"
    given = table(tree.toml(path), "tool", "headrace", "init")
    for key, value in given.items():
        at = place(path, tree.text(path), "tool", "headrace", "init", key)
        if key not in _KNOWN:
            raise UsageError(Problem(f"[tool.headrace.init] has no '{key}'", at, f"it may hold {', '.join(_KNOWN)}"))
        if value not in _KNOWN[key] or isinstance(value, bool) != isinstance(_KNOWN[key][0], bool):
            words = " or ".join(str(each).lower() if isinstance(each, bool) else str(each) for each in _KNOWN[key])
            raise UsageError(
                Problem(f"{key} in [tool.headrace.init] is {words}, not {value!r}", Position(at.file, at.line, at.column))
            )
    return Settings(
        publish="hardened" if (publish or given.get("publish") or asked.publish) == "hardened" else "described",
        release="headrace" if given.get("release") == "headrace" else "make",
        all_versions=all_versions or given.get("all-versions", asked.all_versions) is True,
        branch=asked.branch or "main",
    )

"""Imports and patterns that are cheaper than they look, for the start of the command line."""

from __future__ import annotations

import re
import sys
from typing import Any, AnyStr, cast

_TAKES = {
    "typing_extensions": None,  # taken where it is installed, done without where it is not
    "uuid": ("UUID", "SafeUUID"),
    "decimal": ("Decimal",),
    "textwrap": ("dedent",),
    "msgspec.inspect": (),
    "msgspec.toml": (),
    "msgspec.yaml": (),
}
"""What msgspec imports that a short call never uses, and what it takes of each. With what they load in turn they are half of its
import. A value of such a type (a UUID, a Decimal) is one that msgspec does not know then; headrace has none."""


class _Nothing:
    unknown = None


def import_msgspec() -> None:
    """Import msgspec without what it has no use for here. Whoever imports one of those later gets it."""
    if "msgspec" in sys.modules:
        return
    stand_ins = {name: _stand_in(name, names) for name, names in _TAKES.items() if name not in sys.modules}
    sys.modules.update(stand_ins)
    try:
        import msgspec
    except (AttributeError, ImportError, TypeError):  # another version takes something else: then with all of it
        _forget(stand_ins)
        for name in [name for name in sys.modules if name.partition(".")[0] == "msgspec"]:
            del sys.modules[name]
        import msgspec  # noqa: F401
    else:
        _forget(stand_ins)


def _stand_in(name: str, names: tuple[str, ...] | None) -> Any:
    if names is None:
        return None
    module = type(sys)(name)
    for each in names:
        setattr(module, each, type(each, (_Nothing,), {}))
    return module


def _forget(stand_ins: dict[str, Any]) -> None:
    for name, module in stand_ins.items():
        if sys.modules.get(name, module) is module:
            sys.modules.pop(name, None)


class _Lazy:
    def __init__(self, pattern: Any, flags: int) -> None:
        self._pattern, self._flags = pattern, flags

    def __getattr__(self, name: str) -> Any:
        method = getattr(re.compile(self._pattern, self._flags), name)
        setattr(self, name, method)
        return method


def lazy_pattern(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Like `re.compile`, but compiled at the first use: most calls never come to it.

    >>> lazy_pattern("[0-9]+").findall("a1b22")
    ['1', '22']
    """
    return cast("re.Pattern[AnyStr]", _Lazy(pattern, flags))

"""TOML files of people."""

from __future__ import annotations

import sys
from typing import Any

from headrace.base.errors import Position, Problem, UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]  # types are checked as for 3.10, and a newer one lacks it


def parse_toml(data: bytes, path: str) -> dict[str, Any]:
    """The tables of a file. Raises UsageError, which names it by `path`."""
    try:
        tables: dict[str, Any] = tomllib.loads(data.decode())
        return tables
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(Problem(f"this is not TOML: {error}", Position(path))) from error

"""Imports that are cheaper than they look, for the start of the command line."""

from __future__ import annotations

import sys


def import_msgspec() -> None:
    """Import msgspec without typing_extensions, which it takes where it is installed and does without where it is not.

    That module, with what it loads in turn, costs a tenth of the whole of a short call. Whoever needs it later gets it."""
    if "msgspec" in sys.modules or "typing_extensions" in sys.modules:
        return
    sys.modules["typing_extensions"] = None  # type: ignore[assignment]
    try:
        import msgspec  # noqa: F401
    finally:
        del sys.modules["typing_extensions"]

"""Starts one drop-in: `python -I -S …/actions/builtin/__main__.py <name> <main|post>`. The exit status is the step's."""

from __future__ import annotations

import os
import sys


def _start(argv: list[str]) -> int:
    root = os.path.abspath(__file__)
    for _ in range(4):
        root = os.path.dirname(root)
    if root not in sys.path:
        sys.path.append(root)  # last, so that nothing beside the package can stand in for the standard library
    from headrace.actions.builtin import NAMES, load
    from headrace.actions.builtin.toolkit import ActionFailed, error

    if len(argv) != 3 or argv[1].lower() not in NAMES or argv[2] not in ("main", "post"):
        sys.stderr.write(f"usage: __main__.py <{'|'.join(sorted(NAMES))}> <main|post>\n")
        return 2
    try:
        module = load(argv[1].lower())
        stage = getattr(module, argv[2], None)
        return stage() if stage is not None else 0
    except ActionFailed as failure:
        error(str(failure))
        return 1
    except OSError as failure:
        error(str(failure))
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        try:
            sys.stdout.flush()
        except OSError:
            pass


if __name__ == "__main__":
    sys.exit(_start(sys.argv))

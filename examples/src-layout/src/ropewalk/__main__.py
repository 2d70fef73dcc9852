"""`python -m ropewalk FIBRE MILLIMETRES METRES`: weight and breaking load."""

from __future__ import annotations

import sys

from ropewalk import Rope, fibres


def main(arguments: list[str]) -> int:
    try:
        name, millimetres, metres = arguments
        rope = Rope(fibres()[name], float(millimetres), float(metres))
    except (KeyError, ValueError):
        print(f"usage: ropewalk {{{','.join(fibres())}}} MILLIMETRES METRES", file=sys.stderr)
        return 2
    print(f"{rope.weight:.1f} kg, breaks at {rope.breaking_load:.1f} kN")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Amounts of memory and disk as people write them."""

from __future__ import annotations

_UNITS = "kmgt"


def parse(text: str) -> int:
    """Bytes. Units are of 1024 and must be there: nobody means four bytes by `--memory 4`. Raises ValueError with what is wrong.

    >>> parse("4g"), parse("1.5 GiB"), parse("512M")
    (4294967296, 1610612736, 536870912)
    """
    word = text.strip().lower()
    number = word.rstrip("kmgtib ")
    unit = word[len(number) :].strip()
    digits = number.replace(".", "", 1)
    size = 0
    if unit[:1] in tuple(_UNITS) and unit[1:] in ("", "b", "ib") and digits.isascii() and digits.isdigit():
        size = int(float(number) * 1024 ** (_UNITS.index(unit[0]) + 1))
    if size == 0:
        raise ValueError(f"'{text}' is not a size such as 512m or 4g")
    return size


def show(size: int) -> str:
    """In the largest unit that leaves a whole number before the point.

    >>> show(14 << 30), show(7700 << 20), show(100 << 20), show(5000)
    ('14 GiB', '7.5 GiB', '100 MiB', '4.9 KiB')
    """
    value, unit = float(size), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    shown = f"{value:.1f}" if value < 100 else f"{value:.0f}"
    return f"{shown.removesuffix('.0')} {unit}"

"""The examples by which the language is explained, each as it stands there."""

from __future__ import annotations

from typing import Any

import pytest
from headrace.expressions import evaluate, parse
from headrace.expressions.values import number_to_text

CONTEXTS: dict[str, Any] = {
    "l": ["a", "b"],
    "o": {"1": "one", "": "empty", "true": "yes"},
    "x": {"a": [{"n": [1.0, 2.0]}, {"n": [3.0]}]},
}


def table(text: str) -> list[tuple[str, str]]:
    return [(left.strip(), right.strip()) for left, _, right in (line.partition("→") for line in text.strip().splitlines())]


CASES = table(r"""
    null == 0                  → true
    null == ''                 → true
    '' == 0                    → true
    false == ''                → true
    true == '1'                → true
    '0x10' == 16               → true
    ' 12 ' == 12               → true
    '1e3' == 1000              → true
    true == 'true'             → false
    'abc' == 0                 → false
    '10' < '9'                 → true
    10 < '9'                   → false
    'x' < 1                    → false
    'x' >= 1                   → false
    3 > 2 > 1                  → false
    NaN != NaN                 → true
    x == x                     → true
    fromJSON('[]') == fromJSON('[]') → false
    'ß' == 'SS'                → false
    'ı' == 'I'                 → false
    'ſ' == 'S'                 → false
    'Ä' == 'ä'                 → true
    '0xFFFFFFFF' == -1         → true
    '0x7FFFFFFF' == 2147483647 → true
    '0x100000000' == 0         → false
    '0o37777777777' == -1      → true
    '0X10' == 16               → false
    '-0x1' == -1               → false
    'infinity' == Infinity     → true
    '+INFINITY' == Infinity    → true
    '1e400' == Infinity        → true
    '1_000' == 1000            → false
    '1,000' == 1000            → false
    '.5' == 0.5                → true
    '5.' == 5                  → true
    -0 == 0                    → true
    format('{0}', -0)          → '0'
    o[1]                       → 'one'
    o[null]                    → 'empty'
    o[true]                    → 'yes'
    o[x]                       → null
    l['1']                     → 'b'
    l[true]                    → 'b'
    l[1.9]                     → 'b'
    l[null]                    → 'a'
    l['']                      → 'a'
    l[-1]                      → null
    l[2]                       → null
    l['abc']                   → null
    l.length                   → null
    join(x.a.*.n[0])           → '1,3'
    join(x.a[0].n[0])          → '1'
    '0' && 1                   → 1
    'false' && 1               → 1
    ' ' && 1                   → 1
    l && 1                     → 1
    fromJSON('{}') && 1        → 1
    0 || 1                     → 1
    -0 || 1                    → 1
    NaN || 1                   → 1
    '' || 1                    → 1
    null || 1                  → 1
    fromJSON(true)             → true
    toJSON(NaN)                → 'NaN'
    toJSON('/<é')              → '"/<é"'
""")


@pytest.mark.covers("language:5.4", "language:5.5", "language:5.6")
@pytest.mark.parametrize(("source", "expected"), CASES)
def test_an_example_gives_what_is_said(source: str, expected: str) -> None:
    found, wanted = evaluate(parse(source), CONTEXTS), evaluate(parse(expected), {})
    assert (type(found), found) == (type(wanted), wanted)


@pytest.mark.covers("language:1.9", "language:5.5")
@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1.10, "1.1"),
        (3.10, "3.1"),
        (1e3, "1000"),
        (100000000000000, "100000000000000"),
        (1000000000000000, "1E+15"),
        (1587106672383762434, "1.58710667238376E+18"),
        (0.0001, "0.0001"),
        (0.00001, "1E-05"),
        (1e100, "1E+100"),
        (-0.0, "0"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
    ],
)
def test_a_number_has_at_most_15_digits(number: float, text: str) -> None:
    assert number_to_text(float(number)) == text

"""Colour: who decides."""

from __future__ import annotations

import pytest
from headrace.report.colour import Choice, wants_colour

ORDER: list[tuple[Choice, dict[str, str], bool, bool]] = [
    ("always", {"NO_COLOR": "1"}, False, True),
    ("never", {"FORCE_COLOR": "1"}, True, False),
    ("auto", {"NO_COLOR": "0"}, True, False),  # any value that is not empty
    ("auto", {"NO_COLOR": ""}, True, True),
    ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
    ("auto", {"FORCE_COLOR": "1"}, False, True),
    ("auto", {"CLICOLOR_FORCE": "1"}, False, True),
    ("auto", {"FORCE_COLOR": "0"}, False, False),
    ("auto", {"CLICOLOR_FORCE": "1", "TERM": "dumb"}, False, True),
    ("auto", {"TERM": "dumb"}, True, False),
    ("auto", {}, True, True),
    ("auto", {}, False, False),
]


@pytest.mark.covers("terminal:colour")
@pytest.mark.parametrize(("choice", "environment", "terminal", "expected"), ORDER)
def test_the_option_then_the_environment_then_the_terminal_decides(
    choice: Choice, environment: dict[str, str], terminal: bool, expected: bool
) -> None:
    assert wants_colour(choice, environment, terminal) is expected

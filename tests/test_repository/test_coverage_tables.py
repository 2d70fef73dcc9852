"""docs/coverage-*.md say which test holds which rule, as the tests say it themselves."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

import pytest
from test_core.processes import run

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "bin/coverage-tables"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


def test_a_page_has_a_row_a_section_in_the_order_of_numbers(script: dict[str, Any]) -> None:
    marked = [
        ("t.py::b[1]", "language:4.10"),
        ("t.py::b[2]", "language:4.10"),
        ("t.py::a", "language:4.10"),
        ("t.py::c", "language:4.9"),
    ]
    text = script["page"]("language", script["gather"](marked)["language"])
    assert [line for line in text.splitlines() if line.startswith("| 4.")] == [
        "| 4.9 | `t.py::c` |",
        "| 4.10 | `t.py::a`<br>`t.py::b` |",
    ]
    assert text.endswith("10.3, 10.4, A.\n")
    assert "2 of 67 sections have a test. Without one: 1.1, 1.2," in text
    assert "4.9" not in text.splitlines()[-1]


@pytest.mark.parametrize("rule", ["language", "languages:1.1", "5.5", ""])
def test_a_marker_that_names_no_rule_is_refused(script: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValueError, match=r"no rule: .* at t\.py::a"):
        script["gather"]([("t.py::a", rule)])


@pytest.mark.parametrize("section", ["1.99", "14", "0.1", "x"])
def test_a_section_that_there_is_not_is_refused(script: dict[str, Any], section: str) -> None:
    with pytest.raises(ValueError, match=f"there is no section {section} of runtime: t.py::a"):
        script["page"]("runtime", {section: {"t.py::a"}})


def test_rows_of_a_table_stand_below_their_section(script: dict[str, Any]) -> None:
    marked = [("t.py::a", "release:1.5.14"), ("t.py::b", "release:1.5"), ("t.py::c", "release:1.5.2"), ("t.py::d", "release:1.6")]
    text = script["page"]("release", script["gather"](marked)["release"])
    rows = [line.split(" ")[1] for line in text.splitlines() if line.startswith("| 1.")]
    assert rows == ["1.5", "1.5.2", "1.5.14", "1.6"]
    with pytest.raises(ValueError, match=r"there is no section 1\.6\.1 of release"):
        script["page"]("release", {"1.6.1": {"t.py::a"}})


@pytest.mark.slow  # it collects every test there is
def test_the_pages_are_what_the_script_would_write() -> None:
    done = run([sys.executable, SCRIPT, "--check"], ROOT)
    assert done.status == 0, done.err + done.out

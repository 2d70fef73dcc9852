"""What was written, what it has become and what would be written now are brought together, line by line and part by part."""

from __future__ import annotations

import pytest
from headrace.init.lines import OURS, THEIRS, marks_in, merge_items, merge_lines
from headrace.init.merge import merge
from headrace.init.sections import joined, sections
from hypothesis import given
from hypothesis import strategies as st

LINES = st.lists(st.sampled_from(["a", "b", "c", "- x", "  on: [a, b]", ""]), max_size=8)


# Lines


@given(LINES, LINES)
def test_what_one_side_alone_has_changed_is_taken(base: list[str], other: list[str]) -> None:
    assert merge_lines(base, other, base) == other
    assert merge_lines(base, base, other) == other
    assert merge_lines(base, other, other) == other


PLAIN = st.lists(st.sampled_from("abcdef"), max_size=8)


@given(PLAIN, PLAIN, PLAIN)
def test_no_line_that_one_side_has_added_is_lost(base: list[str], ours: list[str], theirs: list[str]) -> None:
    merged = merge_lines(base, ours, theirs)
    assert (set(ours) | set(theirs)) - set(base) <= set(merged)
    assert merged.count(OURS) == merged.count(THEIRS) == len(marks_in("\n".join(merged)))


@given(LINES, st.data())
def test_changes_in_different_lines_are_both_kept(base: list[str], data: st.DataObject) -> None:
    """Also in lines that stand next to each other. Each line is told apart here by its number."""
    base = [f"{index} {line}" for index, line in enumerate(base)]
    who = data.draw(st.lists(st.sampled_from("-ot"), min_size=len(base), max_size=len(base)))
    ours = [f"{line} ours" if side == "o" else line for line, side in zip(base, who, strict=True)]
    theirs = [f"{line} theirs" if side == "t" else line for line, side in zip(base, who, strict=True)]
    wanted = [{"o": f"{line} ours", "t": f"{line} theirs"}.get(side, line) for line, side in zip(base, who, strict=True)]
    assert merge_lines(base, ours, theirs) == wanted


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        ("x: 1", "x: 2", "x: 3", f"{OURS}|x: 2|=======|x: 3|{THEIRS}"),
        ("x: 1|y", "x: 2|y", "x: 3|y|z", f"{OURS}|x: 2|=======|x: 3|{THEIRS}|y|z"),
        ("a|b", "a|b|c", "a|b|d", f"a|b|{OURS}|c|=======|d|{THEIRS}"),  # nothing says which comes first
        ("p:|  - a", "p:|  - a|  - mine", "p:|  - a|  - '!new'", "p:|  - a|  - '!new'|  - mine"),  # a later path overrules
        ("p:|  - a", "p:|  - a|  - x: 1", "p:|  - a|  - y: 1", f"p:|  - a|{OURS}|  - x: 1|=======|  - y: 1|{THEIRS}"),
        ("v: ['1', '3']", "v: ['1', '2', '3']", "v: ['2', '3', '4']", "v: ['2', '3', '4']"),
        ("v: ['1', '3']", "v: ['1', '2', '3']", "v: ['3', '4']", "v: ['2', '3', '4']"),
        ("v: [a] # why", "v: [b] # why", "v: [c] # why", f"{OURS}|v: [b] # why|=======|v: [c] # why|{THEIRS}"),
        (".PHONY: a b", ".PHONY: a b mine", ".PHONY: a new b", ".PHONY: a new b mine"),
        ("a|b|c", "b|c", "a|b|C", "b|C"),
        ("a|b|c", "a|c", "a|B|c", f"a|{OURS}|=======|B|{THEIRS}|c"),
    ],
)
def test_marks_stand_only_around_what_both_have_changed(base: str, ours: str, theirs: str, merged: str) -> None:
    assert merge_lines(base.split("|"), ours.split("|"), theirs.split("|")) == merged.split("|")


ITEMS = st.lists(st.sampled_from("abcdef"), unique=True)


@given(ITEMS, ITEMS, ITEMS)
def test_items_that_one_side_adds_or_takes_away_are_there_or_not(base: list[str], ours: list[str], theirs: list[str]) -> None:
    merged = merge_items(base, ours, theirs)
    wanted = {item for item in {*base, *ours, *theirs} if (item in ours and item in theirs) or (item not in base)}
    assert set(merged) == wanted and len(set(merged)) == len(merged)


# Parts

WORKFLOW = """\
name: x
on: push
jobs:
  # the first
  one:
    runs-on: a
    steps:
      - run: make one

  two:
    runs-on: a
    steps:
      - run: make two

  last:
    needs: [one, two]
    runs-on: a
"""
MAKEFILE = """\
# About it.
A := 1

.PHONY: one two

# The first.
one: two
\techo one

two:
\techo two
"""


@pytest.mark.parametrize(
    ("path", "text", "names"),
    [
        ("w.yml", WORKFLOW, ["", "one", "two", "last"]),
        ("w.yml", WORKFLOW.replace("\n    ", "\n        ").replace("\n  ", "\n    "), ["", "one", "two", "last"]),
        ("w.yml", WORKFLOW + "env:\n  two: 2\n", ["", "one", "two", "last"]),
        ("w.yml", "jobs: {}\n", [""]),
        ("Makefile", MAKEFILE, ["", "one", "two"]),
        ("gates.mk", MAKEFILE + "two: one\n", ["", "one", "two"]),
        ("release.py", "def a():\n    pass\n", [""]),
        ("w.yml", "", [""]),
    ],
)
def test_parts_are_the_whole_text(path: str, text: str, names: list[str]) -> None:
    parts = sections(path, text)
    assert list(parts) == names and joined(parts) == text


def test_a_comment_belongs_to_the_part_below_it() -> None:
    assert sections("w.yml", WORKFLOW)["one"][0] == "  # the first"
    assert sections("Makefile", MAKEFILE)["one"][0] == "# The first."
    assert sections("Makefile", MAKEFILE)[""][0] == "# About it."


JOB_TWO = "  two:\n    runs-on: a\n    steps:\n      - run: make two\n\n"
NEW_JOB = "  three:\n    runs-on: a\n\n"


def test_a_job_that_a_person_has_taken_away_stays_away_whatever_becomes_of_it() -> None:
    ours = WORKFLOW.replace(JOB_TWO, "").replace("[one, two]", "[one]")
    theirs = WORKFLOW.replace("runs-on: a", "runs-on: b").replace("[one, two]", "[zero, one, two]")
    merged = merge("w.yml", WORKFLOW, ours, theirs)
    assert merged.text == ours.replace("runs-on: a", "runs-on: b").replace("[one]", "[zero, one]") and not merged.conflicts


def test_a_job_of_a_person_stays_and_a_new_one_comes_to_its_place() -> None:
    ours = WORKFLOW.replace("  last:", "  mine:\n    runs-on: m\n\n  last:")
    theirs = WORKFLOW.replace("  last:", NEW_JOB + "  last:")
    merged = merge("w.yml", WORKFLOW, ours, theirs)
    assert list(sections("w.yml", merged.text)) == ["", "one", "two", "three", "mine", "last"] and not merged.conflicts
    assert merged.text == ours.replace("  mine:", NEW_JOB + "  mine:")


@pytest.mark.parametrize(("ours", "stays"), [(WORKFLOW, ()), (WORKFLOW.replace("make two", "make 2"), ("two",))])
def test_a_job_that_is_not_written_any_more_goes_unless_a_person_has_changed_it(ours: str, stays: tuple[str, ...]) -> None:
    theirs = WORKFLOW.replace(JOB_TWO, "").replace("[one, two]", "[one]")
    merged = merge("w.yml", WORKFLOW, ours + "# mine\n", theirs)
    assert merged.stays == stays and ("make 2" in merged.text) == bool(stays) and "[one]" in merged.text
    assert ("  two:" in merged.text) == bool(stays)


def test_where_both_have_a_new_part_of_one_name_that_of_the_person_stays() -> None:
    mine = NEW_JOB.replace("a", "m")
    merged = merge(
        "w.yml", WORKFLOW, WORKFLOW.replace("  last:", mine + "  last:"), WORKFLOW.replace("  last:", NEW_JOB + "  last:")
    )
    assert mine in merged.text and NEW_JOB not in merged.text


def test_alike_jobs_are_not_taken_for_one_another() -> None:
    """Of whole files a comparison would find the lines of one job in those of the next."""
    ours = WORKFLOW.replace("      - run: make two\n", "      - run: make two\n      - run: mine\n").replace("  one:", "  eins:")
    theirs = WORKFLOW.replace("    steps:\n", "    timeout-minutes: 1\n    steps:\n")
    merged = merge("w.yml", WORKFLOW, ours, theirs)
    parts = sections("w.yml", merged.text)
    assert "      - run: mine" in parts["two"] and "    timeout-minutes: 1" in parts["two"]
    assert "one" not in parts and "    timeout-minutes: 1" not in parts["eins"]  # a job by another name is the person's


def test_a_conflict_is_told_by_its_line() -> None:
    ours, theirs = WORKFLOW.replace("make two", "mine"), WORKFLOW.replace("make two", "new")
    merged = merge("w.yml", WORKFLOW, ours, theirs)
    lines = merged.text.splitlines()
    assert [lines[number - 1] for number in merged.conflicts] == [OURS] and marks_in(merged.text) == list(merged.conflicts)
    again = merge("w.yml", theirs, merged.text, theirs)
    assert again.text == merged.text

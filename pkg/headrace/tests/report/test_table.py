"""Tables in windows of every width."""

from __future__ import annotations

import pytest
from headrace.report.colour import Style
from headrace.report.table import Column, Heading, fits, table
from headrace.report.text import clean, shorten, width, without_escapes
from hypothesis import given
from hypothesis import strategies as st

COLUMNS = (Column("workflow", shrinks=True), Column("would", state=True), Column("why"))
ROWS = [
    ["a-very-long-workflow-name-of-the-monorepo", "undecided", "its needs have to finish first, then it is decided"],
    ["b", "run", "ok"],
]


def test_off_a_terminal_nothing_is_cut_or_wrapped() -> None:
    lines = table(COLUMNS, ROWS, Style())
    assert len(lines) == 3
    assert lines[1] == "  ".join(ROWS[0])
    assert lines[2].index("run") == lines[1].index("undecided")


def test_a_narrow_window_costs_the_middle_of_names_and_never_the_state() -> None:
    lines = table(COLUMNS, ROWS, Style(width=50))
    assert all(width(line) <= 50 for line in lines)
    assert "undecided" in lines[1]
    assert "a-very" in lines[1] and "…" in lines[1]
    assert " ".join(line.strip() for line in lines[1:-1]).endswith(ROWS[0][2][-20:])


def test_wide_characters_take_two_columns() -> None:
    first, *_ = table((Column("job"), Column("why")), [["日本", "x"]], Style())[1:]
    assert first == "日本  x"


def test_a_table_for_ascii_is_ascii() -> None:
    assert all(line.isascii() for line in table(COLUMNS, [["naïve" * 20, "run", "日本"]], Style(utf8=False, width=40)))


def test_states_are_painted_and_still_aligned() -> None:
    plain = table(COLUMNS, ROWS, Style())
    painted = table(COLUMNS, ROWS, Style(colour=True))
    assert "\x1b[32mrun\x1b[0m" in painted[2]
    assert [without_escapes(line.encode()).decode() for line in painted] == plain


def test_a_heading_stands_over_all_columns_and_widens_none() -> None:
    lines = table(COLUMNS, [Heading("a heading that is wider than any column"), ROWS[1]], Style())
    assert lines[1] == "a heading that is wider than any column"
    assert lines[2] == "b         run    ok"
    assert all(width(line) <= 20 for line in table(COLUMNS, [Heading("日本" * 30), ROWS[1]], Style(width=20)))


@pytest.mark.parametrize(("columns", "roomy"), [(None, True), (200, True), (88, True), (60, False)])
def test_a_table_fits_where_no_name_has_to_be_cut(columns: int | None, roomy: bool) -> None:
    style = Style(width=columns)
    assert fits(COLUMNS, ROWS, style) is roomy
    assert any("…" in line for line in table(COLUMNS, ROWS, style)) is not roomy


@given(st.text(max_size=30), st.integers(min_value=1, max_value=20))
def test_a_shortened_name_never_is_wider_than_its_room(text: str, room: int) -> None:
    assert width(shorten(clean(text), room)) <= max(room, 0)


@given(st.text(max_size=30))
def test_a_cleaned_name_is_one_line_without_escapes(text: str) -> None:
    assert len(clean(text).splitlines()) <= 1
    assert "\x1b" not in clean(text)


@given(st.binary(max_size=40))
def test_no_escape_survives(line: bytes) -> None:
    assert b"\x1b" not in without_escapes(line)


@pytest.mark.parametrize("columns", [10, 20, 30])
def test_a_window_that_is_too_narrow_still_shows_every_state(columns: int) -> None:
    assert "undecided" in table(COLUMNS, ROWS, Style(width=columns))[1]

from __future__ import annotations

import pytest
from headrace.workflow.cron import check, parse


@pytest.mark.covers("language:4.8")
@pytest.mark.parametrize(
    "cron",
    [
        "* * * * *",
        "0 0 1 1 0",
        "59 23 31 12 6",
        "*/5 * * * *",
        "5/15 0-6/2 1,15 jan-MAR mon-fri",
        "00 01 * * *",
        "  0   0 * * * ",
        "0,30 * * * SUN,SAT",
        "0 0 * * 0-6",
    ],
)
def test_five_fields_name_times(cron: str) -> None:
    assert check(cron)


@pytest.mark.covers("language:4.8")
@pytest.mark.parametrize(
    "cron",
    [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * 32 * *",
        "* * * 0 *",
        "* * * 13 *",
        "* * * * 7",
        "5-1 * * * *",
        "* * * * FRI-MON",
        "*/0 * * * *",
        "*/a * * * *",
        "* * * JAN/MON *",
        "JAN * * * *",
        "* * * * L",
        "* * ? * *",
        "* * 15W * *",
        "* * * * 5#2",
        "@daily",
        ", * * * *",
        "1, * * * *",
        "-1 * * * *",
        "1-2-3 * * * *",
        "*-5 * * * *",
        "* *\t* * *",
        "99999999999999999999 * * * *",
        "١ * * * *",
        "* * * * " + "1," * 1000 + "1",
    ],
)
def test_anything_else_is_refused(cron: str) -> None:
    assert not check(cron)


@pytest.mark.covers("language:4.8")
def test_steps_run_to_the_end_of_the_field() -> None:
    found = parse("5/20 0-6/3 * MAR,5 *")
    assert found is not None
    assert (sorted(found.minutes), sorted(found.hours), sorted(found.months)) == ([5, 25, 45], [0, 3, 6], [3, 5])


@pytest.mark.covers("language:4.8")
def test_of_two_restricted_day_fields_either_is_enough() -> None:
    both, day, weekday = parse("0 0 13 * FRI"), parse("0 0 13 * *"), parse("0 0 * * FRI")
    assert both and day and weekday
    cases = [(13, 5), (13, 1), (14, 5), (14, 1)]
    assert [both.matches(0, 0, d, 1, w) for d, w in cases] == [True, True, True, False]
    assert [day.matches(0, 0, d, 1, w) for d, w in cases] == [True, True, False, False]
    assert [weekday.matches(0, 0, d, 1, w) for d, w in cases] == [True, False, True, False]
    assert not both.matches(1, 0, 13, 1, 5)

"""A run inside GitHub Actions."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from headrace.report.colour import Style
from headrace.report.github import GitHub
from headrace.report.stream import Observer

if TYPE_CHECKING:
    from tests.report.conftest import Told


def shown(told: Told) -> list[str]:
    out = io.StringIO()
    observer = Observer([GitHub(out, Style(), told.logs)], told.logs, lambda run: str(told.folder))
    for record in told.records:
        observer(record)
    observer.close()
    return out.getvalue().splitlines()


def test_a_step_is_a_group_and_a_failed_one_stays_open(broken: Told) -> None:
    lines = shown(broken)
    assert "::group::CI/test (3.10) | ✓ Run make (1.2s)" in lines
    failed = lines.index("CI/test (3.13) | ✗ Run make (1.2s) failed with exit code 2")
    assert "Error: Process completed with exit code 2." in lines[failed:]
    assert lines.count("::endgroup::") == 1


def test_annotations_are_made_again_with_their_place(broken: Told) -> None:
    assert "::error file=src/a.py,line=3,col=7,title=CI/test (3.13)::undefined name 'x'" in shown(broken)


def test_what_a_step_prints_cannot_command_the_outer_run(told: Told) -> None:
    told.start()
    leg = told.queue("test")
    told.begin(leg)
    told.step(leg, 1, "Evil")
    told.log(leg, 1, b"::set-output name=a::b\n::endgroup::\n")
    told.end_step(leg, 1)
    lines = shown(told)
    evil = lines.index("::set-output name=a::b")
    stop = next(line for line in lines if line.startswith("::stop-commands::"))
    resume = f"::{stop.removeprefix('::stop-commands::')}::"
    assert lines.index(stop) < evil < lines.index(resume)
    assert len(stop) > 40


def test_a_message_keeps_its_lines_and_a_property_its_commas(told: Told) -> None:
    told.start()
    leg = told.queue("test")
    told.begin(leg)
    told.step(leg, 1, "Lint")
    told.note(leg, 1, "one\ntwo 100%", file="a,b:c.py", level="warning")
    assert "::warning file=a%2Cb%3Ac.py,title=CI/test::one%0Atwo 100%25" in shown(told)


def test_no_more_than_ten_of_a_level_are_made_again(told: Told) -> None:
    told.start()
    leg = told.queue("test")
    told.begin(leg)
    told.step(leg, 1, "Lint")
    for number in range(12):
        told.note(leg, 1, str(number))
    told.note(leg, 1, "other", level="warning")
    lines = shown(told)
    assert sum(line.startswith("::error") for line in lines) == 10
    assert sum(line.startswith("::warning") for line in lines) == 1

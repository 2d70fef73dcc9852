"""The live view, read back through a small terminal."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from headrace.report.colour import Style
from headrace.report.live import Live
from headrace.report.stream import Observer
from headrace.report.text import width

if TYPE_CHECKING:
    from tests.report.conftest import Told


def screen(text: str) -> list[str]:
    """What stands on an endless screen after `text`: understands line feeds, cursor up and clear below."""
    lines, row = [""], 0
    for piece in re.split(r"(\n|\r|\x1b\[\d*[A-Z])", text):
        if piece == "\n":
            row += 1
            if row == len(lines):
                lines.append("")
        elif move := re.fullmatch(r"\x1b\[(\d*)A", piece):
            row -= int(move[1] or 1)
        elif piece == "\x1b[J":
            del lines[row:]
            lines.append("")
        elif piece and piece != "\r":
            lines[row] += piece
    return [line for line in lines if line]


def shown(told: Told, upto: int | None = None, style: Style = Style(width=60)) -> list[str]:  # noqa: B008
    out = io.StringIO()
    observer = Observer([Live(out, style, told.logs)], told.logs, lambda run: str(told.folder))
    for record in told.records[:upto]:
        observer(record)
    if upto is None:
        observer.close()
    return screen(out.getvalue())


def test_finished_jobs_and_failures_stay_and_nothing_else(broken: Told) -> None:
    assert shown(broken) == [
        "run 7: push of refs/heads/main (0123456789) in octo/hello",
        "CI/test (3.10) ✓ success in 2.0s",
        "CI/test (3.13) ✗ Run make (1.2s) failed with exit code 2",
        "    hello",
        "    boom",
        "    Error: Process completed with exit code 2.",
        "CI/test (3.13) ✗ failure in 5.0s",
    ]


def test_running_jobs_show_their_step_and_the_time(told: Told) -> None:
    told.start()
    leg = told.queue("test")
    told.queue("deploy")
    told.begin(leg)
    told.step(leg, 1, "Run make")
    lines = shown(told, 5)
    assert lines[-2] == "⠋ CI/test · Run make 1.0s"
    assert lines[-1] == "  1 waiting"


def test_a_narrow_window_never_costs_the_time_and_never_wraps(told: Told) -> None:
    told.start()
    leg = told.queue("test", name="a-job-with-a-very-long-name (ubuntu-latest, 3.10)")
    told.begin(leg)
    told.step(leg, 1, "A step with a name that is long as well")
    for columns in (24, 40, 80):
        line = shown(told, 4, Style(width=columns))[-1]
        assert width(line) < columns
        assert line.endswith(" 1.0s")


def test_many_running_jobs_are_counted(told: Told) -> None:
    told.start()
    for number in range(15):
        told.begin(told.queue("test", index=number, name=f"test ({number})"))
    assert shown(told, len(told.records))[-1] == "  3 more running"


def test_a_tick_redraws_in_place(told: Told) -> None:
    told.start()
    leg = told.queue("test")
    told.begin(leg)
    out = io.StringIO()
    observer = Observer([Live(out, Style(width=60), told.logs)], told.logs, str)
    for record in told.records:
        observer(record)
    observer.tick(told.now + 5)
    assert screen(out.getvalue())[1:] == ["⠙ CI/test 5.0s"]


def test_what_is_waited_for_stands_below_until_it_is_there(told: Told) -> None:
    told.start()
    told.wait()
    assert shown(told, 2)[1:] == ["⠋ ci.yml · waiting for the con…roup 'deploy', held by run 5"]
    wide = Style(width=100)
    assert shown(told, 2, wide)[1:] == ["⠋ ci.yml · waiting for the concurrency group 'deploy', held by run 5"]
    leg = told.queue("test")
    assert shown(told, 3, wide)[1:] == ["  1 waiting"]
    told.wait(leg)
    assert shown(told, 4, wide)[1:] == ["⠋ CI/test · waiting for the concurrency group 'deploy', held by run 5"]
    told.begin(leg)
    assert shown(told, 5, wide)[1:] == ["⠋ CI/test 0ms"]

"""What all test suites share: where nothing may be missing, a skip for something that is missing is a failure; and files of which
no test was chosen are not loaded."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Generator
from pathlib import Path

import pytest

NO_SKIP = "HEADRACE_NO_SKIP"
ALL_SLOW = re.compile(rb"^pytestmark = \[?pytest\.mark\.slow\b", re.MULTILINE)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # of a job in the background: what tests start would have it ignored too
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With HEADRACE_NO_SKIP set, a test that is skipped with a reason that begins with "needs " fails.

    So a test that wants a package says `pytest.skip("needs strace")`: left out on a laptop, missed where all was installed.
    """
    report = yield
    if os.environ.get(NO_SKIP) and report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if reason.startswith("needs "):
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} was skipped, which {NO_SKIP} forbids: {reason}"
    return report


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `-m slow` and `-m "not slow"`, whether the text of a file shows that none of its tests is meant. To load them all
    takes ten seconds."""
    chosen = config.getoption("markexpr")
    if chosen not in ("slow", "not slow") or not re.fullmatch(r"test_.*\.py", collection_path.name):
        return None
    text = collection_path.read_bytes()
    return (b"slow" not in text if chosen == "slow" else bool(ALL_SLOW.search(text))) or None

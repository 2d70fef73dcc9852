"""What all test suites share: where nothing may be missing, a skip for something that is missing is a failure."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator

import pytest

NO_SKIP = "HEADRACE_NO_SKIP"

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

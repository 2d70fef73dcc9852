from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from test_core.callers import Runs
from test_core.calls import Headrace


@pytest.fixture
def headrace(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headrace]:
    calls = Headrace(tmp_path, tmp_path, tmp_path_factory.getbasetemp().parent / "bytecode")
    yield calls
    calls.close()


@pytest.fixture
def runs(headrace: Headrace) -> Runs:
    return Runs(headrace)

from __future__ import annotations

from pathlib import Path

import pytest
from test_core.calls import Headrace


@pytest.fixture
def headrace(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Headrace:
    return Headrace(tmp_path, tmp_path, tmp_path_factory.getbasetemp().parent / "bytecode")

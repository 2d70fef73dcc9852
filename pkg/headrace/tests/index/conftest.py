"""An index whose projects may be written to, called in this process."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_core.desks import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "index")

"""`headrace services`: the server of its own."""

from __future__ import annotations

import signal
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from headrace.base.errors import UsageError
from headrace.cli.services import read_key
from test_core.processes import Running

if TYPE_CHECKING:
    from test_core.calls import Headrace

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it


def test_a_key_is_made_for_its_owner_alone_and_found_again(tmp_path: Path) -> None:
    path = tmp_path / "key"
    key = read_key(str(path))
    assert len(key) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key(str(path)) == key


def test_a_key_that_is_too_short_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("short")
    with pytest.raises(UsageError, match="shorter than 16 bytes"):
        read_key(str(tmp_path / "key"))


@pytest.mark.parametrize("arguments", [["--listen", "0.0.0.0:0"], ["--listen", "nonsense"], ["--key-file", "no/such/folder/key"]])
def test_a_wrong_call_is_one_line_and_status_2(headrace: Headrace, tmp_path: Path, arguments: list[str]) -> None:
    given = ["--store", str(tmp_path / "s"), "--key-file", str(tmp_path / "key"), *arguments]
    done = headrace("services", *given)
    assert (done.status, done.err.count("\n")) == (2, 1)


def test_it_says_where_it_listens_and_ends_in_order(headrace: Headrace, tmp_path: Path) -> None:
    argv = headrace.command("services", "--store", str(tmp_path / "s"), "--key-file", str(tmp_path / "key"))
    with Running(argv, tmp_path, headrace.environment()) as running:
        running.wait_for(r"^listening on http://127\.0\.0\.1:[0-9]+$")
        running.signal(signal.SIGTERM)
        assert running.wait() in (0, -signal.SIGTERM)
    assert "Traceback" not in running.output

"""Our own pipeline of the encryption package, run by headrace in a clone: each fault turns exactly its gate red."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from test_core.calls import Headrace
from test_core.processes import run
from test_core.repositories import GitRepository

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "pkg/headrace_encryption"

FAULTS = {
    "lint": (f"{PACKAGE}/headrace_encryption/planted_lint.py", "import os\n"),
    "type-check": (f"{PACKAGE}/headrace_encryption/planted_type.py", 'PLANTED: int = "no number"\n'),
    "utest": (f"{PACKAGE}/tests/test_planted.py", "def test_planted() -> None:\n    assert not __name__\n"),
}


@pytest.fixture
def clone(tmp_path: Path) -> GitRepository:
    """This tree as it stands, committed in a clone without remote."""
    if run(["git", "rev-parse", "HEAD"], ROOT).status:
        pytest.skip("this tree is not a git repository")
    root = tmp_path / "clone"
    done = run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, root], tmp_path)
    assert done.status == 0, done.err
    repository = GitRepository(root)
    repository.git("remote", "remove", "origin")
    repository.git("switch", "--quiet", "--force-create", "main")
    changed = run(["git", "ls-files", "--modified", "--deleted", "--others", "--exclude-standard", "-z"], ROOT).out.split("\0")
    for name in filter(None, changed):
        if (ROOT / name).is_file():
            repository.write({name: (ROOT / name).read_bytes()})
            (root / name).chmod((ROOT / name).stat().st_mode)
        else:
            (root / name).unlink(missing_ok=True)
    repository.commit()
    return repository


KINDS = {"with faults": tuple(FAULTS), "as it stands": ()}
if "HEADRACE_PLANTED" not in os.environ:  # `make test` runs this pipeline as it stands anyway, and that must be green
    del KINDS["as it stands"]


@pytest.mark.slow
@pytest.mark.parametrize("gates", KINDS.values(), ids=KINDS)
def test_planted_faults_turn_exactly_their_gates_red_and_nothing_is_published(
    headrace: Headrace, clone: GitRepository, gates: tuple[str, ...]
) -> None:
    clone.commit(dict(FAULTS[gate] for gate in gates), "Faults")
    argv = headrace.command("run", "push", "-W", "headrace_encryption.yml", "--matrix", "python-version=3.13", "--json")
    done = run(argv, clone.root, headrace.as_the_person(), timeout=900)
    rows = json.loads(done.out)["jobs"] if done.out else []
    results = {row["job"]: row["result"] for row in rows}
    expected = dict.fromkeys(("itest", *FAULTS), "success") | dict.fromkeys(gates, "failure") | {"publish-pypi": "skipped"}
    assert (done.status, results) == (1 if gates else 0, expected), done.err

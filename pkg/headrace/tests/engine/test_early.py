"""What the zygote loads, and when. In processes of their own, since this one has loaded all of it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CODE = """
import sys
from headrace.engine.early import load_supervisor
entry = load_supervisor()
before = set(sys.modules)
entry.heed({"isolation": sys.argv[1]})
print(*sorted(set(sys.modules) - before))
"""


def loaded(isolation: str) -> list[str]:
    """What is loaded on hearing how jobs are parted."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", CODE, isolation], env=env, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_runs_on_the_machine_as_it_is_load_nothing_of_namespaces() -> None:
    assert loaded("host") == []


@pytest.mark.parametrize("module", ["hashlib", "headrace.sandbox.namespaces", "headrace.sandbox.outlet"])
def test_what_jobs_in_namespaces_need_is_loaded_once_and_not_by_each_supervisor(module: str) -> None:
    assert module in loaded("namespaces")

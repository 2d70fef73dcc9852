"""A job that wants out: what it attempts (`test_core/hostile/attempts.py`) as root, as ordinary users, and in a headrace in a job."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import headrace as package
import pytest
import test_core
from test_core.calls import Headrace
from test_core.hostile.attempts import ATTEMPTS, PLAIN
from test_core.hostile.victim import SECRET, Plants, plant_as_root
from test_core.layers import refusal
from test_core.people import HeadraceAs, Person, python_for_all

pytestmark = pytest.mark.slow  # it takes minutes, or needs the machine for itself

PROGRAM = ("-m", "test_core.hostile.victim")
SUITE = str(Path(test_core.__file__).parents[1])
NESTED_HOME = "/home/runner"
WHERE = ("as-caller", "as-user-with-ids", "as-user", "nested", "nested-as-user")


def order(command: list[str], env: Mapping[str, str], state: str, isolation: str = "namespaces", **more: Any) -> dict[str, Any]:
    """What the victim is asked to do (`hostile/victim.py`)."""
    cache = env.get("XDG_CACHE_HOME") or f"{env['HOME']}/.cache"
    return {
        "name": f"hr-{os.urandom(4).hex()}",
        "headrace": command,
        "env": dict(env),
        "planted": {},
        "isolation": isolation,
        "python": python_for_all() or sys.executable,
        "state": state,
        "tops": [f"{cache}/headrace", state],
        **more,
    }


def unleash(asked: Mapping[str, Any], command: list[str], env: Mapping[str, str]) -> dict[str, Any]:
    """What the victim finds."""
    done = subprocess.run(
        command,
        input=json.dumps(asked),
        env={**env, "VICTIM": SECRET},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr
    return found(done.stdout)


def found(text: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(text)
    assert made["status"] == 0, made["err"]
    return made


def here(calls: Headrace, isolation: str = "namespaces") -> dict[str, Any]:
    env = calls.environment()
    asked = order(calls.command(), env, str(calls.state), isolation)
    return unleash(asked, [sys.executable, *PROGRAM], {**env, "PYTHONPATH": f"{env['PYTHONPATH']}:{SUITE}"})


def as_user(calls: HeadraceAs) -> dict[str, Any]:
    """The system's secrets are planted by root, who runs these tests."""
    person, env = calls.person, calls.environment()
    plants = Plants(f"hr-{os.urandom(4).hex()}")
    others = [group for group in os.getgrouplist(person.name, person.gid) if group != person.gid]
    try:
        planted = plant_as_root(plants, (person.uid, person.gid), others[0] if others else None)
        asked = order(person.headrace, env, str(calls.state), name=plants.name, planted=planted)
        return unleash(
            asked, [*person.become(), person.python, *PROGRAM], {**env, "PYTHONPATH": f"{env['PYTHONPATH']}:{suite_of(person)}"}
        )
    finally:
        plants.close()


def suite_of(person: Person) -> str:
    """Where a user finds the victim's program."""
    folder = person.home / "suite"
    for name in ("", "hostile"):
        (folder / "test_core" / name).mkdir(parents=True, exist_ok=True)
        for source in (Path(SUITE) / "test_core" / name).glob("*.py" if name else "__init__.py"):
            shutil.copy(source, folder / "test_core" / name)
    person.give(folder)
    return str(folder)


def nested(calls: Headrace, python: str, packages: str, suite: str) -> dict[str, Any]:
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": NESTED_HOME, "PYTHONPATH": packages, "LC_ALL": "C.UTF-8"}
    env["HEADRACE_SCRATCH"] = "/run/scratch"
    asked = order([python, "-m", "headrace.cli"], env, f"{NESTED_HOME}/.local/state/headrace")
    asked["tops"].append("/run/scratch")
    job = f"""\
  a:
    runs-on: ubuntu-latest
    env: {{VICTIM: {SECRET}, ORDER: {json.dumps(json.dumps(asked))}, PYTHONPATH: '{packages}:{suite}'}}
    steps: [{{run: 'echo "$ORDER" | {python} {" ".join(PROGRAM)}'}}]
"""
    done = calls.run(job, "--isolation", "namespaces", "-v", "--expose", suite, folder=f"outer-{os.urandom(4).hex()}")
    assert done.status == 0, done.err
    return found(next(line.partition("| ")[2] for line in done.err.splitlines() if '| {"status"' in line))


@pytest.fixture(scope="module")
def finds(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    where = request.param
    folder = tmp_path_factory.mktemp(where)
    why = refusal(folder, 2 if "nested" in where else 1)
    if why:
        pytest.skip(f"no layers in a user namespace here: {why}")
    calls = Headrace(folder, folder, folder / "bytecode")
    if "user" in where:
        calls = HeadraceAs(request.getfixturevalue("single_person" if where == "as-user" else "person"))
    match where, calls:
        case "as-caller", _:
            return here(calls)
        case "bare", _:
            return here(calls, "host")
        case "nested", _:
            return nested(calls, sys.executable, str(Path(package.__file__).parents[1]), SUITE)
        case "nested-as-user", HeadraceAs():
            return nested(calls, calls.person.python, str(calls.person.packages), suite_of(calls.person))
        case _, HeadraceAs():
            return as_user(calls)
    raise AssertionError(where)


@pytest.mark.parametrize("finds", WHERE, indirect=True)
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_no_job_ever(finds: dict[str, Any], attempt: str) -> None:
    assert finds["attempts"][attempt] == ""


@pytest.mark.parametrize("finds", WHERE, indirect=True)
def test_nothing_is_left_of_an_attempt(finds: dict[str, Any]) -> None:
    assert finds["written"] == []
    assert finds["exposed"] == ["file 'as it was' 644"]


@pytest.mark.parametrize("finds", WHERE, indirect=True)
def test_nothing_reaches_who_listens_on_the_machine(finds: dict[str, Any]) -> None:
    assert finds["reached"] == []


@pytest.mark.parametrize("finds", WHERE, indirect=True)
def test_nobody_else_gets_at_programs_with_the_power_of_who_ran_the_job(finds: dict[str, Any]) -> None:
    assert finds["public"] == []


@pytest.mark.parametrize("finds", ["bare"], indirect=True)
@pytest.mark.parametrize("attempt", sorted(PLAIN))
def test_without_a_sandbox_it_would_succeed(finds: dict[str, Any], attempt: str) -> None:
    """Else the attempt would prove nothing."""
    if os.getuid() != 0 and attempt.startswith("reads what only"):
        pytest.skip("only root can plant that")
    assert finds["attempts"][attempt] != ""

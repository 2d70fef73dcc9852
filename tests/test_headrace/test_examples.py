"""The repositories of examples/, set up by `headrace init`: green as they stand, and each fault turns exactly its job red.

What is in the way of nothing else is planted together, so that few runs tell of many faults. With HEADRACE_CROSSINGS=all each fault is
planted alone as well, on every Python of the matrix."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from test_core.calls import Headrace
from test_core.processes import Finished, run
from test_core.repositories import GitRepository, make_repository

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
EVERY = os.environ.get("HEADRACE_CROSSINGS") == "all"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600 if EVERY else 900),
]  # whole pipelines, which no version of Python matters to
NEWEST = () if EVERY else ("--matrix", "python-version=3.13")

LINT, TYPE = "import os\n", 'PLANTED: int = "no number"\n'
PYTEST = "def test_planted() -> None:\n    assert not __name__\n"
UNITTEST = """\
import unittest


class Planted(unittest.TestCase):
    def test_planted(self) -> None:
        self.fail()
"""


class Part(NamedTuple):
    """A package of an example: where its code and its tests stand, and which packages its changes concern too. `theirs`: which job of
    the people's own workflow a gate's fault turns red as well."""

    name: str
    version: str
    code: str
    unit: str
    integration: str = ""
    concerns: tuple[str, ...] = ()
    test: str = PYTEST
    theirs: dict[str, tuple[str, str]] = {}

    @property
    def gates(self) -> tuple[str, ...]:
        return ("lint", "type-check", "utest", *(("itest",) if self.integration else ()))

    def fault(self, gate: str) -> tuple[str, str]:
        """A file, and what is wrong in it."""
        return {
            "lint": (f"{self.code}/planted_lint.py", LINT),
            "type-check": (f"{self.code}/planted_type.py", TYPE),
            "utest": (f"{self.unit}/test_planted.py", self.test),
            "itest": (f"{self.integration}/test_planted.py", self.test),
        }[gate]


CI = {"lint": ("ci", "lint"), "type-check": ("ci", "lint"), "utest": ("ci", "test")}
SALT = "packages"
PARTS = {
    "uv-workspace": (
        Part(
            "saltern-units", "0.4.0", f"{SALT}/units/src/saltern_units", f"{SALT}/units/tests",
            concerns=("saltern-ponds", "saltern-season"),
        ),
        Part(
            "saltern-ponds", "0.2.1", f"{SALT}/ponds/src/saltern_ponds", f"{SALT}/ponds/tests", concerns=("saltern-season",)
        ),
        Part(
            "saltern-season", "0.1.3", f"{SALT}/season/src/saltern_season", f"{SALT}/season/tests/unit",
            f"{SALT}/season/tests/integration",
        ),
    ),
    "src-layout": (Part("ropewalk", "1.2.0", "src/ropewalk", "tests", "tests/integration", test=UNITTEST),),
    "with-tox": (Part("lightlist", "0.3.0", "lightlist", "tests"),),
    "with-workflows": (
        Part(
            "sonde-frames", "0.5.0", "libs/sonde-frames/sonde_frames", "libs/sonde-frames/tests", concerns=("sonde-track",),
            theirs=CI,
        ),
        Part("sonde-track", "0.2.0", "libs/sonde-track/sonde_track", "libs/sonde-track/tests", theirs=CI),
    ),
}  # fmt: skip
THEIRS = {"with-workflows": {("ci", "lint"), ("ci", "test")}}
WHERE = {part.name: (example, part) for example, parts in PARTS.items() for part in parts}

Faults = tuple[tuple[str, str], ...]
"""Of a package and a gate."""

Jobs = dict[tuple[str, str], str]
"""Of a workflow and a job."""

Copy = Callable[[str], GitRepository]


class Set(NamedTuple):
    """An example as `headrace init` has left it, and what the call said."""

    root: Path
    before: dict[str, bytes]
    said: str


@pytest.fixture(scope="module")
def set_up(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Set]:
    """Each example once: copied, committed, set up, committed again."""
    home = tmp_path_factory.mktemp("examples")
    headrace = Headrace(home, home, tmp_path_factory.getbasetemp().parent / "bytecode")

    @cache
    def made(example: str) -> Set:
        root = home / example
        shutil.copytree(EXAMPLES / example, root, ignore=shutil.ignore_patterns("__pycache__", ".*_cache", "*.egg-info"))
        before = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        repository = make_repository(root, before)
        done = run(headrace.command("init"), root, headrace.as_the_person())
        assert done.status == 0, done.err
        repository.commit()
        return Set(root, before, done.out)

    return made


@pytest.fixture
def copy(headrace: Headrace, set_up: Callable[[str], Set]) -> Copy:
    """A copy of an example that was set up, for a test alone."""

    def copied(example: str) -> GitRepository:
        shutil.copytree(set_up(example).root, headrace.home / example)
        return GitRepository(headrace.home / example)

    return copied


def tools(headrace: Headrace) -> tuple[str, ...]:
    """uv, which each leg would else install for itself."""
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if uv is None:
        return ()
    folder = headrace.home / "tools"
    folder.mkdir(exist_ok=True)
    if not (folder / "uv").exists():
        (folder / "uv").symlink_to(uv)
    return ("--path-prepend", str(folder))


WORSE = ("skipped", "success", "unsupported", "cancelled", "failure")  # a leg that fails cancels the others of its matrix


def runs(headrace: Headrace, repository: GitRepository, event: str, *options: str) -> tuple[Finished, Jobs]:
    """Run what an event starts. Of several legs of a job the worst counts."""
    said = {"publish-pypi", "--matrix"} & {*options}  # the last job has no matrix, which is an error where it runs alone
    legs = () if said else NEWEST
    words = headrace.command("run", event, *options, *legs, *tools(headrace), "--json")
    done = run(words, repository.root, headrace.as_the_person(), timeout=3000)
    jobs: Jobs = {}
    for row in json.loads(done.out)["jobs"] if done.out else []:
        key = (Path(row["workflow"]).stem, row["job"])
        jobs[key] = max(row["result"], jobs.get(key, row["result"]), key=WORSE.index)
    return done, jobs


def expected(example: str, red: Iterable[tuple[str, str]] = ()) -> Jobs:
    """Every job of a push to main: green, but for those that a fault of (package, gate) turns red."""
    jobs: Jobs = dict.fromkeys(THEIRS.get(example, set()), "success")
    for part in PARTS[example]:
        jobs |= {(part.name, gate): "success" for gate in part.gates} | {(part.name, "publish-pypi"): "skipped"}
    for name, gate in red:
        jobs[name, gate] = "failure"
        if gate in WHERE[name][1].theirs:
            jobs[WHERE[name][1].theirs[gate]] = "failure"
    return jobs


def plant(repository: GitRepository, faults: Iterable[tuple[str, str]]) -> None:
    repository.commit(dict(WHERE[name][1].fault(gate) for name, gate in faults))


def change(repository: GitRepository, path: str, old: str, new: str) -> None:
    text = (repository.root / path).read_text()
    assert text.count(old) == 1
    repository.commit({path: text.replace(old, new)})


# What people have


@pytest.mark.parametrize("example", PARTS)
def test_what_people_have_stays_but_for_a_line_at_the_end_of_a_makefile(set_up: Callable[[str], Set], example: str) -> None:
    made = set_up(example)
    assert made.before
    for path, data in made.before.items():
        now = (made.root / path).read_bytes()
        added = now[len(data) :] if path.endswith("Makefile") and now.startswith(data) else b""
        assert now == data + added, path
        assert added.strip() in (b"", b"include gates.mk", b"-include gates.mk"), path


def test_the_examples_hold_nothing_that_is_written_by_init() -> None:
    names = {path.relative_to(EXAMPLES / example).as_posix() for example in PARTS for path in (EXAMPLES / example).rglob("*")}
    assert not names & {"constraints.txt", ".github/release.py", ".github/headrace-init.json", "gates.mk"}


# Gates

TOGETHER: dict[str, list[Faults]] = {
    "uv-workspace": [(*(("saltern-ponds", gate) for gate in ("lint", "type-check", "utest")), ("saltern-season", "itest"))],
    # With itest red utest is green, though its tests stand around those of itest.
    "src-layout": [(("ropewalk", "type-check"), ("ropewalk", "itest"))],
    "with-tox": [(("lightlist", "type-check"),)],
    "with-workflows": [(("sonde-track", "utest"), ("sonde-track", "lint"))],
}
ONLY = {"with-workflows": ("sonde-track", "ci")} if not EVERY else {}
"""Workflows that a push is confined to."""

RUNS = [("push", example, faults) for example, together in TOGETHER.items() for faults in together]
if EVERY:
    RUNS += [("push", example, ()) for example in PARTS]
    RUNS += [("pull_request", WHERE[name][0], ((name, gate),)) for name in WHERE for gate in WHERE[name][1].gates]


def named(value: str | Faults) -> str:
    return value if isinstance(value, str) else "+".join(" ".join(fault) for fault in value) or "as it stands"


@pytest.mark.parametrize(("event", "example", "faults"), RUNS, ids=named)
def test_all_is_green_but_for_the_gates_of_planted_faults(
    headrace: Headrace, copy: Copy, event: str, example: str, faults: Faults
) -> None:
    """A push starts every workflow, a pull request those that the package with the fault concerns."""
    repository = copy(example)
    base = repository.head()
    plant(repository, faults)
    wanted = expected(example, faults)
    options: tuple[str, ...] = ("--base", base) if event == "pull_request" else ()
    started = set(ONLY.get(example, {workflow for workflow, _ in wanted}))
    if event == "pull_request":
        started = {each for name, _ in faults for each in (name, *WHERE[name][1].concerns)} | {"ci"}
    else:
        options += tuple(word for name in ONLY.get(example, ()) for word in ("-W", f"{name}.yml"))
    done, jobs = runs(headrace, repository, event, *options)
    wanted = {job: result for job, result in wanted.items() if job[0] in started}
    assert (done.status, jobs) == (1 if faults else 0, wanted), done.err


def test_a_sibling_that_outgrew_a_requirement_turns_its_gates_red_and_no_others(headrace: Headrace, copy: Copy) -> None:
    repository = copy("with-workflows")
    change(repository, "libs/sonde-frames/pyproject.toml", 'version = "0.5.0"', 'version = "0.6.0"')
    done, jobs = runs(headrace, repository, "push", "-W", "sonde-frames.yml", "-W", "sonde-track.yml", "-j", "lint")
    assert jobs == {("sonde-frames", "lint"): "success", ("sonde-track", "lint"): "failure"}, done.err
    assert "sonde-frames>=0.4,<0.6" in done.err


class Older(NamedTuple):
    """A version of a sibling that a package allows and an index has. `renamed`: a word that code calls by another name since."""

    package: str
    folder: str
    version: tuple[str, str]
    renamed: tuple[str, str]
    pin: str
    python: str


OLDER = [
    Older("sonde-track", "libs/sonde-frames", ("0.5.0", "0.4.2"), ("seconds", "second"), "sonde-frames==0.4.2", "3.10"),
    Older("saltern-season", f"{SALT}/ponds", ("0.2.1", "0.2.0"), ("day", "evening"), "saltern-ponds==0.2.0", "3.11"),
]


def publish_before(repository: GitRepository, older: Older, *, renamed: bool) -> None:
    """Jobs find the older version, which was built of the code as it is, beside the index."""
    code = repository.root / "older"
    shutil.copytree(repository.root / older.folder, code)
    for path in (*code.rglob("*.py"), code / "pyproject.toml"):
        text = path.read_text().replace(*older.version)
        path.write_text(text.replace(*older.renamed) if renamed else text)
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}") or "uv"
    done = run([uv, "build", "--quiet", "--wheel", "--out-dir", "found", "older"], repository.root)
    assert done.status == 0, done.err
    (repository.root / "found/.gitignore").unlink(missing_ok=True)  # of all that is built
    shutil.rmtree(code)
    change(
        repository, f".github/workflows/{older.package}.yml", "\npermissions:\n  contents: read\n\njobs:",
        "\nenv:\n  UV_FIND_LINKS: ${{ github.workspace }}/found\n\npermissions:\n  contents: read\n\njobs:",
    )  # fmt: skip
    repository.commit()


@pytest.mark.parametrize("stale", [False, True], ids=["that works", "that does not"])
@pytest.mark.parametrize(
    "older", OLDER if EVERY else OLDER[:1], ids=[each.package for each in OLDER if EVERY or each is OLDER[0]]
)
def test_an_older_sibling_that_is_allowed_turns_the_unit_tests_red_where_it_does_not_do(
    headrace: Headrace, copy: Copy, older: Older, stale: bool
) -> None:
    """Gates take siblings from the tree, so that nothing else sees it."""
    repository = copy(WHERE[older.package][0])
    publish_before(repository, older, renamed=stale)
    python = () if EVERY else ("--matrix", f"python-version={older.python}")
    done, jobs = runs(headrace, repository, "push", "-W", f"{older.package}.yml", *python)
    red = [(older.package, "utest")] if stale else []
    wanted = expected(WHERE[older.package][0], red)
    assert jobs == {job: result for job, result in wanted.items() if job[0] == older.package}, done.err
    logs = "".join(log.read_text() for log in headrace.state.glob("runs/1/logs/*.log"))
    assert f"{older.package}: the unit tests with {older.pin}" in logs
    assert (f"refused: the unit tests of {older.package} fail with {older.pin}, which it allows" in logs) is stale


# Plans


@pytest.mark.parametrize("name", WHERE)
def test_a_change_in_a_package_plans_its_workflow_and_those_that_it_concerns(headrace: Headrace, copy: Copy, name: str) -> None:
    example, part = WHERE[name]
    repository = copy(example)
    base = repository.head()
    repository.commit({f"{part.code}/more.py": "MORE = 1\n"})
    done = headrace("plan", "pull_request", "--base", base, "--json", cwd=repository.root)
    planned = {Path(row["workflow"]).stem for row in done.json["jobs"] if row["would"] == "run"}
    assert planned == {name, *part.concerns, *(workflow for workflow, _ in THEIRS.get(example, set()))}


@pytest.mark.parametrize("name", WHERE)
def test_the_tag_of_a_package_publishes_that_one_alone(headrace: Headrace, copy: Copy, name: str) -> None:
    example, part = WHERE[name]
    repository = copy(example)
    done = headrace("plan", "push", "--ref", f"refs/tags/{name}@{part.version}", "--json", cwd=repository.root)
    rows = [row for row in done.json["jobs"] if row["job"] == "publish-pypi" and row["would"] != "skip"]
    assert [Path(row["workflow"]).stem for row in rows] == [name]


# Tags


def tagged(headrace: Headrace, repository: GitRepository, tag: str, *, alone: bool) -> tuple[Finished, Jobs, set[str]]:
    """Run what a tag starts in its package's workflow, or its last job alone. The last value: projects that came to the index."""
    name = tag.partition("@")[0]
    only = ("-j", "publish-pypi", "--no-needs") if alone and not EVERY else ()
    done, jobs = runs(headrace, repository, "push", "--ref", f"refs/tags/{tag}", "--sha", "HEAD", "-W", f"{name}.yml", *only)
    lines = [line.split() for line in done.err.splitlines()]
    return done, jobs, {words[1] for words in lines if words[:1] == ["published"]}


@pytest.mark.parametrize("name", WHERE if EVERY else ["saltern-ponds"])
def test_a_tag_is_published_where_all_gates_are_green(headrace: Headrace, copy: Copy, name: str) -> None:
    example, part = WHERE[name]
    done, jobs, published = tagged(headrace, copy(example), f"{name}@{part.version}", alone=False)
    green = {(name, job): "success" for job in (*part.gates, "publish-pypi")}
    assert (done.status, jobs, published) == (0, green, {name}), done.err


# A requirement without a lowest version is met by any old sibling on an index, which the gates never see.
REFUSED = [
    ("saltern-ponds@0.3.0", "", "", "saltern_ponds-0.2.1"),
    ("ropewalk@1.2", "", "", "ropewalk-1.2.0"),
    ("saltern-ponds@0.2.1", "packages/ponds/pyproject.toml", "saltern-units>=0.4", "requires 'saltern-units': there is no lowest version"),
    ("saltern-season@0.1.3", "packages/season/pyproject.toml", "saltern-ponds~=0.2", "requires 'saltern-ponds': there is no lowest version"),
    ("sonde-track@0.2.0", "libs/sonde-track/pyproject.toml", "sonde-frames>=0.4,<0.6", "requires 'sonde-frames': there is no lowest version"),
]  # fmt: skip


@pytest.mark.parametrize(("tag", "path", "requirement", "said"), REFUSED if EVERY else REFUSED[:3:2])
def test_a_wrong_tag_or_a_stale_floor_is_refused_by_the_last_job_and_nothing_is_published(
    headrace: Headrace, copy: Copy, tag: str, path: str, requirement: str, said: str
) -> None:
    example, part = WHERE[tag.partition("@")[0]]
    repository = copy(example)
    if path:
        change(repository, path, requirement, requirement.rstrip("<>=~.,0123456789"))
    done, jobs, published = tagged(headrace, repository, tag, alone=True)
    red = {(part.name, "publish-pypi"): "failure"}
    green = {(part.name, gate): "success" for gate in part.gates} if EVERY else {}
    assert (done.status, jobs, published) == (1, green | red, set()), done.err
    assert "refused: " in done.err and said in done.err

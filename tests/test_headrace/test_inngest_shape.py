"""`examples/inngest-shape`: the described system under its own names, as `headrace init` writes it, held against the description
row by row and edge by edge; and run."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from headrace.base.toml import parse_toml
from headrace.workflow.model import Pattern
from headrace.workflow.patterns import decide
from test_core.calls import Headrace
from test_core.described import items_of_the_description
from test_core.processes import run
from test_core.repositories import make_repository

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/inngest-shape"
MAIN, ENCRYPTION = "inngest", "inngest_encryption"
BOTH = (MAIN, ENCRYPTION)
GATES = ("itest", "lint", "type-check", "utest")
REFUSAL = "no virtual environment is active"
WORKFLOW, MAKEFILE = ".github/workflows/{}.yml", "pkg/{}/Makefile"


class Shape:
    """The files of the example, or of a copy of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._workflows: dict[str, dict[str, Any]] = {}

    def workflow(self, name: str) -> dict[str, Any]:
        """With every scalar as the text that stands there."""
        if name not in self._workflows:
            text = (self.root / WORKFLOW.format(name)).read_text(encoding="utf-8")
            self._workflows[name] = yaml.load(text, Loader=yaml.BaseLoader)
        return self._workflows[name]

    def job(self, name: str, job: str) -> dict[str, Any]:
        found: dict[str, Any] = self.workflow(name)["jobs"][job]
        return found

    def runs(self, name: str, job: str) -> list[str]:
        return [step["run"] for step in self.job(name, job)["steps"] if "run" in step]

    def does(self, name: str, job: str) -> list[str]:
        """What each step is: the action without its version, or the command."""
        return [step["uses"].partition("@")[0] if "uses" in step else step["run"] for step in self.job(name, job)["steps"]]

    def project(self, name: str) -> dict[str, Any]:
        path = f"pkg/{name}/pyproject.toml"
        found: dict[str, Any] = parse_toml((self.root / path).read_bytes(), path)["project"]
        return found

    def make(self, name: str, target: str, *words: str, **variables: str) -> str:
        """What make would do for a target; with other words than `--dry-run` what it does and says."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.root), **variables}
        done = run(["make", target, *(words or ("--dry-run",))], self.root / "pkg" / name, environment)
        return done.out + done.err


class Row(NamedTuple):
    """`there` is an item of the description. `check` says whether it holds here, and must fail where in `file` the text `old` is
    `new`. `otherwise`: what differs from the description on purpose, and why."""

    there: str
    check: Callable[[Shape], object]
    file: str
    old: str
    new: str = "#"
    otherwise: str = ""


# What is checked


def starts(name: str, event: str, wanted: object) -> Callable[[Shape], None]:
    def check(shape: Shape) -> None:
        given = shape.workflow(name)["on"].get(event, "never")
        for key, value in wanted.items() if isinstance(wanted, dict) else ():
            assert given != "never" and given.get(key) == value
        assert isinstance(wanted, dict) or given == wanted

    return check


def pull_requests(name: str, *yes: str, no: Sequence[str] = ()) -> Callable[[Shape], None]:
    """Whether these changes start it, and others do not."""

    def check(shape: Shape) -> None:
        patterns = [Pattern(path) for path in shape.workflow(name)["on"]["pull_request"]["paths"]]
        assert [path for path in yes if not decide(patterns, path)[0]] == []
        assert [path for path in no if decide(patterns, path)[0]] == []

    return check


def by_hand(shape: Shape) -> None:
    assert "workflow_dispatch" in shape.workflow(MAIN)["on"]
    assert "workflow_dispatch" not in shape.workflow(ENCRYPTION)["on"]


def has(name: str, job: str) -> Callable[[Shape], None]:
    """A gate waits for nothing, makes ready, and runs the target of its name. Publication is the fifth job."""

    def check(shape: Shape) -> None:
        assert list(shape.workflow(name)["jobs"]) == [*GATES, "publish-pypi"]
        if job in GATES:
            assert "needs" not in shape.job(name, job)
            assert shape.runs(name, job) == ["make install", f"make {job}"]

    return check


def needed(name: str, job: str) -> Callable[[Shape], None]:
    def check(shape: Shape) -> None:
        assert job in shape.job(name, "publish-pypi")["needs"]

    return check


def leg(version: str, job: str) -> Callable[[Shape], None]:
    def check(shape: Shape) -> None:
        for name in BOTH:
            assert version in shape.job(name, job)["strategy"]["matrix"]["python-version"]
            uses = [step for step in shape.job(name, job)["steps"] if step.get("uses", "").startswith("actions/setup-python@")]
            assert [step["with"]["python-version"] for step in uses] == ["${{ matrix.python-version }}"]

    return check


def checks_the_environment(target: str, command: str) -> Callable[[Shape], None]:
    """The target does its work only in an environment, or where CI is set."""

    def check(shape: Shape) -> None:
        for name in BOTH:
            would = shape.make(name, target)
            assert REFUSAL in would and command in would[would.index(REFUSAL) :], would
            refused = shape.make(name, target, "--silent")
            assert REFUSAL in refused and command not in refused

    return check


def builds(shape: Shape) -> None:
    for name in BOTH:
        would = shape.make(name, "build")
        assert re.search(r"\b(?:uv|python -m uv) build\b", would) and f"release.py check {name}" in would
    for target in ("proto", "release"):
        assert "No rule" not in shape.make(MAIN, target)
    assert "No rule to make target" in shape.make(ENCRYPTION, "proto")
    assert "release.py release" in shape.make(MAIN, "release") and "protoc" in shape.make(MAIN, "proto")


def location(shape: Shape) -> None:
    assert (shape.root / "pkg/inngest_encryption/pyproject.toml").is_file()
    for job in shape.workflow(ENCRYPTION)["jobs"].values():
        assert {step["working-directory"] for step in job["steps"] if "run" in step} == {"pkg/inngest_encryption"}


def tags(name: str, *yes: str, no: Sequence[str] = ()) -> Callable[[Shape], None]:
    def check(shape: Shape) -> None:
        condition = re.fullmatch(r"startsWith\(github\.ref, '(.*)'\)", shape.job(name, "publish-pypi")["if"])
        assert condition is not None
        assert all(f"refs/tags/{tag}".startswith(condition[1]) for tag in yes)
        assert not any(f"refs/tags/{tag}".startswith(condition[1]) for tag in no)
        assert shape.workflow(name)["on"]["push"]["tags"] == ["**"]

    return check


def dependencies(shape: Shape) -> None:
    assert shape.project(ENCRYPTION)["dependencies"] == ["inngest>=0.4.18", "pynacl>=1.5.0"]


def timeouts(shape: Shape) -> None:
    assert [shape.job(name, "itest")["timeout-minutes"] for name in BOTH] == ["10", "2"]


def order(name: str, first: str, second: str) -> Callable[[Shape], None]:
    """Two steps of the publishing job follow one another."""

    def check(shape: Shape) -> None:
        does = shape.does(name, "publish-pypi")
        assert does[does.index(first) : does.index(first) + 2] == [first, second]

    return check


def publishes_after_all_gates(shape: Shape) -> None:
    for name in BOTH:
        assert shape.job(name, "publish-pypi")["needs"] == list(GATES)


def publishes_tags(shape: Shape) -> None:
    for name, other in ((MAIN, ENCRYPTION), (ENCRYPTION, MAIN)):
        tags(name, f"{name}@1.2.3", no=(f"{other}@1.2.3", "v1", "main"))(shape)


def publishes_on_the_lowest_python(shape: Shape) -> None:
    for name in BOTH:
        job = shape.job(name, "publish-pypi")
        assert "strategy" not in job
        assert [step["with"]["python-version"] for step in job["steps"] if "python-version" in step.get("with", {})] == ["3.10"]


def has_the_identity_alone(shape: Shape) -> None:
    for name in BOTH:
        assert shape.workflow(name)["permissions"] == {"contents": "read"}
        jobs = {job: content.get("permissions") for job, content in shape.workflow(name)["jobs"].items()}
        assert jobs == {**dict.fromkeys(GATES), "publish-pypi": {"contents": "read", "id-token": "write"}}
        assert "secrets." not in json.dumps(shape.workflow(name))  # no token is stored anywhere


def keeps_the_log(shape: Shape) -> None:
    assert shape.workflow(MAIN)["env"] == {"DEV_SERVER_LOGS": "1"}
    assert "env" not in shape.workflow(ENCRYPTION) and "DEV_SERVER_LOGS" not in json.dumps(shape.workflow(ENCRYPTION))
    step = shape.job(MAIN, "itest")["steps"][-1]
    assert step["if"] == "failure()" and step["uses"].startswith("actions/upload-artifact@")
    assert "tests/dev-server.log" in step["with"]["path"].split()
    assert step["with"]["name"] == "inngest-itest-${{ matrix.python-version }}"  # each leg has its own


def finds_types_of_its_sibling(shape: Shape) -> None:
    assert re.search(r"^export MYPYPATH := \.\./inngest$", (shape.root / MAKEFILE.format(ENCRYPTION)).read_text(), re.M)
    assert "MYPYPATH" not in (shape.root / MAKEFILE.format(MAIN)).read_text()
    assert "-m mypy" in shape.make(ENCRYPTION, "type-check")


def is_not_checked_in_ci(shape: Shape) -> None:
    for name in BOTH:
        assert REFUSAL in shape.make(name, "check-venv", "--silent")
        assert REFUSAL not in shape.make(name, "check-venv", "--silent", CI="true")
        assert REFUSAL not in shape.make(name, "check-venv", "--silent", VIRTUAL_ENV="/somewhere")


# What the description says in words


def tools(shape: Shape) -> None:
    for name in BOTH:
        assert "-m ruff check" in shape.make(name, "lint") and "-m mypy" in shape.make(name, "type-check")
        assert f"../../tests/test_{name}" in shape.make(name, "itest")
        assert f"../../tests/test_{name}" not in shape.make(name, "utest")


def pythons(shape: Shape) -> None:
    for name in BOTH:
        assert shape.project(name)["requires-python"] == ">=3.10"
        matrices = [shape.job(name, gate)["strategy"]["matrix"]["python-version"] for gate in GATES]
        assert matrices == [["3.10", "3.13"]] * len(GATES)


def pins(shape: Shape) -> None:
    text = (shape.root / "constraints.txt").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines and all(re.match(r"[a-z0-9.-]+==[0-9][^ ]*( ; .+)?$", line) for line in lines)
    assert {"pynacl", "pytest", "ruff", "mypy", "uv", "hatchling"} <= {line.partition("==")[0] for line in lines}
    assert "../../constraints.txt" in shape.make(MAIN, "install")


def validates(shape: Shape) -> None:
    for name in BOTH:
        assert f"release.py release {name}" in shape.make(name, "release")
    script = shape.root / ".github/release.py"
    done = run([sys.executable, script, "release", MAIN, "not-a-version"], shape.root)
    assert done.status == 1 and "is no version" in done.err


BOTH_PYTHONS = "the diagram has no edge from Python 3.13 to lint: here lint runs on both, as a linter may know newer syntax"
ACTIONS = "the action is pinned to the commit of a release of today: v2 of it runs on a Node that GitHub no longer has"


def _gates(name: str, publish: str, *letters: str) -> list[Row]:
    """Four rows: publication needs each gate."""
    file = WORKFLOW.format(name)
    rows = []
    for letter, gate in zip(letters, GATES, strict=True):
        left = ", ".join(each for each in GATES if each != gate)
        rows.append(Row(f"{letter} --> {publish}", needed(name, gate), file, f"needs: [{', '.join(GATES)}]", f"needs: [{left}]"))
    return rows


def _jobs(name: str, letter: str) -> list[Row]:
    return [
        Row(f"{letter} --> {letter}{number}", has(name, job), WORKFLOW.format(name), f"  {job}:\n", f"  other-{job}:\n")
        for number, job in enumerate(GATES, 1)
    ]


def _legs(letter: str, version: str, *jobs: tuple[str, str]) -> list[Row]:
    """A version is in the matrix of a gate. The twin leaves it out of all."""
    other = "3.13" if version == "3.10" else "3.10"
    file, old, new = WORKFLOW.format(MAIN), "['3.10', '3.13']", f"['{other}']"
    return [
        Row(f"{letter} --> {number}", leg(version, job), file, old, new, BOTH_PYTHONS if job == "lint" else "")
        for number, job in jobs
    ]


def _targets(*rows: tuple[str, str, str]) -> list[Row]:
    file = MAKEFILE.format(ENCRYPTION)
    return [
        Row(f"{number} --> MT1", checks_the_environment(target, command), file, f"\n{target}: check-venv\n", f"\n{target}:\n")
        for number, target, command in rows
    ]


MAIN_YML, ENCRYPTION_YML = WORKFLOW.format(MAIN), WORKFLOW.format(ENCRYPTION)
PUSH = {"branches": ["main"]}
PACKAGE_CHANGES = ("pkg/inngest/inngest/client.py", "pkg/inngest/Makefile", "pkg/inngest/pyproject.toml", "mypy.ini")
ENCRYPTION_CHANGES = ("pkg/inngest_encryption/inngest_encryption/middleware.py", "tests/test_inngest_encryption/test_sealed.py")
OTHERS = ("README.md", "LICENSE")

ROWS = [
    # Pipeline Architecture
    Row("T1 --> MP", starts(MAIN, "push", PUSH), MAIN_YML, "branches: [main]", "branches: [trunk]"),
    Row("T2 --> MP", starts(MAIN, "push", {"tags": ["**"]}), MAIN_YML, "    tags: ['**']\n", ""),
    Row("T3 --> MP", pull_requests(MAIN, *PACKAGE_CHANGES, "tests/dev_server.py"), MAIN_YML, "      - '**.py'\n      - '**/Makefile'", "      - '**/Makefile'"),
    Row("T4 --> MP", by_hand, MAIN_YML, "  workflow_dispatch:\n", ""),
    Row("T1 --> EP", starts(ENCRYPTION, "push", PUSH), ENCRYPTION_YML, "branches: [main]", "branches: [trunk]"),
    Row("T2 --> EP", starts(ENCRYPTION, "push", {"tags": ["**"]}), ENCRYPTION_YML, "    tags: ['**']\n", ""),
    Row("T3 --> EP", pull_requests(ENCRYPTION, *ENCRYPTION_CHANGES), ENCRYPTION_YML, "  pull_request:", "  pull_request_target:"),
    *_jobs(MAIN, "MP"),
    *_gates(MAIN, "MP5", "MP1", "MP2", "MP3", "MP4"),
    *_jobs(ENCRYPTION, "EP"),
    *_gates(ENCRYPTION, "EP5", "EP1", "EP2", "EP3", "EP4"),
    # Workflow Configuration
    Row("Push", starts(MAIN, "push", {**PUSH, "tags": ["**"]}), MAIN_YML, "tags: ['**']", "tags: ['v*']"),
    Row("Pull Request", pull_requests(MAIN, *PACKAGE_CHANGES, "pkg/inngest/inngest/event.proto", no=OTHERS), MAIN_YML, "      - mypy.ini\n", ""),
    Row("Manual", by_hand, ENCRYPTION_YML, "\npermissions:", "  workflow_dispatch:\n\npermissions:"),
    *_legs("PY1", "3.10", ("J1", "itest"), ("J2", "lint"), ("J3", "type-check"), ("J4", "utest")),
    *_legs("PY2", "3.13", ("J1", "itest"), ("J3", "type-check"), ("J4", "utest")),
    *_gates(MAIN, "J5", "J1", "J2", "J3", "J4"),
    # Build Process
    *_targets(("MC1", "install", "pip install")),
    Row("MC2 --> MT2", builds, MAKEFILE.format(MAIN), "\nproto:\n", "\nother:\n"),
    *_targets(
        ("MC3", "itest", "-m pytest"), ("MC4", "lint", "-m ruff"), ("MC5", "type-check", "-m mypy"), ("MC6", "utest", "-m pytest")
    ),
    # Package-Specific Configuration
    Row("Package Location", location, ENCRYPTION_YML, "pkg/inngest_encryption\n", "pkg/inngest\n"),
    Row("Tag Pattern", tags(ENCRYPTION, "inngest_encryption@0.1.0", no=("inngest@0.1.0",)), ENCRYPTION_YML, "tags/inngest_encryption@", "tags/inngest"),
    Row("Dependencies", dependencies, "pkg/inngest_encryption/pyproject.toml", '"pynacl>=1.5.0"', '"pynacl"'),
    Row("Timeout", timeouts, ENCRYPTION_YML, "timeout-minutes: 2", "timeout-minutes: 10"),
    *[
        row._replace(otherwise="there it is not implemented; here the package has unit tests" if "EJ4" in row.there else "")
        for row in _gates(ENCRYPTION, "EJ5", "EJ1", "EJ2", "EJ3", "EJ4")
    ],
    Row("EJ5 --> EB1", order(ENCRYPTION, "actions/setup-python", "make install"), ENCRYPTION_YML, "run: make install", "run: make all"),
    Row("EB1 --> EB2", order(ENCRYPTION, "make install", "make build"), ENCRYPTION_YML, "run: make build", "run: make all"),
    Row("EB2 --> EB3", order(ENCRYPTION, "make build", "pypa/gh-action-pypi-publish"), ENCRYPTION_YML, "uses: pypa/gh-action-pypi-publish", "uses: x/y"),
    # Release Triggers
    Row("Main Package", tags(MAIN, "inngest@1.2.3", no=("inngest_encryption@1.2.3", "v1.2.3")), MAIN_YML, "refs/tags/inngest@", "refs/tags/inngest"),
    Row("Encryption Package", tags(ENCRYPTION, "inngest_encryption@0.1.0", no=("inngest@0.1.0",)), ENCRYPTION_YML, "refs/tags/inngest_encryption@", "refs/tags/"),
    # PyPI Publishing Configuration
    Row("PP1 --> PS1", publishes_after_all_gates, MAIN_YML, "needs: [itest, ", "needs: ["),
    Row("PP2 --> PS1", publishes_tags, MAIN_YML, "if: startsWith(github.ref, ", "if: contains(github.ref, "),
    Row("PP3 --> PS1", publishes_on_the_lowest_python, ENCRYPTION_YML, "python-version: '3.10'", "python-version: '3.13'"),
    Row("PP4 --> PS1", has_the_identity_alone, MAIN_YML, "      id-token: write", "      id-token: none"),
    Row("PS1 --> PS2", order(MAIN, "actions/checkout", "actions/setup-python"), MAIN_YML, "uses: actions/setup-python@", "uses: actions/other@", ACTIONS),
    Row("PS2 --> PS3", order(MAIN, "actions/setup-python", "make install"), MAIN_YML, "run: make install", "run: make all"),
    Row("PS3 --> PS4", order(MAIN, "make install", "make build"), MAIN_YML, "run: make build", "run: make all"),
    Row("PS4 --> PS5", order(MAIN, "make build", "pypa/gh-action-pypi-publish"), MAIN_YML, "uses: pypa/gh-action-pypi-publish@", "uses: x/y@"),
    # Environment Variables
    Row("DEV_SERVER_LOGS", keeps_the_log, MAIN_YML, "env:\n  DEV_SERVER_LOGS: '1'\n", ""),
    Row("MYPYPATH", finds_types_of_its_sibling, MAKEFILE.format(ENCRYPTION), ":= ../inngest", ":= ../other"),
    Row("CI", is_not_checked_in_ci, MAKEFILE.format(MAIN), '[ -z "$$CI" ] && ', ""),
]  # fmt: skip

WORDS = [
    Row("publish-pypi is a job of the main pipeline", has(MAIN, "publish-pypi"), MAIN_YML, "  publish-pypi:\n", "  publish:\n"),
    Row("and of the other", has(ENCRYPTION, "publish-pypi"), ENCRYPTION_YML, "  publish-pypi:\n", "  publish:\n"),
    Row("failure keeps the log of a leg", keeps_the_log, MAIN_YML, "inngest-itest-${{ matrix.python-version }}", "inngest-itest"),
    Row("tools of the gates", tools, MAKEFILE.format(MAIN), "-m ruff check", "-m pyflakes"),
    Row("Pythons of the gates", pythons, "pkg/inngest_encryption/pyproject.toml", ">=3.10", ">=3.11"),
    Row("constraints.txt pins", pins, "constraints.txt", "\npytest==", "\npytest>="),
    Row("make release validates", validates, ".github/release.py", "if not VERSION.fullmatch(version):", "if False:"),
]


@cache
def shape() -> Shape:
    return Shape(EXAMPLE)


@pytest.mark.parametrize("row", [*ROWS, *WORDS], ids=[row.there for row in (*ROWS, *WORDS)])
def test_what_the_description_says_holds(row: Row) -> None:
    row.check(shape())


@pytest.mark.slow
@pytest.mark.parametrize("row", [*ROWS, *WORDS], ids=[row.there for row in (*ROWS, *WORDS)])
def test_where_it_is_changed_it_holds_no_longer(row: Row, tmp_path: Path) -> None:
    root = Path(shutil.copytree(EXAMPLE, tmp_path / "shape"))
    text = (root / row.file).read_text()
    assert row.old in text
    (root / row.file).write_text(text.replace(row.old, row.new))
    with pytest.raises((AssertionError, KeyError, ValueError)):
        row.check(Shape(root))


def test_every_row_and_every_edge_of_the_description_is_here_in_order() -> None:
    assert [row.there for row in ROWS] == items_of_the_description()


def test_what_differs_on_purpose_is_said_at_its_row() -> None:
    assert [row.there for row in ROWS if row.otherwise] == ["PY1 --> J2", "EJ4 --> EJ5", "PS1 --> PS2"]
    for name in BOTH:
        uses = [step["uses"] for job in shape().workflow(name)["jobs"].values() for step in job["steps"] if "uses" in step]
        assert all(re.search(r"@[0-9a-f]{40}$|^pypa/gh-action-pypi-publish@release/v1$", each) for each in uses)
        assert shape().job(name, "lint")["strategy"]["matrix"]["python-version"] == ["3.10", "3.13"]
    assert list((EXAMPLE / "pkg/inngest_encryption/tests").glob("test_*.py"))


# The example is what init writes


def made_by_init(files: Mapping[str, Any]) -> dict[str, Any]:
    return {path: content for path, content in files.items() if path != "constraints.txt"}


@pytest.mark.slow
def test_the_example_is_what_init_writes_today_and_a_target_of_a_person(headrace: Headrace) -> None:
    root = Path(shutil.copytree(EXAMPLE, headrace.home / "shape"))
    record = json.loads((EXAMPLE / ".github/headrace-init.json").read_text())
    written = [".github/headrace-init.json", *made_by_init(record["files"])]
    assert len(written) == 7
    for path in written:
        (root / path).unlink()
    make_repository(root).commit()
    done = headrace("init", cwd=root, UV_OFFLINE="1")
    assert done.status == 0 and "7 files written" in done.out, (done.out, done.err)
    again = json.loads((root / ".github/headrace-init.json").read_text())
    assert again["files"] == made_by_init(record["files"])
    by_hand = {}
    for path in made_by_init(record["files"]):
        text, stored = (root / path).read_text(), (EXAMPLE / path).read_text()
        assert text == again["files"][path] and stored.startswith(text), path
        if stored != text:
            by_hand[path] = stored.removeprefix(text)
    assert list(by_hand) == [MAKEFILE.format(MAIN)]
    assert by_hand[MAKEFILE.format(MAIN)].startswith("\n# Added by hand") and "\nproto:\n" in by_hand[MAKEFILE.format(MAIN)]

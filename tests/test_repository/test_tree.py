"""The files of the repository as such: what must be there, and what must not stand in any of them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from test_core.processes import environment, run
from test_core.repositories import make_repository

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("headrace", "headrace_encryption")

# Addresses that belong in a public repository. Everything else is somebody's own machine.
PUBLIC_HOSTS = re.compile(
    r"(?:[\w-]+\.)*(?:github\.com|github\.blog|gitlab\.com|bitbucket\.org|github\.io|githubusercontent\.com|ghcr\.io|pypi\.org|python\.org|pytest\.org|readthedocs\.io"
    r"|apache\.org|yaml\.org|json-schema\.org|w3\.org|rfc-editor\.org|ietf\.org|protobuf\.dev|no-color\.org|spdx\.org|slsa\.dev|in-toto\.io|docker\.com|docker\.io|githubstatus\.com"
    r"|example|example\.com|example\.org|example\.net|test|invalid|localhost|local)"
    r"|127(?:\.\d+){3}|0\.0\.0\.0|\[::1\]|\[.*|[^.]*|.*[{}$%<>*].*"
)
# Folders of one machine, and words of one workplace; in pieces, so that this file does not hold them.
WORDS = (r"\b" + "sub" + r"agents?\b", "clau" + "de", "anthro" + "pic", r"\bll" + r"ms?\b", "bash" + "_jobs")
PRIVATE = re.compile("|".join([r"(?<![\w.~}/-])/" + r"work/(?:\.|main\b|wt\b|notes\b|shared\b|venv)", *WORDS]), re.IGNORECASE)
HOST = re.compile(r"https?://(?:[^/\s@\"']*@)?([^/\s:\"'`)\]\\,]+)")


def tracked() -> list[Path]:
    """The text files that git would commit: tracked, or new and not ignored."""
    listed = run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], ROOT)
    if listed.status != 0:
        pytest.skip("this tree is not a git repository")
    files = [ROOT / name for name in listed.out.split("\0") if name]
    return [file for file in files if file.is_file() and not file.is_symlink() and b"\0" not in file.read_bytes()]


def test_no_file_names_a_private_folder_or_workplace() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in tracked()
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if PRIVATE.search(line)
    ]
    assert not found, "\n".join(found)


def test_no_file_names_a_host_that_is_not_public() -> None:
    found = [
        f"{file.relative_to(ROOT)}: {host}"
        for file in tracked()
        for host in HOST.findall(file.read_text(encoding="utf-8", errors="replace"))
        if not PUBLIC_HOSTS.fullmatch(host)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("line", ["see /" + "work/main/x", "a Sub" + "agent did it", "/tmp/bash" + "_jobs.0"])
def test_a_planted_private_word_is_found(line: str) -> None:
    assert PRIVATE.search(line)


@pytest.mark.parametrize("line", ["/home/runner/work/x/x", "the agent's name", "{root}/work/", "/work/a.py", "a job's work"])
def test_ordinary_words_are_not_taken_for_private_ones(line: str) -> None:
    assert not PRIVATE.search(line)


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_has_its_parts(package: str) -> None:
    parts = ("Makefile", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "tests", package)
    assert [part for part in parts if not (ROOT / "pkg" / package / part).exists()] == []
    assert (ROOT / "pkg" / package / package / "py.typed").exists()


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_supports_the_oldest_python_that_its_pipeline_runs(package: str) -> None:
    assert 'requires-python = ">=3.10"' in (ROOT / "pkg" / package / "pyproject.toml").read_text()


def test_every_licence_file_is_the_same() -> None:
    texts = {path.read_text() for path in (ROOT / "LICENSE", *(ROOT / "pkg" / package / "LICENSE" for package in PACKAGES))}
    assert len(texts) == 1 and "Apache License" in texts.pop()


def test_every_room_stands_in_the_table_of_contributing() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    rooms = [path.parent.name for path in (ROOT / "pkg/headrace/headrace").glob("*/__init__.py")]
    assert rooms and [room for room in rooms if f"`{room}/`" not in text] == []


@pytest.mark.parametrize("script", ["constraints", "coverage-tables", "third-party-repository", "system-deps"])
def test_every_script_is_executable(script: str) -> None:
    assert (ROOT / "bin" / script).stat().st_mode & 0o111


def test_committed_protocol_buffers_run_with_the_oldest_runtime_that_is_allowed() -> None:
    floor = re.search(r'"protobuf>=([0-9.]+)"', (ROOT / "pkg/headrace/pyproject.toml").read_text())
    assert floor
    for file in (ROOT / "pkg/headrace/headrace").rglob("*_pb2.py"):
        made = re.search(r"^# Protobuf Python Version: ([0-9.]+)$", file.read_text(), re.MULTILINE)
        assert made, file
        assert numbers(made[1])[:2] <= numbers(floor[1])[:2], f"{file.name} was compiled for protobuf {made[1]}; run make proto"


def numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


NO_SKIP_TESTS = {
    "needs_a_tool": 'import pytest\ndef test_it():\n    pytest.skip("needs strace")\n',
    "in_a_fixture": 'import pytest\n@pytest.fixture\ndef f():\n    pytest.skip("needs strace")\ndef test_it(f):\n    pass\n',
    "by_a_mark": 'import pytest\n@pytest.mark.skipif(True, reason="needs strace")\ndef test_it():\n    pass\n',
    "other_reason": 'import pytest\ndef test_it():\n    pytest.skip("not on this platform")\n',
}


def test_a_skip_for_something_missing_fails_where_nothing_may_be_missing(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {f"test_{kind}.py": text for kind, text in NO_SKIP_TESTS.items()}
    files |= {"conftest.py": (ROOT / "conftest.py").read_text(), "pytest.ini": "[pytest]\n"}
    tree = make_repository(tmp_path / "tree", files)
    command = [sys.executable, "-m", "pytest", "-q", "-rfEs", "-p", "no:cacheprovider"]
    relaxed = run(command, tree.root, environment(["HEADRACE_NO_SKIP"]))
    strict = run(command, tree.root, environment(HEADRACE_NO_SKIP="1"))
    assert relaxed.status == 0 and "4 skipped" in relaxed.out
    assert (
        strict.status == 1 and "1 failed, 1 skipped, 2 errors" in strict.out
    )  # a skip in a fixture or by a mark is one of setting up
    for kind in NO_SKIP_TESTS:
        assert (f"test_{kind}.py::test_it was skipped, which" in strict.out) is (kind != "other_reason"), strict.out
    assert strict.out.count("HEADRACE_NO_SKIP forbids: needs strace") >= 3


BROKEN = "raise AssertionError('it is loaded')\n"


@pytest.mark.parametrize(
    ("chosen", "unloaded", "outcome"),
    [
        ("not slow", f"import pytest\npytestmark = pytest.mark.slow\n{BROKEN}", "1 passed, 1 deselected"),
        ("not slow", f"import pytest\npytestmark = [pytest.mark.slow, pytest.mark.x]\n{BROKEN}", "1 passed, 1 deselected"),
        ("slow", BROKEN, "1 passed, 1 deselected"),
        ("not slow", f"import pytest\n@pytest.mark.slow\ndef test_it(): pass\n{BROKEN}", "1 error"),
        ("slow", f"# not a slow one\n{BROKEN}", "1 error"),
        ("not slow or x", f"import pytest\npytestmark = pytest.mark.slow\n{BROKEN}", "1 error"),
    ],
)
def test_a_file_is_loaded_unless_its_text_shows_that_nothing_of_it_was_chosen(
    tmp_path: Path, chosen: str, unloaded: str, outcome: str
) -> None:
    mixed = "import pytest\ndef test_a(): pass\n@pytest.mark.slow\ndef test_b(): pass\n"
    ini = "[pytest]\nmarkers =\n    slow: x\n    x: x\n"
    files: dict[str, str | bytes] = {"test_mixed.py": mixed, "test_other.py": unloaded, "pytest.ini": ini}
    tree = make_repository(tmp_path / "tree", {**files, "conftest.py": (ROOT / "conftest.py").read_text()})
    done = run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", chosen], tree.root)
    assert (done.status == 0) is ("error" not in outcome) and outcome in done.out, done.out


@pytest.mark.slow
def test_compiling_the_protocol_buffers_again_changes_nothing() -> None:
    protos = sorted((ROOT / "pkg/headrace/headrace/services/proto").glob("*.proto"))
    if not protos:
        pytest.skip("there is no .proto yet")
    compiled = [path for path in protos[0].parent.iterdir() if "_pb2.py" in path.name]
    before = {path: path.read_bytes() for path in compiled}
    done = run(["make", "proto"], ROOT / "pkg/headrace")
    assert done.status == 0, done.err
    after = {path: path.read_bytes() for path in compiled}
    for path, content in before.items():
        path.write_bytes(content)
    assert after == before


@pytest.mark.slow
def test_a_strangers_repository_is_made_from_public_source_distributions_and_init_sets_it_up(tmp_path: Path) -> None:
    pip = run([sys.executable, "-m", "pip", "--version"], tmp_path)
    if pip.status != 0:
        pytest.skip("this environment has no pip")
    done = run([ROOT / "bin/third-party-repository", tmp_path / "a stranger's"], tmp_path)
    assert done.status == 0, done.err
    root = Path(done.out.strip())
    assert root == tmp_path / "a stranger's"
    assert run(["git", "status", "--porcelain"], root).out == ""
    files = run(["git", "ls-files"], root).out.splitlines()
    for name in ("pkg/inngest/inngest/__init__.py", "pkg/inngest_encryption/pyproject.toml", ".github/workflows/inngest.yml"):
        assert name in files
    assert not any("egg-info" in name for name in files)
    again = run([ROOT / "bin/third-party-repository", root], tmp_path)
    assert again.status == 1 and "is not empty" in again.err
    # The packages alone, as `--bare` leaves them, set up by init with no hand edits.
    assert run(["git", "checkout", "--quiet", "HEAD~1"], root).status == 0
    assert {name.partition("/")[0] for name in run(["git", "ls-files"], root).out.splitlines()} == {".gitignore", "pkg"}
    init = run([sys.executable, "-m", "headrace.cli", "init"], root, environment(XDG_STATE_HOME=str(tmp_path / "state")))
    assert init.status == 0 and "10 legs would run, 2 would be skipped" in init.out, init.err
    for package, version in (("inngest", "0.5.19"), ("inngest_encryption", "0.1.0")):
        ref = f"refs/tags/inngest@{version}"  # on its own tag the other one would be held against what is installed of this one
        tagged = environment(CI="1", GITHUB_REF=ref)
        build = run(["make", "build", f"PYTHON={sys.executable}"], root / "pkg" / package, tagged)
        assert build.status == 0 and len(list((root / "pkg" / package / "dist").glob(f"{package}-{version}*"))) == 2, build.err

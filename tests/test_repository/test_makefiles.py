"""What the Makefiles do, by running them: in this tree where nothing is changed, else in copies with a remote of their own."""

from __future__ import annotations

import re
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from test_core.processes import Finished, environment, run
from test_core.releases import WORKFLOW, copy_workshop
from test_core.repositories import GIT_ENVIRONMENT, GitRepository, make_remote, make_repository

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("headrace", "headrace_encryption")
GATES = ("itest", "lint", "type-check", "utest")
each_package = pytest.mark.parametrize("package", PACKAGES)

# What would tell a Makefile that it runs in a pipeline, in an environment or below another make.
SAYS_WHERE_WE_ARE = (
    "CI",
    "VIRTUAL_ENV",
    "GITHUB_REF",
    "MAKEFLAGS",
    "MAKELEVEL",
    "MFLAGS",
    "MYPYPATH",
    "PYTHON",
    "VERSION",
    "PACKAGE",
)


def make(folder: Path, *arguments: str, **variables: str) -> Finished:
    return run(["make", *arguments], folder, environment(SAYS_WHERE_WE_ARE, **GIT_ENVIRONMENT, **variables))


def recipe(package: str, target: str) -> str:
    """What `make target` would do, as make prints it."""
    done = make(ROOT / "pkg" / package, "--dry-run", target, CI="true")
    assert done.status == 0, done.err
    return done.out.replace("\\\n\t", "")


# Targets


@pytest.mark.parametrize("target", ["install", "build", "check-venv", *GATES, "release"])
@each_package
def test_each_package_has_every_target(package: str, target: str) -> None:
    assert recipe(package, target)


def test_only_the_main_package_compiles_protocol_buffers() -> None:
    assert "protoc" in recipe("headrace", "proto")
    assert make(ROOT / "pkg/headrace_encryption", "--dry-run", "proto", CI="true").status != 0


@pytest.mark.parametrize(
    ("target", "tools"),
    [
        ("lint", ("ruff check ", "ruff format --check ")),
        ("type-check", ("mypy ",)),
        ("utest", ("pytest ",)),
        ("itest", ("pytest ",)),
    ],
)
@each_package
def test_each_gate_runs_its_tool(package: str, target: str, tools: tuple[str, ...]) -> None:
    for tool in tools:
        assert f" -m {tool}" in recipe(package, target)


@each_package
def test_unit_and_integration_tests_are_apart(package: str) -> None:
    assert f"tests/test_{package}" in recipe(package, "itest")
    assert "tests/test_" not in recipe(package, "utest")


def test_the_main_package_checks_which_room_imports_which() -> None:
    assert "lint-imports" in recipe("headrace", "lint")


@each_package
def test_types_are_checked_strictly_with_the_configuration_of_the_repository(package: str) -> None:
    assert "--config-file ../../mypy.ini" in recipe(package, "type-check")
    assert re.search(r"^strict = True$", (ROOT / "mypy.ini").read_text(), re.MULTILINE)


def test_linting_holds_the_repository_against_what_init_would_write(tmp_path: Path) -> None:
    assert "-m headrace.cli init --check --repo ../.." in recipe("headrace", "lint")
    names = run(["git", "ls-files", "-z"], ROOT).out.split("\0") if (ROOT / ".git").exists() else []
    if not names:
        pytest.skip("this tree is not a git repository")
    files = {name: (ROOT / name).read_bytes() for name in names if name and (ROOT / name).is_file()}
    copy = make_repository(tmp_path / "copy", files)
    check = [sys.executable, "-m", "headrace.cli", "init", "--check"]
    done = run(check, copy.root)
    assert (done.status, done.err) == (0, ""), done.out
    project = files["pkg/headrace_encryption/pyproject.toml"].replace(
        b'requires-python = ">=3.10"', b'requires-python = ">=3.11"'
    )
    copy.commit({"pkg/headrace_encryption/pyproject.toml": project})
    done = run(check, copy.root)
    assert done.status == 1 and ".github/workflows/headrace_encryption.yml: would change" in done.out


def test_the_encryption_package_finds_the_types_of_its_sibling(tmp_path: Path) -> None:
    tell = "import os, sys; sys.stdout.write(os.environ['MYPYPATH'] + ' ' + os.getcwd())"
    (tmp_path / "python").write_text(f'#!/bin/sh\nexec {shutil.which("python3")} -c "{tell}"\n')
    (tmp_path / "python").chmod(0o755)
    done = make(ROOT / "pkg/headrace_encryption", "type-check", f"PYTHON={tmp_path / 'python'}", CI="true")
    path, folder = done.out.splitlines()[-1].split(" ", 1)
    assert (Path(folder) / path).resolve() == ROOT / "pkg/headrace"


@pytest.mark.parametrize("folder", ["pkg/headrace", "pkg/headrace_encryption"])
def test_installing_keeps_to_the_pinned_versions(folder: str) -> None:
    done = make(ROOT / folder, "--dry-run", "install", CI="true")
    install = next(line for line in done.out.replace("\\\n\t", "").splitlines() if "pip install --quiet --python" in line)
    assert "constraints.txt" in install and "--editable" in install
    assert ("../headrace" in install) == (folder == "pkg/headrace_encryption")


# check-venv


@pytest.mark.parametrize("target", ["check-venv", "install", *GATES])
@pytest.mark.parametrize("folder", [".", "pkg/headrace", "pkg/headrace_encryption"])
def test_outside_an_environment_and_outside_ci_a_target_says_so_and_fails(folder: str, target: str) -> None:
    done = make(ROOT / folder, target)
    assert done.status != 0
    assert "no virtual environment is active" in done.err
    assert not re.search("pip install|pytest|ruff|mypy", done.out)


@pytest.mark.parametrize("variables", [{"CI": "true"}, {"VIRTUAL_ENV": "/somewhere"}], ids=lambda variables: str(*variables))
@pytest.mark.parametrize("folder", [".", "pkg/headrace", "pkg/headrace_encryption"])
def test_in_an_environment_or_in_ci_the_check_passes(folder: str, variables: dict[str, str]) -> None:
    assert make(ROOT / folder, "check-venv", **variables).status == 0


# release and build


CHANGELOG = "# Changes\n\n## [0.1.0] - 2026-01-02\n\n- The first\n"
NO_INDEX = '[tool.headrace.release]\nindex = "http://127.0.0.1:9/simple/"\n'  # nobody answers there


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what a release needs of this repository, ready to be released, in `a tree`, its remote beside it, and a state
    in which both pipelines were green."""
    folder = tmp_path_factory.mktemp("template")
    files = {name: (ROOT / name).read_text() for name in ("Makefile", "constraints.txt", ".github/release.py", ".gitignore")}
    files["pyproject.toml"] = NO_INDEX
    for package in PACKAGES:
        for name in ("Makefile", "pyproject.toml", f"{package}/__init__.py"):
            files[f"pkg/{package}/{name}"] = (ROOT / "pkg" / package / name).read_text()
        files[f"pkg/{package}/CHANGELOG.md"] = CHANGELOG
        files[f"pkg/{package}/README.md"] = "x\n"
        files[f".github/workflows/{package}.yml"] = WORKFLOW.format(name=package)
    repository = make_repository(folder / "a tree", files)
    make_remote(repository, folder / "remote.git")
    repository.git("remote", "set-url", "origin", "../remote.git")
    tried = run(
        [sys.executable, "-m", "headrace.cli", "run", "push", "-qq", "--isolation", "host"], repository.root, state(folder)
    )
    assert tried.status == 0, tried.err
    return folder


def state(folder: Path) -> dict[str, str]:
    return environment(SAYS_WHERE_WE_ARE, XDG_STATE_HOME=str(folder / "state"), XDG_CACHE_HOME=str(folder / "cache"))


@pytest.fixture
def tree(template: Path, tmp_path: Path) -> GitRepository:
    copy_workshop(template, tmp_path / "both")
    return GitRepository(tmp_path / "both/a tree")


def release(tree: GitRepository, version: str, folder: str = "pkg/headrace", **variables: str) -> Finished:
    """`make release`, without a build and a rehearsal: what these take comes from an index."""
    more = {"XDG_STATE_HOME": str(tree.root.parent / "state"), "XDG_CACHE_HOME": str(tree.root.parent / "cache")}
    words = ["release", f"VERSION={version}", "RELEASE_ARGS=--no-build --no-rehearsal", f"PYTHON={sys.executable}"]
    return make(tree.root / folder, *words, *(f"{name}={value}" for name, value in variables.items()), **more)


def remote_refs(tree: GitRepository) -> str:
    return tree.git("ls-remote", "origin")


@each_package
def test_a_release_tags_and_pushes(tree: GitRepository, package: str) -> None:
    if package == "headrace_encryption":  # which needs its sibling
        tree.git("push", "--quiet", "origin", "HEAD:refs/tags/headrace@0.1.0")
    done = release(tree, "0.1.0", f"pkg/{package}")
    assert done.status == 0, done.err
    assert f"{package}@0.1.0 is tagged and pushed" in done.err
    assert tree.git("rev-parse", f"{package}@0.1.0^{{commit}}") == tree.head()
    assert f"{tree.head()}\trefs/tags/{package}@0.1.0^{{}}" in remote_refs(tree)


@pytest.mark.covers("release:4.5.1")
def test_a_release_from_the_root_names_its_package(tree: GitRepository) -> None:
    assert release(tree, "0.1.0", ".", PACKAGE="headrace").status == 0
    for named in ({}, {"PACKAGE": "other"}, {"PACKAGE": ""}):
        done = release(tree, "0.1.0", ".", **named)
        assert done.status != 0 and "say which package" in done.err


def an_untracked_file(tree: GitRepository) -> None:
    tree.write({"pkg/headrace/headrace/forgotten.py": ""})


def a_tree_that_was_never_tried(tree: GitRepository) -> None:
    tree.commit({"a": ""})
    tree.git("push", "--quiet", "origin", "main")


def tag_here(tree: GitRepository) -> None:
    tree.tag("headrace@0.1.0")


REFUSALS: list[tuple[Callable[[GitRepository], None], str]] = [
    (an_untracked_file, "the tree is not clean: .*forgotten.py"),
    (a_tree_that_was_never_tried, "not run on this very tree: lint"),
    (tag_here, "the tag headrace@0.1.0 is here already"),
]


@pytest.mark.covers("release:4.3", "release:4.5.3", "release:4.5.4", "release:4.5.5", "release:4.5.6", "release:4.5.8")
@pytest.mark.parametrize(("spoil", "message"), REFUSALS, ids=[spoil.__name__ for spoil, _ in REFUSALS])
def test_a_release_is_refused_and_no_ref_changes(
    tree: GitRepository, spoil: Callable[[GitRepository], None], message: str
) -> None:
    remote = GitRepository(tree.root.parent / "remote.git")
    spoil(tree)
    before = (tree.refs(), remote.refs())
    done = release(tree, "0.1.0")
    assert done.status != 0
    assert "refused, and nothing was changed" in done.err and re.search(message, done.err), done.err
    assert (tree.refs(), remote.refs()) == before


@pytest.mark.covers("release:4.1", "release:4.5.2")
@pytest.mark.parametrize("version", ["", "v0.1.0", "0.1", "0.1.0 ", "--dry-run", "0.1.0; true"])
def test_a_release_of_a_version_that_is_none_or_another_is_refused(tree: GitRepository, version: str) -> None:
    before = (tree.refs(), remote_refs(tree))
    done = release(tree, version)
    assert done.status != 0 and "refused, and nothing was changed" in done.err, done.err
    assert (tree.refs(), remote_refs(tree)) == before


@pytest.mark.covers("release:4.1", "release:4.5.2")
def test_when_the_remote_does_not_take_the_tag_it_is_not_kept_here(tree: GitRepository) -> None:
    hook = tree.root.parent / "remote.git/hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho tags are frozen >&2\nexit 1\n")
    hook.chmod(0o755)
    before = (tree.refs(), remote_refs(tree))
    done = release(tree, "0.1.0")
    assert done.status != 0 and "tags are frozen" in done.err
    assert (tree.refs(), remote_refs(tree)) == before


@pytest.mark.covers("release:4.1")
@pytest.mark.parametrize(
    ("package", "ref"),
    [
        ("headrace", "refs/tags/headrace@0.1.1"),
        ("headrace", "refs/tags/headrace@"),
        ("headrace", "refs/tags/headrace@0.1.0-1"),
        ("headrace_encryption", "refs/tags/headrace_encryption@1.0.0"),
    ],
)
def test_a_build_on_a_tag_that_names_another_version_is_refused(tree: GitRepository, package: str, ref: str) -> None:
    done = make(tree.root / "pkg" / package, "build", GITHUB_REF=ref)
    assert done.status != 0
    assert f"has version 0.1.0, the tag {ref.removeprefix('refs/tags/')} another" in done.err


REFS = [
    "refs/tags/headrace@0.1.0",
    "refs/tags/headrace_encryption@9.9.9",
    "refs/heads/main",
    "refs/heads/headrace@9.9.9",
    "refs/tags/v9",
    "",
]


@pytest.mark.parametrize("ref", REFS)
def test_a_build_is_not_kept_from_the_right_tag_nor_by_what_is_no_tag_of_it(
    tree: GitRepository, ref: str, tmp_path: Path
) -> None:
    (tmp_path / "headrace-0.1.0.tar.gz").touch()
    words = [".github/release.py", "check", "headrace", str(tmp_path)]
    done = run(words, tree.root, environment(SAYS_WHERE_WE_ARE, GITHUB_REF=ref))
    assert (done.status, done.err) == (0, "")


@each_package
def test_a_build_makes_a_wheel_and_a_source_distribution_that_hold_the_package(package: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", "dist", "__pycache__", ".*_cache", ".hypothesis"))
    done = make(copy / "pkg" / package, "build", GITHUB_REF=f"refs/tags/{package}@0.1.0")
    assert done.status == 0, done.out + done.err
    built = sorted(path.name for path in (copy / "pkg" / package / "dist").glob("*.*") if path.name != ".gitignore")
    assert built == [f"{package}-0.1.0-py3-none-any.whl", f"{package}-0.1.0.tar.gz"]
    with zipfile.ZipFile(copy / "pkg" / package / "dist" / built[0]) as wheel:
        held = set(wheel.namelist())
    sources = ROOT / "pkg" / package
    assert {str(path.relative_to(sources)) for path in (sources / package).rglob("*.py")} <= held
    assert not any(name.startswith("tests/") for name in held)

"""`headrace init` in real repositories: what it says, what it writes, and what comes of that."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from test_core.calls import Done, Headrace
from test_core.monorepos import package, project, two
from test_core.processes import run
from test_core.repositories import GitRepository, make_remote, make_repository

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it


@pytest.fixture
def monorepo(headrace: Headrace) -> GitRepository:
    return make_repository(headrace.home / "mono", two())


def init(headrace: Headrace, repository: GitRepository, *options: str) -> Done:
    return headrace("init", *options, cwd=repository.root)


def tree(repository: GitRepository) -> dict[str, bytes]:
    return {
        str(path.relative_to(repository.root)): path.read_bytes()
        for path in repository.root.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(repository.root).parts
    }


# --explain and --diff


def test_explain_names_a_line_for_what_it_says_and_changes_nothing(headrace: Headrace, monorepo: GitRepository) -> None:
    before = tree(monorepo)
    done = init(headrace, monorepo, "--explain")
    assert done.status == 0, done.err
    assert re.search(r"lowest Python +3\.10 +pkg/alpha/pyproject\.toml:\d+ \(the lowest that requires-python allows\)", done.out)
    found = init(headrace, monorepo, "--explain", "--json").json
    assert [each["name"] for each in found["packages"]] == ["alpha", "beta"]
    for row in found["packages"]:
        for fact in (*row["facts"], *row["choices"]):
            assert fact["evidence"], fact
            for place in fact["evidence"]:
                path, _, line = place.partition(":")
                assert int(line or 1) <= len((monorepo.root / path).read_text().splitlines())
    assert tree(monorepo) == before and monorepo.git("status", "--porcelain") == ""


def test_a_diff_shows_every_file_and_changes_nothing(headrace: Headrace, monorepo: GitRepository) -> None:
    before = tree(monorepo)
    done = init(headrace, monorepo, "--diff")
    assert done.status == 0 and tree(monorepo) == before
    files = re.findall(r"^\+\+\+ b/(.+)$", done.out, re.MULTILINE)
    assert init(headrace, monorepo, "--no-pins").status == 0
    assert sorted(files) == sorted(tree(monorepo).keys() - before.keys())


@pytest.mark.parametrize(
    ("files", "options", "said"),
    [
        ({"README.md": ""}, (), "no Python package was found"),
        (two(), ("--json",), "--json is for --explain"),
        (two(), ("--upgrade",), "--upgrade is for --update; headrace init --update --upgrade"),
        (two(), ("--update", "--upgrade", "--diff"), "--diff looks for no versions, and --upgrade for the newest ones"),
        (two(), ("--update", "--upgrade", "--no-pins"), "--no-pins looks for no versions"),
        (
            {"pyproject.toml": project("x", python=">=2.7,<3"), "x.py": ""},
            (),
            "pyproject.toml:6:1: no package supports a Python that there is",
        ),
        ({**two(), "pyproject.toml": '[tool.headrace.init]\npublish = "somehow"\n'}, (), "pyproject.toml:2:1: publish in"),
        ({**two(), "pyproject.toml": "[tool.headrace.init]\nfoo = 1\n"}, (), "[tool.headrace.init] has no 'foo'"),
        (
            {**two(), ".github/headrace-init.json": "{}x"},
            (),
            ".github/headrace-init.json: this is not what headrace init has written",
        ),
    ],
)
def test_a_call_that_cannot_be_done_says_why_and_writes_nothing(
    headrace: Headrace, files: dict[str, str], options: tuple[str, ...], said: str
) -> None:
    repository = make_repository(headrace.home / "mono", files)
    done = init(headrace, repository, "--no-pins", *options)
    assert done.status == 2 and said in done.err
    assert repository.git("status", "--porcelain") == ""


# What it writes


def test_it_ends_with_the_plan_and_the_values_for_the_index(headrace: Headrace, monorepo: GitRepository) -> None:
    monorepo.git("remote", "add", "origin", "https://github.com/octo/mill")
    done = init(headrace, monorepo, "--no-pins")
    assert done.status == 0, done.err
    assert "14 legs would run, 2 would be skipped" in done.out
    form = done.out[done.out.index("PyPI's publisher form for beta") :]
    assert re.findall(r"  +(\S+)$", form, re.MULTILINE)[:4] == ["beta", "octo", "mill", "beta.yml"]
    assert "publish-pypi" in done.out and "error" not in done.err


def test_a_second_call_writes_nothing(headrace: Headrace, monorepo: GitRepository) -> None:
    assert init(headrace, monorepo, "--no-pins").status == 0
    before = tree(monorepo)
    done = init(headrace, monorepo, "--no-pins")
    assert done.status == 0 and "0 files written" in done.out and tree(monorepo) == before


def test_what_a_person_has_stays_to_the_byte(headrace: Headrace) -> None:
    mine = {
        "Makefile": "lint:\n\ttrue\n",
        "pkg/beta/Makefile": "test:\n\ttrue\n",
        ".github/workflows/alpha.yml": "on: push\njobs: {}\n",
    }
    repository = make_repository(headrace.home / "mono", {**two(), **mine})
    done = init(headrace, repository, "--no-pins")
    assert done.status == 0 and "its jobs are not written one below the other, so none is added" in done.out
    added = "\ninclude gates.mk\n"
    for path, text in mine.items():
        assert (repository.root / path).read_text() == text + (added if path.endswith("Makefile") else "")
    assert (repository.root / "pkg/beta/gates.mk").exists() and (repository.root / "gates.mk").exists()


def test_where_no_versions_are_found_nothing_is_written(headrace: Headrace) -> None:
    repository = make_repository(headrace.home / "mono", package("a", "no-such-project-at-all>=99"))
    done = headrace("init", cwd=repository.root, UV_OFFLINE="1")
    assert done.status == 1 and "uv" in done.err
    assert repository.git("status", "--porcelain") == ""


@pytest.mark.parametrize(("changed", "planned"), [("pkg/alpha", {"alpha", "beta"}), ("pkg/beta", {"beta"})])
def test_a_change_in_one_package_plans_the_workflows_that_it_concerns(
    headrace: Headrace, monorepo: GitRepository, changed: str, planned: set[str]
) -> None:
    assert init(headrace, monorepo, "--no-pins").status == 0
    base = monorepo.commit()
    name = changed.rpartition("/")[2]
    monorepo.commit({f"{changed}/{name}/more.py": "X = 1\n"})
    done = headrace("plan", "pull_request", "--base", base, "--json", cwd=monorepo.root)
    assert {Path(row["workflow"]).stem for row in done.json["jobs"] if row["would"] == "run"} == planned


@pytest.mark.parametrize("tag", ["alpha@0.1.0", "beta@0.1.0", "v1"])
def test_a_tag_publishes_exactly_its_package(headrace: Headrace, monorepo: GitRepository, tag: str) -> None:
    assert init(headrace, monorepo, "--no-pins").status == 0
    monorepo.commit()
    done = headrace("plan", "push", "--ref", f"refs/tags/{tag}", "--json", cwd=monorepo.root)
    rows = [row for row in done.json["jobs"] if row["job"] == "publish-pypi"]
    assert {Path(row["workflow"]).stem for row in rows if row["would"] != "skip"} == {tag.partition("@")[0]} - {"v1"}


# The release target


@pytest.mark.parametrize(
    ("version", "spoil", "said"),
    [
        ("1.0", "", ""),
        ("1.1", "", "demo-1.0.tar.gz has version 1.0"),
        ("1.00", "", "is no version in the form"),
        ("1.0", "dirty", "changes that are not committed"),
        ("1.0", "ahead", "HEAD is not what origin has as main"),
        ("1.0", "tagged", "there is a tag demo@1.0 already"),
        ("1.0", "broken", "demo cannot be built"),
    ],
)
def test_make_release_tags_and_pushes_only_where_all_agrees(headrace: Headrace, version: str, spoil: str, said: str) -> None:
    build = "false" if spoil == "broken" else "touch $(DIST)/demo-1.0.tar.gz"
    repository = make_repository(headrace.home / "mono", package("demo"))
    assert init(headrace, repository, "--no-pins").status == 0
    makefile = repository.root / "pkg/demo/Makefile"
    text = re.sub(r"(?m)^build:\n(\t.*\n)+", f"build:\n\t{build}\n", makefile.read_text())
    repository.commit({"pkg/demo/Makefile": text})
    remote = make_remote(repository, headrace.home / "remote")
    match spoil:
        case "dirty":
            repository.write({"README.md": "changed"})
        case "ahead":
            repository.commit({"README.md": "changed"})
        case "tagged":
            repository.tag("demo@1.0")
    environment = {**headrace.environment(), "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "a@b", "VERSION": version}
    environment |= {"GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "a@b"}
    done = run(["make", "release"], repository.root / "pkg/demo", environment)
    assert (done.status == 0, said in done.err) == (not said, True), done.err
    assert (remote.git("tag") == "demo@1.0") == (not said)


# Run


@pytest.mark.parametrize(
    ("publish", "tag", "results"),
    [
        ("hardened", "beta@0.1.0", {"build": "success", "publish-pypi": "success"}),
        ("hardened", "beta@0.2.0", {"build": "failure", "publish-pypi": "skipped"}),
    ],
)
def test_a_tag_reaches_the_index_only_with_the_version_of_the_tree(
    headrace: Headrace, monorepo: GitRepository, publish: str, tag: str, results: dict[str, str]
) -> None:
    environment = headrace.as_the_person()
    assert run(headrace.command("init", "--publish", publish), monorepo.root, environment).status == 0
    monorepo.commit()
    words = (
        "--ref",
        f"refs/tags/{tag}",
        "--sha",
        "HEAD",
        "-W",
        "beta.yml",
        "-j",
        "build",
        "-j",
        "publish-pypi",
        "--no-needs",
        "--json",
    )
    done = run(headrace.command("run", "push", *words), monorepo.root, environment, timeout=900)
    rows = json.loads(done.out)["jobs"] if done.out else []
    assert {row["job"]: row["result"] for row in rows} == results
    assert ("refused: beta-0.1.0" in done.err) == ("0.2.0" in tag), done.err

"""`headrace release` from its beginning to its end: the next version, the rehearsal, trains, digests, and on from where it ended."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

import pytest
from test_core.calls import Headrace
from test_core.releases import SimplePages, Workshop, copy_workshop, make_workshop, package

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

LEAVES = ("a", "b", "c", "d")


@pytest.fixture
def pages() -> Iterator[SimplePages]:
    served = SimplePages()
    yield served
    served.close()


def _template(tmp_path_factory: pytest.TempPathFactory, name: str, files: Mapping[str, str]) -> Path:
    folder = tmp_path_factory.mktemp(name)
    headrace = Headrace(folder, folder, folder.parent / "bytecode")
    pages = SimplePages()
    try:
        make_workshop(headrace, folder / "both", pages, files).try_gates()
    finally:
        pages.close()
    return folder


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _template(tmp_path_factory, "one", package("demo", "0.1.0"))


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`top` needs four others, and `a` needs `b`."""
    files = package("top", "1.0.0", *(f"{leaf}>=1.0.0" for leaf in LEAVES))
    for leaf in LEAVES:
        files |= package(leaf, "1.0.0", *(["b>=1.0.0"] if leaf == "a" else []))
    return _template(tmp_path_factory, "five", files)


def copied(template: Path, tmp_path: Path, pages: SimplePages) -> Workshop:
    home = tmp_path / "home"
    copy_workshop(template, home)
    return Workshop(Headrace(home, home, template.parent / "bytecode"), home / "both", pages)


@pytest.fixture
def workshop(one: Path, tmp_path: Path, pages: SimplePages) -> Workshop:
    return copied(one, tmp_path, pages)


@pytest.fixture
def train(five: Path, tmp_path: Path, pages: SimplePages) -> Workshop:
    return copied(five, tmp_path, pages)


needs_builder = pytest.mark.skipif(shutil.which("uv") is None, reason="needs uv")

# The next version


@pytest.mark.covers("release:4.3")
def test_a_bump_writes_version_and_changelog_commits_and_stops(workshop: Workshop) -> None:
    workshop.edit("pkg/demo/CHANGELOG.md", "## [0.1.0]", "## [Unreleased]\n\n- Better\n\n## [0.1.0]")
    workshop.push()
    before, remote = workshop.tree.head(), workshop.remote.refs()
    done = workshop.release("demo", "--bump", "minor")
    assert done.status == 0, done.err
    assert "demo 0.1.0 → 0.2.0" in done.out and "headrace release demo 0.2.0" in done.out
    assert workshop.tree.git("rev-parse", "HEAD~") == before and workshop.remote.refs() == remote
    assert workshop.tree.git("status", "--porcelain") == "" and workshop.tree.git("tag") == ""
    changed = workshop.tree.git("show", "--format=%s", "--unified=0", "HEAD")
    assert changed.startswith("Release demo 0.2.0\n")
    lines = [line for line in changed.splitlines() if re.match(r"[+-][^+-]", line)]
    assert {line.partition(" - ")[0] for line in lines} == {
        "-## [Unreleased]",
        "+## [0.2.0]",
        '-__version__ = "0.1.0"',
        '+__version__ = "0.2.0"',
        '-version = "0.1.0"',
        '+version = "0.2.0"',
    }
    workshop.tree.git("push", "--quiet", "origin", "main")
    workshop.try_gates()
    assert workshop.release("demo", "0.2.0").status == 0


@pytest.mark.parametrize(("part", "version"), [("major", "1.0.0"), ("minor", "0.2.0"), ("patch", "0.1.1"), ("pre", "0.1.1rc1")])
def test_each_part_of_a_version_can_be_bumped(workshop: Workshop, part: str, version: str) -> None:
    done = workshop.release("demo", "--bump", part, "--dry-run", "--json")
    assert done.status == 0 and done.json["packages"][0]["new"] == version and done.json["commit"] is None
    assert workshop.tree.git("status", "--porcelain") == ""


def test_a_bump_without_a_word_in_the_changelog_says_so_and_the_release_is_refused(workshop: Workshop) -> None:
    done = workshop.release("demo", "--bump", "patch")
    assert done.status == 0 and "the section of 0.1.1 in pkg/demo/CHANGELOG.md is empty" in done.out
    assert "the section of 0.1.1 is empty" in workshop.release("demo", "0.1.1").err


def test_a_bump_of_a_tree_that_is_not_clean_is_refused(workshop: Workshop) -> None:
    workshop.tree.write({"a": ""})
    before = workshop.refs()
    done = workshop.release("demo", "--bump", "patch")
    assert done.status == 1 and "the tree is not clean: a" in done.err
    assert workshop.refs() == before and "0.1.0" in (workshop.tree.root / "pkg/demo/pyproject.toml").read_text()


def test_a_bump_that_git_does_not_commit_leaves_every_file_as_it_was(workshop: Workshop) -> None:
    workshop.tree.git("config", "user.useConfigOnly", "true")
    workshop.tree.git("config", "--unset", "user.email")
    before = workshop.refs()
    done = workshop.release("demo", "--bump", "patch")
    assert done.status == 1 and "git did not commit" in done.err
    assert workshop.refs() == before and workshop.tree.git("status", "--porcelain") == ""


# The rehearsal


@pytest.mark.covers("release:4.5")
def test_a_rehearsal_runs_the_pipeline_of_the_tag_before_there_is_the_tag(workshop: Workshop) -> None:
    workshop.push({"a": ""})
    assert "not run on this very tree" in workshop.release("demo", "0.1.0").err
    done = workshop.release("demo", "0.1.0", "--rehearse", "--dry-run", "--json")
    assert done.status == 0, done.err
    assert "rehearsing demo@0.1.0: publish of .github/workflows/demo.yml, and what it needs" in done.err
    row = done.json["packages"][0]
    assert {gate["result"] for gate in row["gates"]} == {"success"}
    if row["unsupported"]:
        assert "pypa/gh-action-pypi-publish" in row["unsupported"] and row["rehearsed"] is None
    else:
        assert row["rehearsed"]["result"] == "success"
    listed = workshop.headrace("ls", "--json", cwd=workshop.tree.root).json["runs"][0]
    assert listed["ref"] == "refs/tags/demo@0.1.0" and listed["sha"] == workshop.tree.head()
    assert "refs/tags/demo@0.1.0" not in workshop.tree.refs()
    assert workshop.release("demo", "0.1.0").status == 0


@pytest.mark.covers("release:4.5")
def test_a_rehearsal_that_fails_forbids_the_release(workshop: Workshop) -> None:
    workshop.push({"broken": ""})
    before = workshop.refs()
    done = workshop.release("demo", "0.1.0", "--rehearse")
    assert done.status == 1 and re.search("test is not green on this very tree: failure in run 2", done.err)
    assert workshop.refs() == before


def test_what_is_refused_anyway_is_not_rehearsed(workshop: Workshop) -> None:
    workshop.tree.write({"untracked": ""})
    done = workshop.release("demo", "0.1.0", "--rehearse")
    assert done.status == 1 and "rehearsing" not in done.err


PUBLISHES = """\
    steps:
      - run: |
          # twine upload dist/*
          test "$GITHUB_REF" = refs/tags/demo@0.1.0
          test -n "$ACTIONS_ID_TOKEN_REQUEST_TOKEN"
          test ! -e unpublishable
"""


@pytest.fixture
def tryable(workshop: Workshop) -> Workshop:
    """Its publishing job can be tried here."""
    path = workshop.tree.root / ".github/workflows/demo.yml"
    head, _, _ = path.read_text().rpartition("    steps:\n")
    path.write_text(head + PUBLISHES)
    return workshop


@pytest.mark.covers("release:4.5")
def test_a_publishing_job_that_can_be_tried_is_tried_before_the_tag_is_made(tryable: Workshop) -> None:
    tryable.push()
    tryable.try_gates()
    assert "publish is tried here before the tag is made" in tryable.release("demo", "0.1.0", "--dry-run", rehearse=True).out
    done = tryable.release("demo", "0.1.0", "--json", rehearse=True)
    assert done.status == 0, done.err
    assert "rehearsing demo@0.1.0" in done.err and done.json["packages"][0]["rehearsed"]["result"] == "success"
    assert done.json["released"] and "refs/tags/demo@0.1.0" in tryable.remote.refs()


@pytest.mark.covers("release:4.5")
def test_a_publishing_job_that_fails_when_it_is_tried_forbids_the_release(tryable: Workshop) -> None:
    tryable.edit(".github/workflows/demo.yml", "test ! -e unpublishable", "false")
    tryable.push()
    tryable.try_gates()
    before = tryable.refs()
    done = tryable.release("demo", "0.1.0", rehearse=True)
    assert done.status == 1 and "publish is not green in its rehearsal: failure" in done.err
    assert tryable.refs() == before
    assert tryable.release("demo", "0.1.0").status == 0


# Trains


@pytest.mark.covers("release:4.6", "release:4.7")
def test_a_train_of_five_goes_out_in_two_pushes_after_what_it_needs(train: Workshop) -> None:
    train.hook('echo "$@" >> pushes', "update")
    train.hook("cat > /dev/null; echo push >> pushes")
    words = [word for name in ("top", *LEAVES) for word in (name, "1.0.0")]
    done = train.release(*words, "--json")
    assert done.status == 0, done.err
    order = [row["package"] for row in done.json["packages"]]
    assert order == ["b", "a", "c", "d", "top"]
    assert [row["group"] for row in done.json["packages"]] == [1, 1, 1, 2, 2]
    pushed = (train.remote.root / "pushes").read_text().split("push\n")[1:]
    assert [len(each.splitlines()) for each in pushed] == [3, 2]


@pytest.mark.covers("release:4.7")
def test_a_train_whose_second_push_is_refused_goes_on_where_it_stopped(train: Workshop) -> None:
    train.hook("case $1 in *top@*) echo not yet >&2; exit 1;; esac", "update")
    words = [word for name in ("top", *LEAVES) for word in (name, "1.0.0")]
    done = train.release(*words)
    assert done.status == 1 and "did not take d@1.0.0, top@1.0.0: not yet" in done.err
    out = {f"refs/tags/{name}@1.0.0" for name in ("a", "b", "c")}
    assert {ref for ref in train.remote.refs() if "tags" in ref} == out == {ref for ref in train.tree.refs() if "tags" in ref}
    (train.remote.root / "hooks/update").unlink()
    resumed = train.release("--resume", "--json")
    assert {row["tag"]: row["state"] for row in resumed.json["packages"]} == {
        f"{name}@1.0.0": "pushed" for name in ("top", *LEAVES)
    }
    assert len([ref for ref in train.remote.refs() if "tags" in ref]) == 5
    assert train.tree.refs() | train.remote.refs() == train.tree.refs()


# Digests, and on from where it ended


def digests_of(workshop: Workshop) -> dict[str, str]:
    found = next(workshop.headrace.state.glob("releases/*/*.json"))
    entries = json.loads(found.read_text())["entries"]
    return {file["name"]: file["sha256"] for entry in entries for file in entry["artifacts"]}


@needs_builder
@pytest.mark.covers("release:4.7")
def test_the_digests_of_what_was_built_are_recorded_and_the_bytes_kept(workshop: Workshop) -> None:
    done = workshop.release("demo", "0.1.0", build=True)
    assert done.status == 0, done.err
    digests = digests_of(workshop)
    assert sorted(digests) == ["demo-0.1.0-py3-none-any.whl", "demo-0.1.0.tar.gz"]
    kept = {path.name: path for path in workshop.headrace.state.glob("releases/*/*/demo@0.1.0/*")}
    assert {name: sha256(kept[name].read_bytes()).hexdigest() for name in digests} == digests
    message = workshop.remote.git("tag", "--list", "--format=%(contents)", "demo@0.1.0")
    assert all(digest in message for digest in digests.values())
    waiting = workshop.release("--resume")
    assert waiting.status == 1 and "demo-0.1.0.tar.gz: missing" in waiting.out and "nothing is uploaded from here" in waiting.out
    workshop.pages.projects["demo"] = digests
    assert workshop.release("--resume").status == 0
    assert "no release was begun" in workshop.release("--resume").out


@needs_builder
@pytest.mark.covers("release:4.7")
def test_other_bytes_on_the_index_than_those_tested_stop_a_resumed_release(workshop: Workshop) -> None:
    assert workshop.release("demo", "0.1.0", build=True).status == 0
    workshop.pages.projects["demo"] = {**digests_of(workshop), "demo-0.1.0.tar.gz": "0" * 64}
    done = workshop.release("--resume")
    assert done.status == 1 and "other bytes of demo-0.1.0.tar.gz than those tested: 000000000000…" in done.err
    workshop.pages.projects["demo"] = {**digests_of(workshop), "demo-0.1.0-py2-none-any.whl": "0" * 64}
    assert "demo-0.1.0-py2-none-any.whl, which was not built here" in workshop.release("--resume").err


@needs_builder
@pytest.mark.covers("release:4.7")
def test_kept_bytes_that_changed_are_not_released(workshop: Workshop) -> None:
    workshop.hook("exit 1")
    assert workshop.release("demo", "0.1.0", build=True).status == 1
    (workshop.remote.root / "hooks/pre-receive").unlink()
    wheel = next(workshop.headrace.state.glob("releases/*/*/demo@0.1.0/*.whl"))
    bytes_before = wheel.read_bytes()
    wheel.write_bytes(b"other")
    before = workshop.refs()
    done = workshop.release("--resume")
    assert done.status == 1 and "is not the file that was tested" in done.err and workshop.refs() == before
    wheel.write_bytes(bytes_before)
    assert "demo@0.1.0 is tagged and pushed" in workshop.release("--resume").err


@needs_builder
@pytest.mark.covers("release:4.3")
def test_a_wheel_that_says_another_version_than_the_tag_is_refused(workshop: Workshop) -> None:
    workshop.edit("pkg/demo/backend.py", 'META = f"', 'VERSION += ".1"\nMETA = f"')
    workshop.push()
    workshop.try_gates()
    before = workshop.refs()
    done = workshop.release("demo", "0.1.0", build=True)
    assert done.status == 1 and "says demo 0.1.0.1, not demo 0.1.0" in done.err
    assert workshop.refs() == before
    assert workshop.release("--resume").out.strip() == "no release was begun that is not at its end"


@needs_builder
def test_a_package_that_cannot_be_built_is_refused(workshop: Workshop) -> None:
    workshop.edit("pkg/demo/backend.py", "import gzip", 'raise SystemExit("no such tool")\nimport gzip')
    workshop.push()
    workshop.try_gates()
    before = workshop.refs()
    done = workshop.release("demo", "0.1.0", build=True)
    assert done.status == 1 and "demo cannot be built" in done.err and "no such tool" in done.err
    assert workshop.refs() == before


@pytest.mark.covers("release:4.5.13")
def test_a_tag_is_signed_where_git_is_told_to_and_refused_where_that_fails(workshop: Workshop) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("needs ssh-keygen")
    key = workshop.headrace.home / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    for name, value in {"tag.gpgSign": "true", "gpg.format": "ssh", "user.signingKey": f"{key}.gone"}.items():
        workshop.tree.git("config", name, value)
    before = workshop.refs()
    done = workshop.release("demo", "0.1.0")
    assert done.status == 1 and "demo@0.1.0 cannot be signed" in done.err and workshop.refs() == before
    workshop.tree.git("config", "user.signingKey", str(key))
    assert workshop.release("demo", "0.1.0").status == 0
    assert "BEGIN SSH SIGNATURE" in workshop.remote.git("cat-file", "tag", "demo@0.1.0")


@pytest.mark.covers("release:4.7")
def test_a_tag_that_somebody_else_made_meanwhile_stops_a_resumed_release(workshop: Workshop) -> None:
    workshop.hook("exit 1")
    assert workshop.release("demo", "0.1.0").status == 1
    workshop.remote.tag("demo@0.1.0")
    before = workshop.refs()
    done = workshop.release("--resume")
    assert done.status == 1 and "that is not the one made here" in done.err and workshop.refs() == before


@pytest.mark.covers("release:4.7")
def test_a_commit_that_left_the_branch_is_not_tagged_by_a_resumed_release(workshop: Workshop) -> None:
    workshop.hook("exit 1")
    assert workshop.release("demo", "0.1.0").status == 1
    (workshop.remote.root / "hooks/pre-receive").unlink()
    workshop.tree.git("commit", "--quiet", "--amend", "--message", "Other")
    workshop.tree.git("push", "--quiet", "--force", "origin", "main")
    done = workshop.release("--resume")
    assert done.status == 1 and "is no longer on the branch at origin" in done.err
    assert not [ref for ref in workshop.remote.refs() if "tags" in ref]


@pytest.mark.covers("release:4.7")
@pytest.mark.parametrize("moment", ["mktag", "push", "pushed", "update-ref"])
def test_a_release_that_is_killed_ends_in_the_same_state_when_it_is_resumed(workshop: Workshop, moment: str) -> None:
    """git itself kills who called it, before or after that very command."""
    real = shutil.which("git")
    folder = workshop.tree.root.parent / "bin"
    folder.mkdir()
    word, run = ("push", f'{real} "$@"') if moment == "pushed" else (moment, "true")
    (folder / "git").write_text(
        f'#!/bin/sh\nfor word; do if test "$word" = {word}; then {run}; kill -9 $PPID; fi; done\nexec {real} "$@"\n'
    )
    (folder / "git").chmod(0o755)
    killed = workshop.release("demo", "0.1.0", PATH=f"{folder}:{workshop.headrace.environment()['PATH']}")
    assert killed.status == -9
    workshop.release("--resume")
    if moment == "mktag" and "refs/tags/demo@0.1.0" not in workshop.remote.refs():
        assert workshop.release("demo", "0.1.0").status == 0
    assert workshop.tree.refs()["refs/tags/demo@0.1.0"] == workshop.remote.refs()["refs/tags/demo@0.1.0"]
    workshop.pages.projects["demo"] = {"demo-0.1.0.tar.gz": "00"}
    assert workshop.release("--resume").status == 0


# Who publishes


@pytest.mark.covers("release:1.2", "release:4.5")
@pytest.mark.parametrize(
    ("registered", "status", "says"),
    [
        ({"repository": "octo/hello", "workflow": "demo.yml"}, 0, "a registered publisher takes this token"),
        ({"owner": "octo", "repository_name": "hello", "workflow_filename": "demo.yml"}, 0, "takes this token"),
        (
            {"repository": "Octo/hello", "workflow": "demo.yml"},
            1,
            "repository: registered Octo/hello, and the token says octo/hello",
        ),
        (
            {"repository": "octo/hello", "workflow": "release.yml"},
            1,
            "workflow: registered release.yml, and the token says demo.yml",
        ),
        (
            {"repository": "octo/hello", "workflow": "demo.yml", "environment": "pypi"},
            1,
            "environment: registered pypi, and the token says (none)",
        ),
        ({"repository": "octo/hello", "workflow": "demo.yml", "projects": [], "pending": "Demo"}, 0, "takes this token"),
        ({"repository": "octo/hello", "workflow": "demo.yml", "projects": [], "pending": None}, 1, "no publisher is registered"),
        ({"repository": "octo/hello", "workflow": "demo.yml", "project": "other"}, 1, "no publisher is registered for demo"),
    ],
)
def test_the_doctor_holds_the_claims_against_a_registered_publisher(
    workshop: Workshop, registered: dict[str, str], status: int, says: str
) -> None:
    workshop.tree.git("remote", "set-url", "origin", "git@github.com:octo/hello.git")
    file = workshop.headrace.home / "publishers.json"
    file.write_text(json.dumps([registered]))
    done = workshop.headrace("doctor", "--release", "--publisher", str(file), cwd=workshop.tree.root)
    assert done.status == status, done.err
    assert says in done.out
    assert re.search(r"sub +repo:octo/hello:ref:refs/tags/demo@0\.1\.0\n", done.out)
    assert re.search(r"Workflow name +demo\.yml\n", done.out) and re.search(r"Owner +octo\n", done.out)


def test_the_doctor_says_what_keeps_a_pipeline_from_publishing(workshop: Workshop) -> None:
    workshop.edit(".github/workflows/demo.yml", "      id-token: write\n", "")
    done = workshop.headrace("doctor", "--release", "--json", cwd=workshop.tree.root)
    assert done.status == 1
    (row,) = done.json["packages"]
    assert "may not ask for an identity token" in row["problems"][0] and row["fits"] is None


@pytest.mark.covers("release:5.12")
def test_the_doctor_tells_of_packages_that_one_token_would_cover(workshop: Workshop) -> None:
    files = package("demo_extra", "0.1.0")
    path = ".github/workflows/demo_extra.yml"
    assert "one token" not in workshop.headrace("doctor", "--release", cwd=workshop.tree.root).out
    job = files.pop(path).partition("  publish:")[2].replace("needs: [lint, test]", "needs: [test]")
    text = (workshop.tree.root / ".github/workflows/demo.yml").read_text()
    workshop.tree.write({**files, ".github/workflows/demo.yml": f"{text}  publish-extra:{job}"})
    done = workshop.headrace("doctor", "--release", cwd=workshop.tree.root)
    assert "demo and demo_extra are published by demo.yml in one environment" in done.out

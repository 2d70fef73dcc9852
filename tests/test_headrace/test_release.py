"""`headrace release`, in real repositories with real remotes: what is refused, each with its own reason and nothing changed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from test_core.calls import Headrace
from test_core.releases import SimplePages, Workshop, copy_workshop, make_workshop, package

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

TWO = {**package("demo", "0.1.0"), **package("demo_extra", "0.1.0", "demo>=0.1.0", "other>=3")}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both packages ready to be released, gates green on the tree."""
    folder = tmp_path_factory.mktemp("template")
    headrace = Headrace(folder, folder, folder.parent / "bytecode")
    pages = SimplePages()
    try:
        make_workshop(headrace, folder / "both", pages, TWO).try_gates()
    finally:
        pages.close()
    return folder


@pytest.fixture
def pages() -> Iterator[SimplePages]:
    served = SimplePages()
    yield served
    served.close()


@pytest.fixture
def workshop(template: Path, tmp_path: Path, pages: SimplePages) -> Workshop:
    home = tmp_path / "home"
    copy_workshop(template, home)
    return Workshop(Headrace(home, home, template.parent / "bytecode"), home / "both", pages)


# What is released


@pytest.mark.covers("release:4.1", "release:4.6")
def test_a_release_tags_and_pushes(workshop: Workshop) -> None:
    done = workshop.release("demo", "0.1.0")
    assert done.status == 0, done.err
    head = workshop.tree.head()
    assert workshop.tree.git("rev-parse", "demo@0.1.0^{commit}") == head
    assert workshop.remote.git("rev-parse", "demo@0.1.0^{commit}") == head
    assert workshop.remote.git("cat-file", "-t", "demo@0.1.0") == "tag"
    message = workshop.remote.git("tag", "--list", "--format=%(contents)", "demo@0.1.0")
    assert message.startswith("demo 0.1.0\n\n- The first")
    again = workshop.release("demo", "0.1.0")
    assert again.status == 1 and "the tag demo@0.1.0 is at origin already" in again.err


@pytest.mark.covers("release:4.5", "release:4.6")
def test_a_dry_run_shows_the_whole_plan_and_changes_nothing(workshop: Workshop) -> None:
    before = workshop.refs()
    done = workshop.release("demo_extra", "0.1.0", "demo", "0.1.0", "--dry-run", "--json")
    assert done.status == 0, done.err
    assert workshop.refs() == before and not list(workshop.headrace.state.glob("releases/*/*.json"))
    plan = done.json
    assert [row["tag"] for row in plan["packages"]] == ["demo@0.1.0", "demo_extra@0.1.0"]
    assert {gate["name"]: gate["result"] for gate in plan["packages"][0]["gates"]} == {
        "lint (3.10)": "success",
        "lint (3.13)": "success",
        "test": "success",
    }
    assert plan["packages"][1]["workflow"] == ".github/workflows/demo_extra.yml"
    assert plan["packages"][1]["claims"]["job_workflow_ref"].endswith("/demo_extra.yml@refs/tags/demo_extra@0.1.0")
    assert not plan["released"] and plan["refusals"] == []
    text = workshop.release("demo", "0.1.0", "--dry-run")
    assert "push: git push --atomic origin refs/tags/demo@0.1.0" in text.out
    assert "publish of .github/workflows/demo.yml" in text.out
    assert workshop.refs() == before


# What is refused


def other_version_in_pyproject(w: Workshop) -> None:
    w.edit("pkg/demo/pyproject.toml", 'version = "0.1.0"', 'version = "0.2.0"')
    w.push()
    w.try_gates()


def other_version_in_the_module(w: Workshop) -> None:
    w.edit("pkg/demo/demo/__init__.py", "0.1.0", "0.1.1")
    w.push()
    w.try_gates()


def no_version_but_one_in_another_table(w: Workshop) -> None:
    w.edit("pkg/demo/pyproject.toml", 'version = "0.1.0"', 'dynamic = ["version"]')
    w.edit("pkg/demo/pyproject.toml", '"9.9.9"', '"0.1.0"')
    w.push()
    w.try_gates()


def other_version_in_the_lock(w: Workshop) -> None:
    w.push({"uv.lock": '[[package]]\nname = "demo"\nversion = "0.0.9"\nsource = { editable = "pkg/demo" }\n'})
    w.try_gates()


def changelog_without_entry(w: Workshop) -> None:
    w.edit("pkg/demo/CHANGELOG.md", "## [0.1.0]", "## [0.1.01]")
    w.push()
    w.try_gates()


def changelog_with_an_empty_entry(w: Workshop) -> None:
    w.edit("pkg/demo/CHANGELOG.md", "- The first\n", "")
    w.push()
    w.try_gates()


def changelog_still_unreleased(w: Workshop) -> None:
    w.edit("pkg/demo/CHANGELOG.md", "- 2026-01-02", "- unreleased")
    w.push()
    w.try_gates()


def no_changelog(w: Workshop) -> None:
    (w.tree.root / "pkg/demo/CHANGELOG.md").unlink()
    w.push()
    w.try_gates()


def a_changed_file(w: Workshop) -> None:
    w.edit("pkg/demo_extra/CHANGELOG.md", "The first", "Another")


def an_untracked_file(w: Workshop) -> None:
    w.tree.write({"pkg/demo/demo/forgotten.py": ""})


def a_staged_file(w: Workshop) -> None:
    w.tree.write({"new": ""})
    w.tree.git("add", "new")


def another_branch(w: Workshop) -> None:
    w.tree.git("switch", "--quiet", "--create", "feature")


def a_detached_head(w: Workshop) -> None:
    w.tree.git("switch", "--quiet", "--detach")


def tag_here(w: Workshop) -> None:
    w.tree.tag("demo@0.1.0")


def tag_here_in_another_spelling(w: Workshop) -> None:
    w.tree.tag("Demo@v0.1")


def tag_at_the_remote(w: Workshop) -> None:
    w.remote.tag("demo@0.1.0")


def tag_at_the_remote_in_another_spelling(w: Workshop) -> None:
    w.remote.tag("demo@0.1.0.0")


def ahead_of_the_remote(w: Workshop) -> None:
    w.tree.commit()


def behind_the_remote(w: Workshop) -> None:
    w.push()
    w.tree.git("reset", "--quiet", "--hard", "HEAD~")


def behind_a_commit_that_was_never_fetched(w: Workshop) -> None:
    other = w.tree.root.parent / "other"
    w.tree.git("clone", "--quiet", str(w.remote.root), str(other))
    w.tree.git("-C", str(other), "commit", "--quiet", "--allow-empty", "--message", "Elsewhere")
    w.tree.git("-C", str(other), "push", "--quiet", "origin", "main")


def parted_from_the_remote(w: Workshop) -> None:
    behind_the_remote(w)
    w.tree.git("commit", "--quiet", "--allow-empty", "--message", "Another")


def a_remote_that_is_gone(w: Workshop) -> None:
    w.tree.git("remote", "set-url", "origin", str(w.tree.root / "nowhere"))


def no_remote(w: Workshop) -> None:
    w.tree.git("remote", "remove", "origin")


def on_the_index(w: Workshop) -> None:
    w.pages.projects["demo"] = {"demo-0.1-py3-none-any.whl": "00"}


def a_later_one_was_tagged(w: Workshop) -> None:
    w.remote.tag("demo@0.2.0")


def a_later_one_is_on_the_index(w: Workshop) -> None:
    w.pages.projects["demo"] = {"demo-0.3.tar.gz": "00"}


def another_tree_than_was_tried(w: Workshop) -> None:
    w.push({"a": ""})


def a_gate_that_failed(w: Workshop) -> None:
    w.push({"broken": ""})
    assert w.headrace("run", "push", "-qq", cwd=w.tree.root).status == 1


def a_gate_that_was_tried_with_another_environment(w: Workshop) -> None:
    w.push({"a": ""})
    assert w.headrace("run", "push", "-qq", "--env", "A=1", cwd=w.tree.root).status == 0


def half_of_the_matrix(w: Workshop) -> None:
    w.push({"a": ""})
    assert w.headrace("run", "push", "-qq", "--matrix", "python=3.10", cwd=w.tree.root).status == 0


def no_job_publishes(w: Workshop) -> None:
    for name in ("demo", "demo_extra"):
        w.edit(f".github/workflows/{name}.yml", "pypa/gh-action-pypi-publish@release/v1", "actions/checkout@v4")
    w.push()
    w.try_gates()


def the_condition_names_another_package(w: Workshop) -> None:
    w.edit(".github/workflows/demo.yml", "refs/tags/demo@", "refs/tags/demo-@")
    w.push()
    w.try_gates()


def no_identity_for_the_publishing_job(w: Workshop) -> None:
    w.edit(".github/workflows/demo.yml", "      id-token: write\n", "")
    w.push()
    w.try_gates()


def a_publishing_matrix(w: Workshop) -> None:
    w.edit(
        ".github/workflows/demo.yml",
        "    needs: [lint, test]\n",
        "    needs: [lint, test]\n    strategy: {matrix: {a: [1, 2]}}\n",
    )
    w.push()
    w.try_gates()


def two_jobs_publish(w: Workshop) -> None:
    w.edit(".github/workflows/demo_extra.yml", "refs/tags/demo_extra@", "refs/tags/demo")
    w.push()
    w.try_gates()


def a_broken_workflow(w: Workshop) -> None:
    w.push({".github/workflows/broken.yml": "on: push\njobs: {a: {runs-on: x, steps: [{rum: x}]}}\n"})
    w.headrace("run", "push", "-qq", cwd=w.tree.root)


def unknown_author(w: Workshop) -> None:
    w.tree.git("config", "user.useConfigOnly", "true")
    w.tree.git("config", "--unset", "user.email")


REFUSALS: list[tuple[Callable[[Workshop], None], str, str, str]] = [
    (
        other_version_in_pyproject,
        "version-differs",
        r"demo/pyproject\.toml:8:1: the version is 0\.2\.0 here, not 0\.1\.0",
        "4.5.3",
    ),
    (other_version_in_the_module, "version-differs", r"demo/__init__\.py:3:1: the version is 0\.1\.1 here", "4.5.3"),
    (no_version_but_one_in_another_table, "version-differs", "its version is dynamic", "4.5.3"),
    (other_version_in_the_lock, "version-differs", r"uv\.lock:3:1: the version is 0\.0\.9 here", "4.5.3"),
    (changelog_without_entry, "changelog", "there is no section of 0.1.0", "4.5.8"),
    (changelog_with_an_empty_entry, "changelog", "the section of 0.1.0 is empty", "4.5.8"),
    (changelog_still_unreleased, "changelog", "0.1.0 is still called unreleased", "4.5.8"),
    (no_changelog, "changelog", "there is no pkg/demo/CHANGELOG.md", "4.5.8"),
    (a_changed_file, "dirty", "the tree is not clean: pkg/demo_extra/CHANGELOG.md", "4.5.4"),
    (an_untracked_file, "dirty", "the tree is not clean: .*forgotten.py", "4.5.4"),
    (a_staged_file, "dirty", "the tree is not clean: new", "4.5.4"),
    (another_branch, "branch", "releases are made from main, and this is feature", "4.5.5"),
    (a_detached_head, "branch", "releases are made from main, and this is a detached HEAD", "4.5.5"),
    (tag_here, "tag-local", "the tag demo@0.1.0 is here already, on [0-9a-f]{7}", "4.5.6"),
    (tag_here_in_another_spelling, "tag-local", "the tag Demo@v0.1 is here already", "4.5.6"),
    (tag_at_the_remote, "tag-remote", "the tag demo@0.1.0 is at origin already", "4.5.6"),
    (tag_at_the_remote_in_another_spelling, "tag-remote", "the tag demo@0.1.0.0 is at origin already", "4.5.6"),
    (ahead_of_the_remote, "ahead", "HEAD is 1 commit ahead of main at origin; git push origin main", "4.5.5"),
    (behind_the_remote, "behind", "HEAD is 1 commit behind main at origin; git pull origin main", "4.5.5"),
    (behind_a_commit_that_was_never_fetched, "behind", "HEAD is 1 commit behind main at origin", "4.5.5"),
    (parted_from_the_remote, "diverged", "have parted: 1 commit only here, 1 commit only there", "4.5.5"),
    (a_remote_that_is_gone, "remote", "origin does not answer", "4.5.5"),
    (no_remote, "remote", "origin does not answer", "4.5.5"),
    (on_the_index, "on-index", "0.1.0 of demo is on http://.* already: demo-0.1-py3", "4.5.7"),
    (a_later_one_was_tagged, "not-newer", "0.1.0 comes before 0.2.0", "4.5.2"),
    (a_later_one_is_on_the_index, "not-newer", "0.1.0 comes before 0.3", "4.5.2"),
    (another_tree_than_was_tried, "gate", r"not run on this very tree: lint \(3\.10\), lint \(3\.13\), test", "4.5.9"),
    (a_gate_that_failed, "gate", "test is not green on this very tree: failure in run 2", "4.5.9"),
    (a_gate_that_was_tried_with_another_environment, "gate", "not run on this very tree: lint", "4.5.9"),
    (half_of_the_matrix, "gate", r"not run on this very tree: lint \(3\.13\);", "4.5.9"),
    (no_job_publishes, "pipeline", "the tag demo@0.1.0 starts no job that publishes", "4.5.12"),
    (the_condition_names_another_package, "pipeline", "would publish nothing: publish would be skipped", "4.5.12"),
    (no_identity_for_the_publishing_job, "pipeline", "may not ask for an identity token", "4.5.12"),
    (a_publishing_matrix, "pipeline", "publish has 2 legs", "4.5.12"),
    (two_jobs_publish, "pipeline", "would publish twice", "4.5.12"),
    (a_broken_workflow, "workflow", "broken.yml", "4.5.12"),
    (unknown_author, "identity", "git does not know who you are", "4.6"),
]


def refusal(spoil: Callable[[Workshop], None], rule: str, message: str, section: str) -> object:
    return pytest.param(spoil, rule, message, id=spoil.__name__, marks=pytest.mark.covers(f"release:{section}"))


@pytest.mark.parametrize(("spoil", "rule", "message"), [refusal(*row) for row in REFUSALS])
def test_a_release_is_refused_with_its_reason_and_no_ref_changes(
    workshop: Workshop, spoil: Callable[[Workshop], None], rule: str, message: str
) -> None:
    spoil(workshop)
    before = workshop.refs()
    done = workshop.release("demo", "0.1.0", "--json")
    assert done.status == 1
    assert re.search(message, done.err), done.err
    assert {refusal["rule"] for refusal in done.json["refusals"]} == {rule}
    assert not done.json["released"]
    assert workshop.refs() == before


@pytest.mark.covers("release:4.1")
@pytest.mark.parametrize(
    ("version", "says"),
    [
        ("", "(nothing) is not a version"),
        ("v0.1.0", "say 0.1.0"),
        ("0.1.0-rc.1", "say 0.1.0rc1"),
        ("00.1.0", "say 0.1.0"),
        ("0.1.0-1", "say 0.1.0.post1"),
        ("0.1.0+local", "has a local part (+local), which an index refuses; say 0.1.0"),
        ("0.1.0 ", "say 0.1.0"),
        ("0.1.0-SNAPSHOT", "is not a version"),
        ("0.1.0; true", "is not a version"),
    ],
)
def test_a_version_in_another_spelling_is_refused(workshop: Workshop, version: str, says: str) -> None:
    before = workshop.refs()
    done = workshop.release("demo", version)
    assert done.status == 1 and says in done.err
    assert workshop.refs() == before


@pytest.mark.covers("release:4.1")
def test_an_equal_version_in_a_second_spelling_differs_from_the_declared_one(workshop: Workshop) -> None:
    done = workshop.release("demo", "0.1")
    assert done.status == 1 and "the version is 0.1.0 here, not 0.1" in done.err


@pytest.mark.covers("release:4.5")
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Demo", "the package calls itself demo, not Demo"),
        ("demo-extra", "demo_extra, not demo-extra"),
        ("dem", "did you mean demo?"),
    ],
)
def test_a_package_is_named_as_it_calls_itself(workshop: Workshop, name: str, says: str) -> None:
    done = workshop.release(name, "0.1.0")
    assert done.status == 1 and says in done.err


@pytest.mark.covers("release:4.5")
def test_everything_that_is_wrong_is_said_at_once(workshop: Workshop) -> None:
    an_untracked_file(workshop)
    tag_here(workshop)
    on_the_index(workshop)
    (workshop.tree.root / "pkg/demo/CHANGELOG.md").write_text("")
    done = workshop.release("demo", "0.1.0", "--dry-run", "--json")
    assert done.status == 1
    assert {refusal["rule"] for refusal in done.json["refusals"]} == {"dirty", "tag-local", "on-index", "changelog"}


@pytest.mark.covers("release:4.5")
def test_an_index_that_does_not_answer_is_said_and_forbids_nothing(workshop: Workshop) -> None:
    workshop.pages.broken = True
    done = workshop.release("demo", "0.1.0", "--dry-run")
    assert done.status == 0, done.err
    assert "what the index has of demo is unknown" in done.out and "503" in done.out
    before = len(workshop.pages.asked)
    offline = workshop.release("demo", "0.1.0", "--dry-run", "--offline")
    assert offline.status == 0 and "was not asked" in offline.out and len(workshop.pages.asked) == before


@pytest.mark.covers("release:4.5")
def test_an_older_line_is_released_by_its_name_only(workshop: Workshop) -> None:
    workshop.remote.tag("demo@0.2.0")
    assert workshop.release("demo", "0.1.0", "--dry-run").status == 1
    assert workshop.release("demo", "0.1.0", "--dry-run", "--backport").status == 0
    workshop.remote.tag("demo@0.1.1")
    assert "0.1.0 comes before 0.1.1" in workshop.release("demo", "0.1.0", "--dry-run", "--backport").err


def test_a_gate_that_was_green_on_the_working_tree_is_green_on_the_commit_of_it(workshop: Workshop) -> None:
    workshop.tree.write({"new": "text"})
    workshop.try_gates()
    workshop.push()
    assert workshop.release("demo", "0.1.0", "--dry-run").status == 0


# Siblings


def asks_of_its_sibling(workshop: Workshop, need: str) -> tuple[set[str], str]:
    """The reasons against a release of the package that asks for this, but for gates, which nothing has tried on the tree."""
    workshop.edit("pkg/demo_extra/pyproject.toml", '"demo>=0.1.0"', f'"{need}"')
    workshop.push()
    done = workshop.release("demo_extra", "0.1.0", "--dry-run", "--json")
    return {refusal["rule"] for refusal in done.json["refusals"]} - {"gate"}, done.err


@pytest.mark.covers("release:4.4", "release:4.5.10")
@pytest.mark.parametrize(
    ("need", "rule", "says"),
    [
        ("demo", "floor", "demo has no lowest version"),
        ("demo<2", "floor", "demo has no lowest version (it says demo<2)"),
        ("demo!=0.0.5", "floor", "demo has no lowest version"),
        ("demo @ https://example.org/demo.whl", "floor", "demo is required from an address"),
        ("demo>=0.0.9rc1", "floor", "a final release would ask for the pre-release demo>=0.0.9rc1"),
        (
            "demo>=0.1.0",
            "unsatisfiable",
            "release demo 0.1.0 first, or both at once: headrace release demo 0.1.0 demo_extra 0.1.0",
        ),
        ("demo>=0.0.5,<0.0.5", "unsatisfiable", "no version of demo that can be had fits"),
        ("demo>=0.0.5,<0.0.9", "", ""),
        ("demo~=0.0.5", "", ""),
        ("Demo==0.0.5", "", ""),
    ],
)
def test_what_a_package_asks_of_a_sibling_can_be_had(workshop: Workshop, need: str, rule: str, says: str) -> None:
    workshop.pages.projects["demo"] = {"demo-0.0.5.tar.gz": "00", "demo-0.0.9rc1.tar.gz": "00"}
    rules, err = asks_of_its_sibling(workshop, need)
    assert rules == ({rule} if rule else set()), err
    assert says in err


@pytest.mark.covers("release:4.4")
def test_a_sibling_of_the_same_train_counts_and_is_released_first(workshop: Workshop) -> None:
    done = workshop.release("demo_extra", "0.1.0", "demo", "0.1.0")
    assert done.status == 0, done.err
    assert done.out.index("demo@0.1.0") < done.out.index("demo_extra@0.1.0")
    assert {"refs/tags/demo@0.1.0", "refs/tags/demo_extra@0.1.0"} <= workshop.remote.refs().keys()


@pytest.mark.covers("release:4.4")
def test_a_dependant_that_shuts_the_new_version_out_is_told_of(workshop: Workshop) -> None:
    workshop.edit("pkg/demo_extra/pyproject.toml", '"demo>=0.1.0"', '"demo>=0.0.1,<0.1"')
    workshop.push()
    done = workshop.release("demo", "0.1.0", "--dry-run")
    assert re.search("demo_extra asks for demo<0.1,>=0.0.1, which leaves out 0.1.0", done.out)


# The push


@pytest.mark.covers("release:4.6")
def test_a_remote_that_refuses_the_tag_leaves_none_here(workshop: Workshop) -> None:
    workshop.hook("echo tags are frozen >&2; exit 1")
    before = workshop.refs()
    done = workshop.release("demo", "0.1.0")
    assert done.status == 1
    assert "origin did not take demo@0.1.0: tags are frozen" in done.err and "no tag was made, here or there" in done.err
    assert workshop.refs() == before


@pytest.mark.covers("release:4.6")
def test_tags_of_one_push_come_all_or_none(workshop: Workshop) -> None:
    workshop.hook("case $1 in *demo_extra*) echo not that one >&2; exit 1;; esac", "update")
    before = workshop.refs()
    done = workshop.release("demo", "0.1.0", "demo_extra", "0.1.0")
    assert done.status == 1 and "not that one" in done.err
    assert workshop.refs() == before


@pytest.mark.covers("release:4.6")
def test_a_push_that_went_through_and_said_it_did_not_is_a_release(workshop: Workshop) -> None:
    """The connection is lost once the remote has the tag: what git reports is not believed, the remote is asked."""
    real = shutil.which("git")
    assert real is not None
    folder = workshop.tree.root.parent / "bin"
    folder.mkdir()
    (folder / "git").write_text(f'#!/bin/sh\n{real} "$@" || exit\nfor word; do test "$word" = push && exit 128; done\nexit 0\n')
    (folder / "git").chmod(0o755)
    done = workshop.release("demo", "0.1.0", PATH=f"{folder}:{workshop.headrace.environment()['PATH']}")
    assert done.status == 0, done.err
    assert "refs/tags/demo@0.1.0" in workshop.tree.refs() and "refs/tags/demo@0.1.0" in workshop.remote.refs()


@pytest.mark.covers("release:4.6")
def test_where_nobody_can_tell_whether_the_tag_arrived_that_is_said_and_resumed(workshop: Workshop) -> None:
    real = shutil.which("git")
    folder = workshop.tree.root.parent / "bin"
    folder.mkdir()
    away = workshop.remote.root.with_suffix(".away")
    moves = f'for word; do if test "$word" = push; then mv "{workshop.remote.root}" "{away}"; exit 128; fi; done'
    (folder / "git").write_text(f'#!/bin/sh\n{moves}\nexec {real} "$@"\n')
    (folder / "git").chmod(0o755)
    done = workshop.release("demo", "0.1.0", PATH=f"{folder}:{workshop.headrace.environment()['PATH']}")
    assert done.status == 3 and "whether it has demo@0.1.0 is not known" in done.err
    away.rename(workshop.remote.root)
    assert "refs/tags/demo@0.1.0" not in workshop.tree.refs()
    resumed = workshop.release("--resume")
    assert resumed.status == 1 and "demo@0.1.0 is tagged and pushed to origin" in resumed.err
    assert workshop.tree.refs()["refs/tags/demo@0.1.0"] == workshop.remote.refs()["refs/tags/demo@0.1.0"]

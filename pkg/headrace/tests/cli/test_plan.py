"""`headrace plan`, from a call to its output."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from headrace.report.documents import PlanDocument
from test_core.repositories import make_repository

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

if TYPE_CHECKING:
    from test_core.calls import Headrace
    from test_core.repositories import GitRepository


def rows(document: Any) -> list[tuple[str, Any, str]]:
    return [(row["job"], row["matrix"], row["would"]) for row in document["jobs"]]


BOTH = [("test", {"python": "3.10"}, "run"), ("test", {"python": "3.13"}, "run")]


def test_the_table_says_what_each_leg_would_do_and_why(headrace: Headrace, repository: GitRepository) -> None:
    repository.write(
        {".github/workflows/release.yml": "on: {push: {tags: ['v*']}}\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: x}]}}\n"}
    )
    repository.commit()
    done = headrace("plan")
    assert (done.status, done.err) == (0, "")
    sha = repository.head()
    assert done.out.splitlines() == [
        f"push of refs/heads/main, {sha[:10]}: 2 legs would run, 1 would be skipped",
        "",
        "workflow  job      leg          would  why",
        "CI        test     python=3.10  run    push starts it",
        "CI        test     python=3.13  run    push starts it",
        "CI        publish               skip   its condition is false: startsWith(github.ref, 'refs/tags/');"
        " github.ref is refs/heads/main",
        "",
        "not started                    why",
        ".github/workflows/release.yml  a branch was pushed (main), and it filters tags alone "
        "(.github/workflows/release.yml:1:20)",
    ]


def test_json_has_one_row_a_leg_and_follows_its_schema(headrace: Headrace, repository: GitRepository) -> None:
    done = headrace("plan", "--json")
    assert done.status == 0
    assert rows(done.json) == [*BOTH, ("publish", None, "skip")]
    msgspec.json.decode(done.out, type=PlanDocument)
    last = done.json["jobs"][-1]
    assert last["needs"] == ["test"]
    assert last["rule"] == "condition"
    assert last["at"].startswith(".github/workflows/ci.yml:13:")
    assert done.json["event"]["sha"] == repository.head()


def test_a_ref_that_is_said_is_the_one_that_decides(headrace: Headrace) -> None:
    done = headrace("plan", "--ref", "refs/tags/v1", "--json")
    assert rows(done.json)[-1] == ("publish", None, "run")


def test_a_pull_request_runs_its_own_workflows(headrace: Headrace) -> None:
    done = headrace("plan", "pull_request", "--json")
    assert done.status == 0
    assert rows(done.json)[:2] == BOTH
    assert done.json["event"]["name"] == "pull_request"


def test_a_broken_file_is_told_with_its_place_and_the_others_still_count(headrace: Headrace, repository: GitRepository) -> None:
    repository.write({".github/workflows/bad.yml": "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    stepz: []\n"})
    done = headrace("plan", "--json")
    assert done.status == 2
    assert done.err.startswith(".github/workflows/bad.yml:5:5: ")
    assert rows(done.json)[:2] == BOTH
    problem = done.json["problems"][0]
    assert (problem["file"], problem["line"], problem["column"]) == (".github/workflows/bad.yml", 5, 5)


def test_who_asks_for_one_file_does_not_hear_about_another(headrace: Headrace, repository: GitRepository) -> None:
    repository.write({".github/workflows/bad.yml": "on: push\njobs: 1\n"})
    assert (headrace("plan", "-W", "ci.yml").status, headrace("plan", "-W", "ci.yml").err) == (0, "")
    done = headrace("plan", "-W", "bad.yml", "--json")
    assert (done.status, rows(done.json)) == (2, [])
    assert done.err.startswith(".github/workflows/bad.yml:2:7: ") and "there is no workflow" not in done.err
    done = headrace("plan", "-W", "bad.yml", "-W", "ci.yml", "--json")
    assert (done.status, rows(done.json)[:2]) == (2, BOTH)
    assert done.err.startswith(".github/workflows/bad.yml:2:7: ")


@pytest.mark.parametrize("name", ["sole", "SOLE", "bad/sole", "bad.yml/sole/inner"])
@pytest.mark.parametrize(
    "text", ["jobs:\n  sole:\n    stepz: []\n", "jobs: {a: {}, sole: {stepz: []}}\n", "jobs:\n  'sole' : [\n"]
)
def test_who_asks_for_a_job_of_a_broken_file_hears_what_is_wrong_with_it_and_no_more(
    headrace: Headrace, repository: GitRepository, name: str, text: str
) -> None:
    repository.write({".github/workflows/bad.yml": f"on: push\n{text}"})
    alone = headrace("plan", "-W", "bad.yml")
    done = headrace("plan", "-j", name)
    assert (done.status, done.out) == (2, "")
    assert done.err == alone.err and done.err.startswith(".github/workflows/bad.yml:")
    other = headrace("plan", "-j", "solo")
    assert other.status == 2 and other.err.startswith(f"{alone.err}headrace: there is no job 'solo'; ")


@pytest.mark.parametrize("name", ["ci.yml", "ci", "CI", ".github/workflows/ci.yml", ".github/workflows", "./.github/workflows/"])
def test_a_workflow_is_chosen_by_path_name_or_folder(headrace: Headrace, repository: GitRepository, name: str) -> None:
    assert rows(headrace("plan", "-W", name, "--json").json)[:2] == BOTH


def test_a_workflow_is_chosen_by_a_path_from_where_we_stand(headrace: Headrace, repository: GitRepository) -> None:
    folder = repository.root / ".github" / "workflows"
    assert headrace("plan", "-W", "ci.yml", cwd=folder).status == 0
    assert (
        headrace("plan", "-W", str(folder / "ci.yml"), cwd=repository.root.parent, HEADRACE_REPO=str(repository.root)).status == 0
    )


def test_a_folder_of_workflows_elsewhere_in_the_repository_can_be_asked_for(
    headrace: Headrace, repository: GitRepository
) -> None:
    repository.write({"examples/one.yml": "on: push\njobs: {one: {runs-on: ubuntu-latest, steps: [{run: x}]}}\n"})
    assert rows(headrace("plan", "-W", "examples", "--json").json) == [("one", None, "run")]


WRONG = [
    (["plan", "psh"], "there is no event 'psh'; did you mean 'push'?"),
    (["plan", "-W", "cj.yml"], "there is no workflow 'cj.yml'; did you mean 'ci.yml'?"),
    (["plan", "-j", "tset"], "there is no job 'tset'; did you mean 'test'?"),
    (["plan", "--matrix", "pyton=3.10"], "no job has a matrix key 'pyton'; did you mean 'python'?"),
    (["plan", "--sha", "nope"], "nope"),
    (["plan", "--repo", "/"], "not a git repository"),
    (["plan", "--repo", "/no/such/folder"], "/no/such/folder"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_a_name_that_does_not_exist_is_one_line_with_the_nearest(headrace: Headrace, arguments: list[str], words: str) -> None:
    done = headrace(*arguments)
    assert done.status == 2
    assert words in done.err
    assert (done.err.count("\n"), done.out) == (1, "")


def test_one_job_brings_what_it_needs_unless_told_not_to(headrace: Headrace) -> None:
    assert len(rows(headrace("plan", "-j", "publish", "--json").json)) == 3
    assert [row[0] for row in rows(headrace("plan", "-j", "publish", "--no-needs", "--json").json)] == ["publish"]


def test_legs_are_picked_by_their_values(headrace: Headrace) -> None:
    found = rows(headrace("plan", "-j", "test", "--matrix", "python=3.13", "--json").json)
    assert found == [("test", {"python": "3.13"}, "run")]


def test_a_repository_without_workflows_is_no_error(headrace: Headrace, repository: GitRepository) -> None:
    shutil.rmtree(repository.root / ".github")
    done = headrace("plan")
    assert done.status == 0
    assert done.out.count("\n") == 1
    assert done.out.endswith("there is no workflow to start\n")
    assert headrace("plan", "--json").json["jobs"] == []


def test_an_event_that_starts_nothing_is_said_in_one_line(headrace: Headrace) -> None:
    done = headrace("plan", "release")
    assert done.status == 0
    assert "no workflow starts" in done.out.splitlines()[0]
    assert "release does not start it; it starts on push, pull_request" in done.out


def test_a_repository_without_commits_plans_its_working_tree(headrace: Headrace, repository: GitRepository) -> None:
    shutil.rmtree(repository.root / ".git")
    repository.git("init", "-q", "-b", "main")
    done = headrace("plan", "--json")
    assert done.status == 0
    assert rows(done.json)[:2] == BOTH


def test_what_is_not_committed_counts(headrace: Headrace, repository: GitRepository) -> None:
    repository.write({".github/workflows/new.yml": "on: push\njobs: {fresh: {runs-on: ubuntu-latest, steps: [{run: x}]}}\n"})
    done = headrace("plan", "--json")
    assert done.json["event"]["snapshot"] is True
    assert "fresh" in [row[0] for row in rows(done.json)]


def test_another_commit_brings_its_own_workflows(headrace: Headrace, repository: GitRepository) -> None:
    first = repository.head()
    repository.write({".github/workflows/new.yml": "on: push\njobs: {fresh: {runs-on: ubuntu-latest, steps: [{run: x}]}}\n"})
    repository.commit()
    assert "fresh" in [row[0] for row in rows(headrace("plan", "--json").json)]
    assert "fresh" not in [row[0] for row in rows(headrace("plan", "--sha", first, "--json").json)]
    assert headrace("plan", "--sha", first, "-W", "new.yml").status == 2


def test_a_bare_repository_is_planned_from_its_commit(headrace: Headrace, repository: GitRepository, tmp_path: Path) -> None:
    repository.git("clone", "-q", "--bare", str(repository.root), str(tmp_path / "bare.git"))
    assert rows(headrace("plan", "--json", cwd=tmp_path / "bare.git").json)[:2] == BOTH


def test_a_linked_worktree_and_a_subfolder_work(headrace: Headrace, repository: GitRepository, tmp_path: Path) -> None:
    repository.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "side tree"))
    (tmp_path / "side tree" / "sub").mkdir()
    done = headrace("plan", "--json", cwd=tmp_path / "side tree" / "sub")
    assert done.json["event"]["ref"] == "refs/heads/side"
    assert rows(done.json)[:2] == BOTH


def test_a_call_from_elsewhere_names_the_repository(headrace: Headrace, repository: GitRepository, tmp_path: Path) -> None:
    assert rows(headrace("plan", "--json", "--repo", str(repository.root), cwd=tmp_path).json)[:2] == BOTH


def test_planning_writes_nothing(headrace: Headrace, repository: GitRepository) -> None:
    repository.write({".github/workflows/new.yml": "on: push\njobs: {fresh: {runs-on: ubuntu-latest, steps: [{run: x}]}}\n"})
    before = {path: path.stat().st_mtime_ns for path in repository.root.rglob("*")}
    assert headrace("plan").status == 0
    assert {path: path.stat().st_mtime_ns for path in repository.root.rglob("*")} == before
    assert list(headrace.home.iterdir()) == []


def test_a_payload_is_read_from_a_file_and_from_standard_input(headrace: Headrace, tmp_path: Path) -> None:
    payload = tmp_path / "payload.json"
    payload.write_text(json.dumps({"action": "closed"}))
    for given in (
        headrace("plan", "pull_request", "--payload", str(payload)),
        headrace("plan", "pull_request", "--payload", "-", stdin=payload.read_text()),
    ):
        assert "activity type closed is not among its types (opened, synchronize, reopened)" in given.out


@pytest.mark.parametrize(("text", "place"), [("{\n  nope}", ":2:3: "), ("[]", ":1:1: ")])
def test_a_payload_that_is_no_object_is_told_with_its_place(headrace: Headrace, tmp_path: Path, text: str, place: str) -> None:
    payload = tmp_path / "payload.json"
    payload.write_text(text)
    done = headrace("plan", "--payload", str(payload))
    assert done.status == 2
    assert done.err.startswith(f"{payload}{place}--payload")


def test_dispatch_inputs_are_checked_against_the_workflow(headrace: Headrace, repository: GitRepository) -> None:
    repository.write(
        {
            ".github/workflows/go.yml": "on: {workflow_dispatch: {inputs: {level: {type: choice, options: [low, high]}}}}\n"
            "jobs: {go: {runs-on: ubuntu-latest, steps: [{run: x}]}}\n"
        }
    )
    assert headrace("plan", "workflow_dispatch", "--input", "level=low").status == 0
    done = headrace("plan", "workflow_dispatch", "--input", "level=mid")
    assert done.status == 2
    assert "input 'level' cannot be 'mid'" in done.err


def test_a_called_workflow_of_this_repository_is_read(headrace: Headrace, repository: GitRepository) -> None:
    repository.write(
        {".github/workflows/lib.yml": "on: {workflow_call: {}}\njobs: {inner: {runs-on: ubuntu-latest, steps: [{run: x}]}}\n"}
    )
    repository.write({".github/workflows/call.yml": "on: push\njobs: {outer: {uses: ./.github/workflows/lib.yml}}\n"})
    assert headrace("plan").status == 0
    repository.write({".github/workflows/call.yml": "on: push\njobs: {outer: {uses: ./.github/workflows/none.yml}}\n"})
    done = headrace("plan")
    assert done.status == 2
    assert ".github/workflows/call.yml:2:" in done.err


def test_a_called_workflow_of_another_repository_that_is_not_at_hand_is_no_broken_file(
    headrace: Headrace, repository: GitRepository
) -> None:
    repository.write({".github/workflows/call.yml": "on: push\njobs: {outer: {uses: octo/lib/.github/workflows/lib.yml@v1}}\n"})
    done = headrace("plan", "-W", "call.yml", "--json")
    assert done.status == 0
    assert rows(done.json) == [("outer", None, "unsupported")]


def test_a_mirror_of_another_repository_is_read_and_its_contract_checked(
    headrace: Headrace, repository: GitRepository, tmp_path: Path
) -> None:
    called = "on: {workflow_call: {inputs: {n: {type: string, required: true}}}}\njobs: {i: {runs-on: x, steps: [{run: x}]}}\n"
    make_repository(tmp_path / "mirrors" / "octo+lib" / "repo", {"lib.yml": called}).tag("v1")
    repository.write({".github/workflows/call.yml": "on: push\njobs: {outer: {uses: octo/lib/lib.yml@v1}}\n"})
    done = headrace("plan", "-W", "call.yml", "--actions-root", str(tmp_path / "mirrors"))
    assert done.status == 2
    assert "call.yml:2:" in done.err and "n" in done.err


def test_a_file_that_is_no_file_does_not_hang(headrace: Headrace, repository: GitRepository) -> None:
    os.mkfifo(repository.root / ".github" / "workflows" / "pipe.yml")
    (repository.root / ".github" / "workflows" / "folder.yml").mkdir()
    assert rows(headrace("plan", "--json").json)[:2] == BOTH


def test_the_table_has_no_escapes_and_no_glyphs_where_there_is_no_terminal_or_utf8(
    headrace: Headrace, repository: GitRepository
) -> None:
    assert "\x1b" not in headrace("plan").out
    assert "\x1b" not in headrace("plan", NO_COLOR="1", FORCE_COLOR="1").out
    assert "\x1b" in headrace("plan", FORCE_COLOR="1").out
    assert "\x1b" not in headrace("plan", "--color", "never", FORCE_COLOR="1").out
    repository.write(
        {".github/workflows/ci.yml": "name: Prüfung\non: push\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: x}]}}\n"}
    )
    assert headrace("plan", LC_ALL="C").out.isascii()
    assert "Prüfung" in headrace("plan").out


def test_twice_quiet_prints_nothing(headrace: Headrace) -> None:
    done = headrace("plan", "-qq")
    assert (done.status, done.out, done.err) == (0, "", "")


def test_no_secret_is_ever_printed(headrace: Headrace, tmp_path: Path) -> None:
    file = tmp_path / ".secrets"
    file.write_text("FROM_FILE=hush\n")
    done = headrace("plan", "--secret", "A=hush", "--secret", "B", "--secret-file", str(file), "-vv", B="hush")
    assert done.status == 0
    assert "hush" not in done.out + done.err
    file.write_text("hush\n")
    assert "hush" not in headrace("plan", "--secret-file", str(file)).err


def test_explained_legs_say_where_their_values_stand(headrace: Headrace) -> None:
    done = headrace("plan", "--explain", "-j", "test")
    assert (done.status, done.err) == (0, "")
    text = (Path(headrace("plan", "--json").json["jobs"][0]["from"]["python"])).as_posix()
    assert f"  matrix.python  3.10 ({text})" in done.out.splitlines()
    assert "matrix.python" not in headrace("plan").out

"""Concurrency groups between real runs, and within one: who waits, who is cancelled, and `headrace cancel`."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest
from test_core.calls import Headrace, interrupt, lines_until
from test_core.repositories import GitRepository, make_repository

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

CANCELED = "Canceling since a higher priority waiting request for 'deploy' exists"
OURS = "https://github.com/octo/hello.git"


class Stage:
    """Repositories whose jobs tell what they do in one file, and go on when told to."""

    def __init__(self, headrace: Headrace) -> None:
        self.headrace = headrace
        self.told = headrace.home / "told"
        self.go = headrace.home / "go"

    def repository(self, *workflows: str, folder: str = "repo", remote: str = OURS) -> Path:
        files = {f".github/workflows/{'abc'[number]}.yml": text for number, text in enumerate(workflows)}
        made: GitRepository = make_repository(self.headrace.home / folder, files)
        made.git("remote", "add", "origin", remote)
        return made.root

    def work(self, name: str = "work") -> str:
        """A step that says when it begins and when it ends, and ends once it may."""
        told, who = self.told, f"$GITHUB_RUN_ID {name}"
        wait = f"until [ -e {self.go} ]; do sleep 0.02; done"
        return f"trap 'exit 1' INT; echo begin {who} >> {told}; echo ready; {wait}; echo end {who} >> {told}"

    def job(self, id: str, script: str, extra: str = "") -> str:
        """`extra`: lines of the job, without indentation. Every job tells that it runs on to its end whatever happens."""
        lines = "".join(f"    {line}\n" for line in extra.splitlines())
        steps = (
            f"    steps:\n      - run: {script}\n      - {{if: always(), run: echo always $GITHUB_RUN_ID {id} >> {self.told}}}\n"
        )
        return f"  {id}:\n    runs-on: ubuntu-latest\n{lines}{steps}"

    def start(self, root: Path, *arguments: str, until: str) -> subprocess.Popen[str]:
        """A run that has said `until`."""
        process = self.headrace.start("run", "-v", "--json", *arguments, cwd=root)
        lines_until(process, until)
        return process

    def let_go(self) -> None:
        self.go.touch()

    def lines(self) -> list[str]:
        return self.told.read_text().splitlines() if self.told.exists() else []


@pytest.fixture
def stage(headrace: Headrace) -> Stage:
    return Stage(headrace)


def end(process: subprocess.Popen[str]) -> tuple[int, dict[str, str], str]:
    """Its status, its results (`file/job matrix` → result) and the rest of what it said."""
    out, err = process.communicate(timeout=60)
    rows = json.loads(out)["jobs"]
    results = {
        " ".join([f"{Path(row['workflow']).stem}/{row['job']}", *(str(value) for value in (row["matrix"] or {}).values())]): row
        for row in rows
    }
    return process.returncode, {name: row["result"] for name, row in results.items()}, err


def workflow(jobs: str, group: str = "") -> str:
    return f"on: push\n{f'concurrency: {group}' if group else ''}\njobs:\n{jobs}"


def held_by(run: int) -> str:
    return f"waiting for the concurrency group 'deploy', held by run {run}"


# ---- across runs ----


@pytest.mark.covers("language:10.1")
def test_a_run_waits_for_another_one_of_the_same_repository_wherever_that_was_cloned(stage: Stage) -> None:
    text = workflow(stage.job("a", stage.work()), "deploy")
    first = stage.start(stage.repository(text), until="| ready")
    clone = stage.repository(text.replace("deploy", "Deploy"), folder="clone", remote="git@github.com:Octo/Hello")
    second = stage.start(clone, until="waiting for the concurrency group 'Deploy', held by run 1")
    stage.let_go()
    assert end(first)[:2] == end(second)[:2] == (0, {"a/a": "success"})
    assert stage.lines() == [what for run in (1, 2) for what in (f"begin {run} work", f"end {run} work", f"always {run} a")]


@pytest.mark.covers("language:10.1")
@pytest.mark.parametrize(
    ("group", "remote"), [("deploy", "https://github.com/octo/other.git"), ("other", OURS), ("'${{ github.run_id }}'", OURS)]
)
@pytest.mark.host_only("its jobs tell what they do in a file of the machine")
def test_another_repository_another_group_or_a_runs_own_id_is_no_rival(stage: Stage, group: str, remote: str) -> None:
    held = group if "run_id" in group else "deploy"
    first = stage.start(stage.repository(workflow(stage.job("a", stage.work()), held)), until="| ready")
    other = stage.repository(workflow(stage.job("a", "'true'"), group), folder="other", remote=remote)
    assert stage.headrace("run", cwd=other).status == 0
    stage.let_go()
    assert end(first)[0] == 0


@pytest.mark.covers("language:10.1")
@pytest.mark.covers("language:7.6")
def test_cancel_in_progress_ends_the_holder_in_order(stage: Stage) -> None:
    jobs = (
        stage.job("a", stage.work())
        + stage.job("b", "'true'", "needs: a")
        + stage.job("c", "'true'", "needs: a\nif: always()")
        + stage.job("d", "'true'", "needs: a\nif: cancelled()")
    )
    root = stage.repository(workflow(jobs, "{group: deploy, cancel-in-progress: true}"))
    first = stage.start(root, until="| ready")
    second = stage.start(root, "-j", "a", until="| ready")
    status, results, said = end(first)
    assert (status, results) == (1, {"a/a": "cancelled", "a/b": "cancelled", "a/c": "success", "a/d": "success"})
    assert f"cancelled: {CANCELED} (run 2)" in said
    assert f"Error: {CANCELED}" in said
    of_first = [line for line in stage.lines() if " 1 " in line]
    assert (of_first[:2], set(of_first[2:])) == (["begin 1 work", "always 1 a"], {"always 1 c", "always 1 d"})
    stage.let_go()
    assert end(second)[:2] == (0, {"a/a": "success"})


@pytest.mark.covers("language:10.1")
def test_without_cancel_in_progress_the_holder_is_left_alone_and_the_one_that_waits_is_replaced(stage: Stage) -> None:
    jobs = stage.job("a", stage.work()) + stage.job("b", "'true'", "needs: a\nif: always()")
    root = stage.repository(workflow(jobs, "{group: deploy, cancel-in-progress: \"${{ github.ref == 'x' }}\"}"))
    first = stage.start(root, until="| ready")
    second = stage.start(root, until=held_by(1))
    third = stage.start(root, until=held_by(1))
    status, results, said = end(second)
    assert (status, results) == (1, {"a/a": "cancelled", "a/b": "cancelled"})
    assert f"{CANCELED} (run 3)" in said
    stage.let_go()
    assert end(first)[0] == end(third)[0] == 0
    assert not [line for line in stage.lines() if " 2 " in line]


@pytest.mark.covers("language:10.1")
def test_queue_max_lets_all_wait_and_go_in_the_order_in_which_they_came(stage: Stage) -> None:
    root = stage.repository(workflow(stage.job("a", stage.work()), "{group: deploy, queue: max}"))
    first = stage.start(root, until="| ready")
    others = [stage.start(root, until=held_by(1)) for _ in range(3)]
    stage.let_go()
    assert [end(process)[0] for process in (first, *others)] == [0, 0, 0, 0]
    assert [line.split()[:2] for line in stage.lines() if "always" not in line] == [
        [what, str(run)] for run in (1, 2, 3, 4) for what in ("begin", "end")
    ]


@pytest.mark.covers("language:10.1")
def test_a_job_waits_for_its_group_when_its_needs_are_done_and_its_condition_holds(stage: Stage) -> None:
    jobs = (
        stage.job("build", "'true'")
        + stage.job("deploy", stage.work(), "needs: build\nconcurrency: deploy")
        + stage.job("never", stage.work(), "needs: build\nif: false\nconcurrency: deploy")
    )
    root = stage.repository(workflow(jobs))
    first = stage.start(root, until="| ready")
    second = stage.start(root, until=held_by(1))
    assert "always 2 build" in stage.lines()
    stage.let_go()
    results = {"a/build": "success", "a/deploy": "success", "a/never": "skipped"}
    assert end(first)[:2] == end(second)[:2] == (0, results)
    assert [line for line in stage.lines() if "work" in line] == ["begin 1 work", "end 1 work", "begin 2 work", "end 2 work"]


@pytest.mark.covers("language:10.1")
def test_a_job_that_is_cancelled_for_its_group_ends_in_order_and_the_rest_of_its_run_goes_on(stage: Stage) -> None:
    jobs = (
        stage.job("deploy", stage.work(), "concurrency: {group: deploy, cancel-in-progress: true}")
        + stage.job("after", "'true'", "needs: deploy\nif: ${{ !cancelled() }}")
        + stage.job("not", "'true'", "needs: deploy")
    )
    root = stage.repository(workflow(jobs))
    first = stage.start(root, until="| ready")
    second = stage.start(root, "-j", "deploy", until="| ready")
    status, results, said = end(first)
    assert (status, results) == (1, {"a/deploy": "cancelled", "a/after": "success", "a/not": "skipped"})
    assert f"{CANCELED} (run 2)" in said
    assert "always 1 deploy" in stage.lines()
    stage.let_go()
    assert end(second)[0] == 0


@pytest.mark.covers("language:10.1")
def test_workflows_and_jobs_share_the_names_of_groups(stage: Stage) -> None:
    first = stage.start(stage.repository(workflow(stage.job("a", stage.work()), "deploy")), until="| ready")
    job = stage.repository(workflow(stage.job("b", stage.work(), "concurrency: deploy")), folder="clone")
    second = stage.start(job, until=held_by(1))
    stage.let_go()
    assert end(first)[0] == end(second)[0] == 0
    assert [line for line in stage.lines() if "work" in line] == ["begin 1 work", "end 1 work", "begin 2 work", "end 2 work"]


@pytest.mark.covers("language:10.1")
def test_a_killed_holder_blocks_nobody_and_neither_does_one_that_was_killed_while_it_waited(stage: Stage) -> None:
    root = stage.repository(workflow(stage.job("a", stage.work()), "{group: deploy, queue: max}"))
    first = stage.start(root, until="| ready")
    second = stage.start(root, until=held_by(1))
    third = stage.start(root, until=held_by(1))
    second.kill()
    second.wait()
    first.kill()
    first.wait()
    lines_until(third, "| ready")
    stage.let_go()
    assert end(third)[:2] == (0, {"a/a": "success"})


@pytest.mark.covers("language:10.1")
def test_a_run_that_waits_is_in_the_stream_and_says_so_again_when_another_one_goes_first(stage: Stage) -> None:
    root = stage.repository(workflow(stage.job("a", stage.work()), "{group: deploy, queue: max}"))
    first = stage.start(root, until="| ready")
    second = stage.start(root, until=held_by(1))
    third = stage.headrace.start("run", "-v", "--json-stream", cwd=root)
    lines_until(third, held_by(1))
    interrupt(first)
    lines_until(third, held_by(2))
    stage.let_go()
    out, _ = third.communicate(timeout=60)
    awaited = [record["body"] for record in map(json.loads, out.splitlines()) if record["body"]["type"] == "group-awaited"]
    path = ".github/workflows/a.yml"
    assert awaited == [
        {"type": "group-awaited", "group": "deploy", "workflow": path, "leg": "", "holder": holder} for holder in ("1", "2")
    ]
    assert (end(first)[0], end(second)[0], third.returncode) == (130, 0, 0)


# ---- within a run ----


@pytest.mark.covers("language:10.1")
@pytest.mark.host_only("its jobs tell what they do in a file of the machine")
def test_legs_of_a_matrix_in_one_group_run_one_after_the_other(stage: Stage) -> None:
    stage.let_go()
    matrix = "strategy: {matrix: {n: [1, 2, 3]}}\nconcurrency: {group: deploy, queue: max}"
    root = stage.repository(workflow(stage.job("m", stage.work("${{ matrix.n }}"), matrix)))
    done = stage.headrace("run", "--json", cwd=root)
    assert (done.status, set(done.results.values())) == (0, {"success"})
    lines = [line.replace(" 1 ", " ") for line in stage.lines() if "always" not in line]
    assert lines == ["begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"]
    twin = stage.repository(workflow(stage.job("m", "'true'", matrix.replace(", queue: max", ""))), folder="twin")
    done = stage.headrace("run", "--json", cwd=twin)
    assert (done.status, done.results) == (1, {"m 1": "success", "m 2": "cancelled", "m 3": "success"})
    assert f"{CANCELED} (run 2)" in done.err


@pytest.mark.covers("language:10.1")
@pytest.mark.host_only("its jobs tell what they do in a file of the machine")
def test_max_parallel_keeps_legs_of_one_group_out_of_each_others_way(stage: Stage) -> None:
    matrix = "strategy: {max-parallel: 1, matrix: {n: [1, 2, 3]}}\nconcurrency: deploy"
    done = stage.headrace("run", "--json", cwd=stage.repository(workflow(stage.job("m", "'true'", matrix))))
    assert (done.status, set(done.results.values())) == (0, {"success"})


@pytest.mark.covers("language:10.1")
@pytest.mark.host_only("its jobs tell what they do in a file of the machine")
def test_workflows_that_one_push_starts_compete_as_two_runs_do(stage: Stage) -> None:
    stage.let_go()
    text = workflow(stage.job("a", stage.work("${{ github.workflow_ref }}")), "deploy")
    done = stage.headrace("run", "--json", cwd=stage.repository(text, text))
    assert (done.status, [row["result"] for row in done.json["jobs"]]) == (0, ["success", "success"])
    assert "waiting for the concurrency group 'deploy', held by this run itself" in done.err
    assert [line.split()[0] for line in stage.lines()] == ["begin", "end", "always"] * 2
    done = stage.headrace("run", "--json", cwd=stage.repository(text, text, text, folder="three"))
    rows = {Path(row["workflow"]).stem: row["result"] for row in done.json["jobs"]}
    assert (done.status, rows) == (1, {"a": "success", "b": "cancelled", "c": "success"})
    text = text.replace("concurrency: deploy", "concurrency: {group: deploy, cancel-in-progress: true}")
    done = stage.headrace("run", "--json", cwd=stage.repository(text, text, folder="cancel"))
    rows = {Path(row["workflow"]).stem: row["result"] for row in done.json["jobs"]}
    assert (done.status, rows) == (1, {"a": "cancelled", "b": "success"})


# ---- calls ----


def called(stage: Stage, group: str = "") -> str:
    """A file of two jobs, the second after the first, to be called."""
    jobs = stage.job("one", stage.work("one")) + stage.job("two", "echo two $GITHUB_RUN_ID >> " + str(stage.told), "needs: one")
    return f"on: workflow_call\n{f'concurrency: {group}' if group else ''}\njobs:\n{jobs}"


def call(id: str = "call", extra: str = "") -> str:
    lines = "".join(f"    {line}\n" for line in extra.splitlines())
    return f"  {id}:\n{lines}    uses: ./.github/workflows/b.yml\n"


@pytest.mark.covers("language:10.1")
@pytest.mark.parametrize("where", ["the calling job", "the called file"])
def test_a_call_holds_its_group_until_all_that_is_inside_has_ended(stage: Stage, where: str) -> None:
    caller, file = ("concurrency: deploy", "") if where == "the calling job" else ("", "deploy")
    root = stage.repository(workflow(call(extra=caller)), called(stage, file))
    first = stage.start(root, until="| ready")
    second = stage.start(root, until=held_by(1))
    stage.let_go()
    results = {"a/call/one": "success", "a/call/two": "success"}
    assert end(first)[:2] == end(second)[:2] == (0, results)
    assert [line for line in stage.lines() if "always" not in line] == [
        line for run in (1, 2) for line in (f"begin {run} one", f"end {run} one", f"two {run}")
    ]


@pytest.mark.covers("language:10.1")
def test_a_call_that_is_cancelled_for_its_group_ends_in_order(stage: Stage) -> None:
    concurrency = "concurrency: {group: deploy, cancel-in-progress: true}"
    jobs = call(extra=concurrency) + stage.job("after", "'true'", "needs: call\nif: ${{ !cancelled() }}")
    root = stage.repository(workflow(jobs), called(stage))
    first = stage.start(root, until="| ready")
    second = stage.start(root, "-j", "call", until="| ready")
    status, results, said = end(first)
    assert (status, results) == (1, {"a/call/one": "cancelled", "a/call/two": "cancelled", "a/after": "success"})
    assert f"{CANCELED} (run 2)" in said
    assert "always 1 one" in stage.lines()
    stage.let_go()
    assert end(second)[0] == 0


@pytest.mark.covers("language:10.1")
@pytest.mark.host_only("its jobs tell what they do in a file of the machine")
def test_calls_that_wait_are_replaced_and_those_of_a_matrix_go_one_by_one(stage: Stage) -> None:
    matrix = "strategy: {matrix: {n: [1, 2, 3]}}\nconcurrency: "
    root = stage.repository(workflow(call(extra=matrix + "deploy")), called(stage))
    stage.let_go()
    done = stage.headrace("run", "--json", cwd=root)
    results = [row["result"] for row in done.json["jobs"]]
    assert (done.status, sorted(results)) == (1, ["cancelled", *["success"] * 4])
    root = stage.repository(workflow(call(extra=matrix + "{group: deploy, queue: max}")), called(stage), folder="max")
    done = stage.headrace("run", "--json", cwd=root)
    assert (done.status, len(done.json["jobs"])) == (0, 6)
    assert [line.split()[0] for line in stage.lines() if " 2" in line and "always" not in line] == ["begin", "end", "two"] * 3


@pytest.mark.covers("language:10.1")
@pytest.mark.parametrize(
    ("top", "caller", "file"),
    [
        ("'${{ github.workflow }}'", "", "'${{ github.workflow }}'"),  # the called file sees its caller's name
        ("", "concurrency: deploy", "deploy"),
        ("", "concurrency: Two", ""),
    ],
)
@pytest.mark.host_only("its jobs tell what they do in a file of the machine")
def test_a_call_inside_of_its_own_group_can_never_start(stage: Stage, top: str, caller: str, file: str) -> None:
    inner = called(stage, file).replace("    needs: one\n", "    needs: one\n    concurrency: two\n")
    root = stage.repository(workflow(call(extra=caller), top), inner)
    stage.let_go()
    done = stage.headrace("run", "--json", cwd=root)
    assert done.status == 1
    assert "failure" in {row["result"] for row in done.json["jobs"]}
    assert "could never start" in done.err


# ---- ends ----


@pytest.mark.covers("language:7.6")
@pytest.mark.host_only("its jobs tell what they do in a file of the machine")
def test_ctrl_c_ends_a_wait_and_leaves_the_queue(stage: Stage) -> None:
    jobs = stage.job("a", stage.work()) + stage.job("b", "'true'", "if: always()")
    root = stage.repository(workflow(jobs, "deploy"))
    first = stage.start(root, "-j", "a", until="| ready")
    second = stage.start(root, until=held_by(1))
    interrupt(second)
    status, results, said = end(second)
    assert (status, results) == (130, {"a/a": "cancelled", "a/b": "cancelled"})
    assert "the run was interrupted" in said
    stage.let_go()
    assert end(first)[0] == 0
    assert stage.headrace("run", cwd=root).status == 0


@pytest.mark.covers("language:7.6")
def test_ctrl_c_ends_the_wait_of_a_job(stage: Stage) -> None:
    jobs = stage.job("a", stage.work(), "concurrency: deploy") + stage.job("b", "'true'", "needs: a\nif: always()")
    root = stage.repository(workflow(jobs))
    first = stage.start(root, "-j", "a", until="| ready")
    second = stage.start(root, until=held_by(1))
    interrupt(second)
    assert end(second)[:2] == (130, {"a/a": "cancelled", "a/b": "success"})
    stage.let_go()
    assert end(first)[0] == 0


@pytest.mark.covers("language:7.6")
def test_cancel_ends_a_run_in_order_and_waits_for_that(stage: Stage) -> None:
    root = stage.repository(workflow(stage.job("a", stage.work()) + stage.job("b", "'true'", "needs: a")))
    process = stage.start(root, until="| ready")
    done = stage.headrace("cancel", "1")
    assert (done.status, done.out) == (0, "run 1 has ended: interrupted\n")
    assert end(process)[:2] == (130, {"a/a": "cancelled", "a/b": "skipped"})
    assert "always 1 a" in stage.lines()
    again = stage.headrace("cancel", "1")
    assert (again.status, again.out) == (2, "")
    assert again.err == "headrace: run 1 is over (interrupted); `headrace ls` lists the runs that go on\n"


@pytest.mark.covers("language:7.6")
def test_a_second_cancel_kills(stage: Stage) -> None:
    stubborn = "trap '' INT TERM; echo ready; while :; do sleep 0.05; done"
    jobs = f"  a:\n    runs-on: ubuntu-latest\n    steps:\n      - if: always()\n        run: {json.dumps(stubborn)}\n"
    root = stage.repository(workflow(jobs))
    process = stage.start(root, until="| ready")
    first = stage.headrace.start("cancel", "1")
    lines_until(first, "again kills them")
    lines_until(process, "again kills them")
    assert stage.headrace("cancel", "1").status == 0
    assert process.wait(timeout=60) == 130
    assert first.wait(timeout=60) == 0


def test_cancel_of_a_run_whose_engine_was_killed_says_so(stage: Stage) -> None:
    root = stage.repository(workflow(stage.job("a", stage.work())))
    process = stage.start(root, until="| ready")
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = stage.headrace("cancel", "1")
    assert done.status == 2
    assert "run 1 is over (interrupted)" in done.err


@pytest.mark.covers("language:10.1")
def test_plan_states_the_groups_and_looks_at_no_other_run(stage: Stage) -> None:
    top = "{group: deploy, cancel-in-progress: true}"
    text = workflow(stage.job("a", stage.work(), "concurrency: {group: 'g-${{ github.ref_name }}', queue: max}"), top)
    root = stage.repository(text)
    process = stage.start(root, until="| ready")
    plan = stage.headrace("plan", "--json", cwd=root)
    assert plan.status == 0
    assert [row["concurrency"] for row in plan.json["jobs"]] == [{"group": "g-main", "cancel_in_progress": False, "queue": "max"}]
    [whole] = plan.json["concurrency"]
    assert whole == {
        "workflow": ".github/workflows/a.yml", "group": "deploy", "cancel_in_progress": True, "queue": "single",
    }  # fmt: skip
    stage.let_go()
    assert end(process)[0] == 0

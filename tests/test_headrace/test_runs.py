"""`headrace run` as people call it: every feature of jobs, and beside each the twin that is red in exactly that place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_core.calls import Headrace
from test_core.repositories import make_repository

RED = "failure"


def one(id: str, script: str = "true", extra: str = "") -> str:
    lines = "".join(f"    {line}\n" for line in extra.split("\n") if line)
    return f"  {id}:\n    runs-on: ubuntu-latest\n{lines}    steps:\n      - run: '{script}'\n"


def test_a_green_job_is_0_and_a_red_one_1(headrace: Headrace) -> None:
    done = headrace.run(one("a"))
    assert (done.status, done.results) == (0, {"a": "success"})
    done = headrace.run(one("a") + one("b", "exit 1"), folder="twin")
    assert (done.status, done.results) == (1, {"a": "success", "b": RED})


def test_the_summary_names_the_job_step_exit_code_and_the_command_that_repeats_it(headrace: Headrace) -> None:
    done = headrace.run(one("a") + one("b", "echo last words; exit 7"))
    assert done.status == 1
    for text in ("1 failure", "1 success", "exit code 7", "last words", "headrace run -W .github/workflows/ci.yml -j b"):
        assert text in done.err


@pytest.mark.covers("runtime:5.2")
def test_a_step_finds_its_five_command_files_empty_and_under_a_name_of_its_own(headrace: Headrace) -> None:
    """Those of the first step were made before there was one; later steps get the same ones again, as nobody wrote to them."""
    look = 'cd "$(dirname "$GITHUB_ENV")"; test "$(ls | wc -l)" = 5 && test -z "$(cat *)"; ls | grep -q "${GITHUB_ENV##*_}" && ! ls | grep ahead'
    wrote = f"{look.replace('= 5', '= 6')}"
    jobs = (
        f"  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: '{look}'\n      - run: '{look}; echo A=b >> $GITHUB_ENV'\n"
    )
    assert headrace.run(jobs).results == {"a": "success"}
    twin = headrace.run(jobs + f"      - run: '{wrote}'\n", folder="twin")
    assert twin.results == {"a": RED}  # one of six is not empty


@pytest.mark.covers("language:7.3")
def test_needs_pass_results_and_outputs_on_and_skip_what_hangs_on_a_failure(headrace: Headrace) -> None:
    jobs = (
        "  a:\n    runs-on: ubuntu-latest\n    outputs: {x: '${{ steps.s.outputs.x }}'}\n"
        "    steps: [{id: s, run: 'echo x=5 >> $GITHUB_OUTPUT'}]\n"
        + one("b", 'test "${{ needs.a.outputs.x }} ${{ needs.a.result }}" = "5 success"', "needs: a")
    )
    assert headrace.run(jobs).results == {"a": "success", "b": "success"}
    twin = headrace.run(
        one("a", "exit 1")
        + one("b", extra="needs: a")
        + one("c", extra="needs: b")
        + one("d", "test ${{ needs.a.result }}${{ needs.b.result }} = failureskipped", "needs: [a, b]\nif: always()")
        + one("e", extra="needs: a\nif: failure()"),
        folder="twin",
    )
    assert twin.results == {"a": RED, "b": "skipped", "c": "skipped", "d": "success", "e": "success"}
    assert twin.status == 1


@pytest.mark.host_only("its jobs meet through a file of the machine")
def test_a_job_starts_as_soon_as_its_own_needs_are_done_without_stages(headrace: Headrace) -> None:
    """`slow` waits for a file that only a job of the next stage writes: with stages it would wait for ever."""
    mark = headrace.home / "mark"
    jobs = (
        one("quick")
        + one("slow", f"for i in $(seq 600); do test -e {mark} && exit 0; sleep 0.1; done; exit 1")
        + one("after", f"touch {mark}", "needs: quick")
    )
    assert set(headrace.run(jobs).results.values()) == {"success"}


@pytest.mark.covers("language:6.2")
def test_a_matrix_has_its_legs_with_include_and_exclude(headrace: Headrace) -> None:
    matrix = "strategy:\n  fail-fast: false\n  matrix:\n    os: [a, b]\n    v: [1, 2]\n    exclude: [{os: a, v: 2}]\n    include: [{os: c, v: 9}]"
    done = headrace.run(one("m", "test ${{ matrix.os }}${{ matrix.v }} != b2", matrix))
    assert done.results == {"m a 1": "success", "m b 1": "success", "m b 2": RED, "m c 9": "success"}


@pytest.mark.covers("language:6.5")
@pytest.mark.host_only("its jobs meet through a file of the machine")
def test_fail_fast_cancels_the_other_legs_and_continue_on_error_does_not(headrace: Headrace) -> None:
    mark = headrace.home / "mark"
    script = (
        f"if [ ${{{{ matrix.n }}}} = 1 ]; then until [ -e {mark} ]; do sleep 0.05; done; exit 1; fi; touch {mark}; exec sleep 600"
    )
    matrix = "strategy:\n  matrix: {n: [1, 2]}"
    done = headrace.run(one("m", script, matrix) + one("other"))
    assert done.results == {"m 1": RED, "m 2": "cancelled", "other": "success"}
    quick = "[ ${{ matrix.n }} != 1 ]"
    done = headrace.run(one("m", quick, matrix + "\ncontinue-on-error: true") + one("after", extra="needs: m"), folder="twin")
    assert done.results == {"m 1": RED, "m 2": "success", "after": "success"}
    assert done.status == 0


@pytest.mark.covers("language:6.5")
@pytest.mark.host_only("its jobs meet through a file of the machine")
def test_max_parallel_runs_one_leg_after_the_other(headrace: Headrace) -> None:
    lock = headrace.home / "lock"
    script = f"mkdir {lock} || exit 1; sleep 0.2; rmdir {lock}"
    matrix = "strategy:\n  fail-fast: false\n  max-parallel: {}\n  matrix: {{n: [1, 2, 3]}}"
    done = headrace.run(one("m", script, matrix.format(1)), "--max-parallel", "3")
    assert set(done.results.values()) == {"success"}
    done = headrace.run(one("m", script, matrix.format(3)), "--max-parallel", "3", folder="twin")
    assert RED in done.results.values()


@pytest.mark.covers("language:7.7")
def test_a_job_that_exceeds_its_timeout_is_cancelled_and_a_fraction_of_a_minute_counts(headrace: Headrace) -> None:
    done = headrace.run(one("t", "exec sleep 600", "timeout-minutes: 0.01") + one("after", extra="needs: t") + one("other"))
    assert done.results == {"t": "cancelled", "after": "skipped", "other": "success"}
    assert done.status == 1
    assert "exceeded the maximum execution time of 0.01 minutes" in done.err


@pytest.mark.covers("language:5.8")
def test_a_false_condition_skips_with_its_reason_and_a_broken_one_fails(headrace: Headrace) -> None:
    done = headrace.run(one("a", extra="if: github.ref == 'refs/heads/other'"))
    assert (done.status, done.results) == (0, {"a": "skipped"})
    assert "github.ref is refs/heads/main" in done.err
    done = headrace.run(one("a", extra="if: fromJSON('x')"), folder="twin")
    assert (done.status, done.results) == (1, {"a": RED})


def test_secrets_come_from_option_environment_and_file_and_are_never_shown(headrace: Headrace, tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("C=three-three\n")
    script = '[ "${{ secrets.A }}/${{ secrets.B }}/${{ secrets.C }}" = "one-one/two-two/three-three" ] && echo "${{ secrets.A }}"'
    options = ["--secret", "A=one-one", "--secret", "B", "--secret-file", str(tmp_path / "secrets"), "-v"]
    done = headrace.run(one("a", script.replace("'", "''")), *options, B="two-two")
    assert done.results == {"a": "success"}
    whole = done.out + done.err + "".join(path.read_text("utf-8", "replace") for path in headrace.kept() if path.suffix == ".log")
    assert "***" in whole
    assert not any(secret in whole for secret in ("one-one", "two-two", "three-three"))
    assert b"one-one" not in (headrace.state / "journal.db").read_bytes()
    twin = headrace.run(one("a", script.replace("'", "''")), *options[:-1], folder="twin", B="wrong")
    assert twin.results == {"a": RED}


def test_typed_dispatch_inputs_and_vars_arrive(headrace: Headrace) -> None:
    workflow = (
        "on:\n  workflow_dispatch:\n    inputs:\n      flag: {type: boolean, default: false}\n      n: {type: number}\n"
        "      c: {type: choice, options: [x, y]}\njobs:\n"
        + one("a", "test ${{ inputs.flag && inputs.n > 2 }}${{ inputs.c }}${{ vars.V }} = truexv")
    )
    repository = headrace.repository(workflow)
    call = ["run", "workflow_dispatch", "--json", "--input", "n=3", "--input", "c=x", "--var", "V=v"]
    assert headrace(*call, "--input", "flag=true", cwd=repository.root).results == {"a": "success"}
    assert headrace(*call, "--input", "flag=false", cwd=repository.root).results == {"a": RED}
    wrong = headrace(*call, "--input", "c=z", cwd=repository.root)
    assert wrong.status == 2
    assert "z" in wrong.err


def test_only_what_the_call_selects_runs(headrace: Headrace) -> None:
    jobs = one("a") + one("b", extra="needs: a") + one("m", "[ ${{ matrix.n }} = 2 ]", "strategy:\n  matrix: {n: [1, 2]}")
    repository = headrace.repository(jobs)
    assert headrace("run", "--json", "-j", "b", cwd=repository.root).results == {"a": "success", "b": "success"}
    assert headrace("run", "--json", "-j", "b", "--no-needs", cwd=repository.root).results == {"b": "success"}
    assert headrace("run", "--json", "-j", "m", "--matrix", "n=2", cwd=repository.root).results == {"m 2": "success"}
    unknown = headrace("run", "-j", "bb", cwd=repository.root)
    assert unknown.status == 2
    assert "b" in unknown.err


@pytest.mark.parametrize(
    "extra", ["container: alpine", "services: {db: {image: postgres}}", "strategy:\n  matrix: {os: [windows-latest]}"]
)
def test_what_is_unsupported_is_named_before_anything_runs_and_never_green(headrace: Headrace, extra: str) -> None:
    job = one("a", extra=extra)
    if "matrix" in extra:
        job = job.replace("ubuntu-latest", "${{ matrix.os }}")
    jobs = job + one("b", extra="needs: a\nif: always()") + one("c")
    done = headrace.run(jobs, "--containers", "none")
    assert set(done.results.values()) == {"unsupported", "success"}
    assert done.results["b"] == "unsupported"
    assert done.status == 1
    assert headrace("run", "--skip-unsupported", "--containers", "none", cwd=headrace.home / "repo").status == 0


def test_an_action_without_a_drop_in_is_unsupported(headrace: Headrace) -> None:
    done = headrace.run("  a:\n    runs-on: ubuntu-latest\n    steps: [{uses: 'some/action@v1'}]\n")
    assert (done.status, done.results) == (1, {"a": "unsupported"})
    assert "some/action@v1" in done.err


def test_checkout_gives_the_working_tree_and_leaves_the_repository_alone(headrace: Headrace) -> None:
    checkout = "    steps:\n      - uses: actions/checkout@v4\n"
    jobs = f"  a:\n    runs-on: ubuntu-latest\n{checkout}      - run: cat 'new file' changed; git status --short; git log -1 --format=%H\n"
    repository = headrace.repository(jobs)
    repository.commit({"changed": "old\n", ".gitignore": "ignored\n"})
    repository.write({"new file": "untracked\n", "changed": "new\n", "ignored": "x"})
    before = repository.refs(), repository.head(), repository.git("status", "--porcelain")
    done = headrace("run", "--json", "-v", cwd=repository.root)
    assert done.results == {"a": "success"}
    assert "untracked" in done.err
    assert "new\n" in done.err
    assert (repository.refs(), repository.head(), repository.git("status", "--porcelain")) == before
    assert not (repository.root / ".git" / "objects" / "info" / "alternates").exists()


def test_a_tag_is_checked_out_detached_at_its_commit(headrace: Headrace) -> None:
    text = (
        "on: {push: {tags: ['v*']}}\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n"
        '      - run: test "$(git rev-parse HEAD) $(git symbolic-ref -q HEAD || echo detached)" = "$GITHUB_SHA detached"\n'
        "      - run: test $GITHUB_REF_NAME$GITHUB_REF_TYPE = v1tag\n"
    )
    repository = headrace.repository(text)
    repository.tag("v1")
    repository.commit({"later": ""})
    assert headrace("run", "push", "--ref", "refs/tags/v1", "--json", cwd=repository.root).results == {"a": "success"}
    none = headrace("run", "push", "--json", cwd=repository.root)
    assert (none.status, none.json["jobs"]) == (0, [])


def test_a_bad_file_is_named_with_its_place_the_others_run_and_the_status_is_2(headrace: Headrace) -> None:
    repository = headrace.repository(one("a"))
    repository.write({".github/workflows/bad.yml": "on: push\njobs:\n  a:\n    runs-on: x\n    stepz: []\n"})
    done = headrace("run", "--json", cwd=repository.root)
    assert (done.status, done.results) == (2, {"a": "success"})
    assert ".github/workflows/bad.yml:5:5: Unexpected value 'stepz'" in done.err


def test_json_stream_is_one_record_a_line_and_folds_to_the_same_results(headrace: Headrace) -> None:
    repository = headrace.repository(one("a") + one("b", "exit 1"))
    done = headrace("run", "--json-stream", cwd=repository.root)
    records = [json.loads(line) for line in done.out.splitlines()]
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
    ends = {record["body"]["leg"]: record["body"]["result"] for record in records if record["body"]["type"] == "leg-finished"}
    assert sorted(ends.values()) == [RED, "success"]
    assert records[-1]["body"]["result"] == RED


def test_ls_and_logs_show_past_runs(headrace: Headrace) -> None:
    repository = headrace.repository(one("a", "echo said by a") + one("b", "echo said by b; exit 1"))
    headrace("run", cwd=repository.root)
    headrace("run", "-j", "a", cwd=repository.root)
    runs = headrace("ls", "--json", cwd=repository.root).json["runs"]
    assert [run["result"] for run in runs] == ["success", RED]
    assert "said by b" in headrace("logs", "1", cwd=repository.root).out
    assert "said by b" not in headrace("logs", cwd=repository.root).out
    assert "said by a" not in headrace("logs", "1", "b", cwd=repository.root).out
    assert headrace("logs", "99", cwd=repository.root).status == 2


@pytest.mark.parametrize("name", ["with spaces", "mit-ümläut"])
def test_odd_paths_work(headrace: Headrace, name: str) -> None:
    checkout = "  a:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n      - run: cat file; pwd\n"
    repository = make_repository(
        headrace.home / name / "sub folder", {".github/workflows/c i.yml": f"on: push\njobs:\n{checkout}", "file": "x"}
    )
    (repository.root / "inner").mkdir()
    assert headrace("run", "--json", cwd=repository.root / "inner").results == {"a": "success"}


def test_worktrees_and_submodules_are_repositories_of_their_own(headrace: Headrace) -> None:
    checkout = "  a:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n      - run: test -e here\n"
    repository = headrace.repository(checkout)
    repository.git("worktree", "add", "-q", "-b", "side", str(headrace.home / "tree"))
    assert headrace("run", "--json", cwd=repository.root).results == {"a": RED}
    (headrace.home / "tree" / "here").write_text("")
    assert headrace("run", "--json", cwd=headrace.home / "tree").results == {"a": "success"}
    outer = make_repository(headrace.home / "outer", {"x": ""})
    outer.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(repository.root), "sub")
    (outer.root / "sub" / "here").write_text("")
    assert headrace("run", "--json", cwd=outer.root / "sub").results == {"a": "success"}


def test_two_runs_at_once_and_many_in_a_row_do_not_interfere(headrace: Headrace) -> None:
    script = 'test ! -e "$HOME/mine" && touch "$HOME/mine" here && test $(ls | wc -l) = 1 && sleep 0.1'
    repository = headrace.repository(one("a", script) + one("b", script))
    started = [headrace.start("run", "--json", cwd=repository.root) for _ in range(2)]
    for process in started:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert {row["result"] for row in json.loads(out)["jobs"]} == {"success"}
    for _ in range(3):
        assert headrace("run", cwd=repository.root).status == 0
    assert len(headrace("ls", "--json", cwd=repository.root).json["runs"]) == 5


UPLOAD = """\
  a:
    runs-on: ubuntu-latest
    steps:
      - run: mkdir out; echo said by a > out/log.txt
      - uses: actions/upload-artifact@v4
        with: {name: logs, path: out}
      - run: echo twice > again.txt
      - uses: actions/upload-artifact@v4
        with: {name: NAME, path: again.txt}
"""


@pytest.mark.parametrize(("name", "result"), [("other", "success"), ("logs", RED)])
def test_artifacts_are_taken_by_the_runs_own_service_and_a_name_counts_once(headrace: Headrace, name: str, result: str) -> None:
    for attempt in range(2):  # the service and its key are made anew for every run
        done = headrace.run(UPLOAD.replace("NAME", name), folder=f"repo{attempt}")
        assert done.results == {"a": result}, done.err
        assert ("already exists" in done.err) == (result == RED)
    stored = [path for path in (headrace.state / "runs" / "1" / "artifacts").rglob("*") if path.is_file()]
    assert any(path.read_bytes().startswith(b"PK") for path in stored)

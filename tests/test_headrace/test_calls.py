"""Workflows that call workflows, run as people run them: what crosses the border and what does not, beside each its red twin."""

from __future__ import annotations

import json
import signal

import pytest
from test_core.callers import CALLED, Runs, call, called, job, results
from test_core.calls import lines_until

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

RED = "failure"


@pytest.mark.covers("language:9.1")
@pytest.mark.parametrize("uses", [f"./{CALLED}", f"$/{CALLED}"])
def test_the_jobs_of_a_called_file_run_in_the_place_of_the_caller(runs: Runs, uses: str) -> None:
    done = runs(call(uses=uses, extra="name: The call"), called=called(job("a") + job("b", extra="name: Be\nneeds: a")))
    assert results(done) == {"The call / a": "success", "The call / Be": "success"}
    assert [(row["job"], row["workflow"]) for row in done.json["jobs"]] == [
        ("call/a", ".github/workflows/ci.yml"),
        ("call/b", ".github/workflows/ci.yml"),
    ]
    assert done.status == 0


@pytest.mark.covers("language:7.3")
def test_a_red_job_inside_makes_the_caller_red_and_only_what_hangs_on_it_does_not_run(runs: Runs) -> None:
    caller = (
        call()
        + job("after", extra="needs: call")
        + job("cure", 'test "${{ needs.call.result }}" = failure', "needs: call\nif: failure()")
        + job("always", extra="needs: [call, after]\nif: always()")
        + job("other")
    )
    done = runs(caller, called=called(job("a", "exit 3") + job("b") + job("c", extra="needs: a")))
    assert results(done) == {
        "call / a": RED, "call / b": "success", "call / c": "skipped",
        "after": "skipped", "cure": "success", "always": "success", "other": "success",
    }  # fmt: skip
    assert done.status == 1
    assert "-j call/a" in done.err
    twin = runs(caller, called=called(job("a") + job("b") + job("c", extra="needs: a")))
    assert twin.status == 0
    assert results(twin)["cure"] == "skipped"


@pytest.mark.covers("language:9.2")
def test_inputs_arrive_typed_with_defaults_and_conditions_see_them(runs: Runs) -> None:
    contract = (
        "inputs: {s: {type: string, required: true}, b: {type: boolean}, n: {type: number, default: 3},"
        " d: {type: string, default: '${{ github.ref_name }}'}}"
    )
    script = 'test "${{ inputs.S }}|${{ toJSON(inputs.b) }}|${{ inputs.n + 0 }}${{ inputs.n }}|${{ inputs.d }}" = "WANTED"'
    script = script.replace("${{ inputs.n + 0 }}", "${{ inputs.n > 2 }}")
    inner = (
        job("a", script.replace("WANTED", "5|false|true3|main"))
        + job("b", extra="if: inputs.b")
        + job("c", extra="if: '!inputs.b'")
    )
    done = runs(call(extra="with: {s: 5}"), called=called(inner, contract))
    assert results(done) == {"call / a": "success", "call / b": "skipped", "call / c": "success"}
    assert "its condition is false: inputs.b" in done.err
    twin = runs(call(extra="with: {s: 6, b: true}"), called=called(inner, contract))
    assert results(twin) == {"call / a": RED, "call / b": "success", "call / c": "skipped"}


@pytest.mark.covers("language:9.2")
def test_an_input_of_the_wrong_type_fails_the_calling_job_when_it_is_evaluated(runs: Runs) -> None:
    first = job("first", "echo x=yes >> $GITHUB_OUTPUT", "outputs: {x: '${{ steps.s.outputs.x }}'}")
    caller = first + call(extra="needs: first\nwith: {b: '${{ VALUE }}'}") + job("after", extra="needs: call")
    inner = called(job("a"), "inputs: {b: {type: boolean}}")
    done = runs(caller.replace("VALUE", "needs.first.outputs.x"), called=inner)
    assert results(done) == {"first": "success", "call": RED, "after": "skipped"}
    assert (
        "Error when evaluating 'with' for job 'call'. .github/workflows/ci.yml (Line: 10, Col: 15): Unexpected value 'yes'"
        in done.err
    )
    twin = runs(caller.replace("VALUE", "needs.first.outputs.x == ''yes''"), called=inner)
    assert results(twin) == {"first": "success", "call / a": "success", "after": "success"}


SECRETS = ["--secret", "ONE=first-secret", "--secret", "TWO=second-secret"]
SEEN = 'test "${{ secrets.ONE }}/${{ secrets.TWO }}/${{ secrets.GITHUB_TOKEN != \'\' }}" = "WANTED"'


@pytest.mark.covers("language:9.3")
@pytest.mark.parametrize(
    ("passed", "seen"),
    [
        ("", "//true"),
        ("secrets: {ONE: '${{ secrets.ONE }}'}", "first-secret//true"),
        ("secrets: {ONE: '${{ secrets.two }}', TWO: '${{ secrets.NONE }}'}", "second-secret//true"),
        ("secrets: inherit", "first-secret/second-secret/true"),
    ],
)
def test_only_secrets_that_are_passed_cross_or_all_with_inherit(runs: Runs, passed: str, seen: str) -> None:
    contract = "secrets: {ONE: {required: false}, TWO: {required: false}}"
    done = runs(call(extra=passed), *SECRETS, called=called(job("a", SEEN.replace("WANTED", seen)), contract))
    assert results(done) == {"call / a": "success"}
    twin = runs(
        call(extra=passed),
        "--secret",
        "ONE=other",
        "--secret",
        "TWO=others",
        called=called(job("a", SEEN.replace("WANTED", "x")), contract),
    )
    assert results(twin) == {"call / a": RED}


@pytest.mark.covers("language:9.3")
def test_secrets_are_not_handed_on_by_a_nested_call_that_does_not_say_so(runs: Runs) -> None:
    caller = call("one", "secrets: inherit") + call("two", "secrets: inherit", "./.github/workflows/plain.yml")
    files = {
        "called": called(call("in", "secrets: inherit", "./.github/workflows/last.yml")),
        "plain": called(call("in", "", "./.github/workflows/last.yml")),
        "last": called(job("a", 'test -n "${{ secrets.ONE }}"')),
    }
    assert results(runs(caller, *SECRETS, **files)) == {"one / in / a": "success", "two / in / a": RED}


@pytest.mark.covers("language:9.3")
def test_env_and_defaults_of_the_caller_do_not_cross_and_vars_and_github_do(runs: Runs) -> None:
    top = "name: Entry\non: push\nenv: {OUTER: '1'}\ndefaults: {run: {working-directory: nowhere}}\njobs:\n"
    script = (
        'test "$OUTER$INNER|${{ vars.V }}|${{ github.workflow }}|${{ github.workflow_ref }}|$GITHUB_JOB" ='
        ' "2|v|Entry|${{ github.repository }}/.github/workflows/ci.yml@refs/heads/main|a"'
    )
    where = (
        'test "${{ job.workflow_file_path }} ${{ job.workflow_ref }}" = "WHERE ${{ github.repository }}/WHERE@refs/heads/main"'
    )
    inner = job("a", script) + job("b", where.replace("WHERE", CALLED))
    done = runs(top + call(), "--var", "V=v", called=called(inner, top="name: Inner\nenv: {INNER: '2'}\n"))
    assert results(done) == {"call / a": "success", "call / b": "success"}
    twin = runs(
        top + call(), "--var", "V=w", called=called(inner, top="env: {INNER: '2'}\ndefaults: {run: {working-directory: no}}\n")
    )
    assert results(twin) == {"call / a": RED, "call / b": RED}


OUTPUT = job("a", "echo x=${{ inputs.n }} >> $GITHUB_OUTPUT", "outputs: {x: '${{ steps.s.outputs.x }}'}")
RESULTS = "inputs: {n: {type: string}}, outputs: {x: {value: 'got ${{ jobs.a.outputs.x }}'}, r: {value: '${{ jobs.a.result }}'}}"


@pytest.mark.covers("language:9.4")
def test_outputs_cross_back_with_results(runs: Runs) -> None:
    caller = call(extra="with: {n: 7}") + job(
        "after", 'test "${{ needs.call.outputs.x }} ${{ needs.call.outputs.r }}" = "got 7 success"', "needs: call"
    )
    assert results(runs(caller, called=called(OUTPUT, RESULTS))) == {"call / a": "success", "after": "success"}
    assert results(runs(caller.replace("n: 7", "n: 8"), called=called(OUTPUT, RESULTS)))["after"] == RED


@pytest.mark.covers("language:9.4")
def test_outputs_that_cannot_be_evaluated_fail_the_calling_job(runs: Runs) -> None:
    caller = call(extra="with: {n: VALUE}") + job("after", extra="needs: call")
    contract = "inputs: {n: {type: string}}, outputs: {x: {value: '${{ fromJSON(jobs.a.outputs.x) }}'}}"
    done = runs(caller.replace("VALUE", "oh"), called=called(OUTPUT, contract))
    assert results(done) == {"call / a": "success", "call": RED, "after": "skipped"}
    assert "Error when evaluating 'outputs' for job 'call'." in done.err
    twin = runs(caller.replace("VALUE", "'12'"), called=called(OUTPUT, contract))
    assert results(twin) == {"call / a": "success", "after": "success"}


@pytest.mark.covers("language:9.4")
def test_each_row_of_a_matrix_is_a_call_and_the_last_successful_one_with_a_value_gives_the_output(runs: Runs) -> None:
    matrix = "strategy: {fail-fast: false, max-parallel: 1, matrix: {n: [1, 2, 3]}}\nwith: {n: '${{ matrix.n }}'}"
    inner = job(
        "a", "[ ${{ inputs.n }} = 2 ] || echo x=${{ inputs.n }} >> $GITHUB_OUTPUT", "outputs: {x: '${{ steps.s.outputs.x }}'}"
    )
    contract = "inputs: {n: {type: string}}, outputs: {x: {value: '${{ jobs.a.outputs.x }}'}}"
    caller = call(extra=matrix) + job("after", 'test "${{ needs.call.outputs.x }}" = WANTED', "needs: call\nif: always()")
    done = runs(caller.replace("WANTED", "3"), called=called(inner, contract))
    assert results(done) == {"call (1) / a": "success", "call (2) / a": "success", "call (3) / a": "success", "after": "success"}
    failing = inner + job("z", "[ ${{ inputs.n }} != 3 ]", "needs: a")
    twin = runs(caller.replace("WANTED", "1"), called=called(failing, contract))
    assert results(twin)["call (3) / z"] == RED
    assert results(twin)["after"] == "success"


@pytest.mark.covers("language:6.5")
@pytest.mark.host_only("its jobs meet through a file of the machine")
def test_a_failing_row_of_calls_cancels_the_others_with_all_that_is_inside(runs: Runs) -> None:
    mark = runs.headrace.home / "mark"
    script = (
        f"if [ ${{{{ inputs.n }}}} = 1 ]; then until [ -e {mark} ]; do sleep 0.05; done; exit 1; fi; touch {mark}; exec sleep 600"
    )
    inner = job("a", script) + job("b", extra="needs: a") + job("c", extra="needs: a\nif: cancelled()")
    matrix = "strategy: {matrix: {n: [1, 2]}}\nwith: {n: '${{ matrix.n }}'}"
    done = runs(call(extra=matrix) + job("other"), called=called(inner, "inputs: {n: {type: string}}"))
    assert results(done) == {
        "call (1) / a": RED, "call (1) / b": "skipped", "call (1) / c": "skipped",
        "call (2) / a": "cancelled", "call (2) / b": "cancelled", "call (2) / c": "success", "other": "success",
    }  # fmt: skip
    assert "call (1) failed, and the matrix is fail-fast" in done.err


@pytest.mark.covers("language:6.5")
@pytest.mark.host_only("its jobs meet through a file of the machine")
def test_max_parallel_of_a_calling_matrix_counts_whole_calls(runs: Runs) -> None:
    lock = runs.headrace.home / "lock"
    inner = job("a", f"mkdir {lock} || exit 1; sleep 0.1") + job("b", f"sleep 0.1; rmdir {lock}", "needs: a")
    matrix = "strategy: {{fail-fast: false, max-parallel: {}, matrix: {{n: [1, 2, 3]}}}}"
    assert set(results(runs(call(extra=matrix.format(1)), "--max-parallel", "3", called=called(inner))).values()) == {"success"}
    assert RED in results(runs(call(extra=matrix.format(3)), "--max-parallel", "3", called=called(inner))).values()


def test_calls_nest_with_inputs_outputs_and_names_all_the_way(runs: Runs) -> None:
    contract = "inputs: {n: {type: number}}, outputs: {x: {value: '${{ jobs.ID.outputs.x }}'}}"
    files = {
        "called": called(
            call("mid", "with: {n: '${{ inputs.n }}'}", "./.github/workflows/last.yml"), contract.replace("ID", "mid")
        ),
        "last": called(OUTPUT.replace("inputs.n", "inputs.n > 4 && ''big''"), contract.replace("ID", "a")),
    }
    caller = call(extra="with: {n: 5}") + job("after", 'test "${{ needs.call.outputs.x }}" = big', "needs: call")
    assert results(runs(caller, **files)) == {"call / mid / a": "success", "after": "success"}
    assert results(runs(caller.replace("n: 5", "n: 4"), **files))["after"] == RED


@pytest.mark.parametrize(
    ("condition", "ran"), [("github.ref == 'refs/heads/no'", False), ("github.ref == 'refs/heads/main'", True)]
)
def test_a_caller_that_is_skipped_has_a_row_of_its_own_and_nothing_inside(runs: Runs, condition: str, ran: bool) -> None:
    done = runs(call(extra=f"if: {condition}") + job("after", extra="needs: call"), called=called(job("a")))
    assert results(done) == ({"call / a": "success", "after": "success"} if ran else {"call": "skipped", "after": "skipped"})
    assert done.status == 0


@pytest.mark.parametrize(("condition", "ran"), [("always()", True), ("success()", False)])
def test_a_caller_with_always_calls_after_a_failure_and_inside_that_does_not_count(runs: Runs, condition: str, ran: bool) -> None:
    caller = job("first", "exit 1") + call(extra=f"needs: first\nif: {condition}")
    done = runs(caller, called=called(job("a") + job("b", extra="needs: a\nif: failure()")))
    assert results(done) == {"first": RED, **({"call / a": "success", "call / b": "skipped"} if ran else {"call": "skipped"})}


def test_a_matrix_of_calls_that_hangs_on_a_result_is_made_when_the_result_is_there(runs: Runs) -> None:
    first = job("first", "echo 'x=[1, 2]' >> $GITHUB_OUTPUT", "outputs: {x: '${{ steps.s.outputs.x }}'}")
    matrix = "needs: first\nstrategy: {matrix: {n: '${{ fromJSON(needs.first.outputs.x) }}'}}\nwith: {n: '${{ matrix.n }}'}"
    repository = runs.repository(
        first + call(extra=matrix), called=called(job("a", "test ${{ inputs.n }} = 1"), "inputs: {n: {type: string}}")
    )
    plan = runs.headrace("plan", "--json", cwd=repository.root).json["jobs"]
    assert [(row["job"], row["would"]) for row in plan] == [("first", "run"), ("call", "undecided")]
    done = runs.headrace("run", "--json", cwd=repository.root)
    assert results(done)["call (2) / a"] == RED
    assert set(results(done)) == {"first", "call (1) / a", "call (2) / a"}


def test_what_is_unsupported_inside_makes_the_call_unsupported_and_never_green(runs: Runs) -> None:
    caller = call() + job("after", extra="needs: call\nif: always()") + job("other")
    inner = called(job("a", extra="container: alpine") + job("b"))
    done = runs(caller, "--containers", "none", called=inner)
    assert results(done) == {"call / a": "unsupported", "call / b": "success", "after": "unsupported", "other": "success"}
    assert done.status == 1
    assert runs(caller, "--skip-unsupported", "--containers", "none", called=inner).status == 0


# Selection, logs, ends -----------------------------------------------------------------------------------------------


def test_callers_and_jobs_inside_are_selected_by_their_ids(runs: Runs) -> None:
    matrix = "needs: first\nstrategy: {matrix: {n: [1, 2]}}"
    inner = job("a") + job("b", extra="needs: a") + job("c", extra="strategy: {matrix: {m: [x, y]}}")
    repository = runs.repository(job("first") + call(extra=matrix) + job("last", extra="needs: call"), called=called(inner))

    def selected(*options: str) -> set[str]:
        return set(results(runs.headrace("run", "--json", *options, cwd=repository.root)))

    assert selected("-j", "call", "--matrix", "n=1") == {
        "first",
        "call (1) / a",
        "call (1) / b",
        "call (1) / c (x)",
        "call (1) / c (y)",
    }
    assert selected("-j", "call/b", "--matrix", "n=2") == {"first", "call (2) / a", "call (2) / b"}
    assert selected("-j", "ci/Call/B", "--no-needs", "--matrix", "n=2") == {"call (2) / b"}
    assert selected("-j", "call/c", "--no-needs", "--matrix", "n=2", "--matrix", "m=y") == {"call (2) / c (y)"}
    assert len(selected("-j", "last", "-j", "call/b")) == 1 + 2 * 4 + 1
    for wrong, near in (("call/d", "call/"), ("b", "call/b"), ("first/a", "")):
        done = runs.headrace("run", "-j", wrong, cwd=repository.root)
        assert done.status == 2
        assert near in done.err


def test_the_command_that_repeats_a_job_inside_repeats_just_that(runs: Runs) -> None:
    matrix = "strategy: {fail-fast: false, matrix: {n: [1, 2]}}\nwith: {n: '${{ matrix.n }}'}"
    inner = called(
        job("a", "[ ${{ inputs.n }}${{ matrix.m }} != 2y ]", "strategy: {fail-fast: false, matrix: {m: [x, y]}}"),
        "inputs: {n: {type: string}}",
    )
    repository = runs.repository(call(extra=matrix), called=inner)
    done = runs.headrace("run", "--json", cwd=repository.root)
    again = next(line for line in done.err.splitlines() if "again:" in line).split("headrace ", 1)[1]
    assert again == "run -W .github/workflows/ci.yml -j call/a --matrix n=2 --matrix m=y"
    assert results(runs.headrace(*again.split(), "--json", cwd=repository.root)) == {"call (2) / a (y)": RED}


def test_logs_and_plain_lines_tell_the_jobs_inside_apart(runs: Runs) -> None:
    files = {"called": called(job("a", "echo said by a") + job("b", "echo said by b"))}
    repository = runs.repository(call("one") + call("two") + job("three", "echo said by three"), **files)
    done = runs.headrace("run", cwd=repository.root)
    for name in ("one / a", "one / b", "two / a", "two / b"):
        assert f"ci.yml/{name} | " in done.err
    for asked, count in (("one/a", 1), ("one", 2), ("two / b", 1), ("three", 1)):
        said = runs.headrace("logs", "1", asked, cwd=repository.root).out
        assert sum(line.startswith("said by") for line in said.splitlines()) == count, asked
    assert runs.headrace("logs", "1", "one/c", cwd=repository.root).status == 2


@pytest.mark.covers("language:7.6")
def test_an_interruption_asks_every_condition_again_inside_calls_as_well(runs: Runs) -> None:
    inner = (
        job("run", "echo ready; exec sleep 600")
        + job("plain", extra="needs: run")
        + job("tidy", extra="needs: run\nif: always()")
        + job("only", extra="needs: run\nif: cancelled()")
    )
    caller = (
        call()
        + call("late", "needs: call\nif: always()", "./.github/workflows/late.yml")
        + call("never", "needs: call", "./.github/workflows/late.yml")
    )
    repository = runs.repository(caller, called=called(inner), late=called(job("a") + job("b", extra="if: always()")))
    process = runs.headrace.start("run", "-v", "--json", cwd=repository.root)
    lines_until(process, "ci.yml/call / run | ready")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    found = {row["name"]: row["result"] for row in json.loads(out)["jobs"]}
    assert found["call / run"] == "cancelled"
    assert (found["call / tidy"], found["call / only"]) == ("success", "success")
    assert found["call / plain"] in ("skipped", "cancelled")
    assert found["late / b"] == "success"
    assert found["late / a"] in ("skipped", "cancelled")
    assert found["never"] in ("skipped", "cancelled")


@pytest.mark.covers("language:7.6")
def test_a_second_interruption_asks_no_condition_any_more(runs: Runs) -> None:
    inner = job("run", "trap '' INT TERM; echo ready; while :; do sleep 0.1; done") + job(
        "tidy", extra="needs: run\nif: always()"
    )
    repository = runs.repository(call() + job("last", extra="needs: call\nif: always()"), called=called(inner))
    process = runs.headrace.start("run", "-v", "--json", cwd=repository.root)
    lines_until(process, "ci.yml/call / run | ready")
    process.send_signal(signal.SIGINT)
    lines_until(process, "interrupted: jobs end in order")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    found = {row["name"]: row["result"] for row in json.loads(out)["jobs"]}
    assert found == {"call / run": "cancelled", "call / tidy": "cancelled", "last": "cancelled"}


# Files that are wrong ------------------------------------------------------------------------------------------------


@pytest.mark.covers("language:9.1")
@pytest.mark.parametrize(
    ("caller", "inner", "told"),
    [
        (call(), called(call()), "ci.yml:4:11: Nested reusable workflow depth exceeded 9."),
        (call(uses="./.github/workflows/none.yml"), called(job("a")), "ci.yml:4:11: Unable to find the called workflow"),
        (call(uses="./.github"), called(job("a")), "ci.yml:4:11: Unable to find the called workflow"),
        (call(uses="./../outside.yml"), called(job("a")), "ci.yml:4:11: Unable to find the called workflow"),
        (call(), "on: push\njobs:\n" + job("a"), "called.yml:1:5: workflow_call key is not defined"),
        (call(), called("  a: {}\n"), "ci.yml:4:11: Error from called workflow .github/workflows/called.yml (Line: 4"),
        (call(extra="with: {x: 1}"), called(job("a")), "ci.yml:5:15: Invalid input, x is not defined"),
    ],
)
def test_a_wrong_call_is_told_with_its_place(runs: Runs, caller: str, inner: str, told: str) -> None:
    (runs.headrace.home / "outside.yml").write_text(called(job("a")))
    repository = runs.repository(caller, called=inner)
    for verb in ("plan", "run"):
        done = runs.headrace(verb, cwd=repository.root)
        assert done.status == 2
        assert f".github/workflows/{told}" in done.err


@pytest.mark.covers("language:9.5")
def test_jobs_of_a_called_file_have_its_permissions_else_the_callers(runs: Runs) -> None:
    """Seen in what set-up prints; asking for more than the caller has is an error of the file."""
    granted = "permissions: {contents: read, issues: write}"
    shown = runs(call(extra=granted), "-v", called=called(job("a")))
    assert "issues: write" in shown.err
    less = runs(call(extra=granted), "-v", called=called(job("a"), top="permissions: {contents: read}\n"))
    assert less.status == 0
    assert "issues: write" not in less.err
    more = runs(call(extra=granted), called=called(job("a", extra="permissions: {packages: write}")))
    assert more.status == 2
    assert "is requesting 'packages: write', but is only allowed 'packages: none'" in more.err

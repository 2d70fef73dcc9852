"""A leg for real: every feature of steps, and beside each the twin that must fail in exactly that place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from headrace.runner.known import Known
from test_core.legs import WORKFLOW, Ran, job, results, steps
from test_core.repositories import make_repository

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it


def test_a_step_runs_in_the_workspace_and_its_output_is_the_log(tmp_path: Path) -> None:
    ran = job(tmp_path, steps("- run: pwd; echo two >&2"))
    assert ran.result == "success"
    assert ran.folders.workspace in ran.lines
    assert "two" in ran.lines
    assert ran.folders.workspace.endswith("/work/repo/repo")


@pytest.mark.covers("runtime:1.13")
def test_a_failing_step_fails_the_leg_with_its_exit_code_and_the_next_is_skipped(tmp_path: Path) -> None:
    ran = job(tmp_path, steps("- run: exit 3\n- run: echo no"))
    assert (ran.result, results(ran)) == ("failure", ["failure", "skipped"])
    assert ran.errors == ["Process completed with exit code 3."]
    assert "no" not in ran.lines


@pytest.mark.covers("runtime:1.13")
def test_a_step_killed_by_a_signal_reports_128_and_more(tmp_path: Path) -> None:
    assert job(tmp_path, steps("- run: kill -TERM $$")).errors == ["Process completed with exit code 143."]


@pytest.mark.covers("runtime:1.5", "language:8.1")
def test_conditions_see_how_the_job_does(tmp_path: Path) -> None:
    ran = job(
        tmp_path,
        steps(
            """
- {name: a, run: exit 1}
- {name: default, run: echo}
- {name: plain, if: github.ref == 'refs/heads/main', run: echo}
- {name: failed, if: failure(), run: echo}
- {name: always, if: always(), run: echo}
- {name: ok, if: success(), run: echo}
- {name: cancelled, if: cancelled(), run: echo}
- {name: text, if: "always() && 'false'", run: echo}
"""
        ),
    )
    assert results(ran) == ["failure", "skipped", "skipped", "success", "success", "skipped", "skipped", "success"]


@pytest.mark.covers("runtime:1.6", "language:8.1")
def test_continue_on_error_changes_the_conclusion_and_not_the_outcome(tmp_path: Path) -> None:
    ran = job(
        tmp_path,
        steps(
            """
- {id: s, continue-on-error: true, run: exit 1}
- run: echo ${{ steps.s.outcome }} ${{ steps.s.conclusion }} ${{ job.status }}
"""
        ),
    )
    assert ran.result == "success"
    assert "failure success success" in ran.lines
    twin = job(tmp_path / "twin", steps("- {id: s, continue-on-error: false, run: exit 1}"))
    assert twin.result == "failure"


@pytest.mark.covers("runtime:1.6")
@pytest.mark.parametrize("key", ["if: fromJSON('x')", "env: {A: \"${{ fromJSON('x') }}\"}"])
def test_an_error_in_if_or_env_is_not_softened(tmp_path: Path, key: str) -> None:
    ran = job(tmp_path, steps(f"- run: echo no\n  continue-on-error: true\n  {key}\n- run: echo next"))
    assert (ran.result, results(ran)) == ("failure", ["failure", "skipped"])
    assert "no" not in ran.lines


@pytest.mark.covers("runtime:3.1", "language:8.1")
def test_env_of_three_levels_is_laid_one_over_the_other(tmp_path: Path) -> None:
    head = "on: push\nenv: {A: workflow, B: workflow, C: workflow}\njobs:\n  job:\n    runs-on: x\n    env: {B: job, C: job}\n"
    ran = job(tmp_path, steps("- {run: echo $A $B $C, env: {C: step}}\n- run: echo $A $B $C ${{ env.C }}"), head=head)
    assert ran.lines[-3:-1] == ["workflow job step", "workflow job job job"]


@pytest.mark.covers("runtime:3.1")
def test_ci_can_be_unset_but_github_variables_cannot(tmp_path: Path) -> None:
    script = "- run: echo $CI $GITHUB_ACTIONS $GITHUB_SHA\n  env: {CI: 'no', GITHUB_SHA: mine, GITHUB_ACTIONS: 'no'}"
    assert f"no true {'a' * 40}" in job(tmp_path, steps(script)).lines


@pytest.mark.covers("runtime:2.1")
@pytest.mark.parametrize(
    ("shell", "script", "result"),
    [
        ("", "false | true", "success"),
        ("bash", "false | true", "failure"),
        ("", "false; echo x", "failure"),
        ("sh", "echo ok", "success"),
        ("bash -l {0}", "false; echo goes on", "success"),
        ("python3 {0}", "import sys; sys.exit(0)", "success"),
        ("python3 {0}", "raise SystemExit(4)", "failure"),
        ("nonsense", "x", "failure"),
        ("bash -l", "echo x", "failure"),
    ],
)
def test_shells(tmp_path: Path, shell: str, script: str, result: str) -> None:
    ran = job(tmp_path, steps(f"- run: {script!r}" + (f"\n  shell: {shell!r}" if shell else "")))
    assert ran.result == result


@pytest.mark.covers("runtime:2.3", "language:8.1")
def test_defaults_of_the_job_replace_those_of_the_workflow_as_a_whole(tmp_path: Path) -> None:
    head = "on: push\ndefaults: {run: {shell: bash, working-directory: a}}\njobs:\n  job:\n    runs-on: x\n"
    make = "- {run: mkdir -p a b, working-directory: .}\n"
    ran = job(tmp_path, steps(make + "- run: false | true; pwd"), head=head)
    assert ran.result == "failure"
    ran = job(
        tmp_path / "2", "    defaults: {run: {working-directory: b}}\n" + steps(make + "- run: false | true; pwd"), head=head
    )
    assert ran.result == "success"
    assert f"{ran.folders.workspace}/b" in ran.lines


@pytest.mark.covers("runtime:2.3")
def test_a_working_directory_that_is_not_there_fails_the_step_at_its_start(tmp_path: Path) -> None:
    ran = job(tmp_path, steps("- {run: echo x, working-directory: no/where}"))
    assert ran.result == "failure"
    assert ran.errors[0].endswith(f"No such file or directory: {ran.folders.workspace}/no/where")


@pytest.mark.covers("runtime:6.2")
def test_commands_make_annotations_and_an_error_command_fails_nothing(tmp_path: Path) -> None:
    ran = job(tmp_path, steps("- run: |\n    echo '::error file=a.py,line=3,title=T::bad%0Athing'\n    echo '::notice::n' >&2"))
    assert ran.result == "success"
    [error, notice] = ran.annotations
    assert (error.level, error.file, error.line, error.title, error.message) == ("error", "a.py", 3, "T", "bad\nthing")
    assert (notice.level, notice.message) == ("notice", "n")
    assert "##[notice]n" in ran.lines


@pytest.mark.covers("runtime:6.2")
def test_set_env_is_refused_and_fails_the_step(tmp_path: Path) -> None:
    ran = job(tmp_path, steps("- run: echo '::set-env name=A::b'\n- run: echo no"))
    assert results(ran) == ["failure", "skipped"]
    assert ran.errors[0] == "Unable to process command '::set-env name=A::b' successfully."
    allowed = "- {run: echo '::set-env name=A::b', env: {ACTIONS_ALLOW_UNSECURE_COMMANDS: true}}\n- run: echo A is $A"
    assert "A is b" in job(tmp_path / "2", steps(allowed)).lines


@pytest.mark.covers("runtime:6.5")
def test_legacy_outputs_still_count_and_the_file_wins(tmp_path: Path) -> None:
    text = "- id: a\n  run: |\n    echo '::set-output name=x::1'; echo '::set-output name=y::1'; echo y=2 >> $GITHUB_OUTPUT\n"
    assert "1 2" in job(tmp_path, steps(text + "- run: echo ${{ steps.a.outputs.x }} ${{ steps.a.outputs.y }}")).lines


@pytest.mark.covers("runtime:6.6")
def test_a_problem_matcher_annotates_from_the_next_line_on(tmp_path: Path) -> None:
    text = r"""
- run: |
    git init -q .; git remote add origin https://github.com/o/repo; touch a.py b.py c.py
    printf '%s' '{"problemMatcher":[{"owner":"o","pattern":[{"regexp":"^(\\S+):(\\d+): (.*)$","file":1,"line":2,"message":3}]}]}' > m.json
    echo "a.py:1: before"
    echo "::add-matcher::m.json"
    echo "a.py:7: wrong"
    echo "not-there.py:9: wrong too"
- run: |
    echo "b.py:8: also here"
    echo "::remove-matcher owner=o::"
    echo "c.py:9: not here"
"""
    ran = job(tmp_path, steps(text))
    assert [(note.file, note.line, note.message) for note in ran.annotations] == [
        ("a.py", 7, "wrong"),
        ("", 9, "wrong too"),  # a file that is not in the checkout is not named
        ("b.py", 8, "also here"),
    ]
    assert "##[error]a.py:7: wrong" in ran.lines


@pytest.mark.covers("runtime:7.1")
def test_secrets_and_masks_never_reach_log_annotations_names_or_outputs(tmp_path: Path) -> None:
    text = "    outputs: {leak: '${{ steps.a.outputs.x }}', fine: '${{ steps.a.outputs.y }}'}\n" + steps(
        """
- id: a
  name: name ${{ secrets.S }}
  env: {S: '${{ secrets.S }}'}
  run: |
    echo "$S and $(printf %s "$S" | base64) ${{ secrets.S }}"
    echo "::error::has $S"
    echo "x=$S" >> $GITHUB_OUTPUT; echo "y=1" >> $GITHUB_OUTPUT
    echo "::add-mask::later-value"; echo later-value
    echo "summary $S" >> $GITHUB_STEP_SUMMARY
"""
    )
    ran = job(tmp_path, text, secrets={"S": "hunter-two", "GITHUB_TOKEN": "ghtoken"})
    everything = ran.log + repr(ran.bodies) + "".join(file.read_text() for file in tmp_path.glob("log*"))
    assert "hunter-two" not in everything
    assert "aHVudGVyLXR3bw==" not in everything
    assert "later-value" not in ran.lines
    assert ran.outputs == {"fine": "1"}
    assert "*** and *** ***" in ran.lines
    assert "Skip output 'leak' since it may contain secret." in [note.message for note in ran.annotations]
    assert "summary ***" in (tmp_path / "log.2.md").read_text()


def test_a_secret_that_is_not_registered_is_plain_text(tmp_path: Path) -> None:
    assert "hunter-two" in job(tmp_path, steps("- run: echo hunter-two"), secrets={"S": "other"}).lines


@pytest.mark.covers("language:5.7")
def test_hash_files_looks_at_the_workspace(tmp_path: Path) -> None:
    text = "- run: echo w > a.txt\n- run: echo h=${{ hashFiles('*.txt') }} n=${{ hashFiles('*.none') }}."
    [line] = [line for line in job(tmp_path, steps(text)).lines if line.startswith("h=")]
    assert len(line) == len("h= n=.") + 64
    failed = job(tmp_path / "2", steps("- run: echo ${{ hashFiles('../x') }}"))
    assert failed.result == "failure"
    assert "Relative pathing" in failed.errors[0]


@pytest.mark.covers("runtime:1.2")
def test_an_error_in_the_job_env_fails_set_up_and_no_step_runs(tmp_path: Path) -> None:
    ran = job(tmp_path, "    env: {A: \"${{ fromJSON('x') }}\"}\n" + steps("- {if: always(), run: echo no}"))
    assert (ran.result, list(ran.steps)) == ("failure", ["Set up job"])


@pytest.mark.covers("runtime:12")
@pytest.mark.parametrize(("size", "result"), [(1048576 // 2 - 1, "success"), (1048576 // 2, "failure")])
def test_outputs_of_a_job_are_a_megabyte_at_most(tmp_path: Path, size: int, result: str) -> None:
    make = f"- id: a\n  run: (printf x=; head -c {size} /dev/zero | tr '\\0' y; echo) > $GITHUB_OUTPUT"
    ran = job(tmp_path, "    outputs: {x: '${{ steps.a.outputs.x }}'}\n" + steps(make))
    assert (ran.result, len(ran.outputs)) == (result, int(result == "success"))


@pytest.mark.covers("runtime:1.2")
def test_an_action_that_cannot_be_found_fails_set_up_and_no_step_runs(tmp_path: Path) -> None:
    text = steps("- {if: always(), run: echo ran}\n- {if: false, uses: octo/gone@v1}")
    ran = job(
        tmp_path, text, known={"octo/gone@v1": Known(None, "octo/gone", "v1", error="Unable to resolve action `octo/gone@v1`")}
    )
    assert (ran.result, ran.steps["Set up job"]) == ("failure", ("failure", "failure"))
    assert "ran" not in ran.lines
    assert "Unable to resolve action `octo/gone@v1`" in ran.errors[0]


def test_a_drop_in_does_not_stand_in_for_a_version_that_it_was_not_held_against(tmp_path: Path) -> None:
    ran = job(tmp_path, steps("- {uses: actions/checkout@v1}"))
    assert ran.result == "failure"
    assert "actions/checkout@v1 is not at hand" in ran.errors[0]


def test_contexts_of_the_ticket_are_seen(tmp_path: Path) -> None:
    more: dict[str, Any] = {
        "matrix": {"v": "3.10"},
        "needs": {"a": {"result": "success", "outputs": {"o": "x"}}},
        "inputs": {"flag": True},
        "vars": {"V": "var"},
        "strategy": {"job-index": 2, "job-total": 3},
    }
    text = "- run: echo ${{ matrix.v }} ${{ needs.a.outputs.o }} ${{ inputs.flag }} ${{ vars.v }} ${{ strategy.job-index }}"
    assert "3.10 x true var 2" in job(tmp_path, steps(text), **more).lines
    assert "[]" in job(tmp_path / "2", steps("- run: echo '[${{ matrix.v }}]'")).lines


def test_a_million_of_output_bytes_arrive_whole_and_in_order(tmp_path: Path) -> None:
    ran = job(tmp_path, steps("- run: seq 1 200000"), secrets={"S": "no-such-text"})
    numbers = [line for line in ran.lines if line.isdecimal()]
    assert numbers == [str(n) for n in range(1, 200001)]


@pytest.mark.parametrize("text", ["${{ secrets.S }}", "märz \\u00e9"])
def test_odd_text_in_scripts_arrives_as_it_is(tmp_path: Path, text: str) -> None:
    ran = job(tmp_path, steps(f"- run: \"printf '%s' '{text}' | wc -c\""), secrets={"S": "x'y"[:1]})
    assert ran.result == "success"


@pytest.mark.covers("runtime:1.4")
@pytest.mark.parametrize(
    ("step", "name"),
    [
        ("{run: 'echo ${{ fromJSON(vars.x) }} and ${{ vars.x }}'}", "Run echo ${{ fromJSON(vars.x) }} and ${{ vars.x }}"),
        ("{name: 'On ${{fromJSON(vars.x)}}', run: x}", "On ${{ fromJSON(vars.x) }}"),
        ("{run: 'echo ${{ vars.x }}'}", "Run echo no json"),
        ("{name: '', run: x}", "run"),
        ("{run: ''}", "run"),
        ("{run: '${{ vars.y }}'}", "run"),
        ('{run: "\\n \\n\\techo a\\r\\necho b"}', "Run echo a"),
        ('{name: "first\\nsecond", run: x}', "first"),
    ],
)
def test_the_name_of_a_step_is_a_first_line_evaluated_where_that_works(tmp_path: Path, step: str, name: str) -> None:
    assert list(job(tmp_path, steps(f"- {step}"), vars={"x": "no json"}).steps)[1] == name


def test_names_and_messages_that_utf_8_cannot_carry_lose_no_leg(tmp_path: Path) -> None:
    text = '- {name: "${{ matrix.v }}", run: echo, working-directory: "${{ matrix.v }}"}'
    ran = job(tmp_path, steps(text), matrix={"v": "a\udcff"}, vars={"x": "\ud800"})
    assert (ran.result, list(ran.steps)[1]) == ("failure", "a\ufffd")


def test_a_vanished_workspace_fails_the_step_and_not_the_engine(tmp_path: Path) -> None:
    ran = job(tmp_path, steps("- run: cd /; rm -rf $GITHUB_WORKSPACE\n- run: echo no"))
    assert results(ran) == ["success", "failure"]


def test_a_nul_byte_in_the_environment_fails_that_step(tmp_path: Path) -> None:
    ran = job(tmp_path, steps("- run: printf 'A=a\\0b\\n' >> $GITHUB_ENV\n- run: echo no"))
    assert results(ran) == ["success", "failure"]


def test_the_workflow_head_of_these_tests_is_a_push() -> None:
    assert WORKFLOW.startswith("on: push")


def with_checkout(tmp_path: Path, text: str) -> Ran:
    """Run steps of which some check out a repository of one commit."""
    repository = make_repository(tmp_path / "source", {"file": "x"})
    github = {
        "repository": "o/repo", "server_url": "https://github.com", "sha": repository.head(), "ref": "refs/heads/main",
        "event_name": "push", "event": {},
    }  # fmt: skip
    git_dir = str(repository.root / ".git")
    return job(tmp_path, steps(text), github=github, drop_ins={"HEADRACE_GIT_DIR": git_dir}, secrets={"GITHUB_TOKEN": "t0ken"})


def posts(ran: Ran) -> list[str]:
    return [name for name in ran.steps if name.startswith("Post ")]


@pytest.mark.covers("runtime:1.9")
def test_post_steps_run_last_registered_first_after_failures_too_and_not_for_skipped_steps(tmp_path: Path) -> None:
    text = """
- {name: one, uses: actions/checkout@v4}
- {name: two, uses: actions/checkout@v4, with: {path: sub}}
- {name: skipped, if: 'false', uses: actions/checkout@v4}
- {name: wrong, uses: actions/checkout@v4, with: {ref: no-such-ref}, continue-on-error: true}
- run: test -e file && test -e sub/file && exit 7
- {name: never, uses: actions/checkout@v4}
"""
    ran = with_checkout(tmp_path, text)
    assert ran.result == "failure"
    assert posts(ran) == ["Post wrong", "Post two", "Post one"]
    assert ran.log.count("Post job cleanup.") == 3
    assert [ran.steps[name][0] for name in ("wrong", "skipped", "never")] == ["failure", "skipped", "skipped"]


@pytest.mark.covers("runtime:1.9")
def test_post_steps_run_when_the_job_is_cancelled(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "source", {"file": "x"})
    github = {"repository": "o/repo", "sha": repository.head(), "ref": "refs/heads/main", "event_name": "push", "event": {}}
    ran = job(
        tmp_path,
        steps("- {name: one, uses: actions/checkout@v4}\n- run: echo ready; exec sleep 1000"),
        cancel_at="ready",
        github={**github, "server_url": "https://github.com"},
        drop_ins={"HEADRACE_GIT_DIR": str(repository.root / ".git")},
        secrets={"GITHUB_TOKEN": "t0ken"},
    )
    assert ran.result == "cancelled"
    assert posts(ran) == ["Post one"]


@pytest.mark.covers("runtime:3.3")
def test_actions_get_the_runtime_token_and_scripts_do_not(tmp_path: Path) -> None:
    given = {"ACTIONS_RUNTIME_TOKEN": "run-time", "ACTIONS_RESULTS_URL": "http://127.0.0.1:1/"}
    ran = job(
        tmp_path,
        steps("- run: echo got:$ACTIONS_RUNTIME_TOKEN$ACTIONS_RESULTS_URL$HEADRACE_X"),
        actions=given,
        drop_ins={"HEADRACE_X": "1"},
    )
    assert "got:" in ran.lines


@pytest.mark.covers("runtime:1.3", "language:8.1")
def test_an_error_in_a_steps_env_fails_it_even_where_its_condition_would_have_skipped_it(tmp_path: Path) -> None:
    ran = job(tmp_path, steps("- {if: 'false', run: echo no, env: {A: \"${{ fromJSON('x') }}\"}}"))
    assert (ran.result, results(ran)) == ("failure", ["failure"])


@pytest.mark.covers("runtime:1.4")
def test_generated_ids_are_seen_by_the_step_and_not_in_steps(tmp_path: Path) -> None:
    text = "- run: echo id:$GITHUB_ACTION\n- run: echo id:$GITHUB_ACTION\n- {id: mine, run: 'echo id:${{ github.action }}'}\n"
    ran = job(tmp_path, steps(text + "- run: echo '${{ toJSON(steps) }}' | tr -d ' \\n'; echo"))
    assert [line for line in ran.lines if line.startswith("id:")] == ["id:__run", "id:__run_2", "id:mine"]
    assert '{"mine":{"outputs":{},"outcome":"success","conclusion":"success"}}' in ran.lines


@pytest.mark.covers("runtime:1.10")
def test_outputs_that_cannot_be_evaluated_fail_the_job(tmp_path: Path) -> None:
    ran = job(tmp_path, "    outputs: {x: \"${{ fromJSON('x') }}\"}\n" + steps("- run: 'true'"))
    assert (ran.result, ran.outputs) == ("failure", {})
    assert ran.errors[-1] == "Fail to evaluate job outputs"
    assert ran.steps["Complete job"] == ("failure", "failure")

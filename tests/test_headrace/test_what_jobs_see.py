"""What one job sees of another, what its log begins with, and what actions find in their environment."""

from __future__ import annotations

import base64
import json
from urllib.parse import urlsplit

import pytest
from test_core.actions import Actions, composite, node, output
from test_core.calls import Headrace

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

# Steps in the background

STEPS = """\
      - id: one
        run: 'true'
        background: true
      - wait: one
"""


@pytest.mark.covers("runtime:1.11")
@pytest.mark.parametrize(
    "steps",
    [
        "      - run: 'true'\n        background: true\n",
        STEPS,
        "      - run: 'true'\n        background: true\n      - wait-all: true\n",
        "      - id: one\n        run: sleep 60\n        background: true\n      - cancel: one\n",
        "      - parallel:\n          - run: 'true'\n          - run: 'true'\n",
    ],
)
def test_steps_in_the_background_are_named_before_anything_runs(headrace: Headrace, steps: str) -> None:
    jobs = f"  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: touch {headrace.home}/ran\n{steps}"
    done = headrace.run(f"{jobs}  b:\n    runs-on: ubuntu-latest\n    steps:\n      - run: 'true'\n")
    assert (done.status, done.results) == (1, {"a": "unsupported", "b": "success"})
    [row] = [row for row in done.json["jobs"] if row["job"] == "a"]
    assert "has steps that run in the background or in parallel" in row["reason"]
    assert not (headrace.home / "ran").exists()
    [row] = [row for row in headrace("plan", "--json", cwd=headrace.home / "repo").json["jobs"] if row["job"] == "a"]
    assert (row["would"], row["rule"]) == ("unsupported", "unsupported.background-steps")


@pytest.mark.covers("runtime:1.11")
def test_a_step_that_waits_for_none_that_is_there_makes_the_file_wrong(headrace: Headrace) -> None:
    done = headrace.run("  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: 'true'\n      - wait: two\n")
    assert done.status == 2
    assert done.json["problems"]


# What becomes of a job, for those that need it

OUTCOMES = """\
  good: {runs-on: ubuntu-latest, steps: [{run: 'false', continue-on-error: true}]}
  bad: {runs-on: ubuntu-latest, steps: [{run: 'false'}]}
  tolerated: {runs-on: ubuntu-latest, continue-on-error: true, steps: [{run: 'false'}]}
  skipped: {runs-on: ubuntu-latest, if: false, steps: [{run: 'true'}]}
  after-bad: {runs-on: ubuntu-latest, needs: bad, steps: [{run: 'true'}]}
  after-skipped: {runs-on: ubuntu-latest, needs: skipped, steps: [{run: 'true'}]}
  set-up: {runs-on: ubuntu-latest, env: {A: "${{ fromJSON('x') }}"}, steps: [{run: 'true'}]}
  legs:
    runs-on: ubuntu-latest
    strategy: {matrix: {leg: [1, 2]}, fail-fast: false}
    steps: [{run: 'test ${{ matrix.leg }} = 1'}]
  quick:
    runs-on: ubuntu-latest
    strategy: {matrix: {leg: [1, 2]}}
    steps:
      - if: matrix.leg == 1
        run: until [ -e $MEET ]; do sleep 0.05; done; exit 1
      - run: touch $MEET; sleep 100
  last:
    runs-on: ubuntu-latest
    if: always()
    needs: [good, bad, tolerated, skipped, after-bad, after-skipped, set-up, legs, quick]
    steps: [{run: "echo '${{ toJSON(needs) }}' | tr -d ' \\\\n'"}]
"""


@pytest.mark.host_only("jobs meet at a file")
@pytest.mark.covers("runtime:1.12")
def test_what_became_of_a_job_is_told_to_those_that_need_it(headrace: Headrace) -> None:
    done = headrace.run(OUTCOMES, "--env", f"MEET={headrace.home}/meet", "-v", "--max-parallel", "4")
    told = next(json.loads(line) for line in output(done) if line.startswith('{"good":'))
    assert {job: each["result"] for job, each in told.items()} == {
        "good": "success", "bad": "failure", "tolerated": "success", "skipped": "skipped", "after-bad": "skipped",
        "after-skipped": "skipped", "set-up": "failure", "legs": "failure", "quick": "failure",
    }  # fmt: skip
    assert done.status == 1
    assert (done.results["quick 1"], done.results["quick 2"]) == ("failure", "cancelled")
    assert (done.results["legs 1"], done.results["legs 2"]) == ("success", "failure")
    assert done.json["result"] == "failure"


@pytest.mark.covers("runtime:1.12")
def test_a_run_is_green_where_what_failed_was_tolerated_or_skipped(headrace: Headrace) -> None:
    jobs = "".join(line for line in OUTCOMES.splitlines(keepends=True)[:4] if not line.startswith("  bad"))
    done = headrace.run(jobs)
    assert (done.status, done.json["result"]) == (0, "success")
    assert done.results == {"good": "success", "tolerated": "failure", "skipped": "skipped"}


# The log of a step begins with what it is

HEADED = """\
- uses: actions/checkout@v4
- run: |

    echo "a"
    echo ${{ github.ref_name }}
  env: {B: "2", A: "${{ secrets.PASSWORD }}"}
- run: echo b
  shell: bash
  name: named
- uses: ./inner
  with: {given: mine}
"""


@pytest.mark.covers("runtime:2.5")
def test_the_log_of_a_step_begins_with_what_it_runs(headrace: Headrace) -> None:
    actions = Actions(headrace)
    inner = composite("- run: 'true'\n  shell: sh\n", "{given: {}, defaulted: {default: d}, empty: {}}")
    files = {f"inner/{name}": text for name, text in inner.items()}
    done = actions.run(HEADED, "--secret", "PASSWORD=hunter2-and-more", files=files, head="env: {WIDE: w}")
    assert done.status == 0
    log = headrace("logs", "--raw", cwd=headrace.home / "repo1").out
    bash = next(line for line in log.splitlines() if line.startswith("shell: ")).split()[1]
    assert (
        '##[group]Run echo "a"\n'
        "\x1b[36;1m\x1b[0m\n"
        '\x1b[36;1mecho "a"\x1b[0m\n'
        "\x1b[36;1mecho main\x1b[0m\n"
        f"shell: {bash} -e {{0}}\n"
        "env:\n  WIDE: w\n  B: 2\n  A: ***\n"
        "##[endgroup]\na\nmain\n"
    ) in log
    assert f"##[group]Run echo b\n\x1b[36;1mecho b\x1b[0m\nshell: {bash} --noprofile --norc -e -o pipefail {{0}}\nenv:\n" in log
    assert log[log.index("##[group]Run ./inner\n") :].startswith(
        "##[group]Run ./inner\nwith:\n  given: mine\n  defaulted: d\nenv:\n  WIDE: w\n##[endgroup]\n"
    )
    assert "hunter2" not in log


@pytest.mark.covers("runtime:2.5")
def test_without_an_environment_a_header_has_none(headrace: Headrace) -> None:
    headrace.run("  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo b\n")
    log = headrace("logs", "--raw", cwd=headrace.home / "repo").out
    head = log[log.index("##[group]Run echo b") :].partition("##[endgroup]\n")[0]
    assert len(head.splitlines()) == 3
    assert "env:" not in head


# What actions find in their environment


@pytest.mark.covers("runtime:9.1", "runtime:9.2", "runtime:5.7")
def test_actions_find_where_the_services_are(headrace: Headrace) -> None:
    actions = Actions(headrace)
    actions.mirror(
        "octo/show", node("console.log('env=' + Buffer.from(JSON.stringify(process.env)).toString('hex'))")
    )  # no form that is masked
    plain = "- run: env | grep -E '^(ACTIONS_|GITHUB_ARTIFACTS)' | sed 's/^/script has /'; true\n"
    done = actions.run(f"- uses: octo/show@v1\n{plain}")
    assert done.status == 0
    text = next(line for line in output(done) if line.startswith("env=")).removeprefix("env=")
    env = json.loads(bytes.fromhex(text))
    results = urlsplit(env["ACTIONS_RESULTS_URL"])
    assert (results.scheme, results.hostname, results.path) == ("http", "127.0.0.1", "/")
    for name in ("ACTIONS_CACHE_URL", "ACTIONS_RUNTIME_URL"):
        assert env[name].endswith("/")
    assert env["ACTIONS_CACHE_SERVICE_V2"]
    claims = json.loads(base64.urlsafe_b64decode(env["ACTIONS_RUNTIME_TOKEN"].split(".")[1] + "=="))
    assert f"Actions.Results:{env['GITHUB_RUN_ID']}:" in claims["scp"]
    assert env["GITHUB_SERVER_URL"] == "https://github.com"
    for name in ("GITHUB_WORKSPACE", "RUNNER_TEMP", "GITHUB_REPOSITORY", "GITHUB_REF"):
        assert env[name]
    assert "ACTIONS_ID_TOKEN_REQUEST_URL" not in env  # nobody has asked for the permission
    assert not [name for name in env if name.startswith("GITHUB_ARTIFACTS")]  # products are not declared to us
    assert not [line for line in output(done) if line.startswith("script has ")]


# Workflows that are called

CALLED = """\
on:
  workflow_call:
    inputs: {what: {type: string, required: true}}
    secrets: {PASSWORD: {}}
    outputs: {seen: {value: "${{ jobs.inner.outputs.seen }}"}}
env: {OWN: own}
jobs:
  inner:
    name: the inner one
    runs-on: ubuntu-latest
    outputs: {seen: "${{ steps.s.outputs.seen }}"}
    steps:
      - uses: actions/checkout@v4
      - uses: ./local
      - id: s
        run: |
          echo "seen=${{ inputs.what }}" >> "$GITHUB_OUTPUT"
          echo "wide=${WIDE-unset} own=$OWN event=$GITHUB_EVENT_NAME workflow=$GITHUB_WORKFLOW"
          echo "password=${#PASSWORD} other='${{ secrets.OTHER }}'"
        env: {PASSWORD: "${{ secrets.PASSWORD }}"}
"""
CALLING = """\
on: push
name: outer
env: {WIDE: wide}
jobs:
  call:
    uses: ./.github/workflows/called.yml
    with: {what: "it is ${{ github.ref_name }}"}
    secrets: SECRETS
  after:
    needs: call
    runs-on: ubuntu-latest
    steps: [{run: "echo 'after=${{ needs.call.outputs.seen }}'"}]
"""


@pytest.mark.covers("runtime:8.8")
@pytest.mark.parametrize(
    ("secrets", "said"), [("{PASSWORD: '${{ secrets.OTHER }}'}", "password=9 other=''"), ("inherit", "password=10 other='***'")]
)
def test_a_called_workflow_is_a_part_of_its_callers_run(headrace: Headrace, secrets: str, said: str) -> None:
    repository = headrace.repository(CALLING.replace("SECRETS", secrets))
    local = composite("- run: echo local from the workspace\n  shell: sh\n")
    files = {f"local/{name}": text for name, text in local.items()}
    repository.commit({".github/workflows/called.yml": CALLED, **files})
    given = ("--secret", "PASSWORD=hunter-two", "--secret", "OTHER=swordfish")
    done = headrace("run", "--json", "-v", *given, cwd=repository.root)
    assert done.results == {"call/inner": "success", "after": "success"}
    assert [row["name"] for row in done.json["jobs"]] == ["call / the inner one", "after"]
    lines = output(done)
    assert {"wide=unset own=own event=push workflow=outer", "local from the workspace", "after=it is main", said} <= set(lines)


@pytest.mark.covers("runtime:8.8")
def test_what_a_called_workflow_asks_for_must_be_given(headrace: Headrace) -> None:
    repository = headrace.repository(CALLING.replace("SECRETS", "inherit").replace("what:", "other:"))
    repository.commit({".github/workflows/called.yml": CALLED})
    done = headrace("run", "--json", cwd=repository.root)
    assert done.status == 2
    assert [each["message"] for each in done.json["problems"]] == [
        "Invalid input, other is not defined in the referenced workflow.",
        "Input what is required, but not provided while calling.",
    ]


# Actions of the workflow's own repository and commit

OWN_INNER = "- uses: $/acts/inner\n- run: echo from the outer one in $(basename $(dirname $GITHUB_ACTION_PATH))\n  shell: sh\n"


@pytest.mark.covers("runtime:8.1")
def test_an_action_of_the_own_repository_needs_no_checkout_and_is_not_that_of_the_workspace(headrace: Headrace) -> None:
    actions = Actions(headrace)
    outer, inner = composite(OWN_INNER), composite("- run: echo from the inner one\n  shell: sh\n")
    files = {"acts/outer/action.yml": outer["action.yml"], "acts/inner/action.yml": inner["action.yml"]}
    steps = """\
- uses: $/acts/inner
- run: |
    mkdir -p acts/inner
    echo 'runs: {using: composite, steps: [{run: echo changed, shell: sh}]}' > acts/inner/action.yml
- uses: $//acts/outer
"""
    done = actions.run(steps, files=files)
    assert done.results == {"a": "success"}, done.err
    lines = output(done)
    assert lines.count("from the inner one") == 2
    assert "from the outer one in acts" in lines
    assert "changed" not in lines
    assert [row["would"] for row in actions.plan(steps, files=files).json["jobs"]] == ["run"]


@pytest.mark.covers("runtime:8.1")
def test_an_action_that_the_own_repository_does_not_have_fails_the_job_before_its_steps(headrace: Headrace) -> None:
    done = Actions(headrace).run("- run: echo never\n- uses: $/acts/none\n")
    assert done.results == {"a": "failure"}
    assert "never" not in output(done)
    assert "Can't find 'action.yml', 'action.yaml' or 'Dockerfile' for action '$/acts/none'." in done.err


@pytest.mark.covers("runtime:8.1")
def test_where_the_own_repository_of_a_file_is_not_known_its_actions_are_unsupported(headrace: Headrace) -> None:
    """A local action comes from the workspace, which may hold anything."""
    actions = Actions(headrace)
    files = {f"local/{name}": text for name, text in composite("- uses: $/acts/inner\n").items()}
    files |= {f"acts/inner/{name}": text for name, text in composite("- run: echo x\n  shell: sh\n").items()}
    row = actions.plan("- uses: actions/checkout@v4\n- uses: ./local\n", files=files).json["jobs"][0]
    assert row["rule"] == "unsupported.own-action"

"""Jobs that deploy to an environment: only where somebody lets them, with its secrets and variables, and under its name."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from test_core.calls import Done, Headrace

pytestmark = [pytest.mark.slow, pytest.mark.covers("language:10.3")]  # no version of Python matters to it


def job(id: str, *lines: str, steps: str = "      - run: 'true'\n") -> str:
    keys = "".join(f"    {line}\n" for line in ("runs-on: ubuntu-latest", *lines))
    return f"  {id}:\n{keys}    steps:\n{steps}"


def run(headrace: Headrace, jobs: str, *options: str, **extra: str) -> Done:
    folder = headrace.home / "repo"
    root = folder if folder.exists() else headrace.repository(jobs, "repo").root
    return headrace("run", "-v", *options, cwd=root, **extra)


def lines(done: Done, id: str) -> list[str]:
    """What the log of a job shows."""
    return [line.partition(" | ")[2] for line in done.err.splitlines() if line.startswith(f"ci.yml/{id} | ")]


TWO = job("first", "environment: Staging") + job("last", "environment: {name: prod, url: 'https://x'}", "needs: first")


@pytest.mark.parametrize(
    ("approved", "results", "said"),
    [
        ((), ("unsupported", "unsupported"), "it deploys to an environment (Staging): --approve NAME lets its jobs run"),
        (("staging",), ("success", "unsupported"), "it deploys to an environment (prod): --approve NAME lets its jobs run"),
        (("prod",), ("unsupported", "unsupported"), "it deploys to an environment (Staging): --approve"),
        (("STAGING", "prod"), ("success", "success"), "success: 2 success"),
    ],
)
def test_a_job_runs_only_where_somebody_lets_it_deploy(
    headrace: Headrace, approved: tuple[str, ...], results: tuple[str, str], said: str
) -> None:
    done = run(headrace, TWO, "--json", *(word for name in approved for word in ("--approve", name)))
    assert (done.results, done.status) == (dict(zip(("first", "last"), results, strict=True)), "unsupported" in results)
    assert said in done.err


def test_the_repository_itself_cannot_let_its_jobs_deploy_and_the_variable_of_the_caller_can(headrace: Headrace) -> None:
    repository = headrace.repository(job("a", "environment: prod"), "repo")
    repository.write({"pyproject.toml": '[tool.headrace]\napprove = ["prod"]\n'})
    done = headrace("run", cwd=repository.root)
    assert (done.status, "[tool.headrace] has no 'approve'" in done.err) == (2, True), done.err
    repository.write({"pyproject.toml": ""})
    assert headrace("run", cwd=repository.root, HEADRACE_APPROVE="prod").status == 0


SHOW = """\
      - run: echo "<$A $B $C>"
        env: {A: "${{ startsWith(secrets.A, 'hid') }}", B: "${{ vars.B }}", C: "${{ secrets.A }}"}
"""


def test_its_secrets_and_variables_overrule_those_of_the_repository_in_its_jobs_alone(headrace: Headrace) -> None:
    jobs = job("a", "environment: prod", steps=SHOW) + job("b", "environment: test", steps=SHOW) + job("c", steps=SHOW)
    given = ("--secret", "A=shared1", "--secret", "Prod/A", "--var", "B=all", "--var", "prod/B=own")
    done = run(headrace, jobs, *given, "--approve", "prod", "--approve", "test", A="hidden1")
    assert done.status == 0, done.err
    assert [[line for line in lines(done, each) if line[0] == "<"] for each in "abc"] == [
        ["<true own ***>"], ["<false all ***>"], ["<false all ***>"]
    ]  # fmt: skip
    assert not [path for path in headrace.kept() if {b"hidden1", b"shared1"} & {*re.findall(rb"\w+", path.read_bytes())}]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--secret", "prod/A=1"), "--secret prod/A: no job may deploy to 'prod'; --approve 'prod' lets them"),
        (("--var", "prod/A=1", "--approve", "test"), "--var prod/A: no job may deploy to 'prod'"),
        (("--secret", "prod/A", "--approve", "prod"), "--secret prod/A: the environment has no variable of this name; export A"),
        (("--var", "/A=1"), "--var /A: no job may deploy to ''; --var takes NAME, or ENVIRONMENT/NAME"),
    ],
)
def test_what_nobody_could_see_is_refused_before_anything_runs(headrace: Headrace, given: tuple[str, ...], said: str) -> None:
    done = run(headrace, TWO, *given)
    assert (done.status, done.err.count("\n")) == (2, 1)
    assert done.err.startswith(f"headrace: {said}")


URL = "      - {id: s, run: 'echo to=there >> $GITHUB_OUTPUT; echo hidden=${{ secrets.A }} >> $GITHUB_OUTPUT'}\n"


@pytest.mark.parametrize(
    ("url", "result", "said"),
    [
        ("https://x/${{ steps.s.outputs.to }}", "success", "Evaluated environment url: https://x/there"),
        ("${{ steps.s.outputs.hidden }}", "success", "warning: Skip setting environment url as environment 'prod' may contain"),
        ("${{ fromJSON('[1]') }}", "failure", "error: Failed to evaluate environment url"),
    ],
)
def test_its_address_is_evaluated_at_the_end(headrace: Headrace, url: str, result: str, said: str) -> None:
    environment = f'environment: {{name: prod, url: "{url}"}}'
    done = run(headrace, job("a", environment, steps=URL), "--approve", "prod", "--secret", "prod/A=secret", "--json")
    assert done.results == {"a": result}, done.err
    logs = "".join(log.read_text() for log in headrace.state.glob("runs/1/logs/*.log"))
    assert said in logs.replace("##[", "").replace("]", ": "), logs


ASK = """\
      - shell: python3 {0}
        run: |
          import json, os, urllib.request
          head = {"Authorization": "Bearer " + os.environ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]}
          url = os.environ["ACTIONS_ID_TOKEN_REQUEST_URL"] + "&audience=x"
          token = json.load(urllib.request.urlopen(urllib.request.Request(url, headers=head)))["value"]
          print("claims", token.split(".")[1])
"""


@pytest.mark.parametrize(("name", "claim"), [("prod", "prod"), ("${{ '' }}", None), ("${{ github.event_name }}", "push")])
def test_identity_tokens_name_it(headrace: Headrace, name: str, claim: str | None) -> None:
    jobs = job("a", f'environment: "{name}"', "permissions: {id-token: write}", steps=ASK)
    done = run(headrace, jobs, "--approve", "prod", "--approve", "push")
    assert done.status == 0, done.err
    text = next(line.partition(" ")[2] for line in lines(done, "a") if line.startswith("claims "))
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=="))
    subject = f"environment:{claim}" if claim else "ref:refs/heads/main"
    assert (claims.get("environment"), claims["sub"]) == (claim, f"repo:local/repo:{subject}")


def test_a_name_that_only_another_job_tells_is_looked_at_when_that_has_ended(headrace: Headrace) -> None:
    first = job("first", "outputs: {to: prod}")
    jobs = first + job("last", "needs: first", "environment: ${{ needs.first.outputs.to }}")
    assert run(headrace, jobs, "--json").results == {"first": "success", "last": "unsupported"}
    assert run(headrace, jobs, "--json", "--approve", "prod").results == {"first": "success", "last": "success"}


def test_each_leg_has_its_own_and_the_plan_names_it(headrace: Headrace) -> None:
    jobs = job("a", "environment: ${{ matrix.to }}", "strategy: {matrix: {to: [prod, test]}}")
    done = headrace("plan", "--json", "--approve", "test", cwd=headrace.repository(jobs, "repo").root)
    assert [(row["environment"], row["would"]) for row in done.json["jobs"]] == [("prod", "unsupported"), ("test", "run")]

"""Identity tokens in jobs: only where the permission is, and never for a fork's pull request."""

from __future__ import annotations

import json

import pytest
from test_core.actions import Actions, output
from test_core.callers import Runs, call, called, job
from test_core.calls import Headrace

pytestmark = pytest.mark.slow  # it takes minutes, or needs the machine for itself

ASK = """\
- shell: python3 {0}
  run: |
    import base64, json, os, urllib.request
    url = os.environ.get("ACTIONS_ID_TOKEN_REQUEST_URL")
    if url is None:
        print("no token")
    else:
        head = {"Authorization": "Bearer " + os.environ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]}
        token = json.load(urllib.request.urlopen(urllib.request.Request(url + "&audience=x", headers=head)))["value"]
        claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        print("claims", json.dumps(claims))
        print("secret", os.environ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"])
"""
WRITE = "permissions: {id-token: write, contents: read}"


@pytest.fixture
def actions(headrace: Headrace) -> Actions:
    return Actions(headrace)


def claims(lines: list[str]) -> dict[str, str]:
    return next(dict(json.loads(line.removeprefix("claims "))) for line in lines if line.startswith("claims "))


@pytest.mark.covers("runtime:9.7", "runtime:3.3", "release:5.10")
def test_a_job_with_the_permission_gets_a_token_that_says_what_it_is(actions: Actions) -> None:
    done = actions.run(ASK, head=WRITE)
    assert done.status == 0, done.err
    said = claims(output(done))
    assert said["sub"] == "repo:local/repo1:ref:refs/heads/main"
    assert said["job_workflow_ref"] == said["workflow_ref"] == "local/repo1/.github/workflows/ci.yml@refs/heads/main"
    assert (said["aud"], said["event_name"], said["run_id"], said["runner_environment"]) == ("x", "push", "1", "github-hosted")
    assert "secret ***" in output(done)
    kept = [path for path in actions.headrace.kept() if b"PRIVATE KEY" in path.read_bytes()]
    assert kept == []


@pytest.mark.covers("release:5.1")
@pytest.mark.parametrize("head", ["", "permissions: {contents: read}", "permissions: read-all", "permissions: {id-token: none}"])
def test_a_job_without_the_permission_gets_none(actions: Actions, head: str) -> None:
    assert "no token" in output(actions.run(ASK, head=head))


@pytest.mark.covers("release:5.5")
def test_the_pull_request_of_a_fork_gets_none_and_one_of_ones_own_says_that_it_is_one(actions: Actions) -> None:
    for owner in ("stranger", "local"):
        made = actions.repository(ASK, head=WRITE)
        workflow = made.root / ".github/workflows/ci.yml"
        workflow.write_text(workflow.read_text().replace("on: push", "on: pull_request"))
        made.commit()
        made.git("checkout", "-q", "-b", "topic")
        made.commit({"new": "x"})
        payload = actions.headrace.home / "payload.json"
        payload.write_text(json.dumps({"pull_request": {"head": {"repo": {"full_name": f"{owner}/{made.root.name}"}}}}))
        done = actions.headrace("run", "pull_request", "-v", "--base", "main", "--payload", str(payload), cwd=made.root)
        assert done.status == 0, done.err
        lines = output(done)
        assert ("no token" in lines) == (owner == "stranger"), lines
        if owner == "local":
            assert claims(lines)["sub"] == f"repo:local/{made.root.name}:pull_request"


def test_a_called_workflow_is_named_beside_the_one_that_calls(headrace: Headrace) -> None:
    inner = job("a").replace(
        "steps: [{id: s, run: 'true'}]", "steps:\n" + "".join(f"      {line}\n" for line in ASK.splitlines())
    )
    done = Runs(headrace)(call("c", WRITE), "-v", called=called(inner))
    assert done.status == 0, done.err
    said = claims(output(done))
    assert said["job_workflow_ref"].endswith("/.github/workflows/called.yml@refs/heads/main")
    assert said["workflow_ref"].endswith("/.github/workflows/ci.yml@refs/heads/main")

"""The run's own repository answers git under its address at GitHub: to read from, and nobody else's."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from test_core.actions import Actions, composite, output
from test_core.calls import Headrace
from test_core.repositories import GitRepository

pytestmark = pytest.mark.slow  # it takes minutes, or needs the machine for itself

# What the published checkout is known to do, in git's own words.
CHECKOUT = """
- shell: bash
  env: {TOKEN: '${{ github.token }}'}
  run: |
    git init -q . && git remote add origin $GITHUB_SERVER_URL/$GITHUB_REPOSITORY
    git config --local http.$GITHUB_SERVER_URL/.extraheader "AUTHORIZATION: basic $(printf x-access-token:$TOKEN | base64 -w0)"
    git -c protocol.version=2 fetch -q --no-tags --prune --no-recurse-submodules --depth=1 origin +$GITHUB_SHA:refs/remotes/origin/x
    git checkout -q --force -B x refs/remotes/origin/x
    test "$(git rev-parse HEAD)" = "$GITHUB_SHA"
"""


@pytest.fixture
def actions(headrace: Headrace) -> Actions:
    made = Actions(headrace)
    made.mirror("actions/checkout", composite(CHECKOUT), "v4")
    return made


def repository(actions: Actions, steps: str) -> GitRepository:
    made = actions.repository(steps, {"file": "one\n"})
    made.git("tag", "-a", "-m", "a tag", "v1")
    made.git("branch", "other")
    made.commit({"file": "two\n"})
    return made


def run(actions: Actions, root: Path, *options: str) -> tuple[int, list[str], str]:
    done = actions.headrace("run", "--json", "-v", "--actions-root", str(actions.root), *options, cwd=root)
    return done.status, output(done), done.err


@pytest.mark.covers("runtime:9.8", "runtime:11.1")
@pytest.mark.parametrize("native", ["on", "off"])
def test_a_fetch_after_a_checkout_gets_the_rest_as_at_github(actions: Actions, native: str) -> None:
    steps = """
- uses: actions/checkout@v4
- run: |
    cat file new
    git fetch -q --unshallow --tags origin
    git log --format='subject %s'
    echo "tag $(git cat-file -t v1) $(git tag)"
    echo "origin $(git config remote.origin.url)"
    git ls-remote --heads origin | sed 's/.*\t/head /'
"""
    made = repository(actions, steps)
    made.write({"new": "not committed\n"})
    status, lines, err = run(actions, made.root, "--native", native)
    assert status == 0, err
    assert {"two", "not committed"} <= set(lines)
    assert [line for line in lines if line.startswith(("subject", "tag", "origin", "head"))] == [
        "subject Working tree, not committed", "subject Change", "subject First", "tag tag v1",
        "origin https://github.com/local/repo1", "head refs/heads/main", "head refs/heads/other",
    ]  # fmt: skip


@pytest.mark.parametrize("native", ["on", "off"])
def test_a_tag_that_only_the_event_knows_is_served(actions: Actions, native: str) -> None:
    made = repository(actions, "- uses: actions/checkout@v4\n- run: git ls-remote --tags origin | sed 's/.*\\t/ref /'")
    text = made.root / ".github/workflows/ci.yml"
    text.write_text(text.read_text().replace("on: push", "on: {push: {tags: ['*']}}"))
    made.commit()
    status, lines, err = run(actions, made.root, "--native", native, "--ref", "refs/tags/v9")
    assert status == 0, err
    assert [line for line in lines if line.startswith("ref ")] == ["ref refs/tags/v1", "ref refs/tags/v1^{}", "ref refs/tags/v9"]


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("git push origin HEAD:stolen", "jobs cannot push here"),
        ("env -u GIT_CONFIG_COUNT git ls-remote $(git remote get-url origin)", "could not read Username"),
        (
            "git -c http.extraHeader= ls-remote origin; env -u GIT_CONFIG_COUNT git -c credential.helper= ls-remote $URL",
            "could not read Username",
        ),
    ],
)
def test_what_nobody_may_do(actions: Actions, script: str, why: str) -> None:
    made = repository(actions, f"- uses: actions/checkout@v4\n- run: |\n    URL=$(git remote get-url origin)\n    {script}")
    before = made.refs()
    status, _, err = run(actions, made.root)
    assert (status, why in err) == (1, True), err
    assert made.refs() == before


def test_settings_and_credentials_of_the_real_repository_are_not_to_be_had(actions: Actions) -> None:
    made = repository(
        actions, "- uses: actions/checkout@v4\n- run: git fetch -q --unshallow origin; grep -r s3cr3t .git || echo nothing"
    )
    made.git("config", "http.extraHeader", "Authorization: s3cr3t")
    made.git("update-ref", "refs/stash", "HEAD")
    status, lines, err = run(actions, made.root)
    assert (status, "nothing" in lines) == (0, True), err


@pytest.mark.skipif("HEADRACE_MIRRORS" not in os.environ, reason="HEADRACE_MIRRORS names no folder of mirrors")
@pytest.mark.parametrize("version", ["v2", "v3", "v4", "v5", "v6", "v7"])
def test_the_published_checkout_runs_unmodified(headrace: Headrace, version: str) -> None:
    actions = Actions(headrace)
    actions.root = Path(os.environ["HEADRACE_MIRRORS"])
    if subprocess.run(
        ["git", "-C", actions.root / "actions+checkout" / "repo", "cat-file", "-e", f"{version}:dist/index.js"]
    ).returncode:
        pytest.skip("it is not there")
    script = 'test "$(git rev-parse HEAD)" = $GITHUB_SHA && git status -sb && cat file new'
    made = repository(actions, f"- uses: actions/checkout@{version}\n- run: {script}")
    made.write({"new": "not committed\n"})
    said = {}
    for native in ("on", "off"):
        status, lines, err = run(actions, made.root, "--native", native)
        assert status == 0, err
        said[native] = lines[lines.index("shell: /usr/bin/bash -e {0}") + 1 :][:3]
    assert said["on"] == said["off"]
    assert "## main...origin/main" in said["on"]


@pytest.mark.covers("runtime:3.3")
def test_what_scripts_read_the_repository_with_is_good_for_nothing_else(actions: Actions) -> None:
    script = """\
- uses: actions/checkout@v4
- shell: python3 {0}
  run: |
    import base64, os, urllib.error, urllib.request
    token = base64.b64decode(os.environ["GIT_CONFIG_VALUE_1"].split()[-1]).decode().partition(":")[2]
    origin = os.environ["GIT_CONFIG_KEY_0"].removeprefix("url.").partition("/git/")[0]
    assert "ACTIONS_RUNTIME_TOKEN" not in os.environ
    for service, method in (("ArtifactService", "ListArtifacts"), ("CacheService", "GetCacheEntryDownloadURL")):
        request = urllib.request.Request(f"{origin}/twirp/github.actions.results.api.v1.{service}/{method}", b"{}")
        request.add_header("Authorization", "Bearer " + token)
        request.add_header("Content-Type", "application/json")
        try:
            print("answer", urllib.request.urlopen(request).status)
        except urllib.error.HTTPError as error:
            print("answer", error.code)
"""
    status, lines, err = run(actions, repository(actions, script).root)
    assert status == 0, err
    assert [line for line in lines if line.startswith("answer")] == ["answer 401", "answer 401"]

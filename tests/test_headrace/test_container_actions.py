"""Actions that run in a container of their own, and actions for node in the job's."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from test_core.calls import Headrace
from test_core.containers import IMAGE, Engine
from test_core.repositories import GitRepository, make_repository

pytestmark = pytest.mark.slow

MANIFEST = f"""
name: contained
inputs:
  who: {{default: world}}
  entrypoint: {{}}
runs:
  using: docker
  image: docker://{IMAGE}
  pre-entrypoint: /bin/false
  entrypoint: /bin/sh
  post-entrypoint: /bin/sh
  args:
    - -c
    - |
      echo "stage of ${{{{ inputs.who }}}}: $STATE_kept"
      echo kept=yes >> "$GITHUB_STATE"; echo greeting=hi >> "$GITHUB_OUTPUT"; echo FROM=action >> "$GITHUB_ENV"
      test "$PWD" = /github/workspace && test "$HOME" = /github/home && test "$GITHUB_WORKSPACE" = /github/workspace
      test "$INPUT_WHO" = "me too" && test "$OWN" = "for me too" && test "$GITHUB_JOB" = a && test "$RUNNER_TEMP" = /github/runner_temp
      test -s "$GITHUB_EVENT_PATH" && test -n "$ACTIONS_RUNTIME_TOKEN" && touch from-action
      wget -q -O- "$ACTIONS_RESULTS_URL" 2>&1 | grep -q "error: HTTP/1.1 4"
  env:
    OWN: for ${{{{ inputs.who }}}}
    GITHUB_JOB: not this
"""


def repository(headrace: Headrace, job: str, **files: str) -> GitRepository:
    paths = {name.replace("__", "/"): text for name, text in files.items()}
    return make_repository(headrace.home / "repo", {".github/workflows/ci.yml": f"on: push\njobs:\n{job}", **paths})


def job(steps: str, extra: str = "") -> str:
    lines = "".join(f"      {line}\n" for line in steps.strip("\n").split("\n"))
    return f"  a:\n    runs-on: ubuntu-latest\n{extra}    steps:\n{lines}"


@pytest.mark.covers("runtime:8.4")
@pytest.mark.parametrize(("isolation", "extra"), [("host", ""), ("namespaces", ""), ("host", f"    container: {IMAGE}\n")])
def test_an_action_in_a_container_has_the_jobs_folders_and_services(
    headrace: Headrace, engine: Engine, isolation: str, extra: str
) -> None:
    steps = """
- uses: actions/checkout@v4
- uses: ./act
  id: act
  with: {who: me too}
- run: test "${{ steps.act.outputs.greeting }}" = hi && test "$FROM" = action && test -e from-action
"""
    place = repository(headrace, job(steps, extra), act__action_yml=MANIFEST)
    os.rename(place.root / "act" / "action_yml", place.root / "act" / "action.yml")
    done = headrace("run", "--json", "-v", "--isolation", isolation, cwd=place.root)
    assert done.results == {"a": "success"}, done.err
    assert "| stage of me too: \n" in done.err
    assert "| stage of me too: yes" in done.err  # after the job
    assert "`pre` execution is not supported for local action" in done.err
    assert engine.left() == []


@pytest.mark.covers("runtime:8.4")
@pytest.mark.parametrize("isolation", ["host", "namespaces"])
def test_an_action_with_a_dockerfile_is_built_and_takes_its_arguments_as_a_text(
    headrace: Headrace, engine: Engine, isolation: str
) -> None:
    steps = """
- uses: actions/checkout@v4
- uses: ./act
  with: {args: 'one "two three"'}
- uses: ./wrong
"""
    dockerfile = f'FROM {IMAGE}\nRUN echo so > /built\nCOPY say.sh /\nENTRYPOINT ["/bin/sh", "/say.sh"]\n'
    files = {"act__Dockerfile": dockerfile, "act__say.sh": 'cat /built; for each in "$@"; do echo "got $each"; done\n'}
    wrong = {"wrong__Dockerfile": f"FROM {IMAGE}\nRUN exit 9\n"}
    done = headrace("run", "--json", "-v", "--isolation", isolation, cwd=repository(headrace, job(steps), **files, **wrong).root)
    assert done.results == {"a": "failure"}
    for text in ("| so\n", "| got one\n", "| got two three\n", "Docker build failed with exit code"):
        assert text in done.err, text
    assert engine("image", "ls", "--quiet", "--filter", "label=headrace.run") == ""


@pytest.mark.covers("runtime:8.1")
def test_an_action_that_the_job_itself_writes_may_run_in_a_container(headrace: Headrace, engine: Engine) -> None:
    steps = f"""
- run: |
    mkdir made
    echo 'runs: {{using: docker, image: "docker://{IMAGE}", entrypoint: /bin/echo, args: [made for it]}}' >made/action.yml
- uses: ./made
"""
    place = repository(headrace, job(steps)).root
    done = headrace("run", "--json", "-v", cwd=place)
    assert (done.results, "| made for it" in done.err) == ({"a": "success"}, True), done.err
    done = headrace("run", "--json", "-v", "--containers", "none", cwd=place)
    assert (done.results, "| made for it" in done.err) == ({"a": "failure"}, False), done.err
    assert "./made runs in a container, and this run has no container engine; `headrace doctor`" in done.err
    assert engine.left() == []


@pytest.mark.covers("runtime:8.4", "runtime:8.1")
def test_an_image_is_an_action_and_its_exit_code_the_steps(headrace: Headrace, engine: Engine) -> None:
    steps = f"""
- uses: docker://{IMAGE}
  with: {{entrypoint: /bin/echo, args: 'said by it'}}
- uses: docker://{IMAGE}
  with: {{entrypoint: /bin/sh, args: '-c "exit 5"'}}
  id: five
  continue-on-error: true
- run: test "${{{{ steps.five.outcome }}}}" = failure
"""
    done = headrace("run", "--json", "-v", cwd=repository(headrace, job(steps)).root)
    assert done.results == {"a": "success"}, done.err
    assert "| said by it" in done.err
    assert f"Pull {IMAGE}" in done.err


def test_without_an_engine_all_of_it_is_unsupported_before_anything_runs(headrace: Headrace) -> None:
    jobs = f"  a:\n    runs-on: ubuntu-latest\n    container: {IMAGE}\n    steps: [{{run: 'true'}}]\n"
    jobs += f"  b:\n    runs-on: ubuntu-latest\n    services: {{db: {{image: {IMAGE}}}}}\n    steps: [{{run: 'true'}}]\n"
    jobs += f"  c:\n    runs-on: ubuntu-latest\n    steps: [{{uses: 'docker://{IMAGE}'}}]\n"
    place = repository(headrace, jobs)
    bare = headrace.home / "bin"
    bare.mkdir()
    for name in ("git", "sh", "bash"):
        os.symlink(shutil.which(name) or "", bare / name)
    for call in (("run", "--json", "--containers", "none"), ("plan", "--json", "--containers", "none")):
        done = headrace(*call, cwd=place.root)
        rows = done.json["jobs"]
        assert [row.get("result", row.get("would")) for row in rows] == ["unsupported"] * 3
    table = headrace("plan", "--containers", "none", cwd=place.root).out
    assert table.count("no container engine is to be used; `--containers auto`") == 3


@pytest.mark.covers("runtime:8.3")
def test_an_action_for_node_runs_in_the_container_where_a_node_does(headrace: Headrace, engine: Engine, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs nodejs")
    manifest = "name: n\ninputs: {a: {default: b}}\nruns: {using: node20, main: main.js}\n"
    script = "require('fs').appendFileSync(process.env.GITHUB_OUTPUT, `in=${process.cwd()} ${process.env.INPUT_A}\\n`)\n"
    steps = """
- uses: actions/checkout@v4
- uses: ./act
  id: act
- run: test "${{ steps.act.outputs.in }}" = "/__w/repo/repo b"
"""
    files = {"act__action.yml": manifest, "act__main.js": script}
    image = "localhost/headrace-test-node:1"
    _node_image(engine, node, image, tmp_path)
    done = headrace("run", "--json", "-v", cwd=repository(headrace, job(steps, f"    container: {image}\n"), **files).root)
    assert done.results == {"a": "success"}, done.err
    (headrace.home / "repo" / ".github" / "workflows" / "ci.yml").write_text(
        f"on: push\njobs:\n{job(steps, f'    container: {IMAGE}')}".replace("    steps:", "\n    steps:")
    )
    done = headrace("run", "--json", "-v", cwd=headrace.home / "repo")
    assert done.results == {"a": "failure"}
    assert "this action runs on node, and none runs in the job's container" in done.err


def _node_image(engine: Engine, node: str, image: str, folder: Path) -> None:
    """One with the libraries that this machine's node wants."""
    from test_core import containers

    root = folder / "root"
    root.mkdir()
    (folder / "root.tar").write_bytes(containers.image())
    subprocess.run(["tar", "-xf", str(folder / "root.tar"), "-C", str(root)], check=True)
    listed = subprocess.run(["ldd", os.path.realpath(node)], capture_output=True, text=True, check=True).stdout
    for word in listed.split():
        if word.startswith("/"):
            target = root / word.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(os.path.realpath(word), target)
    subprocess.run(["tar", "-cf", str(folder / "all.tar"), "-C", str(root), "."], check=True)
    engine("import", str(folder / "all.tar"), image)


def test_a_run_without_a_network_has_no_containers(headrace: Headrace, engine: Engine) -> None:
    place = repository(headrace, job("- run: 'true'", f"    container: {IMAGE}\n"))
    call = ("run", "--isolation", "namespaces", "--network", "none")
    done = headrace(*call, cwd=place.root)
    assert (done.status, "--containers none leaves such jobs out" in done.err) == (2, True)
    assert headrace(*call, "--json", "--containers", "none", cwd=place.root).results == {"a": "unsupported"}

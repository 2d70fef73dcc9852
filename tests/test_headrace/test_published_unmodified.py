"""Actions as they are published, beside the drop-ins that stand for them: the same outputs, environment and files."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from typing import Any

import pytest
from headrace.actions.nodes import find_nodes
from test_core.actions import Actions, composite, output
from test_core.calls import Done, Headrace

pytestmark = pytest.mark.slow  # it takes minutes

MIRRORS = "HEADRACE_MIRRORS"
HERE = ".".join(map(str, sys.version_info[:3]))


def published(headrace: Headrace, *uses: str) -> Actions:
    """Workflows that use these actions from mirrors; skips where there are none, or where they are not whole."""
    folder = os.environ.get(MIRRORS, "")
    for name, _, ref in (one.partition("@") for one in uses):
        mirror = os.path.join(folder, name.replace("/", "+"), "repo")
        if not os.path.isdir(mirror):
            pytest.skip(f"{MIRRORS} names no folder with a mirror of {name}")
        listed = subprocess.run(["git", "-C", mirror, "ls-tree", "-r", ref], capture_output=True, text=True, check=False).stdout
        ids = "".join(f"{line.split()[2]}\n" for line in listed.splitlines())
        there = subprocess.run(
            ["git", "-C", mirror, "cat-file", "--batch-check"], input=ids, capture_output=True, text=True, check=False
        )
        if not ids or "missing" in there.stdout:
            pytest.skip(f"the mirror of {name} lacks files of {ref}")
    if shutil.which("node") is None:
        pytest.skip("needs node")
    return Actions(headrace)


def run(actions: Actions, steps: str, native: str, files: dict[str, str] | None = None) -> Done:
    return actions.run(steps, "--native", native, "--actions-root", os.environ[MIRRORS], files=files)


def told(done: Done) -> Any:
    """What a step says as `told=JSON`, on lines without blanks at their ends."""
    lines = [line.removeprefix("told=") for line in output(done) if line.startswith("told=")]
    return [json.loads(line) for line in lines]


def shown(done: Done, what: str) -> dict[str, str]:
    """The variables that the step `env | sed 's/^/env./'` has shown, where they have to do with `what`. Folders of the job have
    other names in each run."""
    pairs = (line.removeprefix("env.").partition("=") for line in output(done) if line.startswith("env."))
    return {name: _placed(value) for name, _, value in pairs if re.search(what, name, re.IGNORECASE)}


def _placed(text: str) -> str:
    return re.sub(r"/repo\d+\b", "/REPO", re.sub(r"\S*?/work/\d+/\d+/", "JOB/", text))


def both(actions: Actions, steps: str, files: dict[str, str] | None = None) -> tuple[Done, Done]:
    off, on = (run(actions, steps, native, files) for native in ("off", "on"))
    assert off.results == on.results, off.err + on.err
    return off, on


SAY = "- run: printf 'told=%s\\n' \"$(echo '${{ toJSON(steps) }}' | tr -d '\\n')\"\n  if: always()\n"
SHOW = "- run: env | sed 's/^/env./'\n"


@pytest.mark.covers("runtime:11.2", "runtime:11.3", "runtime:9.8")
@pytest.mark.parametrize(("up", "down"), [("v4", "v4"), ("v5", "v5"), ("v6", "v7"), ("v7", "v8")])
def test_artifacts(headrace: Headrace, up: str, down: str) -> None:
    actions = published(headrace, f"actions/upload-artifact@{up}", f"actions/download-artifact@{down}")
    steps = f"""\
- run: mkdir -p out/x out/.hidden; echo a > out/a.txt; echo b > out/x/b.txt; echo c > out/.hidden/c
- uses: actions/upload-artifact@{up}
  id: first
  with: {{name: one, path: "out\\n!out/a.txt"}}
- uses: actions/upload-artifact@{up}
  id: again
  continue-on-error: true
  with: {{name: one, path: out}}
- uses: actions/upload-artifact@{up}
  id: over
  with: {{name: one, path: out/, overwrite: true, include-hidden-files: true, compression-level: 0}}
- uses: actions/upload-artifact@{up}
  id: none
  with: {{name: none, path: nothing, if-no-files-found: warn}}
- uses: actions/upload-artifact@{up}
  with: {{name: two, path: out/x/b.txt}}
- uses: actions/download-artifact@{down}
  id: named
  with: {{name: one, path: back}}
- uses: actions/download-artifact@{down}
  id: all
  with: {{path: all}}
- uses: actions/download-artifact@{down}
  id: merged
  with: {{pattern: "*", path: merged, merge-multiple: true}}
- run: find back all merged -type f | sort | sed 's/^/file /'
{SAY}"""
    off, on = both(actions, steps)
    assert off.results == {"a": "success"}
    files = [[line for line in output(done) if line.startswith("file ")] for done in (off, on)]
    assert files[0] == files[1]
    assert "file back/.hidden/c" in files[0]
    assert "file all/two/b.txt" in files[0]
    [theirs], [ours] = told(off), told(on)
    for step in theirs:
        assert (theirs[step]["outcome"], theirs[step]["conclusion"]) == (ours[step]["outcome"], ours[step]["conclusion"]), step
        assert theirs[step]["outputs"].keys() == ours[step]["outputs"].keys(), step
    assert _placed(theirs["named"]["outputs"]["download-path"]) == _placed(ours["named"]["outputs"]["download-path"])


def newest_node() -> str:
    found = find_nodes(os.environ["PATH"])
    return f"v{max(map(int, found), default=0)}."


def tool_cache(tool: str) -> str:
    """A step that puts what this machine has into the job's tool cache, where both look first: nothing is fetched."""
    if tool == "python":
        place = f"$RUNNER_TOOL_CACHE/Python/{HERE}/{'x64' if os.uname().machine == 'x86_64' else 'arm64'}"
        return f'- run: {sys.executable} -m venv "{place}" && touch "{place}.complete"\n'
    uv = shutil.which("uv") or os.path.join(os.path.dirname(sys.executable), "uv")
    if not os.path.exists(uv):
        pytest.skip("needs uv")
    place = f"$RUNNER_TOOL_CACHE/uv/0.7.99/{os.uname().machine}"
    return f'- run: mkdir -p "{place}" && cp {uv} "{place}/uv" && cp {uv} "{place}/uvx" && touch "{place}.complete"\n'


@pytest.mark.covers("runtime:10.2", "runtime:11.5")
@pytest.mark.parametrize("version", ["v3", "v4", "v5", "v6", "v7"])
def test_python(headrace: Headrace, version: str) -> None:
    actions = published(headrace, f"actions/setup-python@{version}", "actions/checkout@v4")
    steps = f"""\
- uses: actions/checkout@v4
{tool_cache("python")}\
- uses: actions/setup-python@{version}
  id: s
  with: {{python-version: "{HERE}", cache: pip}}
- run: mkdir -p "$(pip cache dir)" && touch "$(pip cache dir)/mark"
- run: printf 'which=%s\\n' "$(command -v python)"
{SAY}{SHOW}"""
    off, on = both(actions, steps, {"requirements.txt": "a\n", "sub/requirements.txt": "b\n"})
    assert off.results == {"a": "success"}
    [theirs], [ours] = told(off), told(on)
    assert {name: _placed(value) for name, value in theirs["s"]["outputs"].items()} == {
        name: _placed(value) for name, value in ours["s"]["outputs"].items()
    }
    assert shown(off, "python(?!path|dont)|^LD_|PKG_|^PATH$") == shown(on, "python(?!path|dont)|^LD_|PKG_|^PATH$")
    saved = [[line for line in output(done) if line.startswith("Cache saved with the key: ")] for done in (off, on)]
    assert saved[0] == saved[1] != []


@pytest.mark.covers("runtime:10.3", "runtime:11.6")
@pytest.mark.parametrize("version", ["v5", "v6", "v7", "v8.3.2", "v9.0.0", "v10.0.1"])
def test_uv(headrace: Headrace, version: str) -> None:
    actions = published(headrace, f"astral-sh/setup-uv@{version}", "actions/checkout@v4")
    if version not in ("v5", "v6", "v7") and not newest_node().startswith("v24."):
        pytest.skip("needs node 24")
    steps = f"""\
- uses: actions/checkout@v4
{tool_cache("uv")}\
- uses: astral-sh/setup-uv@{version}
  id: s
  with: {{version: 0.7.99, enable-cache: true, cache-local-path: "/${{{{ github.workspace }}}}/store", prune-cache: false}}
- run: mkdir -p "$UV_CACHE_DIR" && touch "$UV_CACHE_DIR/mark"
- run: printf 'which=%s\\n' "$(command -v uv)"
{SAY}{SHOW}""".replace("/${{ github", "${{ github")
    off, on = both(actions, steps, {"pyproject.toml": '[project]\nname = "a"\nversion = "1"\n', "uv.lock": "version = 1\n"})
    assert off.results == {"a": "success"}, off.err
    [theirs], [ours] = told(off), told(on)
    assert {name: _placed(value) for name, value in theirs["s"]["outputs"].items()} == {
        name: _placed(value) for name, value in ours["s"]["outputs"].items()
    }
    assert shown(off, "^UV_|^VIRTUAL|^PATH$") == shown(on, "^UV_|^VIRTUAL|^PATH$")
    saved = [[line for line in output(done) if re.search("ache saved with (the )?key: ", line)] for done in (off, on)]
    assert saved[0] == saved[1] != []


@pytest.mark.covers("runtime:10.4")
@pytest.mark.parametrize("version", ["v3", "v4", "v5", "v6", "v7"])
def test_node(headrace: Headrace, version: str) -> None:
    """Of the machine's node: with a version, the published action asks GitHub for what is not in its tool cache."""
    actions = published(headrace, f"actions/setup-node@{version}", "actions/checkout@v4")
    if shutil.which("npm") is None:
        pytest.skip("needs npm")
    steps = f"""\
- uses: actions/checkout@v4
- uses: actions/setup-node@{version}
  id: s
  with: {{cache: npm, cache-dependency-path: "*/package-lock.json"}}
- run: mkdir -p "$(npm config get cache)" && touch "$(npm config get cache)/mark"
{SAY}{SHOW}"""
    off, on = both(actions, steps, {"a/package-lock.json": "{}", "b/package-lock.json": "{ }"})
    assert off.results == {"a": "success"}
    [theirs], [ours] = told(off), told(on)
    assert theirs["s"]["outputs"] == ours["s"]["outputs"]
    assert shown(off, "^NODE|^PATH$") == shown(on, "^NODE|^PATH$")  # npm's folder is the job's own with the drop-in
    saved = [[line for line in output(done) if line.startswith("Cache saved with the key: ")] for done in (off, on)]
    assert saved[0] == saved[1] != []


@pytest.mark.covers("runtime:11.8")
@pytest.mark.parametrize("version", ["v7", "v8"])
def test_a_script_for_github(headrace: Headrace, version: str) -> None:
    actions = published(headrace, f"actions/github-script@{version}")
    script = f"""\
- uses: actions/github-script@{version}
  id: s
  with:
    script: |
      core.setOutput('event', `${{context.eventName}} ${{context.repo.repo}} ${{context.ref}}`)
      core.setOutput('there', [github.rest, glob.create, io.mkdirP, exec.exec, require('fs').readFileSync].map(one => typeof one).join())
      return {{a: [1, null]}}
- uses: actions/github-script@{version}
  id: text
  with: {{script: "return 'plain'", result-encoding: string}}
- uses: actions/github-script@{version}
  id: nothing
  with: {{script: "await exec.exec('true')"}}
- uses: actions/github-script@{version}
  id: wrong
  with: {{script: "throw new Error('not today')"}}
{SAY}"""
    done = run(actions, script, "on")
    assert done.results == {"a": "failure"}
    assert [line for line in output(done) if line.startswith("Error: Unhandled error: Error: not today")]
    [steps] = told(done)
    outputs = {name: step["outputs"] for name, step in steps.items()}
    assert outputs["s"]["result"] == '{"a":[1,null]}'
    assert outputs["s"]["event"].startswith("push repo")
    assert outputs["s"]["event"].endswith(" refs/heads/main")
    assert outputs["s"]["there"] == "object,function,function,function,function"
    assert outputs["text"]["result"] == "plain"
    assert outputs["nothing"].get("result", "") == ""
    assert steps["wrong"]["outcome"] == "failure"


@pytest.mark.covers("runtime:11.7")
@pytest.mark.parametrize("kind", ["docker", "composite"])
def test_publishing_needs_a_container_in_every_version_and_is_named_before_anything_runs(headrace: Headrace, kind: str) -> None:
    actions = Actions(headrace)
    later = composite(
        "- run: mkdir -p made && echo 'runs: {using: docker, image: x}' > made/action.yml\n  shell: sh\n- uses: ./made\n"
    )
    files = {
        "docker": {"action.yml": "runs: {using: docker, image: Dockerfile}", "Dockerfile": "FROM scratch"},
        "composite": later,
    }
    actions.mirror("pypa/gh-action-pypi-publish", files[kind], "release/v1")
    steps = "- run: echo never\n- uses: pypa/gh-action-pypi-publish@release/v1\n"
    done = actions.run(steps, "--native", "off", "--containers", "none")
    assert (done.status, done.results) == (1, {"a": "unsupported"})
    assert "never" not in output(done) and "uses an action that runs in a container" in done.err
    actions.mirror("octo/gh-action-pypi-publish", composite("- run: echo mine\n  shell: sh\n"))
    assert actions.run("- uses: octo/gh-action-pypi-publish@v1\n").status == 0  # another one of that name is its own

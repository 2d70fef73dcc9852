"""setup-node in a workflow, with the real node of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from test_core.actions import Actions, output
from test_core.calls import Headrace

pytestmark = pytest.mark.slow  # it takes minutes, or needs the machine for itself

needs_node = pytest.mark.skipif(shutil.which("node") is None or shutil.which("npm") is None, reason="needs node and npm")


@pytest.fixture
def actions(headrace: Headrace) -> Actions:
    return Actions(headrace)


def major() -> str:
    return subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout[1:].split(".")[0]


@needs_node
@pytest.mark.covers("runtime:10.4")
def test_what_a_job_installs_globally_stays_in_the_job(actions: Actions) -> None:
    steps = f"""
- id: node
  uses: actions/setup-node@v4
  with: {{node-version: {major()}}}
- run: |
    mkdir mill && cd mill
    echo '{{"name": "mill", "version": "1.0.0", "bin": {{"mill": "mill.js"}}}}' >package.json
    printf '#!/usr/bin/env node\\nconsole.log("turning", process.version)\\n' >mill.js
    npm install --offline -g "$(npm pack --silent)"
    mill
    echo "prefix $(npm prefix -g) ${{{{ steps.node.outputs.node-version }}}}"
    echo "mill is $(command -v mill)"
"""
    done = actions.run(steps)
    assert done.status == 0, done.err
    lines = output(done)
    prefix = next(line for line in lines if line.startswith("prefix ")).split()
    assert prefix[1].endswith(f"/node/{prefix[2][1:]}/{os.path.basename(prefix[1])}")
    assert f"turning {prefix[2]}" in lines
    assert f"mill is {prefix[1]}/bin/mill" in lines
    assert shutil.which("mill") is None


@pytest.mark.covers("runtime:10.4")
def test_a_node_that_is_no_release_is_told_before_anything_runs(actions: Actions) -> None:
    told = actions.plan("- {uses: actions/setup-node@v4, with: {node-version: 21-nightly}}").out
    assert "sets up a node that is no release" in told
    assert "no release" not in actions.plan("- {uses: actions/setup-node@v4, with: {node-version: lts/*}}").out


@pytest.mark.covers("runtime:10.4")
def test_a_version_that_is_not_there_fails_the_job(actions: Actions) -> None:
    done = actions.run("- {uses: actions/setup-node@v4, with: {node-version: 3}}\n- run: echo next")
    assert done.status != 0
    assert any("Unable to find Node version '3' for platform" in line for line in output(done))
    assert "next" not in output(done)

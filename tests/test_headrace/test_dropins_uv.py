"""setup-uv in a workflow, with the real uv of this machine."""

from __future__ import annotations

import json
import os
import shutil
import sys

import pytest
from test_core.actions import Actions, output
from test_core.calls import Headrace
from test_core.installations import make_wheel
from test_core.layers import refusal

pytestmark = pytest.mark.slow  # it takes minutes, or needs the machine for itself

needs_uv = pytest.mark.skipif(
    not os.path.exists(os.path.join(os.path.dirname(sys.executable), "uv")) and shutil.which("uv") is None, reason="needs uv"
)


@pytest.fixture
def actions(headrace: Headrace) -> Actions:
    return Actions(headrace)


@needs_uv
@pytest.mark.covers("runtime:11.6", "runtime:10.3")
@pytest.mark.parametrize("ref", ["v5", "v7", "v10.0.1"])
@pytest.mark.host_only("its job installs from a folder of the machine")
def test_later_steps_have_uv_and_its_virtual_environment(actions: Actions, headrace: Headrace, ref: str) -> None:
    wheel = make_wheel(headrace.home / "wheels")
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    steps = f"""
- uses: actions/checkout@v4
- uses: actions/setup-python@v5
  with: {{python-version: "{minor}"}}
- id: uv
  uses: astral-sh/setup-uv@{ref}
  with: {{activate-environment: true, python-version: "{minor}"}}
- run: |
    uv pip install --offline --no-index {wheel}
    millwheel
    echo "mine $(command -v uv) $VIRTUAL_ENV"
    echo "told ${{{{ steps.uv.outputs.uv-version }}}} $(uv --version)"
"""
    done = actions.run(steps)
    assert done.status == 0, done.err
    lines = output(done)
    assert "turning" in lines
    mine = next(line for line in lines if line.startswith("mine ")).split()
    assert mine[1].endswith(f"/{os.uname().machine}/uv") and mine[2].endswith("/.venv")
    told = next(line for line in lines if line.startswith("told ")).split()
    assert told[1] == told[3]


@pytest.mark.covers("runtime:10.3")
@pytest.mark.parametrize("isolation", ["host", "namespaces"])
def test_a_uv_that_the_machine_lacks_comes_from_the_real_package_index(actions: Actions, isolation: str) -> None:
    """In namespaces, where the tool cache is another file system than the job's temporary folder."""
    if isolation == "namespaces" and (why := refusal(actions.headrace.home, 1)):
        pytest.skip(f"no layers in a user namespace here: {why}")
    inherited = {name: value for name, value in os.environ.items() if name.startswith(("UV_", "PIP_", "SSL_"))}
    steps = "- {uses: astral-sh/setup-uv@v7, with: {version: 0.8.3}}\n- run: uv --version; command -v uv"
    root = actions.repository(steps).root
    done = actions.headrace("run", "--json", "-v", "--isolation", isolation, cwd=root, **inherited)
    assert done.status == 0, done.err
    assert any(line.startswith("uv 0.8.3") for line in output(done)), done.err


@pytest.mark.covers("runtime:11.6")
@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("{uses: astral-sh/setup-uv@v7, with: {manifest-file: https://example.com/x}}", "takes uv from a list of its own"),
        ("{uses: astral-sh/setup-uv@v6, with: {server-url: https://example.com}}", "takes uv from another server"),
    ],
)
def test_what_cannot_be_done_is_told_before_anything_runs(actions: Actions, step: str, said: str) -> None:
    done = actions.plan(f"- {step}")
    assert said in json.dumps(json.loads(done.out))


@pytest.mark.covers("runtime:11.6")
def test_there_are_no_moving_tags_from_version_8_on(actions: Actions) -> None:
    """So the drop-in does not stand in for one, and nothing else is at hand."""
    done = actions.run("- uses: astral-sh/setup-uv@v8")
    assert (done.status, set(done.results.values())) == (1, {"unsupported"})
    assert "it uses an action that is not at hand (astral-sh/setup-uv@v8)" in done.err

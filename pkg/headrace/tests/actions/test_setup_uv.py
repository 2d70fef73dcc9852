"""setup-uv: which version is asked for, where it comes from, and what later steps see of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from headrace.actions import semver
from headrace.actions.builtin import toolkit, uv_versions

pytestmark = pytest.mark.slow  # it takes minutes, or needs the machine for itself

ARCHITECTURE = os.uname().machine


def program(version: str) -> str:
    """A uv that says its version, makes folders for virtual environments, and knows one Python."""
    return (
        f'#!/bin/sh\ncase "$1" in\n--version) echo "uv {version} (test)" ;;\npython) command -v python3 ;;\n'
        'venv) mkdir -p "$2/bin"; echo "made: $*"; test "$2" != /dev/null/x ;;\n*) echo "uv $*" ;;\nesac\n'
    )


def put(folder: Path, version: str, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or ("uv", "uvx"):
        (folder / name).write_text(program(version))
        (folder / name).chmod(0o755)
    return folder / "uv"


def cached(job: Any, version: str) -> Path:
    place: Path = job.tools / "uv" / version / ARCHITECTURE
    put(place, version)
    place.with_name(f"{ARCHITECTURE}.complete").touch()
    return place


@pytest.fixture
def uv(job: Any, tmp_path: Path) -> Any:
    """A job on a machine with uv 0.8.3, no index, and something in its workspace."""
    job.env |= {"HEADRACE_UV": str(put(tmp_path / "machine", "0.8.3")), "GITHUB_ACTION_REF": "v7"}
    job.env |= {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    (job.workspace / "README").touch()
    return job


class Requests(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def index(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A package index with three versions of uv; the variables that name it."""
    folder = tmp_path / "index" / "simple" / "uv"
    folder.mkdir(parents=True)
    for version in ("0.6.1", "0.7.0", "0.7.4"):
        info = f"uv-{version}.dist-info"
        with zipfile.ZipFile(folder / f"uv-{version}-py3-none-any.whl", "w") as wheel:
            for name in ("uv", "uvx"):
                wheel.writestr(f"uv-{version}.data/scripts/{name}", program(version))
            wheel.writestr("uv-9.data/scripts/../../../../uv", program("9.9.9"))
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: uv\nVersion: {version}\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Requests, directory=str(tmp_path / "index"))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield {"PIP_NO_INDEX": "", "PIP_INDEX_URL": f"http://127.0.0.1:{server.server_port}/simple"}
        server.shutdown()
        thread.join()


def inside(job: Any, step: Any, *argv: str) -> str:
    """A program as the job's next step would start it."""
    env = job.env | step.env | {"PATH": os.pathsep.join([*reversed(step.path), "/usr/bin", "/bin"])}
    done = subprocess.run(["/usr/bin/env", *argv], env=env, cwd=job.workspace, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


# Where it comes from


@pytest.mark.covers("runtime:10.3", "runtime:10.1")
def test_the_machines_uv_becomes_the_jobs_own_in_its_tool_cache(uv: Any, tmp_path: Path) -> None:
    step = uv.step("astral-sh/setup-uv", version="0.8.3")
    assert step.code == 0, step.log
    place = uv.tools / "uv" / "0.8.3" / ARCHITECTURE
    assert place.with_name(f"{ARCHITECTURE}.complete").read_bytes() == b""
    assert step.outputs["uv-path"] == f"{place}/uv"
    assert inside(uv, step, "uv", "--version") == "uv 0.8.3 (test)"
    (place / "uv").write_text("changed by the job")
    assert "0.8.3" in (tmp_path / "machine" / "uv").read_text()


@pytest.mark.covers("runtime:10.3")
def test_what_is_complete_in_the_tool_cache_comes_first_and_the_rest_does_not_count(uv: Any) -> None:
    cached(uv, "0.7.4")
    half = cached(uv, "0.7.9")
    half.with_name(f"{ARCHITECTURE}.complete").unlink()
    step = uv.step("astral-sh/setup-uv", version="0.7.x")
    assert (step.code, step.outputs["uv-version"]) == (0, "0.7.4"), step.log
    assert "Found uv in tool-cache for 0.7.4\n" in step.log


@pytest.mark.covers("runtime:10.3")
def test_the_newest_is_the_one_of_this_machine_and_that_is_told(uv: Any) -> None:
    step = uv.step("astral-sh/setup-uv", version="latest")
    assert step.outputs["uv-version"] == "0.8.3"
    assert "The newest uv is asked for: the one of this machine, 0.8.3, is taken for it." in step.log


@pytest.mark.covers("runtime:10.3")
@pytest.mark.parametrize(
    ("version", "strategy", "found"),
    [
        ("0.7.4", "highest", "0.7.4"),
        ("0.7.x", "highest", "0.7.4"),
        ("~=0.7.0", "highest", "0.7.4"),
        (">=0.6,<0.7.1", "highest", "0.7.0"),
        ("0.6 || ~0.7.0 <0.7.3", "highest", "0.7.0"),
        (">=0.6.2", "lowest", "0.7.0"),
        ("latest", "highest", "0.7.4"),
    ],
)
def test_a_version_that_the_machine_lacks_comes_from_the_package_index(
    uv: Any, index: dict[str, str], version: str, strategy: str, found: str
) -> None:
    env = index | ({"HEADRACE_UV": ""} if version == "latest" else {})
    step = uv.step("astral-sh/setup-uv", version=version, resolution_strategy=strategy, env=env)
    assert step.code == 0, step.log
    assert step.outputs["uv-version"] == found
    assert inside(uv, step, "uv", "--version") == f"uv {found} (test)"
    assert not [name for name in os.listdir(uv.temp) if name.startswith("headrace-uv-")]


@pytest.mark.covers("runtime:10.3")
def test_a_version_that_is_nowhere_fails_with_githubs_words_and_what_to_do(uv: Any, index: dict[str, str]) -> None:
    for env in ({}, index):
        step = uv.step("astral-sh/setup-uv", version="0.5.9", env=env)
        assert step.code == 1
        assert "::error::No version found for 0.5.9%0AThis machine has uv 0.8.3" in step.log
        assert "`pip install uv==0.5.9`" in step.log
        assert (step.outputs, step.path) == ({}, [])


def test_a_shim_that_is_no_uv_once_it_is_copied_does_not_count(uv: Any, tmp_path: Path) -> None:
    shim = tmp_path / "machine" / "uv"
    shim.write_text(f'#!/bin/sh\ntest "$(dirname "$0")" = {shim.parent} && echo "uv 0.8.3"\n')
    step = uv.step("astral-sh/setup-uv", version="0.8.3")
    assert (step.code, "No version found for 0.8.3" in step.log) == (1, True)
    assert not (uv.tools / "uv" / "0.8.3" / ARCHITECTURE).exists()


def test_a_machine_without_uvx_gets_one_that_works(uv: Any, tmp_path: Path) -> None:
    (tmp_path / "machine" / "uvx").unlink()
    step = uv.step("astral-sh/setup-uv")
    assert inside(uv, step, "uvx", "ruff", "a b") == "uv tool uvx ruff a b"


# Which is asked for


@pytest.mark.covers("runtime:11.6")
@pytest.mark.parametrize(
    ("name", "text", "inputs"),
    [
        ("uv.toml", 'required-version = "==0.7.4"\n', {}),
        ("uv.toml", 'cache-keys = []\nrequired-version = "0.7.x"\n', {}),
        ("pyproject.toml", '[tool.uv]\nrequired-version = ">=0.7,<0.8"\n', {}),
        ("pyproject.toml", '[project]\ndependencies = ["uvicorn>1", "uv==0.7.4"]\n', {}),
        ("pyproject.toml", '[dependency-groups]\ndev = [{include-group = "x"}, "uv~=0.7.1 ; python_version > \'3\'"]\n', {}),
        ("x/.tool-versions", "# tools\nuv 0.7.4\npython 3.11\n", {"version_file": "x/.tool-versions"}),
        ("requirements.txt", "uvloop==1\nuv==0.7.4\n", {"version_file": "requirements.txt"}),
        ("uv.lock", '[[package]]\nname = "uv-x"\nversion = "1"\n\n[[package]]\nname = "uv"\nversion = "0.7.4"\n',
         {"version_file": "uv.lock", "ref": "v9.0.0"}),
        ("sub/uv.toml", 'required-version = "0.7.4"\n', {"working_directory": "sub"}),
        ("other.toml", "", {"version": "0.7.4"}),
        ("my.uv.toml", 'required-version = "0.7.4"\n', {"uv_file": "my.uv.toml", "ref": "v5"}),
    ],
)  # fmt: skip
def test_version_files(uv: Any, name: str, text: str, inputs: dict[str, str]) -> None:
    cached(uv, "0.7.4")
    (uv.workspace / name).parent.mkdir(exist_ok=True)
    (uv.workspace / name).write_text(text)
    ref = inputs.pop("ref", "v7")
    step = uv.step("astral-sh/setup-uv", env={"GITHUB_ACTION_REF": ref}, **inputs)
    inputs["ref"] = ref
    assert (step.code, step.outputs.get("uv-version")) == (0, "0.7.4"), step.log


@pytest.mark.covers("runtime:11.6")
@pytest.mark.parametrize(
    ("name", "text", "said", "code"),
    [
        ("uv.toml", "= 1\n", "::warning::Error while parsing", 0),
        ("none.txt", None, "Could not find file: ", 1),
        ("requirements.txt", "uvicorn\n", "::error::Could not determine uv version from file: ", 1),
        (".tool-versions", "uv ref:main\n", "The ref syntax of .tool-versions is not supported.", 1),
        (".tool-versions", "uv ../uv\n", "Paths are not allowed.", 1),
        ("uv.lock", '[[package]]\nname = "uv"\nversion = "0.7.4"\n', "Could not determine uv version", 1),
    ],
)
def test_files_that_name_no_version(uv: Any, name: str, text: str | None, said: str, code: int) -> None:
    if text is not None:
        (uv.workspace / name).write_text(text)
    if name == "uv.toml" and sys.version_info < (3, 11):  # without tomllib nothing tells that it is wrong
        said = "Falling back to latest."
    step = uv.step("astral-sh/setup-uv", **({} if name == "uv.toml" else {"version_file": name}))
    assert (step.code, said in step.log) == (code, True), step.log


@pytest.mark.parametrize("text", ["nonsense", ">=y", "0.7,", "1.2.3.4.5.6 x"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(toolkit.ActionFailed, match="No version found for"):
        uv_versions.parse(text)


@pytest.mark.parametrize(
    ("text", "yes", "no"),
    [
        ("==0.7.*", "0.7.9", "0.8.0"),
        ("!=0.7.*", "0.8.0", "0.7.9"),
        ("!=0.7.1", "0.7.2", "0.7.1"),
        ("~=0.7", "0.9.0", "1.0.0"),
        ("~=0.7.2", "0.7.3", "0.7.1"),
        (">0.7.1,<=0.7.3", "0.7.3", "0.7.1"),
        ("<0.7", "0.6.9", "0.7.0"),
        ("===0.7.1", "0.7.1", "0.7.2"),
        ("0.7", "0.7.1", "0.8.0"),
        ("^0.7.2", "0.7.9", "0.8.0"),
        ("0.7.1 - 0.7.3", "0.7.3", "0.7.4"),
    ],
)
def test_ranges(text: str, yes: str, no: str) -> None:
    asked = uv_versions.parse(text)
    inner, outer = semver.parse(yes), semver.parse(no)
    assert inner is not None and outer is not None
    assert (asked.holds(inner), asked.holds(outer)) == (True, False)


# What it leaves behind


@pytest.mark.covers("runtime:11.6")
@pytest.mark.parametrize(
    ("ref", "path", "env", "outputs"),
    [
        ("v2", ["@"], {"UV_CACHE_DIR": "{temp}/setup-uv-cache"}, ["uv-version"]),
        ("v3", ["@", "{home}/.local/bin"], {"UV_CACHE_DIR": "{temp}/setup-uv-cache"}, ["uv-version"]),
        ("v4", ["@", "{home}/.local/bin"], {"UV_CACHE_DIR": "{temp}/setup-uv-cache", "UV_PYTHON": "3.11"}, ["uv-version"]),
        ("v5", ["{home}/.local/bin", "@", "{work}/.venv/bin"],
         {"UV_CACHE_DIR": "{temp}/setup-uv-cache", "UV_PYTHON": "3.11", "VIRTUAL_ENV": "{work}/.venv"},
         ["uv-path", "uv-version", "uvx-path"]),
        ("v6", ["{home}/.local/bin", "@"], {"UV_CACHE_DIR": "{home}/.cache/uv", "UV_PYTHON": "3.11"},
         ["uv-path", "uv-version", "uvx-path"]),
        ("v7", ["{home}/.local/bin", "@", "{home}/.local/share/uv/python"],
         {"UV_PYTHON": "3.11", "UV_PYTHON_INSTALL_DIR": "{home}/.local/share/uv/python"},
         ["python-version", "uv-path", "uv-version", "uvx-path"]),
        ("v10.0.1", ["{home}/.local/bin", "@", "{home}/.local/share/uv/python"],
         {"UV_PYTHON": "3.11", "UV_PYTHON_INSTALL_DIR": "{home}/.local/share/uv/python"},
         ["python-version", "uv-path", "uv-version", "uvx-path"]),
    ],
)  # fmt: skip
def test_what_each_version_exports(uv: Any, ref: str, path: list[str], env: dict[str, str], outputs: list[str]) -> None:
    step = uv.step("astral-sh/setup-uv", version="0.8.3", python_version="3.11", env={"GITHUB_ACTION_REF": ref})
    assert step.code == 0, step.log

    def filled(text: str) -> str:
        return text.format(temp=uv.temp, home=uv.home, work=uv.workspace)

    place = f"{uv.tools}/uv/0.8.3/{ARCHITECTURE}"
    assert step.path == [filled(part) if part != "@" else place for part in path]
    assert step.env == {name: filled(value) for name, value in env.items()}
    assert sorted(step.outputs) == outputs
    assert "Successfully installed uv version 0.8.3\n" in step.log


@pytest.mark.covers("runtime:11.6")
def test_activate_environment_makes_a_virtual_environment_for_the_steps_to_come(uv: Any) -> None:
    step = uv.step("astral-sh/setup-uv", activate_environment="true", venv_path="~/v/")
    assert step.code == 0, step.log
    place = f"{uv.home}/v"
    assert (step.env["VIRTUAL_ENV"], step.outputs["venv"], step.path[-1]) == (place, place, f"{place}/bin")
    assert f"made: venv {place} --directory {uv.workspace} --clear\n" in step.log
    step = uv.step("astral-sh/setup-uv", activate_environment="true", venv_path="/dev/null/x")
    assert (step.code, "failed with exit code 1" in step.log) == (1, True)


@pytest.mark.covers("runtime:11.6")
def test_folders_of_tools_and_of_the_cache(uv: Any) -> None:
    (uv.workspace / "sub").mkdir()
    (uv.workspace / "sub" / "x").touch()
    given = {"tool_dir": "~/t", "tool_bin_dir": "b/c", "cache_local_path": "cc", "working_directory": "sub"}
    step = uv.step("astral-sh/setup-uv", **given)
    assert step.env["UV_TOOL_DIR"] == f"{uv.home}/t"
    assert step.env["UV_TOOL_BIN_DIR"] == step.path[0] == f"{uv.workspace}/sub/b/c"
    assert step.env["UV_CACHE_DIR"] == f"{uv.workspace}/sub/cc"
    step = uv.step("astral-sh/setup-uv", env={"UV_CACHE_DIR": "/c", "UV_PYTHON_INSTALL_DIR": "/p", "XDG_DATA_HOME": "/d"})
    assert step.env == {"UV_CACHE_DIR": "/c", "UV_PYTHON_INSTALL_DIR": "/p"}
    assert step.path[0] == "/d/../bin"
    assert "UV_CACHE_DIR is already set to /c\n" in step.log
    (uv.workspace / "uv.toml").write_text('cache-dir = "/mine"\n')
    step = uv.step("astral-sh/setup-uv", env={"UV_CACHE_DIR": "/c"})
    assert "UV_CACHE_DIR" not in step.env
    assert "Using cache-dir from uv config file, not modifying UV_CACHE_DIR\n" in step.log


@pytest.mark.covers("runtime:11.6")
def test_path_is_left_alone_when_uv_is_told_so(uv: Any) -> None:
    step = uv.step("astral-sh/setup-uv", env={"UV_NO_MODIFY_PATH": "1"})
    assert (step.code, step.path) == (0, [])
    step = uv.step("astral-sh/setup-uv", env={"UV_NO_MODIFY_PATH": "1"}, activate_environment="true")
    assert "::error::UV_NO_MODIFY_PATH and activate-environment cannot be used together." in step.log


@pytest.mark.covers("runtime:11.6")
def test_the_python_of_tool_versions_since_version_10(uv: Any) -> None:
    cached(uv, "0.7.4")
    (uv.workspace / ".tool-versions").write_text("uv 0.7.4\npython v3.11\n")
    new = uv.step("astral-sh/setup-uv", version_file=".tool-versions", env={"GITHUB_ACTION_REF": "v10.0.1"})
    old = uv.step("astral-sh/setup-uv", version_file=".tool-versions")
    assert (new.env.get("UV_PYTHON"), old.env.get("UV_PYTHON")) == ("3.11", None)
    (uv.workspace / ".tool-versions").write_text("uv 0.7.4\npython system\n")
    new = uv.step("astral-sh/setup-uv", version_file=".tool-versions", env={"GITHUB_ACTION_REF": "v10.0.1"})
    assert ("UV_PYTHON" in new.env, "is not supported. The Python entry will be ignored." in new.log) == (False, True)


@pytest.mark.covers("runtime:11.6", "runtime:6.6")
def test_problem_matchers_can_be_left_out(uv: Any) -> None:
    step = uv.step("astral-sh/setup-uv")
    path = step.log.split("##[add-matcher]")[1].splitlines()[0]
    assert json.loads(Path(path).read_text())["problemMatcher"][0]["owner"] == "python"
    assert "add-matcher" not in uv.step("astral-sh/setup-uv", add_problem_matchers="false").log


@pytest.mark.covers("runtime:11.6")
def test_an_empty_folder_is_told(uv: Any) -> None:
    (uv.workspace / "README").unlink()
    assert "::warning::Empty workdir detected." in uv.step("astral-sh/setup-uv").log
    assert "Ignoring because ignore-empty-workdir" in uv.step("astral-sh/setup-uv", ignore_empty_workdir="true").log


@pytest.mark.covers("runtime:11.6")
def test_quiet_leaves_out_what_it_tells_but_no_warnings(uv: Any) -> None:
    new = {"GITHUB_ACTION_REF": "v10.0.0"}
    step = uv.step("astral-sh/setup-uv", quiet="true", checksum="abc", env=new)
    assert ("Successfully" in step.log, "::warning::checksum: " in step.log) == (False, True)
    assert "Successfully" in uv.step("astral-sh/setup-uv", quiet="true").log


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"manifest_file": "https://example.com/x"}, "::error::manifest-file is not supported here"),
        ({"resolution_strategy": "middle"}, "::error::Invalid resolution-strategy: middle. Must be 'highest' or 'lowest'."),
        ({"activate_environment": "maybe"}, "Input does not meet YAML 1.2"),
        ({"working_directory": "none"}, "::error::ENOENT: no such file or directory"),
        ({"version": "nonsense"}, "::error::No version found for nonsense"),
    ],
)
def test_what_is_refused(uv: Any, inputs: dict[str, str], said: str) -> None:
    step = uv.step("astral-sh/setup-uv", **inputs)
    assert (step.code, said in step.log) == (1, True), step.log


# Caches


@pytest.mark.covers("runtime:11.6")
def test_caching_is_off_unless_asked_for_or_on_githubs_machines(uv: Any) -> None:
    assert "cache-key" not in uv.step("astral-sh/setup-uv").outputs
    hosted = uv.step("astral-sh/setup-uv", env={"RUNNER_ENVIRONMENT": "github-hosted"})
    assert "::warning::Failed" not in hosted.log
    assert hosted.env["UV_CACHE_DIR"] == f"{uv.temp}/setup-uv-cache"
    assert "cache-key" in hosted.outputs


@pytest.mark.covers("runtime:11.6")
def test_without_a_cache_service_nothing_is_found_and_nothing_kept(uv: Any) -> None:
    (uv.workspace / "uv.lock").write_text("x")
    step = uv.step("astral-sh/setup-uv", enable_cache="true", cache_suffix="mine", python_version="3.11")
    assert step.code == 0, step.log
    key = step.outputs["cache-key"]
    assert key.startswith(f"setup-uv-2-{ARCHITECTURE}-") and "-3.11-pruned-" in key and key.endswith("-mine")
    assert step.outputs["cache-hit"] == step.outputs["python-cache-hit"] == "false"
    assert "Cache Service Url not found, unable to restore cache." in step.log
    (uv.workspace / "uv.lock").write_text("y")
    assert (
        uv.step("astral-sh/setup-uv", enable_cache="true", cache_suffix="mine", python_version="3.11").outputs["cache-key"] != key
    )
    state = {f"STATE_{name}": value for name, value in step.state.items()} | step.env
    post = uv.step("astral-sh/setup-uv", "post", enable_cache="true", env=state)
    assert (post.code, "does not exist on disk" in post.log) == (1, True)
    (uv.home / ".cache" / "uv").mkdir(parents=True)
    post = uv.step("astral-sh/setup-uv", "post", enable_cache="true", env=state)
    assert (post.code, "::warning::Failed to save: " in post.log) == (0, True)
    assert "save-cache is false" in uv.step("astral-sh/setup-uv", "post", enable_cache="true", save_cache="false", env=state).log


def test_the_post_step_does_nothing_without_a_cache(uv: Any) -> None:
    post = uv.step("astral-sh/setup-uv", "post")
    assert post.code == 0
    assert "::" not in post.log


def test_old_versions_want_a_file_that_a_glob_matches(uv: Any) -> None:
    old = {"GITHUB_ACTION_REF": "v4"}
    step = uv.step("astral-sh/setup-uv", enable_cache="true", env=old)
    assert (step.code, "::error::No file matched to [**/uv.lock]" in step.log) == (1, True)
    (uv.workspace / "uv.lock").touch()
    assert uv.step("astral-sh/setup-uv", enable_cache="true", env=old).code == 0

"""setup-node: the nodes of a machine become a job's own; version files, registries, and what GitHub says where one is missing."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from headrace.actions import nodes

pytestmark = pytest.mark.slow  # it takes minutes, or needs the machine for itself

ARCHITECTURE = {"x86_64": "x64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)


def install(folder: Path, version: str, *, npm: bool = True) -> str:
    """An installation that knows its version and has npm."""
    (folder / "bin").mkdir(parents=True)
    program = folder / "bin" / "node"
    program.write_text(f"#!/bin/sh\necho v{version}\n")
    program.chmod(0o755)
    if npm:
        package = folder / "lib" / "node_modules" / "npm"
        (package / "bin").mkdir(parents=True)
        (package / "package.json").write_text("{}")
        for name in ("npm", "npx"):
            (package / "bin" / f"{name}-cli.js").write_text("#!/bin/sh\necho 10.1.0\n")
            (package / "bin" / f"{name}-cli.js").chmod(0o755)
            (folder / "bin" / name).symlink_to(f"../lib/node_modules/npm/bin/{name}-cli.js")
    return str(program)


@pytest.fixture
def js(job: Any, tmp_path: Path) -> Any:
    """A job on a machine with the nodes 18.20.4, 20.11.1, 20.9.0 and 21.7.3."""
    machine = tmp_path / "machine"
    programs = [install(machine / f"v{version}", version) for version in ("18.20.4", "20.11.1", "20.9.0")]
    programs.append(install(machine / "system", "21.7.3", npm=False))
    job.env |= {"HEADRACE_NODES": os.pathsep.join(programs), "GITHUB_ACTION_REF": "v4", "PATH": "/usr/bin:/bin"}
    return job


@pytest.mark.covers("runtime:10.4", "runtime:10.1")
def test_a_node_of_the_machine_becomes_the_jobs_own_in_its_tool_cache(js: Any, tmp_path: Path) -> None:
    step = js.step("actions/setup-node", node_version="20")
    assert step.code == 0, step.log
    place = js.tools / "node" / "20.11.1" / ARCHITECTURE
    assert place.with_name(f"{ARCHITECTURE}.complete").read_bytes() == b""
    assert (step.path, step.env, step.outputs) == ([f"{place}/bin"], {}, {"node-version": "v20.11.1"})
    assert f"Found in cache @ {place}\n" in step.log
    assert "node: v20.11.1\nnpm: 10.1.0\n" in step.log
    assert not (place / "bin" / "node").is_symlink()
    assert sorted(os.listdir(place / "bin")) == ["node", "npm", "npx"]
    (place / "lib" / "node_modules" / "mine").mkdir()
    assert os.listdir(tmp_path / "machine" / "v20.11.1" / "lib" / "node_modules") == ["npm"]


@pytest.mark.covers("runtime:10.4")
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("20", "20.11.1"),
        ("20.9.x", "20.9.0"),
        ("v18.20.4", "18.20.4"),
        (">=18 <20", "18.20.4"),
        ("^20.10 || 16", "20.11.1"),
        ("21", "21.7.3"),
        ("lts/iron", "20.11.1"),
        ("lts/*", "20.11.1"),
        ("latest", "21.7.3"),
        ("node", "21.7.3"),
        ("current", "21.7.3"),
    ],
)
def test_versions_ranges_and_aliases(js: Any, text: str, found: str) -> None:
    step = js.step("actions/setup-node", node_version=text)
    assert (step.code, step.outputs.get("node-version")) == (0, f"v{found}"), step.log
    assert ("the newest such node of this machine" in step.log) is (text in ("lts/*", "latest", "node", "current"))


@pytest.mark.covers("runtime:10.4")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("16", "::error::Unable to find Node version '16' for platform linux and architecture "),
        ("99.x", "This machine has: 18.20.4, 20.9.0, 20.11.1, 21.7.3. Install this one with `nvm install 99.x`"),
        ("nonsense", "::error::Unable to find Node version 'nonsense' for platform"),
        ("lts/nobody", "::error::Unable to find LTS release 'nobody' for Node version 'lts/nobody'."),
        ("lts/-1", "::error::Unable to find LTS release '-1'"),
        ("lts/", "::error::Unable to parse LTS alias for Node version 'lts/'"),
        ("lts/gallium", "::error::Unable to find Node version 'lts/gallium' for platform"),
    ],
)
def test_what_is_not_there_fails_with_githubs_words_and_what_to_do(js: Any, text: str, said: str) -> None:
    step = js.step("actions/setup-node", node_version=text)
    assert (step.code, said in step.log, step.path) == (1, True, []), step.log


def test_another_architecture_is_not_found(js: Any) -> None:
    step = js.step("actions/setup-node", node_version="20", architecture="s390x")
    assert (step.code, "and architecture s390x." in step.log) == (1, True)
    step = js.step("actions/setup-node", architecture="s390x")
    assert (step.code, "::warning::`architecture` is provided but `node-version` is missing." in step.log) == (0, True)


@pytest.mark.covers("runtime:10.4")
def test_what_is_complete_in_the_tool_cache_comes_first(js: Any) -> None:
    first = js.step("actions/setup-node", node_version="20.9.0")
    place = Path(first.path[0]).parent
    (place / "lib" / "node_modules" / "mine").mkdir()
    assert js.step("actions/setup-node", node_version="20").path == first.path
    assert (place / "lib" / "node_modules" / "mine").exists()
    place.with_name(f"{ARCHITECTURE}.complete").unlink()
    js.step("actions/setup-node", node_version="20.9.0")
    assert not (place / "lib" / "node_modules" / "mine").exists()


def test_a_program_that_is_no_node_where_it_is_copied_is_passed_over(js: Any, tmp_path: Path) -> None:
    broken = Path(install(tmp_path / "machine" / "v20.99.0", "20.99.0"))
    broken.write_text("#!/bin/sh\nexit 3\n")
    js.env["HEADRACE_NODES"] += os.pathsep + str(broken)
    step = js.step("actions/setup-node", node_version="20")
    assert step.outputs["node-version"] == "v20.11.1"
    assert not (js.tools / "node" / "20.99.0" / ARCHITECTURE).exists()


@pytest.mark.covers("runtime:10.4")
@pytest.mark.parametrize(
    ("name", "text", "ref"),
    [
        (".nvmrc", "v20.9.0\n", "v4"),
        (".node-version", "20.9.0", "v4"),
        (".tool-versions", "python 3.11\nnodejs 20.9.0\n", "v4"),
        ("package.json", '{"engines": {"node": "20.9.x"}}', "v4"),
        ("package.json", '{"volta": {"node": "20.9.0"}, "engines": {"node": "18"}}', "v4"),
        ("package.json", '{"volta": {"extends": "sub/package.json"}}', "v4"),
        ("package.json", '{"devEngines": {"runtime": [{"name": "Node", "version": "20.9.0"}]}, "engines": {"node": "18"}}', "v6"),
        ("package.json", '{"devEngines": {"runtime": {"name": "node", "version": "18"}}, "engines": {"node": "20.9.0"}}', "v4"),
    ],
)
def test_version_files(js: Any, name: str, text: str, ref: str) -> None:
    (js.workspace / "sub").mkdir()
    (js.workspace / "sub" / "package.json").write_text('{"volta": {"node": "20.9.0"}}')
    (js.workspace / name).write_text(text)
    step = js.step("actions/setup-node", node_version_file=name, env={"GITHUB_ACTION_REF": ref})
    assert (step.code, step.outputs.get("node-version")) == (0, "v20.9.0"), step.log
    assert f"Resolved {name} as " in step.log


@pytest.mark.covers("runtime:10.4")
def test_files_that_are_missing_or_name_none(js: Any) -> None:
    step = js.step("actions/setup-node", node_version_file="none")
    assert (step.code, "::error::The specified node version file at: " in step.log) == (1, True)
    (js.workspace / "package.json").write_text("{}")
    step = js.step("actions/setup-node", node_version_file="package.json")
    assert (step.code, step.path, "::warning::Could not determine node version from " in step.log) == (0, [], True)
    (js.workspace / "package.json").write_text('{"volta": {"extends": "package.json"}}')
    assert js.step("actions/setup-node", node_version_file="package.json").code == 1
    step = js.step("actions/setup-node", node_version="18", node_version_file="none")
    assert "::warning::Both node-version and node-version-file inputs are specified" in step.log
    assert step.outputs["node-version"] == "v18.20.4"


@pytest.mark.covers("runtime:10.4")
@pytest.mark.parametrize(
    ("ref", "given", "token"),
    [("v4", None, "XXXXX-XXXXX-XXXXX-XXXXX"), ("v6", None, "XXXXX-XXXXX-XXXXX-XXXXX"), ("v7", None, None), ("v7", "t", "t"),
     ("main", "t", "t"), ("v3", "t", "t")],
)  # fmt: skip
def test_a_registry(js: Any, ref: str, given: str | None, token: str | None) -> None:
    env = {"GITHUB_ACTION_REF": ref} | ({"NODE_AUTH_TOKEN": given} if given else {})
    step = js.step("actions/setup-node", registry_url="https://registry.example.com/npm", scope="Octo", env=env)
    assert step.code == 0, step.log
    path = js.temp / ".npmrc"
    assert step.env.get("NODE_AUTH_TOKEN") == token
    assert step.env["NPM_CONFIG_USERCONFIG"] == str(path)
    lines = [
        "//registry.example.com/npm/:_authToken=${NODE_AUTH_TOKEN}",
        "@octo:registry=https://registry.example.com/npm/",
        *(["always-auth=false"] if ref in ("v3", "v4") else []),
    ]
    assert path.read_text() == "\n".join(lines)


@pytest.mark.covers("runtime:10.4")
def test_the_scope_of_githubs_registry_is_the_owner_and_other_lines_stay(js: Any) -> None:
    (js.temp / ".npmrc").write_text("color=false\n@octo:registry=https://old.example.com/\n")
    js.step("actions/setup-node", registry_url="https://npm.pkg.github.com", env={"GITHUB_ACTION_REF": "v6"})
    text = (js.temp / ".npmrc").read_text()
    assert "color=false\n" in text and "old.example.com" not in text
    assert text.endswith("@octo:registry=https://npm.pkg.github.com/")


@pytest.mark.covers("runtime:10.4")
@pytest.mark.parametrize(
    ("inputs", "files", "code", "said"),
    [
        ({"cache": "npm"}, ["package-lock.json"], 0, "::warning::The runner was not able to contact the cache service."),
        ({"cache": "pnpm"}, ["package-lock.json"], 1, "Supported file patterns: pnpm-lock.yaml"),
        ({"cache": "bun"}, [], 1, "::error::Caching for 'bun' is not supported"),
        ({"cache": "yarn", "cache_dependency_path": "sub/*.lock"}, ["sub/yarn.lock"], 0, "Caching will be skipped"),
        ({"cache": "yarn", "cache_dependency_path": "sub/*.lock"}, [], 1, "Some specified paths were not resolved"),
        ({}, ["package-lock.json"], 0, "Environment details"),
    ],
)
def test_caching(js: Any, inputs: dict[str, str], files: list[str], code: int, said: str) -> None:
    for name in files:
        (js.workspace / name).parent.mkdir(exist_ok=True)
        (js.workspace / name).touch()
    step = js.step("actions/setup-node", **inputs)
    assert (step.code, said in step.log) == (code, True), step.log
    assert js.step("actions/setup-node", "post", **inputs).code == 0


@pytest.mark.covers("runtime:10.4", "runtime:6.6")
def test_three_problem_matchers_are_registered(js: Any) -> None:
    step = js.step("actions/setup-node")
    paths = [line.split("]", 1)[1] for line in step.log.splitlines() if line.startswith("##[add-matcher]")]
    assert [json.loads(Path(path).read_text())["problemMatcher"][0]["owner"] for path in paths] == [
        "tsc",
        "eslint-stylish",
        "eslint-compact",
    ]


def test_installations_are_found_without_starting_one(tmp_path: Path) -> None:
    home = tmp_path / "home"
    there = [
        install(home / ".nvm/versions/node/v20.1.0", "20.1.0"),
        install(home / ".local/share/fnm/node-versions/v18.2.0/installation", "18.2.0"),
        install(home / ".volta/tools/image/node/22.3.0", "22.3.0"),
        install(tmp_path / "on/path", "1.0.0"),
    ]
    install(home / ".asdf/shims", "0.0.0")
    (home / ".nvm/versions/node/broken").mkdir()
    found = nodes.installed(
        {"HOME": str(home), "PATH": f"{tmp_path}/on/path/bin:{home}/.asdf/shims/bin", "N_PREFIX": str(tmp_path)}
    )
    assert {program for program in found if program.startswith(str(tmp_path))} == set(there)
    assert [nodes.named_version(program) for program in there] == ["20.1.0", "18.2.0", "22.3.0", ""]

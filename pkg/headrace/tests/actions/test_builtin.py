"""The registry of drop-ins is cheap to ask, and starting one fails with words."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from headrace.actions import builtin
from headrace.actions.builtin import toolkit
from headrace.init.workflows import ACTIONS

MAIN = Path(builtin.__file__).parent / "__main__.py"
ALLOWED = ("headrace", "headrace.actions")


@pytest.mark.parametrize("name", sorted(builtin.NAMES))
def test_every_drop_in_has_a_manifest_and_its_stages(name: str) -> None:
    manifest = builtin.manifest(name.title())
    assert manifest is not None
    assert manifest.name == name
    module = builtin.load(name)
    assert callable(module.main)
    assert hasattr(module, "post") is manifest.post


RELEASES = [line.split(" ") for line in Path(toolkit.RELEASES).read_text().splitlines()]


def test_every_commit_of_a_release_is_known_once_by_its_fullest_tag() -> None:
    assert len({commit for commit, _, _ in RELEASES}) == len(RELEASES)
    assert all(re.fullmatch(r"[0-9a-f]{40}", commit) and re.fullmatch(r"v\d+(\.\d+)*", tag) for commit, _, tag in RELEASES)
    assert {action for _, action, _ in RELEASES} == {"/".join(name.split("/")[:2]) for name in builtin.NAMES}
    assert [toolkit.release_of(commit) for commit, _, _ in RELEASES] == [tag for _, _, tag in RELEASES]


def test_a_drop_in_stands_in_for_the_commits_of_the_versions_for_whose_tags_it_does() -> None:
    for commit, action, tag in RELEASES:
        full = ".".join([*tag.split("."), "0", "0"][:3])
        assert builtin.stands_in(f"{action}@{commit}") == builtin.stands_in(f"{action}@{full}"), (action, tag)


def test_what_init_pins_is_known() -> None:
    known = {commit: (action, tag) for commit, action, tag in RELEASES}
    for action, pin in ACTIONS.items():
        commit, _, tag = pin.partition(" # ")
        assert known.get(commit) == (action, tag) or action.startswith("pypa/"), action


def test_other_actions_have_none() -> None:
    assert builtin.manifest("octo/other") is None


@pytest.mark.parametrize(
    "uses",
    [
        "actions/checkout@v2", "Actions/Checkout@v7", "actions/checkout@v4.2", "actions/checkout@v4.2.1", "actions/checkout@main",
        "actions/checkout@refs/tags/v4", f"actions/checkout@{'aB' * 20}", "actions/setup-python@v5", "actions/upload-artifact@v3",
        "actions/cache@v4", "Actions/Cache/Restore@v4.2.0", "actions/cache/save@v5", "actions/cache/save/@v5",
        "astral-sh/setup-uv@v7", "astral-sh/setup-uv@v8.0.0", "pypa/gh-action-pypi-publish@release/v1",
        "pypa/gh-action-pypi-publish@release/v1.8", "pypa/gh-action-pypi-publish@v1.12.4", "pypa/gh-action-pypi-publish@refs/heads/unstable/v1",
    ],
)  # fmt: skip
def test_a_drop_in_stands_in_for_the_versions_that_it_was_held_against(uses: str) -> None:
    assert builtin.stands_in(uses)


@pytest.mark.parametrize(
    "uses",
    [
        "actions/checkout@v1", "actions/checkout@v99", "actions/setup-python@v1.1.1", "actions/checkout@v4.2.1.0",
        "actions/checkout@v", "actions/checkout@v4x", "actions/checkout@4", "actions/setup-python@branch",
        "actions/checkout@releases/v2", f"actions/checkout@{'g' * 40}", "actions/checkout@11bd719", "actions/checkout",
        "actions/checkout@0B496E91EC7AE4428C3ED2EEB4C3A40DF431F2CC",  # v1.1.0
        "actions/checkout/sub@v4", "actions/cache/sub@v4", "actions/cache/restore/sub@v4", "actions/cache/save@v99",
        "octo/other/sub@nonsense", "astral-sh/setup-uv@v8", "astral-sh/setup-uv@v8.1", "pypa/gh-action-pypi-publish@v1",
        "pypa/gh-action-pypi-publish@main", "pypa/gh-action-pypi-publish@release/v1x8", "actions/checkout@v4\n",
    ],
)  # fmt: skip
def test_for_any_other_ref_it_does_not(uses: str) -> None:
    assert not builtin.stands_in(uses)


@pytest.mark.parametrize("name", sorted(builtin.NAMES))
def test_a_drop_in_imports_the_standard_library_only_and_no_slow_part_of_it(name: str) -> None:
    code = (
        "import sys; before = set(sys.modules); sys.path.append(sys.argv[1])\n"
        "from headrace.actions.builtin import load, toolkit; load(sys.argv[2])\n"
        "print('\\n'.join(set(sys.modules) - before))"
    )
    root = MAIN.parents[3]
    argv = [sys.executable, "-I", "-S", "-c", code, str(root), name]
    loaded = set(subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split())
    ours = {m for m in loaded if m.split(".")[0] == "headrace"}
    assert all(m in ALLOWED or m.startswith(("headrace.actions.",)) for m in ours)
    assert not {m for m in loaded - ours if m.split(".")[0] not in sys.stdlib_module_names}
    slow = {"subprocess", "asyncio", "inspect", "dataclasses", "logging", "urllib", "http", "ssl", "tempfile", "shutil"}
    assert not loaded & (slow | {"pathlib", "zipfile", "socket", "json"})


def test_asking_for_names_loads_no_drop_in() -> None:
    code = "import sys, headrace.actions.builtin as b; assert b.NAMES; print([m for m in sys.modules if 'checkout' in m])"
    root = str(MAIN.parents[3])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": root})
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("words", [[], ["actions/checkout"], ["octo/other", "main"], ["actions/checkout", "pre"]])
def test_a_wrong_call_is_refused(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-I", "-S", str(MAIN), *words], capture_output=True, text=True)
    assert done.returncode == 2
    assert "usage:" in done.stderr

"""Which files of a plan may publish, and what they may publish."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from headrace.plan.publishing import project_name, registrations

JOB = "{{runs-on: ubuntu-latest, permissions: {permissions}, steps: [{{run: x}}]}}"


@pytest.mark.covers("release:1.2")
def test_a_file_is_registered_where_one_of_its_jobs_may_ask_for_an_identity(plan: Callable[..., Any]) -> None:
    may, may_not = JOB.format(permissions="{id-token: write}"), JOB.format(permissions="{contents: write}")
    found = registrations(plan(f"on: push\njobs:\n  a: {may_not}\n  b: {may}\n  c: {may}\n"))
    assert [(each.slug, each.workflow) for each in found] == [("octo/hello", "ci.yml")]
    assert all(each.owner_id.isdecimal() for each in found)
    assert registrations(plan(f"on: push\njobs:\n  a: {may_not}\n")) == ()


@pytest.mark.parametrize(
    ("path", "text", "name"),
    [
        ("pyproject.toml", '[project]\nname = "a"', "a"),
        ("x/pyproject.toml", '[tool.poetry]\nname = "b"', "b"),
        ("pyproject.toml", '[tool.flit.metadata]\nmodule = "c"', "c"),
        ("pyproject.toml", "[tool.ruff]\n", ""),
        ("pyproject.toml", "[project\n", ""),
        ("setup.cfg", "[metadata]\nname = d\nversion = attr: d.x", "d"),
        ("setup.cfg", "[flake8]\n", ""),
        ("setup.cfg", "no section\n", ""),
        ("setup.py", "import setuptools\nsetuptools.setup(name='e', version=f())", "e"),
        ("setup.py", "setup(name=read())", ""),
        ("setup.py", "setup(name='", ""),
        ("setup.py", "\0", ""),
    ],
)
def test_a_projects_name_is_read_where_it_is_written(path: str, text: str, name: str) -> None:
    assert project_name(path, text.encode()) == name

"""Who of a run may publish what: the publishers that its indexes know, from the same facts as the identity tokens. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from headrace.base.errors import HeadraceError
from headrace.plan.contexts import entry_of, github_context
from headrace.plan.model import Plan
from headrace.workflow.model import Call, Job

DECLARING = ("pyproject.toml", "setup.cfg", "setup.py")
"""Files that name a project."""


class Registration(Struct, frozen=True):
    """What a person would register for a workflow file: `slug` is OWNER/NAME, `workflow` the file's name alone."""

    slug: str
    workflow: str
    owner_id: str


def registrations(plan: Plan) -> tuple[Registration, ...]:
    """One for each file with a job that may ask for a token; of a call the file that is called, as the token names that."""
    found: dict[Registration, None] = {}
    for planned in plan.jobs.values():
        if not planned.job.asks_for_identity or planned.workflow not in plan.workflows:
            continue
        entry = entry_of(plan, planned.workflow)
        owner_id = str(github_context(plan.event, plan.workflows[entry])["repository_owner_id"])
        called = plan.calls[planned.workflow].reference if planned.workflow in plan.calls else planned.workflow
        for file in _files(planned.job, called):
            found[Registration(plan.event.repository.full_name, file, owner_id)] = None
    return tuple(found)


def _files(job: Job, path: str) -> Iterator[str]:
    if not isinstance(job.body, Call):
        yield path.partition("@")[0].rpartition("/")[2]
    elif job.body.workflow is not None:
        for inner in job.body.workflow.jobs.values():
            if inner.asks_for_identity:
                yield from _files(inner, job.body.uses)


def project_name(path: str, data: bytes) -> str:
    """The project that a file of DECLARING names, "" where it names none, or only when it is executed.

    >>> project_name("a/pyproject.toml", b'[project]\\nname = "x"'), project_name("setup.py", b"setup(name='y', version=v)")
    ('x', 'y')
    >>> project_name("setup.cfg", b"[metadata]\\nname = z\\n"), project_name("setup.py", b"setup(name=NAME)")
    ('z', '')
    """
    match path.rpartition("/")[2]:
        case "pyproject.toml":
            return _of_toml(path, data)
        case "setup.cfg":
            import configparser

            parser = configparser.ConfigParser(interpolation=None, strict=False)
            try:
                parser.read_string(data.decode("utf-8", "replace"))
            except configparser.Error:
                return ""
            return parser.get("metadata", "name", fallback="").strip()
        case _:
            return _of_script(data)


def _of_toml(path: str, data: bytes) -> str:
    from headrace.base.toml import parse_toml

    try:
        content = parse_toml(data, path)
    except HeadraceError:
        return ""
    for keys in (("project",), ("tool", "poetry"), ("tool", "flit", "metadata")):
        table: Any = content
        for key in keys:
            table = table.get(key) if isinstance(table, dict) else None
        name = (table.get("name") or table.get("module")) if isinstance(table, dict) else None
        if isinstance(name, str):
            return name
    return ""


def _of_script(data: bytes) -> str:
    import ast

    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError):
        return ""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and "setup" in (getattr(call.func, "id", ""), getattr(call.func, "attr", "")):
            for keyword in call.keywords:
                if keyword.arg == "name" and isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str):
                    return keyword.value.value
    return ""

"""Publishers as an index registers them, held against the claims that a pipeline's token will carry. Pure.

Source: "Publishing with a trusted publisher" of PyPI's documentation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Union

from msgspec import Struct

from headrace.base.errors import Position, Problem, UsageError
from headrace.release.versions import normal

FIELDS = ("repository", "workflow", "environment", "repository_owner_id")


class Publisher(Struct, frozen=True):
    """`repository` is `owner/name`, `workflow` the file's name alone; `environment` and `owner_id` are empty where any will do.
    `projects` are those that it may publish, None where it is not said."""

    repository: str
    workflow: str
    environment: str = ""
    owner_id: str = ""
    projects: Union[tuple[str, ...], None] = None


class Publishers(Protocol):
    """Where registered publishers are listed: a file, or an index."""

    def of(self, project: str) -> Sequence[Publisher]: ...


class Difference(Struct, frozen=True):
    """A field in which a publisher is not what the token says."""

    field: str
    registered: str
    claimed: str


class PublisherFile:
    """A JSON file with a list of publishers, or an object that has it as `publishers`; the names of the fields may be those of
    PyPI's form. Raises UsageError where it is something else."""

    def __init__(self, path: str) -> None:
        try:
            with open(path, "rb") as file:
                content = json.loads(file.read())
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}") from None
        except ValueError as error:
            raise UsageError(Problem(f"this is not JSON: {error}", Position(path))) from None
        listed = content.get("publishers", [content]) if isinstance(content, dict) else content
        if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
            raise UsageError(Problem("expected a list of publishers", Position(path)))
        self._publishers = [_read(each, path) for each in listed]

    def of(self, project: str) -> Sequence[Publisher]:

        name = normal(project)
        return [each for each in self._publishers if each.projects is None or name in map(normal, each.projects)]


def _read(given: Mapping[str, Any], path: str) -> Publisher:
    fields = {str(key).lower().replace("-", "_").replace(" ", "_"): value for key, value in given.items()}

    def take(*names: str) -> str:
        return next((str(fields[name]) for name in names if fields.get(name)), "")

    name, owner = take("repository", "repository_name"), take("owner", "repository_owner")
    repository = name if "/" in name else f"{owner}/{name}"
    workflow = take("workflow", "workflow_name", "workflow_filename", "file").rpartition("/")[2]
    if not all(repository.split("/")) or not workflow:
        problem = Problem(
            "a publisher has an owner, a repository and a workflow", Position(path), '{"repository": "o/r", "workflow": "ci.yml"}'
        )
        raise UsageError(problem)
    projects = fields.get("projects")
    named = [*map(str, projects)] if isinstance(projects, list) else []
    named += filter(None, [take("project", "project_name", "pypi_project_name"), take("pending")])
    environment, owner_id = take("environment", "environment_name"), take("owner_id", "repository_owner_id")
    said = isinstance(projects, list) or bool(named)
    return Publisher(repository, workflow, environment, owner_id, tuple(named) if said else None)


def workflow_file(claims: Mapping[str, str]) -> str:
    """The file's name in `job_workflow_ref`; a ref may hold an `@` itself.

    >>> workflow_file({"job_workflow_ref": "o/r/.github/workflows/ci.yml@refs/tags/a@1.0"})
    'ci.yml'
    """
    return claims.get("job_workflow_ref", "").partition("@")[0].rpartition("/")[2]


def differences(publisher: Publisher, claims: Mapping[str, str]) -> list[Difference]:
    """In what the two differ, the weightiest first: none where the index would take the token. The owner's number is not compared
    where the claims lack it, which only GitHub knows.

    >>> claims = {"repository": "o/r", "job_workflow_ref": "o/r/.github/workflows/ci.yml@refs/tags/a@1", "environment": "PyPI"}
    >>> differences(Publisher("o/r", "ci.yml", "pypi"), claims)
    []
    >>> [each.field for each in differences(Publisher("O/r", "release.yml", "other"), claims)]
    ['repository', 'workflow', 'environment']
    """
    found = []
    if publisher.repository != claims.get("repository"):
        found.append(Difference("repository", publisher.repository, claims.get("repository", "")))
    if publisher.workflow != workflow_file(claims):
        found.append(Difference("workflow", publisher.workflow, workflow_file(claims)))
    environment = claims.get("environment", "")
    if publisher.environment and publisher.environment.lower() != environment.lower():
        found.append(Difference("environment", publisher.environment, environment))
    if publisher.owner_id and "repository_owner_id" in claims and publisher.owner_id != claims["repository_owner_id"]:
        found.append(Difference("repository_owner_id", publisher.owner_id, claims["repository_owner_id"]))
    return found


def closest(publishers: Sequence[Publisher], claims: Mapping[str, str]) -> tuple[Publisher, list[Difference]] | None:
    """The publisher that fits, else the one that comes nearest; one that names the environment before one that does not."""
    held = [(each, differences(each, claims)) for each in publishers]
    return min(held, key=lambda pair: (len(pair[1]), not pair[0].environment), default=None)


def form(package: str, claims: Mapping[str, str]) -> dict[str, str]:
    """The values for PyPI's form "Add a new publisher"."""
    owner, _, name = claims.get("repository", "").partition("/")
    return {
        "PyPI Project Name": package,
        "Owner": owner,
        "Repository name": name,
        "Workflow name": workflow_file(claims),
        "Environment name": claims.get("environment", ""),
    }

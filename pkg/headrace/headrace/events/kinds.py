"""The events there are: which activity type one has when nothing says which, and which ref it runs on."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from headrace.base.errors import UsageError

Place = Literal["default", "pushed", "pull", "tag", "queue"]
"""Where an event happens: on the default branch, on the branch or tag that is named (else the present one), on the test merge
of a pull request, on a release's tag, on a merge queue's branch."""


class Kind(Struct, frozen=True):
    """`action` is the activity type where the payload names none; empty for events without types."""

    name: str
    action: str = ""
    place: Place = "default"


_KINDS = (
    Kind("push", place="pushed"),
    Kind("pull_request", "synchronize", "pull"),  # what a push to its branch is
    Kind("pull_request_target", "synchronize"),
    Kind("pull_request_review", "submitted", "pull"),
    Kind("pull_request_review_comment", "created", "pull"),
    Kind("workflow_dispatch", place="pushed"),
    Kind("schedule"),
    Kind("release", "published", "tag"),
    Kind("workflow_run", "completed"),
    Kind("workflow_call", place="pushed"),
    Kind("repository_dispatch"),
    Kind("merge_group", "checks_requested", "queue"),
    Kind("create", place="pushed"),
    Kind("delete"),
    Kind("deployment", place="pushed"),
    Kind("deployment_status", place="pushed"),
    Kind("registry_package", "published", "pushed"),
    Kind("branch_protection_rule", "created"),
    Kind("check_run", "created"),
    Kind("check_suite", "completed"),
    Kind("discussion", "created"),
    Kind("discussion_comment", "created"),
    Kind("fork"),
    Kind("gollum"),
    Kind("image_version", "created"),
    Kind("issue_comment", "created"),
    Kind("issues", "opened"),
    Kind("label", "created"),
    Kind("milestone", "created"),
    Kind("page_build"),
    Kind("project", "created"),
    Kind("project_card", "created"),
    Kind("project_column", "created"),
    Kind("public"),
    Kind("status"),
    Kind("watch", "started"),
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _KINDS}

PULL_REQUESTS = frozenset(("pull_request", "pull_request_target", "pull_request_review", "pull_request_review_comment"))


def kind_of(name: str) -> Kind:
    """The event of that name. Raises `UsageError` naming the nearest one.

    >>> kind_of("pull_request").action
    'synchronize'
    """
    kind = KINDS.get(name)
    if kind is not None:
        return kind
    import difflib

    near = difflib.get_close_matches(name.lower().replace("-", "_"), KINDS, 1, 0.5)
    raise UsageError(f"there is no event '{name}'" + (f"; did you mean '{near[0]}'?" if near else ""))

"""The events that can start a workflow: activity types and filters. Names only; whether an event fits is decided in the plan."""

from __future__ import annotations

from msgspec import Struct

REFS = ("branches", "branches-ignore", "tags", "tags-ignore")
BRANCHES = ("branches", "branches-ignore")
PATHS = ("paths", "paths-ignore")


class Kind(Struct, frozen=True):
    """`types` are all activity types; `default` those that count where `types` is not given (empty: all)."""

    types: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    default: tuple[str, ...] = ()


def _kind(types: str = "", filters: tuple[str, ...] = (), default: str = "") -> Kind:
    return Kind(tuple(types.split()), filters, tuple(default.split()))


_EDITS = "created edited deleted"
_PULL_REQUEST = _kind(
    "assigned unassigned labeled unlabeled opened edited closed reopened synchronize converted_to_draft locked unlocked"
    " enqueued dequeued milestoned demilestoned ready_for_review review_requested review_request_removed"
    " auto_merge_enabled auto_merge_disabled stacked",
    BRANCHES + PATHS,
    "opened synchronize reopened",
)
_PLAIN = Kind()
_COMMENT = _kind(_EDITS)

EVENTS: dict[str, Kind] = {
    "branch_protection_rule": _COMMENT,
    "check_run": _kind("created rerequested completed requested_action"),
    "check_suite": _kind("completed"),
    "create": _PLAIN,
    "delete": _PLAIN,
    "deployment": _PLAIN,
    "deployment_status": _PLAIN,
    "discussion": _kind(
        "created edited deleted transferred pinned unpinned labeled unlabeled locked unlocked category_changed answered"
        " unanswered"
    ),
    "discussion_comment": _COMMENT,
    "fork": _PLAIN,
    "gollum": _PLAIN,
    "image_version": _kind("created ready deleted", ("names", "versions")),
    "issue_comment": _COMMENT,
    "issues": _kind(
        "opened edited deleted transferred pinned unpinned closed reopened assigned unassigned labeled unlabeled locked"
        " unlocked milestoned demilestoned field_added field_removed typed untyped"
    ),
    "label": _COMMENT,
    "merge_group": _kind("checks_requested", BRANCHES),
    "milestone": _kind("created closed opened edited deleted"),
    "page_build": _PLAIN,
    "project": _kind("created closed reopened edited deleted"),
    "project_card": _kind("created moved converted edited deleted"),
    "project_column": _kind("created updated moved deleted"),
    "public": _PLAIN,
    "pull_request": _PULL_REQUEST,
    "pull_request_comment": _COMMENT,
    "pull_request_review": _kind("submitted edited dismissed"),
    "pull_request_review_comment": _COMMENT,
    "pull_request_target": _PULL_REQUEST,
    "push": _kind(filters=REFS + PATHS),
    "registry_package": _kind("published updated"),
    "release": _kind("published unpublished created edited deleted prereleased released"),
    "repository_dispatch": _PLAIN,  # its types are whatever the sender says
    "schedule": _PLAIN,
    "status": _PLAIN,
    "watch": _kind("started"),
    "workflow_call": _PLAIN,
    "workflow_dispatch": _PLAIN,
    "workflow_run": _kind("completed requested in_progress", (*BRANCHES, "workflows")),
}
ALIASES = {"pull_request_comment": "issue_comment"}  # the old name, still found in files

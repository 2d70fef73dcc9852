"""The webhook's JSON that GitHub would send, as far as actions and expressions read it. Pure: commits in, a dict out."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from headrace.events.commits import Commit, Person
from headrace.events.model import Repository

SERVER = "https://github.com"

Json = dict[str, Any]


class Side(Struct, frozen=True):
    """One side of a pull request: the branch's name and its tip."""

    ref: str
    sha: str


def complete(given: Json, made: Json) -> Json:
    """`given`, with what it lacks taken from `made`, at every level of objects; lists are not mixed.

    >>> complete({"a": {"x": 1}}, {"a": {"x": 2, "y": 3}, "b": 4})
    {'a': {'x': 1, 'y': 3}, 'b': 4}
    """
    result = dict(given)
    for key, value in made.items():
        if key not in result:
            result[key] = value
        elif isinstance(value, dict) and isinstance(result[key], dict):
            result[key] = complete(result[key], value)
    return result


def stable_id(text: str) -> int:
    """A number that stands for the name of an account or a repository, the same every time."""
    return zlib.crc32(text.lower().encode("utf-8", "replace")) or 1


def user(login: str) -> Json:
    return {
        "login": login,
        "id": stable_id(login),
        "type": "User",
        "site_admin": False,
        "html_url": f"{SERVER}/{login}",
        "url": f"https://api.github.com/users/{login}",
        "avatar_url": "",
    }


def repository_object(repository: Repository) -> Json:
    url = f"{SERVER}/{repository.full_name}"
    return {
        "id": stable_id(repository.full_name),
        "node_id": "",
        "name": repository.name,
        "full_name": repository.full_name,
        "private": False,
        "visibility": "public",
        "owner": user(repository.owner),
        "html_url": url,
        "url": f"https://api.github.com/repos/{repository.full_name}",
        "clone_url": f"{url}.git",
        "git_url": f"git://github.com/{repository.full_name}.git",
        "ssh_url": f"git@github.com:{repository.full_name}.git",
        "default_branch": repository.default_branch,
        "description": None,
        "fork": False,
        "archived": False,
        "disabled": False,
        "topics": [],
    }


def common(repository: Repository, actor: str) -> Json:
    """What every payload holds."""
    return {"repository": repository_object(repository), "sender": user(actor)}


def push(
    repository: Repository, actor: Person, *, ref: str, before: str, after: str, created: bool, commits: Sequence[Commit]
) -> Json:
    """`commits` are the pushed ones, oldest first; the last is the head. `actor` is who pushes."""
    url = f"{SERVER}/{repository.full_name}"
    shown = [commit_object(repository, commit) for commit in commits]
    return {
        "ref": ref,
        "before": before,
        "after": after,
        "base_ref": None,
        "created": created,
        "deleted": False,
        "forced": False,
        "compare": f"{url}/commit/{after[:12]}" if created else f"{url}/compare/{before[:12]}...{after[:12]}",
        "commits": [] if ref.startswith("refs/tags/") else shown,
        "head_commit": shown[-1] if shown else None,
        "pusher": {"name": actor.name, "email": actor.email},
    }


def commit_object(repository: Repository, commit: Commit) -> Json:
    return {
        "id": commit.oid,
        "tree_id": commit.tree,
        "distinct": True,
        "message": commit.message,
        "timestamp": commit.committer.timestamp,
        "url": f"{SERVER}/{repository.full_name}/commit/{commit.oid}",
        "author": _person(commit.author),
        "committer": _person(commit.committer),
    }


def pull_request(
    repository: Repository, actor: str, *, number: int, action: str, head: Side, base: Side, merge: str, title: str, changed: int
) -> Json:
    """`title` is the subject of the head commit, `changed` the number of changed files, `merge` the test merge's id."""
    url = f"{SERVER}/{repository.full_name}"
    result: Json = {
        "action": action,
        "number": number,
        "pull_request": {
            "id": number,
            "number": number,
            "state": "closed" if action == "closed" else "open",
            "title": title,
            "body": None,
            "draft": False,
            "merged": False,
            "mergeable": None,
            "locked": False,
            "user": user(actor),
            "author_association": "OWNER",
            "labels": [],
            "assignees": [],
            "requested_reviewers": [],
            "milestone": None,
            "head": _side(repository, head),
            "base": _side(repository, base),
            "merge_commit_sha": merge,
            "commits": 1,
            "changed_files": changed,
            "html_url": f"{url}/pull/{number}",
            "diff_url": f"{url}/pull/{number}.diff",
            "url": f"https://api.github.com/repos/{repository.full_name}/pulls/{number}",
        },
    }
    if action == "synchronize":
        result["before"], result["after"] = "0" * len(head.sha), head.sha
    return result


def others(name: str, action: str, repository: Repository, actor: str, *, ref: str, sha: str) -> Json:
    """A payload for the events without a form of their own above: the object that the event is about."""
    url = f"{SERVER}/{repository.full_name}"
    short = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    issue = {
        "id": 1,
        "number": 1,
        "title": "",
        "body": None,
        "state": "open",
        "labels": [],
        "assignees": [],
        "user": user(actor),
        "html_url": f"{url}/issues/1",
    }
    comment = {
        "id": 1,
        "body": "",
        "user": user(actor),
        "author_association": "OWNER",
        "html_url": f"{url}/issues/1#issuecomment-1",
    }
    objects: dict[str, Json] = {
        "release": {
            "release": {
                "id": 1,
                "tag_name": short,
                "name": short,
                "body": "",
                "draft": False,
                "prerelease": action == "prereleased",
                "target_commitish": repository.default_branch,
                "author": user(actor),
                "assets": [],
                "html_url": f"{url}/releases/tag/{short}",
            }
        },
        "issues": {"issue": issue},
        "issue_comment": {"issue": issue, "comment": comment},
        "pull_request_review": {"review": {"id": 1, "state": "commented", "body": None, "user": user(actor), "commit_id": sha}},
        "pull_request_review_comment": {"comment": comment},
        "workflow_run": {
            "workflow_run": {
                "id": 1,
                "run_number": 1,
                "run_attempt": 1,
                "event": "push",
                "status": "completed" if action == "completed" else action,
                "conclusion": "success" if action == "completed" else None,
                "head_branch": repository.default_branch,
                "head_sha": sha,
                "pull_requests": [],
                "html_url": f"{url}/actions/runs/1",
            }
        },
        "create": {"ref": short, "ref_type": _ref_type(ref), "master_branch": repository.default_branch, "pusher_type": "user"},
        "delete": {"ref": short, "ref_type": _ref_type(ref), "pusher_type": "user"},
        "merge_group": {
            "merge_group": {
                "head_sha": sha,
                "head_ref": ref,
                "base_ref": f"refs/heads/{repository.default_branch}",
                "base_sha": sha,
            }
        },
        "deployment": {"deployment": {"id": 1, "ref": short, "sha": sha, "environment": "", "task": "deploy", "payload": {}}},
        "deployment_status": {
            "deployment": {"id": 1, "ref": short, "sha": sha, "environment": "", "task": "deploy", "payload": {}},
            "deployment_status": {"id": 1, "state": "success", "environment": "", "target_url": ""},
        },
        "check_run": {"check_run": {"id": 1, "name": "", "head_sha": sha, "status": "queued", "conclusion": None}},
        "check_suite": {"check_suite": {"id": 1, "head_sha": sha, "status": "completed", "conclusion": "success"}},
        "discussion": {"discussion": issue | {"html_url": f"{url}/discussions/1"}},
        "discussion_comment": {"discussion": issue | {"html_url": f"{url}/discussions/1"}, "comment": comment},
        "label": {"label": {"id": 1, "name": "", "color": "ededed", "description": None}},
        "milestone": {"milestone": {"id": 1, "number": 1, "title": "", "state": "open", "description": None}},
        "status": {"sha": sha, "state": "success", "context": "default", "branches": []},
        "repository_dispatch": {"branch": repository.default_branch, "client_payload": {}},
        "fork": {"forkee": repository_object(repository)},
        "gollum": {"pages": []},
        "registry_package": {"registry_package": {"id": 1, "name": "", "package_type": "", "package_version": {"version": ""}}},
        "workflow_dispatch": {"inputs": None, "ref": ref},
        "workflow_call": {"inputs": None, "ref": ref},
    }
    made = objects.get(name, {})
    return {"action": action, **made} if action else made


def _ref_type(ref: str) -> str:
    return "tag" if ref.startswith("refs/tags/") else "branch"


def _side(repository: Repository, side: Side) -> Json:
    return {
        "ref": side.ref,
        "sha": side.sha,
        "label": f"{repository.owner}:{side.ref}",
        "user": user(repository.owner),
        "repo": repository_object(repository),
    }


def _person(person: Person) -> Json:
    return {"name": person.name, "email": person.email, "username": person.name}

"""What the indexes of a run are told when they start: whom they trust, and who may publish what there."""

from __future__ import annotations

import os

from headrace.base import git
from headrace.base.files import write_atomic
from headrace.plan.model import Plan
from headrace.plan.publishing import DECLARING, project_name, registrations
from headrace.services.indexes import KNOWN, Known, Publisher, encode


def libraries() -> str:
    """Where drop-ins find what ours is made of, as they start without it: folders, as PATH has them."""
    from importlib.util import find_spec

    found: dict[str, None] = {}
    for name in ("msgspec", "packaging", "readme_renderer", "trove_classifiers"):
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            found[os.path.dirname(os.path.dirname(os.path.abspath(spec.origin)))] = None
    return os.pathsep.join(found)


def tell(plan: Plan, issuer: str, folder: str) -> None:
    """Write it for the indexes in `folder`. Raises OSError, GitError."""
    projects = list(_projects(plan.event.objects, plan.event.sha))
    publishers = [Publisher(each.slug, each.workflow, each.owner_id) for each in registrations(plan)]
    write_atomic(os.path.join(folder, KNOWN), encode(Known(issuer, tuple(projects), tuple(publishers))))


def _projects(git_dir: str, sha: str) -> dict[str, None]:
    """The projects that the commit's files name. Raises GitError."""
    listed = git.run(git_dir, "ls-tree", "-r", "-z", "--name-only", "--full-tree", sha)
    paths = [os.fsdecode(path) for path in listed.split(b"\0") if path]
    found: dict[str, None] = {}
    with git.Objects(git_dir) as objects:
        for path in paths:
            if path.rpartition("/")[2] in DECLARING:
                blob = objects.get(f"{sha}:{path}")
                name = project_name(path, blob.data) if blob is not None else ""
                if name:
                    found[name] = None
    return found

"""What jobs of a run see of the machine: decided once a run, from its plan, its options and the machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from headrace.base import git
from headrace.base.errors import EngineError, Problem
from headrace.base.paths import cache_dir, jobs_dir, state_dir, work_dir
from headrace.engine.options import RunOptions
from headrace.events.detect import common_dir
from headrace.events.model import Event
from headrace.events.snapshot import ObjectStore
from headrace.plan.model import Plan
from headrace.sandbox import ids, layout, skeleton
from headrace.sandbox.places import WORK
from headrace.workflow.model import Call

SOURCE = "/run/headrace/source.git"
_OBJECTS = "/run/headrace/objects"
PACKAGES = "/run/headrace/packages"


def make_layout(plan: Plan, options: RunOptions, run: str, scope: str) -> layout.Layout:
    """The layout of all jobs of the run; makes what they share. Raises EngineError."""
    how = ids.mode()
    event = plan.event
    try:
        system = layout.bases([state_dir(), jobs_dir(), event.repository.root, event.repository.git_dir])
        path = skeleton.path_of(jobs_dir(), how, system)
        skeleton.make(path, how, system)
        shared = os.path.join(cache_dir(), "packages", f"{scope}-{how}")  # files of other owners than in host isolation
        os.makedirs(shared, mode=0o700, exist_ok=True)
        if how == "root":
            os.chown(shared, ids.HOST_IDS, ids.HOST_IDS)
        exposed = layout.exposures([*_interpreters(plan), *options.expose, *options.path_prepend], system)
        jobs = [planned.job for planned in plan.jobs.values()]
        if any(job.uses_actions or isinstance(job.body, Call) for job in jobs):  # what a call holds is not known yet
            exposed = (*exposed, *_source(event, work_dir(run)))
        if plan.actions:
            exposed = (*exposed, *_actions(plan))
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        raise EngineError(Problem(f"jobs cannot be parted from the machine: {what}{error.strerror}")) from None
    return layout.Layout(how, system, path, exposed, ((shared, PACKAGES),), host_network=options.network == "host")


def _actions(plan: Plan) -> tuple[tuple[str, str], ...]:
    """The files of published actions, where a runner has them."""
    from headrace.engine.actions import trees

    return tuple((tree, f"{WORK}/_actions/{place}") for place, tree in trees(plan).items())


def _interpreters(plan: Plan) -> Iterator[str]:
    """What drop-ins, actions and jobs run on that may lie below somebody's HOME."""
    from headrace.actions.interpreters import roots
    from headrace.actions.nodes import find_nodes, installed, named_version

    if plan.actions:
        for program in find_nodes(os.environ.get("PATH", "")).values():
            yield os.path.dirname(os.path.dirname(os.path.realpath(program)))

    # A folder that is not called after a version may be somebody's HOME.
    yield from (os.path.dirname(os.path.dirname(program)) for program in installed(os.environ) if named_version(program))
    yield from (sys.prefix, sys.base_prefix, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    yield from _libraries()
    yield from (root for root in roots(os.environ) if os.path.basename(root) != "bin")


def _libraries() -> Iterator[str]:
    """Where the interpreter's own shared library lies: of one that was copied, with the original."""
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as file:
        mapped = {line.split(maxsplit=5)[5].rstrip("\n") for line in file if "libpython" in line}
    yield from sorted(os.path.dirname(path) for path in mapped)


def _source(event: Event, work: str) -> tuple[tuple[str, str], ...]:
    """A repository for checkouts: the refs of the real one, written anew, and its objects as they lie. Nothing else of it
    (settings, hooks, stored credentials) is to be seen in a job."""
    source = os.path.join(work, "source.git")
    store = ObjectStore(source)
    store.prepare(event.repository, len(event.sha))
    common = common_dir(event.repository.git_dir)
    folders = list(dict.fromkeys([*_objects(os.path.join(event.objects, "objects")), *_objects(os.path.join(common, "objects"))]))
    listed = git.run(event.repository.root, "for-each-ref", "--format=%(objectname) %(refname)")
    with open(os.path.join(source, "packed-refs"), "wb") as file:
        file.write(listed)
    with open(os.path.join(source, "objects", "info", "alternates"), "w", encoding="utf-8") as text:
        text.write("".join(f"{_OBJECTS}/{number}\n" for number in range(len(folders))))
    if os.path.exists(os.path.join(common, "shallow")):
        with open(os.path.join(common, "shallow"), "rb") as old, open(os.path.join(source, "shallow"), "wb") as new:
            new.write(old.read())
    return ((source, SOURCE), *((folder, f"{_OBJECTS}/{number}") for number, folder in enumerate(folders)))


def _objects(folder: str) -> Iterator[str]:
    """The folder, and those that it borrows from."""
    seen: set[str] = set()
    pending = [folder]
    while pending:
        one = os.path.realpath(pending.pop())
        if one in seen or not os.path.isdir(one):
            continue
        seen.add(one)
        yield one
        try:
            with open(os.path.join(one, "info", "alternates"), encoding="utf-8", errors="surrogateescape") as file:
                pending += [
                    os.path.join(one, line.rstrip("\n")) for line in file if line.strip() and not line.startswith(("#", '"'))
                ]
        except OSError:
            continue

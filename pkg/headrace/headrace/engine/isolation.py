"""What jobs of a run see of the machine: decided once a run, from its plan, its options and the machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator

from headrace.base.errors import EngineError, Problem
from headrace.base.paths import cache_dir, jobs_dir, state_dir, work_dir
from headrace.engine import repository
from headrace.engine.options import RunOptions
from headrace.events.model import Event
from headrace.plan.model import Plan
from headrace.sandbox import ids, layout, skeleton
from headrace.sandbox.places import WORK
from headrace.sandbox.probe import OTHERWISE
from headrace.workflow.model import Call

SOURCE = "/run/headrace/source.git"
_OBJECTS = "/run/headrace/objects"
PACKAGES = "/run/headrace/packages"


def make_layout(
    plan: Plan, options: RunOptions, run: str, scope: str, named: Iterable[str] = (), preparing: Callable[[], None] = lambda: None
) -> layout.Layout:
    """The layout of all jobs of the run; makes what they share. `named`: folders that variables of the jobs name. `preparing` is
    called before that takes long. Raises EngineError."""
    how = options.parting.mode or ids.mode()
    event = plan.event
    try:
        system = layout.bases([state_dir(), jobs_dir(), event.repository.root, event.repository.git_dir, *_own_homes()])
        path = skeleton.path_of(jobs_dir(), how, system)
        skeleton.make(path, how, system, preparing)
        packages = os.path.join(cache_dir(), "packages")
        shared = os.path.join(packages, f"{scope}-{how}")  # files of other owners than in host isolation
        os.makedirs(shared, mode=0o700, exist_ok=True)
        os.chmod(packages, 0o700)  # what is below is the job's, which may let everybody in, to programs that have its power
        if how == "root":
            os.chown(shared, ids.HOST_IDS, ids.HOST_IDS)
        exposed = layout.exposures([*interpreters(), *_nodes(plan), *options.expose, *options.path_prepend], system)
        if folders := list(named):
            exposed = (*exposed, *_named(folders, [*system, *(target for _, target in exposed)]))
        jobs = [planned.job for planned in plan.jobs.values()]
        if any(job.uses_actions or isinstance(job.body, Call) for job in jobs):  # what a call holds is not known yet
            exposed = (*exposed, *_source(event, work_dir(run)))
        if plan.actions:
            exposed = (*exposed, *_actions(plan))
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        raise EngineError(Problem(f"jobs cannot be parted from the machine: {what}{error.strerror}", hint=OTHERWISE)) from None
    return layout.Layout(
        how, system, path, exposed, ((shared, PACKAGES),), host_network=options.network == "host",
        shm=options.limits.bounds.memory // 2 if options.limits else 0,  # its files count as the job's memory
    )  # fmt: skip


def _own_homes() -> Iterator[str]:
    """Those of the caller, which can lie in /var or /opt. Those of accounts like `bin` belong to the system."""
    import pwd

    homes = [os.path.expanduser("~")]
    try:
        homes.append(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        pass
    for home in homes:
        try:
            if os.stat(home).st_uid == os.getuid() and os.path.realpath(home).count("/") > 1:
                yield home
        except OSError:
            continue


def _named(folders: Iterable[str], held: list[str]) -> Iterator[tuple[str, str]]:
    """Folders that a job is to find under these names. `held`: those that it sees anyway."""
    from headrace.engine.forward import lies_in, place

    for folder in folders:
        found, real = place(folder, held), os.path.realpath(folder)
        if lies_in(found, held):
            continue
        for source, _ in layout.exposures([real], ()):
            held.append(found + source[len(real) :])
            yield source, held[-1]


def _actions(plan: Plan) -> tuple[tuple[str, str], ...]:
    """The files of published actions, where a runner has them."""
    from headrace.engine.actions import trees

    return tuple((tree, f"{WORK}/_actions/{place}") for place, tree in trees(plan).items())


def _nodes(plan: Plan) -> Iterator[str]:
    """What actions run on that may lie below somebody's HOME."""
    from headrace.actions.nodes import find_nodes, installed, named_version

    if plan.actions:
        for program in find_nodes(os.environ.get("PATH", "")).values():
            yield os.path.dirname(os.path.dirname(os.path.realpath(program)))

    # A folder that is not called after a version may be somebody's HOME.
    yield from (os.path.dirname(os.path.dirname(program)) for program in installed(os.environ) if named_version(program))


def interpreters() -> Iterator[str]:
    """What drop-ins and jobs run on that may lie below somebody's HOME."""
    from headrace.actions.interpreters import roots

    yield from (sys.prefix, sys.base_prefix, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    yield from _libraries()
    yield from (root for root in roots(os.environ) if os.path.basename(root) != "bin")


def _libraries() -> Iterator[str]:
    """Where the interpreter's own shared library lies: of one that was copied, with the original."""
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as file:
        mapped = {line.split(maxsplit=5)[5].rstrip("\n") for line in file if "libpython" in line}
    yield from sorted(os.path.dirname(path) for path in mapped)


def _source(event: Event, work: str) -> tuple[tuple[str, str], ...]:
    """The repository for checkouts, with its objects beside it."""
    source = os.path.join(work, "source.git")
    borrowed = repository.make(event, source, lambda number, _: f"{_OBJECTS}/{number}")
    return ((source, SOURCE), *((folder, f"{_OBJECTS}/{number}") for number, folder in enumerate(borrowed)))

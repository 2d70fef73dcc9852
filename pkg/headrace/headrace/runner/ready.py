"""A sandbox and folders for a leg that is not known yet, of the kind that its run has: a supervisor makes them while it stands
by."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from headrace.base.errors import EngineError, Problem
from headrace.runner import folders
from headrace.runner.hashing import hash_inside
from headrace.runner.ticket import Folders, JobTicket
from headrace.sandbox.files import lay
from headrace.sandbox.host import open_host
from headrace.sandbox.protocol import Function, Sandbox

if TYPE_CHECKING:
    from headrace.base.sockets import Socket
    from headrace.runner.limits import LegLimits
    from headrace.sandbox.layout import Layout
    from headrace.sandbox.limits.model import Guards, Limits
    from headrace.sandbox.namespaces import NamespaceSandbox

FUNCTIONS: dict[str, Function] = {"hash": hash_inside, "lay": lay}
"""What `Sandbox.call` knows."""


class Ready(Struct):
    """`folder` is the leg's folder as it is called now, empty where there is none yet; `env` what every program of the job
    must be told of its place; `watch` makes of the leg's folder what minds its limits, where it has some. `changes`: what the
    job, whose folder it is given, has changed that wants `sudo`, so many paths at most, and not those given
    (sandbox/changes.py). `listen` opens a port (0: any) in the job's own network, where it has one.
    `again` opens another sandbox instead, in which these folders of the job are plain folders of the machine, which containers
    can have too: `plain` says then which is where below the leg's folder. `ids`: where the job's ids begin on the machine, and
    how many there are, where they are not those of a container engine."""

    sandbox: Sandbox
    folder: str = ""
    env: dict[str, str] = {}
    watch: Callable[[str], LegLimits] | None = None
    limits: LegLimits | None = None
    changes: Callable[[str, int, Sequence[str]], list[str]] = lambda folder, many, own: []
    listen: Callable[[int], tuple[Socket, int]] | None = None
    again: Callable[[Sequence[str]], Ready] | None = None
    plain: dict[str, str] = {}
    ids: str = ""

    def on_machine(self, path: str, root: str) -> str:
        """A path in one of the plain folders of the job as the machine has it; `root` is the leg's folder."""
        for inner, place in self.plain.items():
            if path == inner or path.startswith(f"{inner}/"):
                return f"{root}/{place}{path[len(inner) :]}"
        return path

    def take(self, ticket: JobTicket) -> JobTicket:
        """Give all of it to the leg; its ticket as it stands then. Raises OSError."""
        if not folders.take(self.folder, ticket.folders.root):
            folders.make(self.sandbox, ticket.folders)
        if self.watch is not None:
            self.limits = self.watch(ticket.folders.root)
        if not self.env:
            return ticket
        return structs.replace(ticket, base={**ticket.base, **self.env}, surroundings=(*ticket.surroundings, *self.env))


def get_ready(close_private: Callable[[], None], run: dict[str, Any]) -> Ready:
    """`close_private` is for children of this process: it closes what they must not hold. `run`: what the engine says of the run
    (`Zygote.ahead`), empty where it has said nothing yet. Raises EngineError where the machine refuses."""
    match run:
        case {"isolation": "namespaces"}:
            return _namespaces(close_private, run)
        case {"isolation": "host", "work": str(work), "repository": str(repository)}:
            ready = Ready(open_host(close_private, FUNCTIONS), folders.draft(work))
            try:  # a new file or folder takes a millisecond on some file systems, and a job has fourteen
                os.makedirs(ready.folder, mode=0o700, exist_ok=True)
                folders.make_ahead(ready.sandbox, Folders.below(ready.folder, repository, ""))
            except OSError:  # the leg will fail of the same, and say so
                ready.folder = ""
            return ready
        case _:
            return Ready(open_host(close_private, FUNCTIONS))


def _namespaces(close_private: Callable[[], None], run: dict[str, Any], plain: Sequence[str] = ()) -> Ready:
    from headrace.runner.limits import LegLimits
    from headrace.sandbox import changes, enter, ids, layout, outlet, slirp
    from headrace.sandbox.limits import model

    decoded, limits = layout.decode(run["layout"]), model.decode(run["limits"])
    folder = folders.draft(run["work"]) + ("-plain" if plain else "")
    placed = {path: f"plain/{enter.flat(path)}" for path in plain}
    try:
        os.makedirs(folder, mode=0o711, exist_ok=True)
        if plain:
            decoded = _with_plain(decoded, folder, placed)
        decoded, guard, sandbox = _open(decoded, folder, limits, close_private)
        env = {"TAR_OPTIONS": "--no-same-owner"} if decoded.mode == "single" else {}
        if decoded.scratch:
            env["HEADRACE_SCRATCH"] = enter.SCRATCH
        if not decoded.host_network:
            proxy = None
            if run["network"] == "private" and not (run["slirp"] and slirp.attach(run["slirp"], sandbox.pid)):
                proxy, port = sandbox.listen()
                env |= outlet.variables(port)
            # The same ports as on the machine: the services' addresses are the same in the job.
            services = [(sandbox.listen(port)[0], port) for port in run["services"]]
            outlet.start(proxy, services, os.environ)
    except OSError as error:
        from headrace.sandbox.probe import OTHERWISE, known

        known.forget()  # it was thought to be possible
        what = f"{error.filename}: " if error.filename else ""
        raise EngineError(Problem(f"no sandbox can be made here: {what}{error.strerror}", hint=OTHERWISE)) from None
    folders.make(sandbox, Folders.inside("", run["repository"], ""))  # files are cheap in new layers
    return Ready(
        sandbox, folder, env, lambda root: LegLimits(limits, guard, root, sandbox.end_all),
        changes=lambda root, many, own: changes.without_sudo(decoded, root, many, own),
        listen=None if decoded.host_network else sandbox.listen,
        again=lambda more: _instead(sandbox, close_private, run, more), plain=placed,
        ids=f"{ids.HOST_IDS}:{ids.COUNT}" if decoded.mode == "root" else "",
    )  # fmt: skip


def _open(
    layout: Layout, folder: str, limits: Limits, close_private: Callable[[], None]
) -> tuple[Layout, Guards, NamespaceSandbox]:
    """A sandbox with its layers in `folder`; the layout that it has, and what holds its limits. Raises OSError."""
    from headrace.sandbox import enter
    from headrace.sandbox.layout import as_it_is_now
    from headrace.sandbox.namespaces import open_namespaces
    from headrace.sandbox.removal import remove

    tries = 5  # somebody may start containers all the time
    while True:
        tries -= 1
        try:
            enter.job_folders(layout, folder)
            guard = limits.guard(f"leg-{os.getpid()}")
            return layout, guard, open_namespaces(layout, folder, FUNCTIONS, guard, close_private)
        except OSError:
            now = as_it_is_now(layout)
            if now == layout or not tries:  # nothing of the machine has changed meanwhile
                raise
            layout = now
            for name in ("up", "overlay"):  # what has been a layer once is refused as another's
                remove(f"{folder}/{name}")


def _instead(sandbox: Sandbox, close_private: Callable[[], None], run: dict[str, Any], plain: Sequence[str]) -> Ready:
    sandbox.close()
    return _namespaces(close_private, run, plain)


def _with_plain(layout: Layout, folder: str, placed: dict[str, str]) -> Layout:
    """`placed`: path in the job → folder below the leg's. What lies below one of them would be hidden by it. Raises OSError."""
    from headrace.sandbox import ids

    os.makedirs(f"{folder}/plain", mode=0o700, exist_ok=True)  # a job may let everybody into its own folders
    for place in placed.values():
        os.makedirs(f"{folder}/{place}", mode=0o755, exist_ok=True)
        os.chmod(f"{folder}/{place}", 0o755)
        if layout.mode == "root":
            os.chown(f"{folder}/{place}", ids.HOST_IDS, ids.HOST_IDS)
    exposed = tuple(each for each in layout.exposed if not any(each[1].startswith(f"{path}/") for path in placed))
    shared = (*layout.shared, *((f"{folder}/{place}", path) for path, place in placed.items()))
    return structs.replace(layout, exposed=exposed, shared=shared)

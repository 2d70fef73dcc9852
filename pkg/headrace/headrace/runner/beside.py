"""Actions in a job that has a container: native drop-ins run beside it, on the same folders, and actions for node in it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import structs

from headrace.base.errors import HeadraceError, Problem
from headrace.runner.engine_calls import Kept
from headrace.runner.execute import Workbench
from headrace.runner.process import run_program
from headrace.sandbox.containers.inside import ContainerSandbox
from headrace.sandbox.containers.paths import EXTERNALS

_SECONDS = 30.0


def outside(bench: Workbench, inputs: Mapping[str, str]) -> tuple[Workbench, dict[str, str]]:
    """What a drop-in is run with, its inputs with the paths that its folders have outside. Raises HeadraceError where it is to
    touch what only the container has."""
    sandbox = bench.watch.sandbox
    assert isinstance(sandbox, ContainerSandbox)
    mounts = sandbox.mounts
    for line in inputs.get("INPUT_PATH", "").splitlines():
        path = line.strip().lstrip("!")
        if path.startswith("/") and mounts.outside(path) == path and mounts.inside(path) == path:
            text = f"{path} is in the job's container, and this action runs beside it"
            raise HeadraceError(Problem(text, hint=f"it reaches the workspace, HOME and {', '.join(_places(sandbox))}"))
    watch = structs.replace(bench.watch, sandbox=sandbox.around)
    return structs.replace(bench, watch=watch), {name: mounts.all_outside(value) for name, value in inputs.items()}


def _places(sandbox: ContainerSandbox) -> list[str]:
    return [mount.target for mount in sandbox.mounts.mounts]


def node_inside(bench: Workbench, nodes: Mapping[str, str]) -> dict[str, str]:
    """The nodes that run in the container: the machine's, else the image's own. Raises HeadraceError where there is none."""
    found = {version: f"{EXTERNALS}/node{version}/bin/node" for version in nodes}
    said = ""
    for version, program in list(found.items()):
        status, _, err = _ask(bench, program)
        if status:
            said = said or err.strip().splitlines()[0] if err.strip() else said
            del found[version]
    if found:
        return found
    status, out, _ = _ask(bench, "node")
    version = out.strip().lstrip("v").partition(".")[0]
    if not status and version.isdecimal():
        return {version: "node"}
    why = f": this machine's says '{said}'" if said else ""
    hint = "use an image that has node, or one with the libraries that this machine's node wants"
    raise HeadraceError(Problem(f"this action runs on node, and none runs in the job's container{why}", hint=hint))


def _ask(bench: Workbench, program: str) -> tuple[int, str, str]:
    masker = bench.scope.progress.masker
    out, err = Kept(masker, False), Kept(masker, False)
    ended = run_program(bench.watch, (program, "--version"), {}, "/", (out, err), _SECONDS)
    return ended.status, out.text, err.text

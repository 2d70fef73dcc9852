"""An action that runs in a container of its own, in one of its stages."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from headrace.runner.docker_images import SCHEME
from headrace.runner.engine_calls import AtKeeper, Calls
from headrace.runner.environment import input_variables
from headrace.runner.execute import Workbench, begin, of_manifest
from headrace.runner.inside import Inside
from headrace.runner.process import Ended, run_program
from headrace.runner.shells import split_arguments
from headrace.runner.stream import CommandGate, StreamReader
from headrace.runner.uses import Published
from headrace.sandbox.containers.model import Made, Mount
from headrace.sandbox.containers.paths import HOME, HOME_FOLDER, WORKSPACE, of_action
from headrace.workflow import template
from headrace.workflow.action import Docker
from headrace.workflow.lookup import fields
from headrace.workflow.model import Uses

if TYPE_CHECKING:
    from headrace.runner.container_steps import LegContainers

_OWN = ("entrypoint", "args")
"""Keys of `with` that every container action takes."""


def run_docker(bench: Workbench, containers: LegContainers, uses: Uses, used: Published, docker: Docker, stage: str) -> Ended:
    """Raises HeadraceError, TemplateError where it cannot begin."""
    scope, job = bench.scope, containers.job
    declared, deprecated = of_manifest(used.action)
    accepted = {**declared, **{key: None for key in fields(uses.inputs) if key.lower() in _OWN}}
    if uses.uses.startswith(SCHEME):  # there is no manifest that could be ignorant of an input
        accepted |= dict.fromkeys(fields(uses.inputs))
    inputs = begin(bench, uses, accepted, deprecated, stage)
    image = containers.images.provide(docker, used.folder)
    entrypoint, words = _words(bench, docker, inputs, {name: inputs[_variable(name)] for name in declared}, stage)
    folders = scope.ticket.folders
    scope.sandbox.make_folders([f"{folders.temp}/{HOME_FOLDER}"])
    mounts = of_action(folders.workspace, folders.temp)
    bench.voice.mounts = mounts
    inside = Inside(mounts, job.place.inside)
    actions = {name: value for name, value in scope.ticket.actions.items() if name != "ACTIONS_CACHE_SERVICE_V2"}
    env = scope.container_environment(inside, {**actions, **scope.ticket.identity}, inputs)
    own = template.string_map(docker.env, {"inputs": _named(inputs, declared)}) if docker.env is not None else {}
    env = {**own, **env, "HOME": HOME}
    made = Made(
        f"{os.urandom(16).hex()}_{os.urandom(3).hex()}", image, env=env, workdir=WORKSPACE, labels=job.calls.labels,
        mounts=tuple(Mount(job.on_machine(each.source), each.target) for each in mounts.mounts),
        network=f"container:{job.holder()}", entrypoint=entrypoint or None, command=tuple(words), ids=job.ids,
    )  # fmt: skip
    return _run(bench, job.calls, made)


def _words(bench: Workbench, docker: Docker, inputs: dict[str, str], named: dict[str, str], stage: str) -> tuple[str, list[str]]:
    """Entry point and arguments. Those of the manifest win over `with.entrypoint` and `with.args`."""
    entrypoint = {"main": docker.entrypoint, "pre": docker.pre, "post": docker.post}[stage]
    if not entrypoint and stage == "main":
        entrypoint = inputs.get("INPUT_ENTRYPOINT", "")
    if docker.args is not None:
        return entrypoint, list(template.strings(docker.args, {"inputs": named}, {}))
    return entrypoint, split_arguments(inputs.get("INPUT_ARGS", ""))


def _named(inputs: dict[str, str], declared: object) -> dict[str, str]:
    assert isinstance(declared, dict)
    return {name: inputs[_variable(name)] for name in declared}


def _variable(name: str) -> str:
    return next(iter(input_variables({name: ""}, {})))


def _run(bench: Workbench, calls: Calls, made: Made) -> Ended:
    scope = bench.scope
    gate = CommandGate(echo=scope.ticket.debugging)
    readers = (
        StreamReader(bench.voice, scope.progress.masker, gate, scope.progress.matchers),
        StreamReader(bench.voice, scope.progress.masker, gate, scope.progress.matchers),
    )
    argv = calls.engine.run(made)
    calls.say(f"##[command]{' '.join(argv)}")
    watch = calls.watch
    here = AtKeeper(watch.sandbox, watch.control, watch.log, bench.watch.on_cancel)
    env = {**calls.engine.told(made.env), **calls.place.env}
    ended = run_program(here, argv, env, "/", readers, bench.timeout)
    if ended.because:
        calls.attempt(calls.engine.remove([made.name]), shown=False)
    return ended

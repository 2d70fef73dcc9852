"""The images of a job's container actions: pulled or built once for the job."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from headrace.base.errors import HeadraceError, Problem
from headrace.runner.container_spec import Spec
from headrace.runner.containers import JobContainers
from headrace.runner.ticket import JobTicket
from headrace.runner.uses import actions_folder
from headrace.workflow.action import Composite, Docker
from headrace.workflow.model import Uses

SCHEME = "docker://"


class Images:
    def __init__(self, containers: JobContainers, ticket: JobTicket) -> None:
        self._containers = containers
        self._ticket = ticket
        self._built: dict[str, str] = {}  # Dockerfile → image

    def ahead(self, uses: Iterable[Uses]) -> Iterator[tuple[str, Callable[[], None]]]:
        """What is provided before the first step, each with the name of its step: all but what is of the workspace, which is not
        there yet."""
        wanted: dict[str, tuple[str, Callable[[], None]]] = {}
        pending = [each.uses for each in uses]
        seen = set(pending)
        while pending:
            name = pending.pop(0)
            if name.startswith(SCHEME):
                image = name.removeprefix(SCHEME)
                wanted.setdefault(image, (f"Pull {image}", partial(self._pull, image)))
                continue
            known = self._ticket.known.get(name)
            if known is None or known.action is None:
                continue
            match known.action.runs:
                case Composite() as composite:
                    new = [inner for inner in composite.references if inner not in seen]
                    seen.update(new)
                    pending += new
                case Docker(image=image) if image.startswith(SCHEME):
                    image = image.removeprefix(SCHEME)
                    wanted.setdefault(image, (f"Pull {image}", partial(self._pull, image)))
                case Docker() as docker:
                    folder = posixpath.join(actions_folder(self._ticket), known.place, known.action.path)
                    wanted.setdefault(name, (f"Build {name}", partial(self._provide, docker, folder)))
        yield from wanted.values()

    def _pull(self, image: str) -> None:
        self._containers.calls.provide(Spec(image), self._ticket.folders.root)

    def _provide(self, docker: Docker, folder: str) -> None:
        self.provide(docker, folder)

    def provide(self, docker: Docker, folder: str) -> str:
        """The image that an action of this folder runs in. Raises HeadraceError."""
        if docker.image.startswith(SCHEME):
            image = docker.image.removeprefix(SCHEME)
            if image not in self._built:
                self._pull(image)
                self._built[image] = image
            return image
        file = posixpath.normpath(posixpath.join(folder, docker.image))
        if file not in self._built:
            calls = self._containers.calls
            tag = f"localhost/headrace-action-{os.urandom(8).hex()}:1"
            place = self._containers.on_machine(posixpath.dirname(file))
            argv = calls.engine.build(tag, posixpath.join(place, posixpath.basename(file)), place, calls.labels)
            calls.say(f"##[command]{' '.join(argv)}")
            status = calls.attempt(argv, shown=False, log=True)[0]
            if status:
                raise HeadraceError(Problem(f"Docker build failed with exit code {status}"))
            self._built[file] = tag
        return self._built[file]

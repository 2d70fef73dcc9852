"""The container and the services of a job: made before its first step, taken away after its last."""

from __future__ import annotations

import ipaddress
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from headrace.base.errors import HeadraceError, Problem
from headrace.base.sockets import Socket
from headrace.runner import container_spec, messages
from headrace.runner.container_spec import Spec, published, wanted
from headrace.runner.engine_calls import AtKeeper, Calls
from headrace.runner.inside import Inside
from headrace.runner.process import Supervision
from headrace.runner.progress import Progress
from headrace.runner.ready import Ready
from headrace.runner.ticket import JobTicket
from headrace.sandbox import outlet
from headrace.sandbox.client import InitClient
from headrace.sandbox.containers import keeper, known, pause, reach
from headrace.sandbox.containers.commands import State, read_config, read_state, read_subnet
from headrace.sandbox.containers.inside import ContainerSandbox
from headrace.sandbox.containers.model import Made, Mount, Place
from headrace.sandbox.containers.paths import HOME, HOME_FOLDER, Mounts, of_job
from headrace.sandbox.protocol import Sandbox
from headrace.workflow.model import Steps

_IDLE = ("-f", "/dev/null")
MOST = 100
"""Containers of one job: what the addresses of a small network suffice for."""

_HEALTH = (2.0, 3.0, 5.0, 7.0, 11.0)
"""Seconds between two looks at a service that has not said yet how it is; the last one from then on."""


class Running(Struct):
    """A container under way: its name, its spec, and the ports of the machine that stand for its own."""

    spec: Spec
    name: str
    address: str = ""
    ports: dict[str, str] = {}


class Health:
    """How a service does that is looked at from here: `now` is empty where it has no check. Like docker's own: it is healthy with
    the first look that succeeds, and unhealthy when so many have failed as it may, one an interval, those of its start left
    out."""

    def __init__(self, state: State, begun: float) -> None:
        self.now = "starting"
        self._interval = state.interval
        self._left = state.retries
        self._counts = begun + state.start_period  # when a failure counts that comes next

    def take(self, well: bool, at: float) -> None:
        if well:
            self.now = "healthy"
        elif at >= self._counts:
            self._left -= 1
            self._counts = at + self._interval
            if self._left <= 0:
                self.now = "unhealthy"

    def wait(self) -> float:
        """Seconds after which it is worth looking again: no longer than its interval."""
        return max(1.0, self._interval)


class JobContainers:
    """Of one leg, whose files are in the sandbox of `watch`."""

    def __init__(
        self,
        ticket: JobTicket,
        progress: Progress,
        watch: Supervision,
        ready: Ready,
    ) -> None:
        self.ticket = ticket
        self.place = msgspec.convert(ticket.containers, Place)
        self._mark = f"{self.place.mark}-{os.urandom(8).hex()}"
        self.client: InitClient = keeper.connect(self.place.keeper, self._mark)
        self._progress = progress
        self._sandbox = watch.sandbox
        self._ready = ready
        self._listen: Callable[[int], tuple[Socket, int]] | None = ready.listen
        self.calls = Calls(
            AtKeeper(self.client, watch.control, watch.log, watch.on_cancel), self.place, progress.masker, self._mark
        )
        self.network = ""
        self.job: Running | None = None
        self._services: list[Running] = []
        self._addresses: list[str] = []
        self._holder = ""
        self._wrong: HeadraceError | None = None
        self._path = ""  # the job's image's

    # -- making them --

    def evaluate(self, contexts: Mapping[str, Any]) -> bool:
        """Find out what the job asks for; whether that is anything. What cannot be evaluated is said by `initialize`."""
        body = self.ticket.job.body
        assert isinstance(body, Steps)
        try:
            spec = container_spec.job_container(body.container, contexts)
            specs = container_spec.services(body.services, contexts)
        except HeadraceError as error:
            self._wrong = error
            return True
        everything = [each for each in (spec, *specs) if each is not None]
        if len(everything) > MOST:
            self._wrong = HeadraceError(Problem(f"a job can have {MOST} containers, and this one wants {len(everything)}"))
        running = [Running(each, self._name(each.image)) for each in everything]
        self.job = next((one for one in running if not one.spec.name), None)
        self._services = [one for one in running if one.spec.name]
        return bool(everything)

    def initialize(self) -> None:
        """Start it all. Raises HeadraceError with what a hosted runner says."""
        if self._wrong is not None:
            raise self._wrong
        running = [*([self.job] if self.job else []), *self._services]
        self._make_network()
        for one in running:
            one.address = self._addresses.pop(0) if self._addresses else ""
        hosts = {one.spec.name: one.address for one in self._services if one.address}
        for one in running:
            try:
                self._start(one, hosts)
            except HeadraceError as error:
                known.forget()  # it may be the machine that has changed
                raise HeadraceError(
                    *error.problems, Problem(messages.CONTAINER_FAILED.format(image=one.spec.image)),
                    Problem(messages.CONTAINERS_FAILED),
                ) from None  # fmt: skip
        self._publish()
        if self._services:
            self._wait_for_health()

    def _make_network(self) -> None:
        self.network = f"github_network_{os.urandom(16).hex()}"
        self.calls.say("##[group]Create local container network")
        self.calls.ask(self.calls.engine.create_network(self.network, self.calls.labels))
        self.calls.say("##[endgroup]")
        if not self.calls.engine.names:
            subnet = read_subnet(self.calls.ask(self.calls.engine.network(self.network), shown=False))
            hosts = ipaddress.ip_network(subnet).hosts()
            self._addresses = [str(next(hosts)) for _ in range(MOST + 2)][1:]  # the first is the network's own

    @staticmethod
    def _name(image: str) -> str:
        short = "".join(char for char in image if char.isalnum())[:40]
        return f"{os.urandom(16).hex()}_{short}_{os.urandom(3).hex()}"

    def _start(self, one: Running, hosts: Mapping[str, str]) -> None:
        calls, spec = self.calls, one.spec
        calls.say(f"##[group]Starting {spec.name} service container" if spec.name else "##[group]Starting job container")
        calls.provide(spec, self.ticket.folders.root)
        others = {name: address for name, address in hosts.items() if name != spec.name}
        made = Made(
            one.name, spec.image, labels=calls.labels, network=self.network, address=one.address, hosts=others,
            env={**spec.env}, options=spec.options, volumes=spec.volumes, ids=self.ids,
            ports=tuple(published(port, anywhere=self._listen is not None) for port in spec.ports),
        )  # fmt: skip
        if spec.name:
            made = msgspec.structs.replace(made, alias=spec.name, entrypoint=spec.entrypoint or None, command=spec.command)
        else:
            made = self._as_job(made)
        calls.ask(calls.engine.create(made), made.env)
        calls.ask(calls.engine.start(one.name))
        if not self._state(one).running:
            calls.attempt(calls.engine.logs(one.name), shown=False, log=True)
            raise HeadraceError(Problem(f"the container of {spec.image} has ended at once"))
        calls.say("##[endgroup]")

    def _as_job(self, made: Made) -> Made:
        folders = self.ticket.folders
        self._sandbox.make_folders([f"{folders.temp}/{HOME_FOLDER}"])
        env = {"HOME": HOME, "GITHUB_ACTIONS": "true", "CI": "true", **made.env}
        mounts = [Mount(self.on_machine(each.source), each.target) for each in self.mounts.mounts]
        mounts += [
            Mount(os.path.realpath(program), f"/__e/node{version}/bin/node", readonly=True)
            for version, program in self.ticket.nodes.items()
        ]
        workdir = self.mounts.inside(folders.workspace)
        return msgspec.structs.replace(made, env=env, mounts=tuple(mounts), workdir=workdir, entrypoint="tail", command=_IDLE)

    @property
    def mounts(self) -> Mounts:
        folders = self.ticket.folders
        work = os.path.dirname(os.path.dirname(folders.workspace))
        return of_job(work, folders.temp, folders.tool_cache)

    def on_machine(self, path: str) -> str:
        """A folder of the job as the machine has it."""
        return self._ready.on_machine(path, self.ticket.folders.root)

    @property
    def ids(self) -> str:
        """Those of the job, where it shares files with its containers."""
        return self._ready.ids if self._ready.plain else ""

    def _state(self, one: Running) -> State:
        try:
            return read_state(self.calls.ask(self.calls.engine.state(one.name), shown=False))
        except ValueError as error:
            raise HeadraceError(Problem(str(error))) from None

    def _publish(self) -> None:
        """What `job` says of them, and the ports of services in the job's own network. The network stands under `container`
        also where the job has none: so it does in GitHub's runner."""
        context: dict[str, Any] = {"container": {"network": self.network}}
        if self.job is not None:
            context["container"]["id"] = self.job.name
            state = self._state(self.job)
            self._path = state.env.get("PATH", "")
            self._reach(state.pid)
        for one in self._services:
            found = self._state(one).ports
            for port in one.spec.ports:
                inner, asked = wanted(port)
                outer = next((number for name, number in found.items() if name.partition("/")[0] == inner), "")
                one.ports[inner] = self._hand_in(int(outer), asked) if outer and self._listen is not None else outer
            context.setdefault("services", {})[one.spec.name] = {"id": one.name, "network": self.network, "ports": one.ports}
        self._progress.job = context

    def _hand_in(self, outer: int, asked: int) -> str:
        """A port of the machine as one of the job's own network, the one that is asked for, else a free one."""
        assert self._listen is not None
        try:
            listener, port = self._listen(asked)
        except OSError as error:
            raise HeadraceError(Problem(f"port {asked} of the job cannot be had: {error.strerror}")) from None
        outlet.start(None, [(listener, outer)], os.environ)
        return str(port)

    def _reach(self, pid: int) -> None:
        """The run's services on the loopback of a container."""
        if not self.place.port:
            return
        try:
            listener = reach.listen(pid, self.place.port)
        except OSError as error:
            self.calls.say(f"The services of this run cannot be reached in the container: {error.strerror}")
            return
        outlet.start(None, [(listener, self.place.port)], os.environ)

    def _wait_for_health(self) -> None:
        calls = self.calls
        calls.say("##[group]Waiting for all services to be ready")
        sick = []
        for one in self._services:
            health = Health(self._state(one), time.monotonic())
            waits = iter(_HEALTH)
            while self._looks(one, health) == "starting":
                seconds = min(next(waits, _HEALTH[-1]), health.wait())
                calls.say(f"{one.spec.name} service is starting, waiting {seconds:g} seconds before checking again.")
                self._sleep(seconds)
            if health.now == "healthy":
                calls.say(f"{one.spec.name} service is healthy.")
            elif health.now:
                sick.append(one)
        calls.say("##[endgroup]")
        for one in sick:
            calls.say(f"##[group]Service container {one.spec.name} failed.")
            calls.attempt(calls.engine.logs(one.name), log=True)
            calls.say("##[endgroup]")
        if sick:
            failed = [Problem(messages.CONTAINER_FAILED.format(image=one.spec.image)) for one in sick]
            raise HeadraceError(*failed, Problem(messages.CONTAINERS_FAILED))

    def _looks(self, one: Running, health: Health) -> str:
        """How a service is now."""
        state = self._state(one)
        if not state.running:
            health.now = "unhealthy"
        elif not state.health:
            health.now = ""
        elif check := self.calls.engine.check(one.name):
            health.take(self.calls.attempt(check, shown=False)[0] == 0, time.monotonic())
        else:
            health.now = state.health
        return health.now

    def _sleep(self, seconds: float) -> None:
        """Raises HeadraceError where the job is cancelled meanwhile."""
        import select

        watch = self.calls.watch
        until = time.monotonic() + seconds
        watch.control.flush()
        while (left := until - time.monotonic()) > 0:
            if select.select([watch.control], [], [], left)[0]:
                while (order := watch.control.order()) is not None:
                    watch.on_cancel(order)
                    raise HeadraceError(Problem(messages.CANCELED))

    # -- what steps get --

    def inside(self) -> tuple[Sandbox, Inside] | None:
        """Where the job's programs run, where it has a container."""
        if self.job is None:
            return None
        mounts, home = self.mounts, f"{self.ticket.folders.temp}/{HOME_FOLDER}"
        sandbox = ContainerSandbox(self._sandbox, self.client, self.calls.engine, self.job.name, mounts, self.place.env)
        return sandbox, Inside(mounts, self.place.inside, self._path, home)

    @property
    def made(self) -> bool:
        """Whether there is anything to take away."""
        return bool(self.network or self._holder)

    # -- the end --

    def stop(self) -> None:
        """Take all away; what cannot be is left to the keeper. Raises nothing."""
        calls = self.calls
        try:
            for one in self._services:
                calls.say(f"##[group]Print service container logs: {one.spec.name}")
                calls.attempt(calls.engine.logs(one.name), log=True)
                calls.say("##[endgroup]")
            for one in [*([self.job] if self.job else []), *self._services]:
                calls.say(f"Stop and remove container: {one.name}")
                calls.attempt(calls.engine.remove([one.name]))
            if self._holder:
                calls.attempt(calls.engine.remove([self._holder]), shown=False)
            if self.network:
                calls.say(f"Remove container network: {self.network}")
                calls.attempt(calls.engine.remove_network([self.network]))
        except HeadraceError as error:
            calls.say(f"##[warning]{error}")

    # -- for containers of actions --

    def holder(self) -> str:
        """A container that holds a network in which the run's services can be reached: that of the job, or one of our own."""
        if self.job is not None:
            return self.job.name
        if not self._holder:
            if why := known.provide_pause(self.calls.engine):
                raise HeadraceError(Problem(why))
            address = self._addresses.pop(0) if self._addresses else ""
            hosts = {one.spec.name: one.address for one in self._services if one.address}
            made = Made(
                f"{os.urandom(16).hex()}_network", pause.IMAGE, labels=self.calls.labels, network=self.network,
                address=address, hosts=hosts, ids=self.ids, command=(pause.PAUSE,),
            )  # fmt: skip
            self.calls.ask(self.calls.engine.create(made), shown=False)
            self._holder = made.name
            self.calls.ask(self.calls.engine.start(made.name), shown=False)
            self._reach(self._state(Running(Spec(pause.IMAGE), made.name)).pid)
        return self._holder

    def image_config(self, image: str) -> dict[str, Any]:
        return read_config(self.calls.ask(self.calls.engine.image_config(image), shown=False))

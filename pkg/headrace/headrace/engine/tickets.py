"""From a planned leg to the ticket that its supervisor gets: contexts, environment, folders, tokens."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from headrace.base.paths import cache_dir, jobs_dir, run_dir, work_dir
from headrace.engine.capabilities import runner_arch, runner_os
from headrace.engine.options import RunOptions
from headrace.engine.services import ServiceHost
from headrace.plan.contexts import RunInfo, entry_of, github_context, needs_context, strategy_context
from headrace.plan.model import JobPath, Leg, Origin, Outcome, Plan, Planned
from headrace.runner.ticket import Definition, Folders, JobTicket
from headrace.sandbox.inherit import NAMING, SURROUNDINGS, inherited
from headrace.sandbox.places import USER

if TYPE_CHECKING:
    from headrace.engine.containers import Minded
    from headrace.engine.forward import Forwarded
    from headrace.runner.known import Known
    from headrace.sandbox.layout import Layout
    from headrace.workflow.model import Job

_CACHES = {"PIP_CACHE_DIR": "pip", "UV_CACHE_DIR": "uv", "npm_config_cache": "npm"}


class Tickets:
    """Makes the tickets of one run. `numbers`: workflow path → run number."""

    def __init__(
        self, plan: Plan, options: RunOptions, run: str, numbers: Mapping[str, int], services: ServiceHost,
        minded: Minded | None = None,
    ) -> None:  # fmt: skip
        self._plan = plan
        self._options = options
        self._run = run
        self._numbers = numbers
        self._services = services
        self._minded = minded
        self._order: dict[JobPath, int] = {}
        self._called: dict[str, dict[str, str]] = {}
        self._layout: Layout | None = None  # of jobs that see only a part of the machine
        self._token = options.secrets.get("GITHUB_TOKEN") or f"headrace_{os.urandom(18).hex()}"
        self.runner_name = "headrace"

    def _number(self, leg: JobPath) -> int:
        return self._order.setdefault(leg, len(self._order) + 1)

    def log_name(self, leg: JobPath) -> str:
        """The leg's log file, below the run's folder."""
        return f"logs/{self._number(leg):04}.log"

    def leg_folder(self, leg: JobPath) -> str:
        return os.path.join(work_dir(self._run), str(self._number(leg)))

    def of_all_legs(self, preparing: Callable[[], None] = lambda: None) -> dict[str, Any]:
        """What supervisors can know before they have a ticket. `preparing` is called before that takes long. Raises EngineError
        where jobs cannot be parted from the machine."""
        options = self._options
        known: dict[str, Any] = {
            "isolation": options.parts, "work": work_dir(self._run), "repository": self._plan.event.repository.name
        }  # fmt: skip
        if options.parts == "namespaces":
            from headrace.engine.isolation import make_layout

            self._layout = make_layout(self._plan, options, self._run, self._scope, self._named_folders(), preparing)
            known["layout"] = msgspec.to_builtins(self._layout)
            known["network"] = options.network
            known["slirp"] = options.parting.slirp
            known["services"] = self._services.ports
        return known

    def make(self, planned: Planned, leg: Leg, outcomes: Mapping[JobPath, Outcome]) -> JobTicket:
        """The ticket of a leg that is to start; `outcomes` of all jobs that have ended."""
        plan, options = self._plan, self._options
        workflow = plan.workflows[planned.workflow]
        entry = entry_of(plan, planned.workflow)
        inputs = plan.inputs.get(planned.workflow, {})
        place = Folders.below if options.parts == "host" else Folders.inside
        folders = place(
            self.leg_folder(leg.path), plan.event.repository.name, os.path.join(run_dir(self._run), self.log_name(leg.path))
        )
        # Tokens and interpreters are of no use to scripts, and cost milliseconds.
        actions, masks, fetching = self._for_actions(leg) if planned.job.uses_actions else ({}, (), {})
        hosted = any(label.startswith(("ubuntu-", "windows-", "macos-")) for label in map(str.lower, leg.labels))
        environment = "github-hosted" if hosted else "self-hosted"
        github = github_context(plan.event, plan.workflows[entry], self.run_info(entry), plan.inputs.get(entry, {}))
        definition = self._definition(planned.workflow) if planned.workflow in plan.calls else None
        identity: dict[str, str] = {}
        if (planned.job.permissions or {}).get("id-token") == "write" and self._scope != "fork":
            identity = self._identity(github, definition, environment, leg.environment)
            masks = (*masks, identity["ACTIONS_ID_TOKEN_REQUEST_TOKEN"])
        return JobTicket(
            run=self._run,
            leg=leg.path,
            name=leg.name,
            job=planned.job,
            folders=folders,
            github=github,
            inputs=inputs,
            vars={**options.vars, **options.vars_of.get(leg.environment.lower(), {})},
            needs=needs_context(plan, planned, outcomes),
            strategy=strategy_context(leg),
            matrix=leg.matrix,
            secrets={**self._secrets(planned.workflow), **options.secrets_of.get(leg.environment.lower(), {})},
            masks=(*masks, *self._forwarded.secrets) if self._forwarded else masks,
            workflow_env=workflow.env,
            workflow_defaults=workflow.defaults,
            base={**self._base, **fetching, **options.env},
            surroundings=self._surroundings,
            files=self._forwarded.copies(folders.home) if self._forwarded else (),
            isolation=options.parts,
            actions=actions,
            drop_ins=self._drop_ins if actions else {},
            identity=identity,
            environment=environment,
            deploys_to=leg.environment,
            runner_name=self.runner_name,
            os=runner_os(),
            arch=runner_arch(),
            python=sys.executable,
            native=options.native,
            known=self._known(planned.job),
            nodes=self._nodes if planned.job.uses_actions else {},
            called=definition,
            containers=self._containers(planned.job, fetching),
        )

    def run_info(self, workflow: str) -> RunInfo:
        """The run as the jobs of a file see it, or those of a call: that is the file the event started."""
        number = self._numbers.get(entry_of(self._plan, workflow), 1)
        return RunInfo(run_id=self._run, run_number=str(number))

    # -- called workflows --

    def _secrets(self, workflow: str) -> dict[str, str]:
        """Those that jobs of a file see, or those of a call."""
        own = self._called.get(workflow)
        return {**(self._options.secrets if own is None else own), "GITHUB_TOKEN": self._token}

    def admit(self, caller: Planned, leg: Leg, outcomes: Mapping[JobPath, Outcome]) -> None:
        """Settle which secrets a call hands on. Raises HeadraceError where they cannot be evaluated."""
        from headrace.plan.calls import call_secrets

        run = self.run_info(caller.workflow)
        own = self._secrets(caller.workflow)
        self._called[leg.path] = call_secrets(self._plan, caller, leg, own, outcomes, self._options.vars, run)

    def _definition(self, workflow: str) -> Definition:
        """Which file the jobs of a call stand in."""
        from headrace.workflow.calls import parts

        event = self._plan.event
        reference = self._plan.calls[workflow].reference
        remote = parts(reference)
        if remote is None:
            return Definition(event.repository.full_name, reference.removeprefix("./"), event.ref, event.sha)
        origin = self._plan.origins.get(reference, Origin(remote[2]))
        return Definition(remote[0], remote[1], origin.ref, origin.sha)

    def _identity(self, github: Mapping[str, Any], own: Definition | None, runner: str, environment: str) -> dict[str, str]:
        """What a job asks for identity tokens with. GitHub lets no pull request of a fork do that."""
        from headrace.plan.identity import identity_claims
        from headrace.services.grants import ISSUER, issue_request

        ref, sha = str(github["workflow_ref"]), str(github["workflow_sha"])
        if own is not None:
            ref, sha = f"{own.repository}/{own.path}@{own.ref}", own.sha
        claims = identity_claims(
            github, job_workflow_ref=ref, job_workflow_sha=sha, runner_environment=runner, environment=environment
        )
        return {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self._services.url.rstrip('/')}{ISSUER}/token?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": issue_request(claims, self._services.key),
        }

    def _containers(self, job: Job, fetching: Mapping[str, str]) -> dict[str, Any]:
        if self._minded is None:
            return {}
        from headrace.engine.containers import needs

        if not needs(job, self._plan.actions):
            return {}
        return self._minded.place({**self._options.env, **fetching}, self._services.port if job.uses_actions else 0)

    def _known(self, job: Job) -> dict[str, Known]:
        """The published actions of a job."""
        if not self._plan.actions or not job.uses_actions:
            return {}
        from headrace.engine.actions import of_job

        return of_job(self._plan, job)

    @cached_property
    def _nodes(self) -> dict[str, str]:
        if not self._plan.actions:
            return {}
        from headrace.actions.nodes import find_nodes
        from headrace.engine.actions import needs_node

        if not needs_node(self._plan.actions.values()):
            return {}
        found = find_nodes(os.environ.get("PATH", ""))
        layout = self._layout
        return found if layout is None else {version: path for version, path in found.items() if layout.shows(path)}

    def _for_actions(self, leg: Leg) -> tuple[dict[str, str], tuple[str, ...], dict[str, str]]:
        """The variables that only actions get, what must be masked of them, and those that let every step's git reach the run's
        repository under its address at GitHub."""
        from zlib import crc32

        from headrace.engine.caches import cache_grant
        from headrace.services.grants import issue, issue_reading

        place = "parted" if self._options.parts == "namespaces" else f"{crc32(os.fsencode(jobs_dir())):08x}"
        grant = cache_grant(self._plan.event, self._run, f"leg-{self._number(leg.path)}", place)
        token = issue(grant, self._services.key)
        url = self._services.url
        name = self._plan.event.repository.full_name
        reading = issue_reading(name, self._services.key)  # the runtime token is for actions only
        secret = base64.b64encode(f"x-access-token:{reading}".encode()).decode()
        settings = (
            (f"url.{url}git/{name}.insteadOf", f"{RunInfo().server_url}/{name}"),
            (f"http.{url}git/.extraHeader", f"Authorization: basic {secret}"),
        )
        fetching = {"GIT_CONFIG_COUNT": str(len(settings))}
        for number, (key, value) in enumerate(settings):
            fetching |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        own = {
            "ACTIONS_RUNTIME_URL": url, "ACTIONS_RESULTS_URL": url, "ACTIONS_RUNTIME_TOKEN": token,
            "ACTIONS_CACHE_URL": url, "ACTIONS_CACHE_SERVICE_V2": "True",
        }  # fmt: skip
        if not grant.writes:
            own["ACTIONS_CACHE_MODE"] = "read"
        return own, (token, reading, secret), fetching

    @cached_property
    def _base(self) -> dict[str, str]:
        hide = [os.path.dirname(sys.executable)] if sys.prefix != sys.base_prefix else []
        if "VIRTUAL_ENV" in os.environ:
            hide.append(os.path.join(os.environ["VIRTUAL_ENV"], "bin"))
        base = inherited(os.environ, self._options.path_prepend, hide, self._options.forward)
        packages = self._packages
        if self._options.parts == "namespaces":
            base |= {"USER": USER, "LOGNAME": USER, "SHELL": "/bin/bash"}
        for variable, name in _CACHES.items():
            base[variable] = os.path.join(packages, name)
        return base

    @property
    def _packages(self) -> str:
        """The folder of the download caches that jobs share, as jobs see it."""
        if self._options.parts == "host":
            return os.path.join(cache_dir(), "packages", self._scope)
        from headrace.engine.isolation import PACKAGES

        return PACKAGES

    # -- of the caller's own --

    @property
    def _environment(self) -> dict[str, str]:
        return {**self._base, **self._options.env}

    @property
    def _surroundings(self) -> tuple[str, ...]:
        return () if self._options.parts == "host" else (*sorted(SURROUNDINGS), *_CACHES, *self._options.forward)

    @cached_property
    def _named(self) -> dict[str, str]:
        """Paths of the machine that jobs are told of, and by what: of those that do not see all of it anyway."""
        env, forward = self._environment, self._options.forward
        if self._options.parts == "host" or not (forward or any(name in env for name in NAMING)):
            return {}
        from headrace.engine.forward import paths

        return paths(env, forward, os.environ)

    def _named_folders(self) -> list[str]:
        if not self._named:
            return []
        from headrace.engine.forward import folders

        return folders(self._named, self._plan.event.repository.root)

    @cached_property
    def _forwarded(self) -> Forwarded | None:
        if not self._options.forward and not self._named:
            return None
        from headrace.engine.forward import forwarded

        held = self._layout.held() if self._layout is not None else None
        return forwarded(self._options.forward, os.environ, self._named, held)

    @property
    def _scope(self) -> str:
        """Whose download caches the jobs share: a fork's pull request never writes what others read."""
        from headrace.engine.caches import from_fork

        return "fork" if from_fork(self._plan.event) else "trusted"

    @property
    def _uv(self) -> str:
        """Where uv is, if a job can see it there."""
        found = _uv(os.environ.get("PATH", ""))
        return found if self._layout is None or self._layout.shows(found) else ""

    @property
    def _git_dir(self) -> str:
        if self._options.parts == "host":
            return self._plan.event.objects
        from headrace.engine.isolation import SOURCE

        return SOURCE

    @cached_property
    def _drop_ins(self) -> dict[str, str]:
        from headrace.actions.interpreters import roots
        from headrace.actions.nodes import installed

        nodes = (node for node in installed(os.environ) if self._layout is None or self._layout.shows(node))
        return {
            "HEADRACE_GIT_DIR": self._git_dir,
            "HEADRACE_NODES": os.pathsep.join(nodes),
            "HEADRACE_PYTHON_ROOTS": os.pathsep.join(roots(os.environ)),
            "HEADRACE_UV": self._uv,
            "HEADRACE_PACKAGES": self._packages,
            "HEADRACE_OPEN_MACHINE": "1" if self._options.parts == "host" else "",  # what a job writes to may be others'
            **self._publishing,
        }

    @property
    def _publishing(self) -> dict[str, str]:
        if not self._services.index_port:
            return {}
        from headrace.engine.indexes import libraries

        return {"HEADRACE_INDEX": f"127.0.0.1:{self._services.index_port}", "HEADRACE_LIBRARIES": libraries()}


def _uv(path: str) -> str:
    """Where uv is: beside our own interpreter, or on the caller's PATH."""
    for folder in (os.path.dirname(sys.executable), *path.split(os.pathsep)):
        candidate = os.path.join(folder, "uv")
        if os.access(candidate, os.X_OK) and os.path.isfile(candidate):
            return candidate
    return ""

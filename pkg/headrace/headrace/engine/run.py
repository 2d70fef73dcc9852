"""The engine: one loop over `decide`, the attempts under way and the user's Ctrl-C.

Every record is journalled before it is shown.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Literal

from msgspec import structs

from headrace import __version__
from headrace.base.paths import jobs_dir, work_dir
from headrace.base.sockets import Socket
from headrace.engine.decide import Action, Cancel, Enter, Finish, Leave, Settle, Start, decide, effective, outcome
from headrace.engine.early import load_supervisor
from headrace.engine.executor import Attempt, Executor
from headrace.engine.local import LocalExecutor
from headrace.engine.options import Limits, RunOptions
from headrace.engine.services import ServiceHost, indexes_of
from headrace.engine.sweep import keep, sweep
from headrace.engine.tickets import Tickets
from headrace.plan.contexts import entry_of
from headrace.plan.model import Deferred, JobPath, Leg, Outcome, Plan, Planned, Reason, Result
from headrace.plan.settle import settle
from headrace.record.journal import Journal
from headrace.record.locks import lock_run
from headrace.record.records import Body, LegFinished, LegQueued, LegStarted, Lost, Record, RunFinished, RunStarted
from headrace.record.state import LegState, RunState, fold
from headrace.sandbox.children import adopt_orphans, children, end_all
from headrace.sandbox.zygote import Zygote, start
from headrace.workflow.model import Call

if TYPE_CHECKING:
    from headrace.engine.arbiter import Arbiter
    from headrace.engine.containers import Minded

Observer = Callable[[Record], None]
_TICK = 1.0  # seconds between two ticks of the observer
_FORCED = 10.0  # seconds that forcibly cancelled legs have before their processes are killed from above
_KILLED = 2.0  # seconds for that, before the engine does it itself


def run(
    plan: Plan,
    options: RunOptions,
    journal: Journal,
    observe: Observer,
    *,
    zygote: tuple[Socket, int] | None = None,
    tick: Callable[[], None] = lambda: None,
    interrupted: Callable[[int], None] = lambda _: None,
    preparing: Callable[[], None] = lambda: None,
) -> RunState:
    """Run a plan to its end and return what its records add up to. `zygote`: one that was forked early, else one is made now.

    Ctrl-C (or SIGTERM, SIGHUP) cancels in order, a second one kills; `interrupted` is told which it was. `preparing` is called
    where it takes long, this once, before jobs can start. Raises EngineError where the journal or the machine fails; then nothing
    of the run is left alive."""
    if any(isinstance(job.job.body, Call) for job in plan.jobs.values()):
        from headrace.plan.calls import unexpanded

        plan = unexpanded(plan)  # what is inside is decided when it is entered
    started = RunStarted(
        plan.event.name, plan.event.ref, plan.event.sha, plan.event.repository.full_name, plan.event.repository.root,
        __version__, plan.event.snapshot, options.parts, options.argv, options.notes,
    )  # fmt: skip
    nursery = Zygote(*(zygote or start(load_supervisor)))
    if options.parts == "namespaces":
        nursery.hint({"isolation": options.parts})
    minded: Minded | None = None
    if options.containers is not None:
        from headrace.engine.containers import Minded

        minded = Minded(options.containers)  # its processes are not to be ours
    adopt_orphans()  # before anything runs that could kill those between us and what it leaves
    strangers = frozenset(children(os.getpid()))
    try:
        run_id, numbers = journal.create(started, plan.workflows)
        lock = lock_run(run_id)
        if minded is not None:
            minded.begin(run_id)
        for leftover in sweep(run_id):
            nursery.remove(leftover)
        if options.keep:
            keep(run_id)
        else:
            nursery.remove_at_end(work_dir(run_id))

        def repository() -> tuple[str, str, str]:
            from headrace.engine.repository import served

            return served(plan.event, run_id)

        services = ServiceHost(run_id, repository, indexes_of(plan))
        try:
            tickets = Tickets(plan, options, run_id, numbers, services, minded)
            known = tickets.of_all_legs(preparing)
            if options.parts == "namespaces":
                from headrace.engine.limits import begin

                known["limits"], groups = begin(options.limits, run_id)
                nursery.remove_groups_at_end(groups)
            nursery.ahead(known, anew=options.parts == "namespaces")
            if options.parts == "namespaces":
                from headrace.sandbox.skeleton import stale

                for leftover in stale(jobs_dir()):
                    nursery.remove(leftover)
            if plan.claims:  # the planner did not know the run's number
                from headrace.plan.claims import workflow_claims

                plan = structs.replace(plan, claims=workflow_claims(plan, tickets.run_info)[0])
            executor = LocalExecutor(nursery)
            engine = _Engine(plan, options, journal, observe, executor, tickets, services, nursery, run_id, strangers)
            return engine.run(started, tick, interrupted)
        finally:
            services.close()
            os.close(lock)
    finally:
        nursery.close()
        if minded is not None:
            minded.close()
        end_all(strangers)  # there are others only where a job has killed those that would have ended it


class _Engine:
    def __init__(
        self, plan: Plan, options: RunOptions, journal: Journal, observe: Observer, executor: Executor,
        tickets: Tickets, services: ServiceHost, nursery: Zygote, run_id: str, strangers: frozenset[int],
    ) -> None:  # fmt: skip
        self._plan = plan
        self._options = options
        self._journal = journal
        self._observe = observe
        self._executor = executor
        self._tickets = tickets
        self._services = services
        self._nursery = nursery
        self._strangers = strangers  # children of this process that are none of the run's
        self._limits = Limits(options.max_parallel or max(2, os.cpu_count() or 1))
        self._settled: dict[JobPath, Planned] = {}
        self._started: set[JobPath] = set()
        self._left: dict[str, LegState] = {}
        self._attempts: dict[int, tuple[Leg, Attempt]] = {}
        self._deadlines: dict[JobPath, float] = {}
        self._grace: dict[JobPath, float] = {}
        self._cancelled: dict[JobPath, Reason] = {}
        self._forced: set[JobPath] = set()
        self._killed: set[JobPath] = set()
        self._called_off: dict[str, Reason] = {}  # key of `Plan.claims` → why its jobs are being cancelled
        self._arbiter: Arbiter | None = None  # of concurrency groups, where there are any
        self._interrupts = 0
        self._obeyed = 0
        self._state = RunState(run_id)
        self._batch: list[Record] = []
        self._seq = 0
        self._begun = time.monotonic()
        self._poll = select.poll()

    # -- records --

    def _emit(self, body: Body) -> None:
        self._seq += 1
        record = Record(self._state.run, self._seq, time.time(), body)
        self._batch.append(record)
        fold(self._state, record)

    def _flush(self) -> None:
        """Journal first, show then: what was reported is there whatever happens next."""
        if self._batch:
            batch, self._batch = self._batch, []
            self._journal.append(batch)
            for record in batch:
                self._observe(record)

    # -- the loop --

    def run(self, started: RunStarted, tick: Callable[[], None], interrupted: Callable[[int], None]) -> RunState:
        wake, alarm = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        before = {
            number: signal.signal(number, self._interrupt)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
            if signal.getsignal(number) != signal.SIG_IGN  # of a job in the background, or of `nohup`
        }
        old_wakeup = signal.set_wakeup_fd(alarm, warn_on_full_buffer=False)
        self._poll.register(wake, select.POLLIN)
        self._poll.register(self._services.fileno(), select.POLLIN)
        try:
            self._emit(started)
            self._advance()
            self._flush()
            if not gc.isenabled():  # what has been loaded stays, and need not be looked at again
                gc.freeze()
                gc.enable()
            ticked = time.monotonic()
            while self._attempts or (self._arbiter is not None and self._arbiter.waits):
                self._flush()
                for fd, _ in self._poll.poll(self._timeout()):
                    if fd == wake:
                        os.read(wake, 512)
                    elif fd == self._services.fileno():
                        self._services.launch()
                        self._poll.unregister(fd)
                    else:
                        self._take(fd)
                while self._obeyed < self._interrupts:
                    self._obeyed += 1
                    interrupted(self._obeyed)
                    self._obey_interrupt(first=self._obeyed == 1)
                self._mind_deadlines()
                if self._arbiter is not None:
                    self._arbiter.look_again()
                self._advance()
                if time.monotonic() - ticked >= _TICK:
                    ticked = time.monotonic()
                    tick()
                    if self._services.revive():
                        self._poll.register(self._services.fileno(), select.POLLIN)
            self._emit(RunFinished(self._conclusion(), time.monotonic() - self._begun))
            self._flush()
        finally:
            signal.set_wakeup_fd(old_wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
            for _, attempt in self._attempts.values():
                attempt.close()
            os.close(wake)
            os.close(alarm)
            if self._arbiter is not None:
                self._arbiter.close()
        return self._state

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self._interrupts += 1

    def _timeout(self) -> int:
        now = time.monotonic()
        due = [*self._deadlines.values(), *self._grace.values(), now + _TICK]
        return max(0, int((min(due) - now) * 1000) + 1)

    def _advance(self) -> None:
        """Take every action that is due, until none is."""
        known = self._plan, self._settled, self._started, self._state, self._limits, self._left
        while actions := decide(*known, self._arbiter.standings) if self._arbiter is not None else decide(*known):
            progress = False
            for action in actions:
                match action:
                    case Settle(job=path):
                        self._settle(path)
                        progress = True
                    case Start(job=path, leg=leg):
                        self._start(path, leg)
                        progress = True
                    case Enter(job=path, leg=leg):
                        self._enter(self._settled[path], leg)
                        progress = True
                    case Leave(job=path, leg=leg):
                        self._leave(self._settled[path], leg)
                        progress = True
                    case Finish(leg=leg, result=result, why=why):
                        self._finish(leg, result, why)
                        progress = True
                    case Cancel(leg=path, why=why):
                        progress = self._cancel(path, why) or progress
                    case _:
                        progress = self._arbitrate(action) or progress
            if not progress:
                return

    def _arbitrate(self, action: Action) -> bool:
        """What has to do with concurrency groups; whether it changed anything."""
        if self._arbiter is None:
            from headrace.engine.arbiter import Arbiter

            where = self._journal, self._plan.event.repository, self._state.run
            self._arbiter = Arbiter(*where, self._emit, self._abandon, self._call_off)
        return self._arbiter.perform(action)

    def _outcomes(self) -> dict[JobPath, Outcome]:
        """Of all jobs that have ended."""
        ended = ((path, outcome(job, self._state, self._left)) for path, job in self._settled.items())
        return {path: known for path, known in ended if known is not None}

    def _settle(self, path: JobPath) -> None:
        planned = self._plan.jobs[path]
        called_off = next((self._called_off[key] for key in self._plan.scopes(planned) if key in self._called_off), None)
        why = called_off or self._call_cancelled(planned.workflow)
        job = settle(
            self._plan, path, self._outcomes(), cancelled=bool(self._interrupts or why), vars=self._options.vars,
            run=self._tickets.run_info(planned.workflow),
        )  # fmt: skip
        self._settled[path] = job
        assert isinstance(job.legs, tuple)
        for leg in job.legs:
            if leg.would == "run" and isinstance(job.job.body, Call):
                continue  # what is inside stands for it
            self._queue(job, leg)
            if why is not None and leg.why.rule == "cancelled":
                self._emit(LegFinished(leg.path, "cancelled", why=why))
        if self._interrupts > 1:  # no condition counts any more
            self._end(path, Reason("interrupted"), force=True)

    def _queue(self, job: Planned, leg: Leg) -> None:
        scope = self._plan.calls.get(job.workflow)
        entry = entry_of(self._plan, job.workflow)
        self._emit(
            LegQueued(
                leg.path,
                job.path,
                entry,
                leg.name,
                leg.index,
                leg.total,
                leg.matrix,
                job.needs,
                self._plan.workflows[entry].name,
                leg.continue_on_error,
                self._tickets.log_name(leg.path),
                scope.matrix if scope is not None else {},
            )
        )

    def _finish(self, leg: Leg, result: Result, why: Reason) -> None:
        """The result of a leg that will not be started. A calling leg has a record of its own only then."""
        if leg.path not in self._state.legs:
            self._queue(self._settled[JobPath(leg.path.rpartition(":")[0])], leg)
        self._emit(LegFinished(leg.path, result, why=why))

    # -- calls --

    def _enter(self, caller: Planned, leg: Leg) -> None:
        from headrace.engine.calls import enter

        why = enter(self._plan, self._tickets, caller, leg, self._outcomes())
        if why is None:
            self._started.add(leg.path)
        else:
            self._finish(leg, "failure", why)

    def _leave(self, caller: Planned, leg: Leg) -> None:
        from headrace.engine.calls import leave

        run = self._tickets.run_info(caller.workflow)
        cancelled = self._cancelled.get(leg.path)
        left = leave(self._plan, caller, leg, self._outcomes(), self._options.vars, run, self._seq, cancelled)
        if isinstance(left, Reason):
            self._finish(leg, "failure", left)
        else:
            self._left[leg.path] = left

    def _call_cancelled(self, within: str) -> Reason | None:
        """Why one of the calls is being cancelled that a job of this `workflow` is inside of."""
        while (scope := self._plan.calls.get(within)) is not None:
            if (why := self._cancelled.get(JobPath(within))) is not None:
                return why
            within = self._plan.jobs[scope.caller].workflow
        return None

    def _abandon(self, path: JobPath, why: Reason) -> None:
        """A job whose workflow was cancelled before it had begun: nothing of it is decided any more."""
        job = self._plan.jobs[path]
        if isinstance(job.legs, Deferred):
            job = structs.replace(job, legs=(Leg(JobPath(f"{path}:0"), 0, job.job.id, "skip", why),))
        self._settled[path] = job
        assert isinstance(job.legs, tuple)
        for leg in job.legs:
            self._finish(leg, "cancelled", why)

    def _start(self, path: JobPath, leg: Leg) -> None:
        attempt = self._executor.start(self._tickets.make(self._settled[path], leg, self._outcomes()))
        self._started.add(leg.path)
        self._attempts[attempt.fileno()] = (leg, attempt)
        self._poll.register(attempt.fileno(), select.POLLIN)

    def _take(self, fd: int) -> None:
        leg, attempt = self._attempts[fd]
        try:
            for body in attempt.records():
                if isinstance(body, LegFinished) and body.result == "cancelled":
                    body = structs.replace(body, why=self._cancelled.get(leg.path))
                self._emit(body)
                if isinstance(body, LegStarted) and leg.timeout_minutes > 0:
                    self._deadlines[leg.path] = time.monotonic() + leg.timeout_minutes * 60
        except EOFError:
            self._poll.unregister(fd)
            attempt.close()
            del self._attempts[fd]
            self._deadlines.pop(leg.path, None)
            self._grace.pop(leg.path, None)
            known = self._state.legs[leg.path]
            if known.result is None:
                self._emit(Lost(leg.path, "the process that ran this job was killed"))
            if not self._options.keep:
                self._nursery.remove(self._tickets.leg_folder(leg.path))

    # -- ends before their time --

    def _cancel(self, path: JobPath, why: Reason, force: bool = False) -> bool:
        """Whether an order went out: a leg is told once, and once more by force."""
        if path in (self._forced if force else self._cancelled):
            return False
        self._cancelled.setdefault(path, why)
        if path in self._plan.calls:
            if force:
                self._forced.add(path)
            for inner in self._plan.calls[path].jobs:
                self._end(inner, why, force=force)
            return True
        for leg, attempt in self._attempts.values():
            if leg.path == path:
                attempt.cancel(why, force)
                if force:
                    self._forced.add(path)
                self._deadlines.pop(path, None)
                self._grace[path] = time.monotonic() + (_FORCED if force else leg.cancel_timeout_minutes * 60)
        return True

    def _mind_deadlines(self) -> None:
        now = time.monotonic()
        for leg, attempt in list(self._attempts.values()):
            if self._deadlines.get(leg.path, now + 1) <= now:
                minutes = f"{leg.timeout_minutes:g}"
                self._cancel(leg.path, Reason("timeout", facts={"runner": self._tickets.runner_name, "minutes": minutes}))
            elif self._grace.get(leg.path, now + 1) <= now:
                if leg.path in self._killed:  # what should kill it does not answer either
                    self._nursery.kill()
                    end_all(self._strangers - {self._nursery.pid})
                    del self._grace[leg.path]
                elif leg.path in self._forced:
                    self._killed.add(leg.path)
                    attempt.kill()
                    self._grace[leg.path] = now + _KILLED
                else:
                    self._cancel(leg.path, Reason("forced"), force=True)

    def _obey_interrupt(self, *, first: bool) -> None:
        why = Reason("interrupted")
        if self._arbiter is not None:
            for path, planned in self._plan.jobs.items():
                if path not in self._settled and self._arbiter.waits_for(self._plan.scopes(planned)):
                    self._abandon(path, why)
        for path in list(self._settled):
            self._end(path, why, force=not first)

    def _call_off(self, key: str, why: Reason) -> bool:
        """Cancel the jobs under this key; whether that is new."""
        if key in self._called_off:
            return False
        self._called_off[key] = why
        for path in [path for path, job in self._settled.items() if key in self._plan.scopes(job)]:
            self._end(path, why, force=False)
        return True

    def _end(self, path: JobPath, why: Reason, *, force: bool) -> None:
        """Cancel what is open of a job, unless its condition holds for all that. One that is not settled yet will see it."""
        job = self._settled.get(path)
        legs = job.legs if job is not None and isinstance(job.legs, tuple) else ()
        open_legs = [leg for leg in legs if leg.path not in self._left and not self._has_result(leg)]
        if not open_legs or (not force and self._goes_on(path)):
            return
        for leg in open_legs:
            if leg.path in self._started:
                self._cancel(leg.path, why, force)
            else:
                self._finish(leg, "cancelled", why)

    def _has_result(self, leg: Leg) -> bool:
        known = self._state.legs.get(leg.path)
        return known is not None and known.result is not None

    def _goes_on(self, path: JobPath) -> bool:
        """Does the job's condition hold while the run is being cancelled?"""
        run = self._tickets.run_info(self._plan.jobs[path].workflow)
        again = settle(self._plan, path, self._outcomes(), cancelled=True, vars=self._options.vars, run=run)
        return isinstance(again.legs, tuple) and any(leg.would == "run" for leg in again.legs)

    def _conclusion(self) -> Literal["success", "failure", "cancelled", "interrupted"]:
        if self._interrupts:
            return "interrupted"
        results = [effective(leg) for leg in self._state.legs.values()]
        if any(leg.lost for leg in self._state.legs.values()) or "failure" in results:
            return "failure"
        if "unsupported" in results and not self._options.skip_unsupported:
            return "failure"
        if "cancelled" in results or self._called_off:
            return "cancelled"
        return "success"

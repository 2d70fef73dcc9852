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
from typing import Literal

from msgspec import structs

from headrace import __version__
from headrace.base.paths import work_dir
from headrace.base.sockets import Socket
from headrace.engine.decide import Cancel, Finish, Settle, Start, decide, effective, outcome
from headrace.engine.early import load_supervisor
from headrace.engine.executor import Attempt, Executor
from headrace.engine.local import LocalExecutor
from headrace.engine.options import Limits, RunOptions
from headrace.engine.services import ServiceHost
from headrace.engine.sweep import keep, sweep
from headrace.engine.tickets import Tickets
from headrace.plan.model import JobPath, Leg, Plan, Planned, Reason
from headrace.plan.settle import settle
from headrace.record.journal import Journal, lock_run
from headrace.record.records import Body, LegFinished, LegQueued, LegStarted, Lost, Record, RunFinished, RunStarted
from headrace.record.state import RunState, fold
from headrace.sandbox.children import adopt_orphans, children, end_all
from headrace.sandbox.zygote import Zygote, start

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
) -> RunState:
    """Run a plan to its end and return what its records add up to. `zygote`: one that was forked early, else one is made now.

    Ctrl-C (or SIGTERM, SIGHUP) cancels in order, a second one kills; `interrupted` is told which it was. Raises EngineError where
    the journal or the machine fails; then nothing of the run is left alive."""
    started = RunStarted(
        plan.event.name, plan.event.ref, plan.event.sha, plan.event.repository.full_name, plan.event.repository.root,
        __version__, plan.event.snapshot, "host", options.argv, options.notes,
    )  # fmt: skip
    nursery = Zygote(*(zygote or start(load_supervisor)))
    strangers = frozenset(children(os.getpid()))
    try:
        run_id, numbers = journal.create(started, plan.workflows)
        lock = lock_run(run_id)
        nursery.ahead(work_dir(run_id), plan.event.repository.name)
        for leftover in sweep(run_id):
            nursery.remove(leftover)
        if options.keep:
            keep(run_id)
        else:
            nursery.remove_at_end(work_dir(run_id))
        services = ServiceHost(run_id)
        try:
            tickets = Tickets(plan, options, run_id, numbers, services)
            executor = LocalExecutor(nursery)
            engine = _Engine(plan, options, journal, observe, executor, tickets, services, nursery, run_id, strangers)
            return engine.run(started, tick, interrupted)
        finally:
            services.close()
            os.close(lock)
    finally:
        nursery.close()
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
        self._attempts: dict[int, tuple[Leg, Attempt]] = {}
        self._deadlines: dict[JobPath, float] = {}
        self._grace: dict[JobPath, float] = {}
        self._cancelled: dict[JobPath, Reason] = {}
        self._forced: set[JobPath] = set()
        self._killed: set[JobPath] = set()
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
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN  # `nohup` keeps what it promises
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
            adopt_orphans()  # here, while the first jobs start
            ticked = time.monotonic()
            while self._attempts:
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
        return self._state

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self._interrupts += 1

    def _timeout(self) -> int:
        now = time.monotonic()
        due = [*self._deadlines.values(), *self._grace.values(), now + _TICK]
        return max(0, int((min(due) - now) * 1000) + 1)

    def _advance(self) -> None:
        """Take every action that is due, until none is."""
        while actions := decide(self._plan, self._settled, self._started, self._state, self._limits):
            progress = False
            for action in actions:
                match action:
                    case Settle(job=path):
                        self._settle(path)
                        progress = True
                    case Start(job=path, leg=leg):
                        self._start(path, leg)
                        progress = True
                    case Finish(leg=leg, result=result, why=why):
                        self._emit(LegFinished(leg.path, result, why=why))
                        progress = True
                    case Cancel(leg=path, why=why):
                        progress = self._cancel(path, why) or progress
            if not progress:
                return

    def _settle(self, path: JobPath) -> None:
        outcomes = {done: known for done, job in self._settled.items() if (known := outcome(job, self._state)) is not None}
        job = settle(self._plan, path, outcomes, cancelled=bool(self._interrupts), vars=self._options.vars)
        self._settled[path] = job
        workflow = self._plan.workflows[job.workflow]
        assert isinstance(job.legs, tuple)
        for leg in job.legs:
            self._emit(
                LegQueued(
                    leg.path,
                    path,
                    job.workflow,
                    leg.name,
                    leg.index,
                    leg.total,
                    leg.matrix,
                    job.needs,
                    workflow.name,
                    leg.continue_on_error,
                    self._tickets.log_name(leg.path),
                )
            )

    def _start(self, path: JobPath, leg: Leg) -> None:
        outcomes = {done: known for done, job in self._settled.items() if (known := outcome(job, self._state)) is not None}
        attempt = self._executor.start(self._tickets.make(self._settled[path], leg, outcomes))
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
                if self._grace[leg.path] == float("inf"):
                    continue
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
        for path, job in self._settled.items():
            assert isinstance(job.legs, tuple)
            open_legs = [leg for leg in job.legs if self._state.legs[leg.path].result is None]
            if not open_legs or (first and self._goes_on(path)):
                continue
            for leg in open_legs:
                if leg.path in self._started:
                    self._cancel(leg.path, why, force=not first)
                else:
                    self._emit(LegFinished(leg.path, "cancelled", why=why))

    def _goes_on(self, path: JobPath) -> bool:
        """Does the job's condition hold while the run is being cancelled?"""
        outcomes = {done: known for done, job in self._settled.items() if (known := outcome(job, self._state)) is not None}
        again = settle(self._plan, path, outcomes, cancelled=True, vars=self._options.vars)
        return isinstance(again.legs, tuple) and any(leg.would == "run" for leg in again.legs)

    def _conclusion(self) -> Literal["success", "failure", "cancelled", "interrupted"]:
        if self._interrupts:
            return "interrupted"
        results = [effective(leg) for leg in self._state.legs.values()]
        if any(leg.lost for leg in self._state.legs.values()) or "failure" in results:
            return "failure"
        if "unsupported" in results and not self._options.skip_unsupported:
            return "failure"
        if "cancelled" in results:
            return "cancelled"
        return "success"

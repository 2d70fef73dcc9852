"""What a job can know of the jobs before it: finished ones, expected successes, and ones nobody can tell yet. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NoReturn

from msgspec import Struct

from headrace.expressions import Value, to_text
from headrace.plan.model import Deferred, JobPath, Outcome, Plan, Planned
from headrace.workflow.model import Call

Certainty = Literal["known", "assumed", "unknown"]

STATUS_FUNCTIONS = {"always": (0, 0), "cancelled": (0, 0), "success": (0, 255), "failure": (0, 255)}
"""The functions of a job's `if`, with the fewest and the most arguments."""


class Undecided(Exception):
    """An expression asks for something that only a finished job can tell. `job` is its id, `what` is `result` or `outputs`."""

    def __init__(self, job: str, what: str = "result") -> None:
        super().__init__(job, what)
        self.job, self.what = job, what


class Pending(dict[str, Any]):
    """Stands where a value will be once `job` has finished. Whatever reads it raises `Undecided`; merely being there is true."""

    def __init__(self, job: str, what: str = "result") -> None:
        super().__init__()
        self._job, self._what = job, what

    def _ask(self, *wanted: object) -> NoReturn:
        key = wanted[0] if wanted else None
        raise Undecided(self._job, key if isinstance(key, str) and self._what == "result" else self._what)

    __contains__ = __getitem__ = __iter__ = __len__ = _ask
    get = items = keys = values = _ask


class Before(Struct, frozen=True):
    """A job that comes before. `outcome` is what is known or expected of it."""

    id: str
    direct: bool
    certainty: Certainty
    outcome: Outcome = Outcome("success")

    @property
    def unsupported(self) -> bool:
        return self.outcome.result == "unsupported"


def ancestors(plan: Plan, planned: Planned) -> list[JobPath]:
    """Every job that this one needs, directly or not; direct ones first."""
    found: dict[JobPath, None] = dict.fromkeys(path for path in planned.needs if path in plan.jobs)
    pending = list(found)
    while pending:
        for path in plan.jobs[pending.pop(0)].needs:
            if path in plan.jobs and path not in found:
                found[path] = None
                pending.append(path)
    return list(found)


def look_back(plan: Plan, planned: Planned, outcomes: Mapping[JobPath, Outcome]) -> tuple[Before, ...]:
    """All ancestors with what is known of each: its outcome, else what the plan expects."""
    found = []
    for path in ancestors(plan, planned):
        job, direct, outcome = plan.jobs[path], path in planned.needs, outcomes.get(path)
        if outcome is not None:
            found.append(Before(job.job.id, direct, "known", outcome))
        else:
            found.append(_expected(plan, job, direct))
    return tuple(found)


def _expected(plan: Plan, planned: Planned, direct: bool) -> Before:
    name = planned.job.id
    if isinstance(planned.legs, Deferred):
        return Before(name, direct, "unknown")
    if isinstance(planned.job.body, Call):
        return _expected_call(plan, planned, direct)
    would = {leg.would for leg in planned.legs}
    if "unsupported" in would:
        return Before(name, direct, "known", Outcome("unsupported"))
    if any(leg.would == "fail" and not leg.continue_on_error for leg in planned.legs):
        return Before(name, direct, "known", Outcome("failure"))
    if would == {"skip"}:
        return Before(name, direct, "known", Outcome("skipped"))
    return Before(name, direct, "unknown" if "undecided" in would else "assumed")


def _expected_call(plan: Plan, planned: Planned, direct: bool) -> Before:
    """Of a calling job that is what the jobs inside come to. What those of a failing call that run will put out, nobody knows."""
    from headrace.plan.calls import expected

    name = planned.job.id
    would = {each for leg in planned.legs for each in expected(plan, leg)} if not isinstance(planned.legs, Deferred) else set()
    if "unsupported" in would:
        return Before(name, direct, "known", Outcome("unsupported"))
    if "fail" in would:
        return Before(name, direct, "known", Outcome("failure", {} if would <= {"fail", "skip"} else Pending(name, "outputs")))
    if would == {"skip"}:
        return Before(name, direct, "known", Outcome("skipped"))
    return Before(name, direct, "unknown" if "undecided" in would else "assumed")


def needs_of(before: Sequence[Before], names: Sequence[str], guess: str = "") -> dict[str, Any]:
    """The `needs` context. `names` are the ids in the job's own spelling; one without an ancestor was deselected and counts as a
    success without outputs. `guess` is the result to show for an unsupported job."""
    by_id = {job.id.lower(): job for job in before if job.direct}
    found: dict[str, Any] = {}
    for name in names:
        job = by_id.get(name.lower())
        if job is None:
            found[name] = {"result": "success", "outputs": {}}
        elif job.certainty != "known":
            found[name] = Pending(job.id)
        elif job.unsupported:
            found[name] = {"result": guess or "failure", "outputs": Pending(job.id, "outputs")}
        else:
            outputs = job.outcome.outputs
            if not isinstance(outputs, Pending):
                skipped = job.outcome.result == "skipped"
                outputs = {} if skipped else {key: value for key, value in outputs.items() if value != ""}
            found[name] = {"result": job.outcome.result, "outputs": outputs}
    return found


def status_functions(before: Sequence[Before], guess: str, *, cancelled: bool) -> dict[str, Callable[[Sequence[Value]], Value]]:
    """`success()` and the like for a job's `if`: they look at every ancestor, or at the named jobs. `guess` is the result to
    take for a job whose result is not known."""
    results = {job.id.lower(): guess if job.certainty == "unknown" or job.unsupported else job.outcome.result for job in before}

    def asked(arguments: Sequence[Value]) -> list[str]:
        if not arguments:
            return list(results.values())
        return [results.get(to_text(name).lower(), "") for name in arguments]

    return {
        "always": lambda _: True,
        "cancelled": lambda _: cancelled,
        "success": lambda names: not cancelled and all(result == "success" for result in asked(names)),
        "failure": lambda names: not cancelled and any(result == "failure" for result in asked(names)),
    }

"""What things are called: a leg, its workflow, and the command that repeats a job."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from headrace.plan.contexts import entry_of
from headrace.plan.model import Deferred, JobPath, Leg, Plan, Planned
from headrace.record.state import LegState, RunState
from headrace.report.text import clean, quoted, shown


def job_id(job: str, workflow: str) -> str:
    """The id within the file that the event starts: what `-j` takes. Inside a call the ids of the calling jobs stand before it.

    >>> job_id(".github/workflows/ci.yml:test", ".github/workflows/ci.yml")
    'test'
    >>> job_id("ci.yml:deploy:0/on:2/push", "ci.yml")
    'deploy/on/push'
    """
    inside = job[len(workflow) + 1 :] if job.startswith(workflow + ":") else job
    parts = inside.split("/") if inside is not job else [inside.rpartition(":")[2]]
    return "/".join([*(part.rpartition(":")[0] for part in parts[:-1]), parts[-1]])


def planned_id(planned: Planned, plan: Plan) -> str:
    return job_id(planned.path, entry_of(plan, planned.workflow))


def needs_ids(planned: Planned, plan: Plan) -> list[str]:
    """The jobs that this one waits for. One inside a call that needs none there waits for what the calling job needs."""
    while not planned.needs and (scope := plan.calls.get(planned.workflow)) is not None:
        planned = plan.jobs[scope.caller]
    entry = entry_of(plan, planned.workflow)
    return [job_id(need, entry) for need in planned.needs]


def rows_of(planned: Planned, plan: Plan) -> Deferred | tuple[Leg, ...]:
    """The legs that have a row. Where a calling leg's jobs are known they stand for it, as on GitHub."""
    if not plan.calls or isinstance(planned.legs, Deferred):
        return planned.legs
    return tuple(leg for leg in planned.legs if not (leg.would == "run" and leg.path in plan.calls))


def within(planned: Planned, plan: Plan) -> dict[str, object]:
    """The matrix values of the calls that a job is inside of."""
    scope = plan.calls.get(planned.workflow)
    return scope.matrix if scope is not None else {}


def file_name(workflow: str) -> str:
    """
    >>> file_name(".github/workflows/ci.yml")
    'ci.yml'
    """
    return workflow.rpartition("/")[2]


def workflow_labels(names: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Path → what to call it, from (path, name) pairs: the name the file gives, else, or where two share it, the file's name.

    >>> workflow_labels([("a/ci.yml", "CI"), ("a/b.yml", "a/b.yml"), ("a/c.yml", "CI"), ("a/d.yml", "D")])
    {'a/ci.yml': 'ci.yml', 'a/b.yml': 'b.yml', 'a/c.yml': 'c.yml', 'a/d.yml': 'D'}
    """
    pairs = dict(names)
    given = list(pairs.values())
    return {path: name if name and name != path and given.count(name) == 1 else file_name(path) for path, name in pairs.items()}


class Labels:
    """`workflow/job (leg)` for the legs of a run. A name, once said, does not change."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, leg: LegState, state: RunState) -> str:
        label = self._known.get(leg.leg)
        if label is None:
            names = workflow_labels((other.workflow, other.workflow_name) for other in state.legs.values())
            label = self._known[leg.leg] = clean(f"{names[leg.workflow]}/{leg.name or job_id(leg.job, leg.workflow)}")
        return label


def leg_label(path: JobPath, name: str, workflow_label: str) -> str:
    return clean(f"{workflow_label}/{name or path}")


def matrix_text(matrix: dict[str, object] | None) -> str:
    """
    >>> matrix_text({"python": "3.10", "os": "linux"})
    'python=3.10, os=linux'
    """
    return ", ".join(f"{key}={shown(value)}" for key, value in matrix.items()) if matrix else ""


def leg_values(matrix: dict[str, object] | None) -> str:
    """The values without their keys, as GitHub puts them behind a job's name.

    >>> leg_values({"python": "3.10", "build": ["linux", {"fast": True}], "none": ""})
    '3.10, linux, true'
    """
    return ", ".join(_leaves(list(matrix.values()))) if matrix else ""


def _leaves(value: object) -> Iterator[str]:
    match value:
        case dict():
            yield from _leaves(list(value.values()))
        case list() | tuple():
            for each in value:
                yield from _leaves(each)
        case _:
            if text := shown(value):
                yield text


_TAKES_VALUE = {"-W", "--workflow", "-j", "--job", "--matrix"}
_OUTPUT = {"--json", "--json-stream", "-v", "-vv", "-q", "-qq", "--verbose", "--quiet", "--no-needs"}


def repeat_command(argv: Sequence[str], leg: LegState) -> str:
    """The command that runs this leg again: the call's own options, but its selection, and this job's instead.

    `argv` are the call's words without the program's name and without secret values.

    >>> leg = LegState("ci.yml:test:0", "ci.yml:test", "ci.yml", "CI", "test (3.10)", 0, 2, {"py": "3.10"}, (), False, "")
    >>> repeat_command(["run", "push", "-W", "CI", "-jtest", "--json", "--var", "A=b c"], leg)
    "headrace run push --var 'A=b c' -W ci.yml -j test --matrix py=3.10"
    """
    words = _without_selection(argv) or ["run"]
    words += ["-W", leg.workflow, "-j", job_id(leg.job, leg.workflow)]
    own = leg.matrix or {}
    outer = {key: value for key, value in leg.within.items() if own.get(key, value) == value}
    for key, value in {**outer, **{key: own[key] for key in own if leg.within.get(key, own[key]) == own[key]}}.items():
        if not isinstance(value, (dict, list)):
            words += ["--matrix", f"{key}={shown(value)}"]
    return "headrace " + " ".join(quoted(word) for word in words)


def _without_selection(argv: Sequence[str]) -> list[str]:
    words: list[str] = []
    rest = iter(argv)
    for word in rest:
        if word in _TAKES_VALUE:
            next(rest, None)
        elif word in _OUTPUT or word.partition("=")[0] in _TAKES_VALUE or (word[:2] in ("-W", "-j") and len(word) > 2):
            continue
        else:
            words.append(word)
    return words

"""What the records add up to. `fold` takes one record in; nothing else decides what the state of a run is."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from headrace.plan.model import Reason, Result
from headrace.record.records import (
    Annotated,
    GroupAwaited,
    LegFinished,
    LegQueued,
    LegStarted,
    LogChunk,
    Lost,
    Record,
    RunFinished,
    RunStarted,
    StepFinished,
    StepResult,
    StepStarted,
)


class StepState(Struct):
    """`log` holds (offset, length) ranges of the leg's log file."""

    number: int
    name: str
    stage: str
    started: float
    id: str = ""
    outcome: StepResult | None = None
    conclusion: StepResult | None = None
    seconds: float = 0.0
    exit_code: int | None = None
    why: Reason | None = None
    log: list[tuple[int, int]] = []
    annotations: list[Annotated] = []


class LegState(Struct):
    """`started` and `result` are None until then."""

    leg: str
    job: str
    workflow: str
    workflow_name: str
    name: str
    index: int
    total: int
    matrix: dict[str, Any] | None
    needs: tuple[str, ...]
    continue_on_error: bool
    log: str
    started: float | None = None
    result: Result | None = None
    outputs: dict[str, str] = {}
    seconds: float = 0.0
    why: Reason | None = None
    steps: dict[int, StepState] = {}
    lost: str = ""
    awaits: GroupAwaited | None = None  # what it waits for before it starts
    finished: int = 0  # number of the record that brought the result
    within: dict[str, Any] = {}


class RunState(Struct):
    """`result` is None while the run goes on (or where it was interrupted without a word: see `journal`). `awaits`: path
    of a workflow, or of a leg that calls one → the concurrency group that the whole of it waits for."""

    run: str = ""
    started: RunStarted | None = None
    at: float = 0.0
    seq: int = 0
    legs: dict[str, LegState] = {}
    awaits: dict[str, GroupAwaited] = {}
    result: Literal["success", "failure", "cancelled", "skipped", "interrupted"] | None = None
    seconds: float = 0.0


def fold(state: RunState, record: Record) -> RunState:
    """Take `record` into `state`, in place for speed, and return it. Records of unknown legs or steps are left out."""
    state.run, state.seq = record.run, record.seq
    match record.body:
        case RunStarted() as body:
            state.started, state.at = body, record.at
        case LegQueued() as b:
            _there(state, b)
            state.legs[b.leg] = LegState(
                b.leg, b.job, b.workflow, b.workflow_name, b.name, b.index, b.total, b.matrix, b.needs, b.continue_on_error,
                b.log, within=b.within,
            )  # fmt: skip
        case GroupAwaited(leg=path) as b if path not in state.legs:
            state.awaits[path or b.workflow] = b
        case RunFinished() as b:
            state.result, state.seconds = b.result, b.seconds
        case body:
            leg = state.legs.get(body.leg)
            if leg is not None:
                _fold_leg(leg, body, record)
    return state


def _there(state: RunState, queued: LegQueued) -> None:
    """What a leg is part of, a workflow or a call, waits no longer."""
    for key in [key for key in state.awaits if queued.workflow == key or f"{queued.leg}/".startswith(f"{key}/")]:
        del state.awaits[key]


def _fold_leg(
    leg: LegState,
    body: GroupAwaited | LegStarted | StepStarted | LogChunk | Annotated | StepFinished | LegFinished | Lost,
    record: Record,
) -> None:
    match body:
        case GroupAwaited():
            leg.awaits = body
        case LegStarted():
            leg.started, leg.awaits = record.at, None
        case StepStarted(step=number, name=name, stage=stage, id=id):
            leg.steps[number] = StepState(number, name, stage, record.at, id)
        case LegFinished(result=result, outputs=outputs, seconds=seconds, why=why):
            leg.result, leg.outputs, leg.seconds, leg.why = result, outputs, seconds, why
            leg.finished, leg.awaits = record.seq, None
        case Lost(why=text):
            leg.result, leg.lost, leg.finished = "failure", text, record.seq
        case LogChunk(step=number) | Annotated(step=number) | StepFinished(step=number):
            step = leg.steps.get(number)
            if step is None:
                return
            match body:
                case LogChunk(offset=offset, length=length):
                    step.log.append((offset, length))
                case Annotated():
                    step.annotations.append(body)
                case StepFinished():
                    step.outcome, step.conclusion, step.seconds = body.outcome, body.conclusion, body.seconds
                    step.exit_code, step.why = body.exit_code, body.why

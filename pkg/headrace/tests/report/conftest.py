"""A run made by hand: records in order, with the log file that they point into."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from headrace.plan.model import Reason, Result
from headrace.record.records import (
    Annotated,
    Body,
    GroupAwaited,
    LegFinished,
    LegQueued,
    LegStarted,
    LogChunk,
    Record,
    RunFinished,
    RunStarted,
    StepFinished,
    StepResult,
    StepStarted,
)
from headrace.record.state import RunState, fold
from headrace.report.logs import Logs


class Told:
    """Collects records; each method is something that happens, a second after the last."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records: list[Record] = []
        self.now = 1000.0
        self.logs = Logs(str(folder))

    def tell(self, body: Body) -> Record:
        self.now += 1
        self.records.append(Record("7", len(self.records) + 1, self.now, body))
        return self.records[-1]

    def start(self, **more: Any) -> None:
        self.tell(RunStarted("push", "refs/heads/main", "0123456789abcdef", "octo/hello", "/r", "0.1.0", **more))

    def queue(self, job: str, **more: Any) -> str:
        workflow = more.pop("workflow", ".github/workflows/ci.yml")
        leg = f"{workflow}:{job}:{more.get('index', 0)}"
        more.setdefault("workflow_name", "CI")
        self.tell(
            LegQueued(leg, f"{workflow}:{job}", workflow, more.pop("name", job), log=f"{job}-{more.get('index', 0)}.log", **more)
        )
        return leg

    def wait(self, leg: str = "", holder: str = "5") -> None:
        self.tell(GroupAwaited("deploy", ".github/workflows/ci.yml", leg, holder))

    def begin(self, leg: str) -> None:
        self.tell(LegStarted(leg))

    def step(self, leg: str, number: int, name: str, stage: Any = "main") -> None:
        self.tell(StepStarted(leg, number, name, stage))

    def log(self, leg: str, number: int, data: bytes) -> None:
        path = self.folder / f"{leg.split(':')[1]}-{leg.split(':')[2]}.log"
        offset = path.stat().st_size if path.exists() else 0
        with path.open("ab") as file:
            file.write(data)
        self.tell(LogChunk(leg, number, offset, len(data)))

    def note(self, leg: str, number: int, message: str, **more: Any) -> None:
        self.tell(Annotated(leg, number, more.pop("level", "error"), message, **more))

    def end_step(self, leg: str, number: int, outcome: StepResult = "success", **more: Any) -> None:
        more.setdefault("conclusion", outcome)
        self.tell(StepFinished(leg, number, outcome, seconds=more.pop("seconds", 1.25), **more))

    def end(self, leg: str, result: Result = "success", seconds: float = 3.0, why: Reason | None = None) -> None:
        self.tell(LegFinished(leg, result, seconds=seconds, why=why))

    def finish(self, result: Any = "success", seconds: float = 4.0) -> None:
        self.tell(RunFinished(result, seconds))

    @property
    def state(self) -> RunState:
        state = RunState()
        for record in self.records:
            fold(state, record)
        return state


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    made = Told(tmp_path)
    yield made
    made.logs.close()


@pytest.fixture
def broken(told: Told) -> Told:
    """One job of two legs: 3.10 passes, 3.13 fails in its second step."""
    told.start()
    legs = [
        told.queue("test", name=f"test ({v})", index=i, total=2, matrix={"python": v}) for i, v in enumerate(("3.10", "3.13"))
    ]
    for leg in legs:
        told.begin(leg)
        told.step(leg, 1, "Set up job", "setup")
        told.end_step(leg, 1)
        told.step(leg, 2, "Run make")
        told.log(leg, 2, b"##[group]Run make\nmake\n##[endgroup]\nhello\n")
    told.end_step(legs[0], 2)
    told.end(legs[0], seconds=2.0)
    told.log(legs[1], 2, b"\x1b[31mboom\x1b[0m\n##[error]Process completed with exit code 2.\n")
    told.note(legs[1], 2, "undefined name 'x'", file="src/a.py", line=3, column=7)
    told.note(legs[1], 2, "Process completed with exit code 2.")
    told.end_step(legs[1], 2, "failure", exit_code=2)
    told.end(legs[1], "failure", seconds=5.0)
    told.finish("failure", 5.5)
    return told

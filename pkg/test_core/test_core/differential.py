"""Whether a call of headrace says the same however its jobs are parted from the machine. Asked for with HEADRACE_DIFFERENTIAL."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ASKED = "HEADRACE_DIFFERENTIAL"


def comparable(arguments: tuple[str, ...], extra: Mapping[str, str]) -> bool:
    """Whether a call runs jobs and leaves it to others how they are parted, and where its state lies."""
    own = any(word.startswith("--isolation") for word in arguments) or any(name.startswith("XDG_") for name in extra)
    return arguments[:1] == ("run",) and not own and "HEADRACE_ISOLATION" not in extra


def last_run(home: Path) -> str:
    """The number of the last run of a state; empty where there is none."""
    with _state(home):
        from headrace.record.journal import Journal

        runs = Journal.open().runs(1)
        return runs[0].run if runs else ""


def legs(home: Path, run: str) -> dict[str, dict[str, Any]]:
    """What a run says of each of its legs: the result, outputs, annotations, and its steps with their ends."""
    from headrace.record.journal import Journal
    from headrace.record.records import Annotated, LegFinished, LegQueued, Lost, StepFinished, StepStarted

    found: dict[str, dict[str, Any]] = {}
    names: dict[tuple[str, int], str] = {}
    with _state(home):
        bodies = [record.body for record in Journal.open().records(run)]
    for body in bodies:
        match body:
            case LegQueued():
                found[body.leg] = {"name": body.name, "steps": [], "annotations": []}
            case StepStarted():
                names[body.leg, body.step] = f"{body.stage} {_plain(body.name, home)}"
            case StepFinished():
                name = names.get((body.leg, body.step), "")
                found[body.leg]["steps"].append((body.step, name, body.outcome, body.conclusion, body.exit_code))
            case Annotated():
                found[body.leg]["annotations"].append((body.step, body.level, _plain(body.message, home), body.file, body.line))
            case LegFinished():
                outputs = {name: _plain(value, home) for name, value in body.outputs.items()}
                found[body.leg] |= {"result": body.result, "outputs": outputs}
            case Lost():
                found[body.leg]["lost"] = _plain(body.why, home)
    for leg in found.values():
        leg["steps"].sort()
        leg["annotations"].sort()
    return found


def differences(one: Mapping[str, Any], other: Mapping[str, Any], at: str = "") -> Iterator[str]:
    """Where two of the same form differ, in words."""
    for key in sorted({*one, *other}):
        mine, theirs = one.get(key), other.get(key)
        if isinstance(mine, dict) and isinstance(theirs, dict):
            yield from differences(mine, theirs, f"{at}{key}: ")
        elif mine != theirs:
            yield f"{at}{key}: host {mine!r}, namespaces {theirs!r}"


def _plain(text: str, home: Path) -> str:
    """Without what differs by nature: where a job's folders lie."""
    work = rf"(?:{re.escape(str(home))}/headrace|/run/scratch/headrace-[0-9a-f]+)/work/\d+/\d+"  # the other one in a job
    for folder, name in ((f"{work}/work", "WORK"), (f"{work}/home", "HOME"), (f"{work}/tools", "TOOLS")):
        text = re.sub(folder, name, text)
    for folder, name in (("/home/runner/work", "WORK"), ("/opt/hostedtoolcache", "TOOLS"), ("/home/runner", "HOME")):
        text = text.replace(folder, name)
    return text


@contextmanager
def _state(home: Path) -> Iterator[None]:
    before = os.environ.get("XDG_STATE_HOME")
    os.environ["XDG_STATE_HOME"] = str(home)
    try:
        yield
    finally:
        if before is None:
            del os.environ["XDG_STATE_HOME"]
        else:
            os.environ["XDG_STATE_HOME"] = before

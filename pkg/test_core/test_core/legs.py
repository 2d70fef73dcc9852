"""Run one job of a workflow text for real, without an engine: a supervisor, an init, steps."""

from __future__ import annotations

import os
import socket
import sys
import threading
from pathlib import Path
from typing import Any

from headrace.record.codec import Frames, decode_body, frame
from headrace.record.records import Annotated, Body, LegFinished, Lost, StepFinished, StepStarted
from headrace.runner.ticket import CancelOrder, Folders, JobTicket, encode_ticket
from headrace.sandbox.inherit import inherited
from headrace.workflow.reader import load


class Ran:
    """What became of a job: its records and its log."""

    def __init__(self, bodies: list[Body], log: bytes, folders: Folders) -> None:
        self.bodies = bodies
        self.log = log.decode("utf-8", "replace")
        self.folders = folders
        last = bodies[-1]
        self.result = last.result if isinstance(last, LegFinished) else "lost"
        self.outputs = last.outputs if isinstance(last, LegFinished) else {}
        names = {body.step: body.name for body in bodies if isinstance(body, StepStarted)}
        self.steps = {names[body.step]: (body.outcome, body.conclusion) for body in bodies if isinstance(body, StepFinished)}
        self.errors = [body.message for body in bodies if isinstance(body, Annotated) and body.level == "error"]
        self.annotations = [body for body in bodies if isinstance(body, Annotated)]
        self.lost = [body.why for body in bodies if isinstance(body, Lost)]

    @property
    def lines(self) -> list[str]:
        """Log lines that steps printed: no headers."""
        shown, inside = [], False
        for line in self.log.splitlines():
            if line.startswith("##[group]"):
                inside = True
            elif line == "##[endgroup]":
                inside = False
            elif not inside:
                shown.append(line)
        return shown


WORKFLOW = "on: push\njobs:\n  job:\n    runs-on: ubuntu-latest\n"


def job(
    tmp_path: Path,
    text: str,
    *,
    head: str = WORKFLOW,
    cancel_at: str = "",
    force_at: str = "",
    **more: Any,
) -> Ran:
    """Run the job `job`: `text` is what stands below its `runs-on`, indented by four blanks. When the text `cancel_at` appears in
    the log, the leg is cancelled; at `force_at`, by force. `more` are fields of the ticket."""
    loaded = load("ci.yml", (head + text).encode())
    assert loaded.workflow is not None, loaded.problems
    return run_ticket(tmp_path, ticket_of(tmp_path, loaded.workflow, **more), cancel_at, force_at)


def ticket_of(tmp_path: Path, workflow: Any, **more: Any) -> JobTicket:
    tmp_path.mkdir(exist_ok=True)
    folders = Folders.below(str(tmp_path / "leg"), "repo", str(tmp_path / "log"))
    given: dict[str, Any] = {
        "github": {
            "repository": "o/repo",
            "server_url": "https://github.com",
            "sha": "a" * 40,
            "ref": "refs/heads/main",
            "event_name": "push",
            "event": {"a": 1},
        },
        "base": inherited(os.environ),
        "workflow_env": workflow.env,
        "workflow_defaults": workflow.defaults,
        "python": sys.executable,
        "secrets": {},
        **more,
    }
    return JobTicket("1", "ci.yml:job:0", "job", workflow.jobs["job"], folders, **given)


def run_ticket(tmp_path: Path, ticket: JobTicket, cancel_at: str = "", force_at: str = "") -> Ran:
    from headrace.runner.supervisor import stand_by

    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        try:
            ours.close()
            stand_by(theirs.close, {})(theirs)
        finally:
            os._exit(0)
    theirs.close()
    ours.sendall(frame(encode_ticket(ticket)))
    if cancel_at or force_at:
        threading.Thread(target=_order, args=(ours, Path(ticket.folders.log), cancel_at, force_at), daemon=True).start()
    frames, bodies = Frames(), []
    while data := ours.recv(1 << 16):
        bodies += [decode_body(message) for message in frames.feed(data)]
    os.waitpid(pid, 0)
    ours.close()
    log = Path(ticket.folders.log)
    return Ran(bodies, log.read_bytes() if log.exists() else b"", ticket.folders)


def _order(sock: socket.socket, log: Path, cancel_at: str, force_at: str) -> None:
    import select

    import msgspec

    for text, force in ((cancel_at, False), (force_at, True)):
        if not text:
            continue
        while not (log.exists() and any(line == text for line in log.read_text().splitlines())):
            select.select([], [], [], 0.01)
        sock.sendall(frame(msgspec.msgpack.encode(CancelOrder("", force))))


def steps(text: str) -> str:
    """The `steps` block of a job, for `job`."""
    return "    steps:\n" + "".join(f"      {line}\n" for line in text.strip("\n").split("\n"))


def results(ran: Ran) -> list[str]:
    """Conclusions of the main steps in order."""
    return [conclusion for name, (_, conclusion) in ran.steps.items() if name not in ("Set up job", "Complete job")]

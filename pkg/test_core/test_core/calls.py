"""Real calls of headrace, each a process of its own, with a HOME and state of its own."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zlib import crc32

from test_core.differential import comparable, differences, last_run, legs
from test_core.processes import ended
from test_core.repositories import GitRepository, make_repository

NO_GITHUB = {
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "url.file:///nowhere/.insteadOf",
    "GIT_CONFIG_VALUE_0": "https://github.com/",
}
"""What is not at hand in a test is not looked for on the network; a `.gitconfig` in its HOME says otherwise."""


def isolation() -> str:
    """That of calls which do not say: what is not about isolation shall not wait for it."""
    return os.environ.get("HEADRACE_ISOLATION", "host")


class Done:
    """What a call left: its exit status and both outputs."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status = status
        self.out = out
        self.err = err

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def results(self) -> dict[str, str]:
        """`job` or `job leg` → result, of `run --json`."""
        return {
            " ".join([row["job"], *(str(value) for value in (row["matrix"] or {}).values())]): row["result"]
            for row in self.json["jobs"]
        }


class Headrace:
    """Calls headrace from `folder`, off a terminal, in a UTF-8 locale."""

    def __init__(self, home: Path, folder: Path, bytecode: Path) -> None:
        self.home = home
        self.folder = folder
        self.state = home / "state" / "headrace"
        self._bytecode = bytecode  # shared, so that only the first call compiles
        self.twice = False  # runs in both ways of parting jobs, which must say the same
        self._started: list[subprocess.Popen[str]] = []

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        import headrace

        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "XDG_STATE_HOME": str(self.home / "state"),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "PYTHONPATH": str(Path(headrace.__file__).parents[1]),
            "PYTHONPYCACHEPREFIX": str(self._bytecode),
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "TZ": "UTC",
            **({} if (self.home / ".gitconfig").exists() else NO_GITHUB),
            "HEADRACE_ISOLATION": isolation(),
            **{name: os.environ[name] for name in ("HEADRACE_SCRATCH",) if name in os.environ},
            **(extra or {}),
        }

    def as_the_person(self) -> dict[str, str]:
        """The environment of calls that install: the person's own settings say where packages come from, as in any run of one."""
        inherited = {name: value for name, value in os.environ.items() if name.startswith(("UV_", "PIP_", "SSL_"))}
        cache = os.environ.get("XDG_CACHE_HOME", f"{os.environ['HOME']}/.cache")
        return self.environment(inherited | {"HOME": os.environ["HOME"], "XDG_CACHE_HOME": cache})

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "headrace.cli", *arguments]

    def __call__(self, *arguments: str, cwd: Path | None = None, stdin: str = "", **extra: str) -> Done:
        """Call it and wait for its end. `extra` goes into the environment."""
        if self.twice and comparable(arguments, extra):
            return self._twice(arguments, cwd, stdin, extra)
        return self._once(arguments, cwd, stdin, extra)

    def _twice(self, arguments: tuple[str, ...], cwd: Path | None, stdin: str, extra: Mapping[str, str]) -> Done:
        """The second time with jobs in namespaces, and a state and caches of its own."""
        homes = {"host": self.home / "state", "namespaces": self.home / "other-state"}
        other = {"XDG_STATE_HOME": str(homes["namespaces"]), "XDG_CACHE_HOME": str(self.home / "other-cache")}
        seen = {}
        for isolation, home in homes.items():
            before = last_run(home)
            more = {**extra, "HEADRACE_ISOLATION": isolation, **(other if isolation == "namespaces" else {})}
            done = self._once(arguments, cwd, stdin, more)
            after = last_run(home)
            seen[isolation] = done, legs(home, after) if after != before else {}
        (done, mine), (shadow, theirs) = seen.values()
        found = list(differences({"status": done.status, **mine}, {"status": shadow.status, **theirs}))
        assert found == [], "\n".join([*found, "in namespaces it said:", shadow.err])
        return done

    def _once(self, arguments: tuple[str, ...], cwd: Path | None, stdin: str, extra: Mapping[str, str]) -> Done:
        done = subprocess.run(
            self.command(*arguments), cwd=cwd or self.folder, env=self.environment(extra), input=stdin,
            capture_output=True, text=True, encoding="utf-8", timeout=120, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str, cwd: Path | None = None) -> subprocess.Popen[str]:
        """Call it and go on; `close` ends what is left of it."""
        process = subprocess.Popen(
            self.command(*arguments), cwd=cwd or self.folder, env=self.environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
        )  # fmt: skip
        self._started.append(process)
        return process

    def close(self) -> None:
        """End what was started and still runs, so that a test that failed does not make the next ones fail."""
        for process in self._started:
            process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()

    def run(self, workflow: str, *arguments: str, folder: str = "repo", **extra: str) -> Done:
        """Put `workflow` into a repository of its own and run it with `--json`. `workflow` may be the `jobs` block only."""
        repository = self.repository(workflow, folder)
        return self("run", "--json", *arguments, cwd=repository.root, **extra)

    def repository(self, workflow: str, folder: str = "repo") -> GitRepository:
        text = workflow if workflow.lstrip().startswith("on:") else f"on: push\njobs:\n{workflow}"
        return make_repository(self.home / folder, {".github/workflows/ci.yml": text})

    @property
    def jobs(self) -> Path:
        """Where the folders of jobs lie."""
        scratch = os.environ.get("HEADRACE_SCRATCH")
        return Path(scratch) / f"headrace-{crc32(os.fsencode(self.state)):08x}" if scratch else self.state

    def kept(self) -> list[Path]:
        """Every file that stays of all runs: not the folders of jobs, which are being deleted in the background."""
        rooms = [path for path in self.state.iterdir() if path.name not in ("work", "trash")]
        return [path for room in rooms for path in (room, *room.rglob("*")) if path.is_file()]

    def alive(self, mark: str) -> list[int]:
        """Processes whose environment holds `mark`: what a run started, wherever it went."""
        found = []
        for name in os.listdir("/proc"):
            if name.isdecimal():
                try:
                    environ = Path(f"/proc/{name}/environ").read_bytes()
                except OSError:
                    continue
                if mark.encode() in environ and not ended(name) and int(name) != os.getpid():
                    found.append(int(name))
        return found


def interrupt(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)


def until(condition: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    """Wait until `condition()` is truthy, looking again after every hundredth of a second."""
    for _ in range(int(seconds * 100)):
        if condition():
            return
        select.select([], [], [], 0.01)
    raise AssertionError(what)


def lines_until(process: subprocess.Popen[str], text: str) -> str:
    """What it says on stderr up to a line with this text."""
    assert process.stderr is not None
    seen = ""
    for line in process.stderr:
        seen += line
        if text in line:
            return seen
    raise AssertionError(f"{text!r} was not said:\n{seen}")

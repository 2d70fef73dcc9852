"""Steps that mean to outlive their job do not, however it ends; and what ran leaves the machine as it was."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from headrace.sandbox.children import children, descendants
from test_core import mounts
from test_core.calls import Headrace, until
from test_core.foster import Fostered
from test_core.layers import refusal
from test_core.people import HeadraceAs, Person

pytestmark = pytest.mark.slow  # it takes minutes, or needs the machine for itself

TIMES = int(os.environ.get("HEADRACE_KILLS", "1"))
"""How often each way of ending is tried; a run takes ten seconds, as it is the step that has to be killed at last."""

LEGS = int(os.environ.get("HEADRACE_LEGS", "6"))
"""How many legs run in a row that leave all that they can."""

AT_ONCE = 12
ISOLATIONS = ("host", "namespaces")

# Processes in sessions of their own, whose parents are gone, ignore all that can be ignored and hold the step's output; the step
# itself does the same in the foreground.
UNDYING = """\
trap '' INT TERM HUP QUIT
(setsid sh -c '(trap "" INT TERM HUP QUIT; while :; do sleep 900; done) & exit 0' &)
(setsid nohup sh -c '(setsid sh -c "while :; do sleep 900; done" &)' &)
echo begun
while :; do sleep 900; done
"""
WAYS = {
    "Ctrl-C": 130,
    "headrace cancel": 130,
    "timeout-minutes": 1,
    "timeout-minutes of the step": 1,
    "kill -9": -signal.SIGKILL,
    "kill -9 of the supervisor": 3,
}
"""Ways to end a run, and its status then."""

PROCESSES = 6  # of a step: three loops, the shell's own among them, and what each sleeps in


def job(script: str, *, of_job: str = "", of_step: str = "") -> str:
    lines = "".join(f"          {line}\n" for line in script.splitlines())
    return f"  a:\n    runs-on: ubuntu-latest\n{of_job}    steps:\n      - run: |\n{lines}{of_step}"


class Run:
    """A run of undying processes, and one way to end it."""

    def __init__(self, headrace: Headrace, isolation: str, way: str) -> None:
        self.headrace = headrace
        self.way = way
        self.mark = f"HEADRACE_UNDYING={os.urandom(6).hex()}"
        name, _, value = self.mark.partition("=")
        minutes = "timeout-minutes: 0.1"
        text = job(
            UNDYING,
            of_job=f"    env: {{{name}: '{value}'}}\n" + (f"    {minutes}\n" if way == "timeout-minutes" else ""),
            of_step=f"        {minutes}\n" if way == "timeout-minutes of the step" else "",
        )
        root = headrace.repository(text).root
        command = headrace.command("run", "-v", "--isolation", isolation)
        self.fostered = Fostered(command, root, headrace.environment())

    def finish(self) -> None:
        self.fostered.lines_until("| begun")
        if "timeout" not in self.way:
            until(lambda: len(self.headrace.alive(self.mark)) >= PROCESSES, "the step did not start all that it meant to")
        match self.way:
            case "Ctrl-C":
                self.fostered.signal(signal.SIGINT)
            case "headrace cancel":
                self.headrace.start("cancel", "1")
            case "kill -9":
                self.fostered.signal(signal.SIGKILL)
            case "kill -9 of the supervisor":
                [zygote] = [pid for pid in children(self.fostered.pid) if children(pid)]
                step = self.headrace.alive(self.mark)[0]
                [supervisor] = [pid for pid in children(zygote) if step in descendants(pid)]
                os.kill(supervisor, signal.SIGKILL)

    def look(self) -> None:
        assert self.fostered.status() == WAYS[self.way], self.fostered.err
        until(lambda: not self.headrace.alive(self.mark), "a process of the step is still alive")
        assert self.fostered.stayed() == []
        assert leftovers(self.headrace) == []


def leftovers(headrace: Headrace) -> list[str]:
    """Folders of jobs."""
    return [
        str(path) for room in ("work", "trash") if (headrace.jobs / room).exists() for path in (headrace.jobs / room).iterdir()
    ]


def calls(folder: Path, bytecode: Path) -> Headrace:
    folder.mkdir()
    return Headrace(folder, folder, bytecode)


@pytest.fixture(scope="module")
def problems(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, str], list[str]]]:
    """What is wrong with runs of each kind. All are under way at once: most of their time they wait."""
    top = tmp_path_factory.mktemp("kill")
    bytecode = tmp_path_factory.getbasetemp().parent / "bytecode"
    possible = [isolation for isolation in ISOLATIONS if isolation == "host" or not refusal(top, 1)]
    kinds = [(isolation, way) for _ in range(TIMES) for isolation in possible for way in WAYS]
    found: dict[tuple[str, str], list[str]] = {kind: [] for kind in kinds}
    before = mounts.machine()
    for start in range(0, len(kinds), AT_ONCE):
        runs = [
            (kind, Run(calls(top / f"run{start + number}", bytecode), *kind))
            for number, kind in enumerate(kinds[start : start + AT_ONCE])
        ]
        for act in (Run.finish, Run.look):
            for kind, run in runs:
                try:
                    if not run.fostered.closed:
                        act(run)
                except (AssertionError, ValueError) as error:
                    found[kind].append(str(error))
                    run.fostered.close()
        for _, run in runs:
            run.fostered.close()
            run.headrace.close()
    if mounts.machine() != before:
        found[kinds[0]].append("there are other mounts than before")
    yield found


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize("way", WAYS)
def test_what_ignores_every_signal_is_gone_after(problems: dict[tuple[str, str], list[str]], way: str, isolation: str) -> None:
    if (isolation, way) not in problems:
        pytest.skip("no layers in a user namespace here")
    assert problems[isolation, way] == []


def test_a_job_that_lies_about_its_processes_ends_like_any_other(headrace: Headrace) -> None:
    """Nothing of that is looked at: else it would hang, or take as long as it takes to lose patience."""
    if why := refusal(headrace.home, 1):
        pytest.skip(f"no layers in a user namespace here: {why}")
    mark = f"HEADRACE_LIAR={os.urandom(6).hex()}"
    daemon = f"(env {mark} setsid sleep 900 >/dev/null 2>&1 &)\n"
    fakes = {"fifo": "mkfifo /proc/1/task/1/children", "list": "echo 77 >/proc/1/task/1/children", "none": "true"}
    for name, fake in fakes.items():
        script = f"{daemon}mount -t tmpfs fake /proc; mkdir -p /proc/1/task/1; {fake}"
        done = headrace.run(job(script), "--isolation", "namespaces", folder=name)
        assert (done.status, headrace.alive(mark)) == (0, []), done.err


# What is hard to end, or to delete.
LITTER = """\
(setsid nohup sh -c '(setsid sleep 900 &)' &) >/dev/null 2>&1
mkdir -p closed/inner sub; touch closed/inner/file sub/file; chmod 0 closed/inner; chmod 500 closed
chown -R 12:34 sub 2>/dev/null || true
mkfifo fifo; ln -s / root; ln -s loop loop; truncate -s 1G sparse; echo x >"$(printf 'new\\nline\\377')"
cp /bin/sh setuid; chmod 6755 setuid
echo x >/tmp/left; echo x >/dev/shm/left; mkdir -p ~/.cache/left
python3 -c '
import os, socket
socket.socket(socket.AF_UNIX).bind("socket")
for _ in range(1100):
    os.mkdir("a-folder"); os.chdir("a-folder")
'
"""


def state(headrace: Headrace) -> set[str]:
    """What is there of it, but for the journal, logs and what is made once."""
    once = ("journal", "runs", "repositories", "skeletons", "crashes")
    names = {str(path.relative_to(headrace.state)) for path in headrace.state.rglob("*")}
    return {name for name in names if not name.startswith(once)}


def check_in_a_row(headrace: Headrace, isolation: str) -> None:
    mark = f"HEADRACE_LITTER={os.urandom(6).hex()}"
    name, _, value = mark.partition("=")
    litter = LITTER.replace("python3", "/usr/bin/env python3")
    legs = f"    env: {{{name}: '{value}'}}\n    strategy: {{matrix: {{n: {list(range(LEGS))}}}}}\n"
    first, all_legs = headrace.repository(job("true"), "first").root, headrace.repository(job(litter, of_job=legs), "legs").root
    mounted = mounts.machine()
    seen = []
    for root in (first, all_legs):
        run = Fostered(headrace.command("run", "--isolation", isolation, "--repo", str(root)), root, headrace.environment())
        try:
            assert (run.status(), run.stayed()) == (0, []), run.err
        finally:
            run.close()
        seen.append(state(headrace))
    assert seen[0] == seen[1]
    assert leftovers(headrace) == []
    assert not headrace.alive(mark)
    assert mounts.machine() == mounted
    assert not list((headrace.state / "crashes").glob("*"))


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_legs_in_a_row_leave_nothing(headrace: Headrace, isolation: str) -> None:
    if isolation == "namespaces" and (why := refusal(headrace.home, 1)):
        pytest.skip(f"no layers in a user namespace here: {why}")
    check_in_a_row(headrace, isolation)


def test_legs_of_a_user_whose_files_are_not_all_their_own_leave_nothing(person: Person, tmp_path: Path) -> None:
    if why := refusal(tmp_path, 1):
        pytest.skip(f"no layers in a user namespace here: {why}")
    check_in_a_row(HeadraceAs(person), "namespaces")

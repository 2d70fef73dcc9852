"""The frame around every verb: help, wrong calls, crashes, interruption, a reader that goes away."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

if TYPE_CHECKING:
    from test_core.calls import Headrace


def test_without_a_verb_the_help_lists_the_verbs_in_the_order_of_their_use(headrace: Headrace) -> None:
    done = headrace()
    assert done.status == 0
    verbs = [line.split()[0] for line in done.out.partition("Verbs:\n")[2].splitlines() if line.startswith("  ")]
    assert verbs[:4] == ["run", "plan", "ls", "logs"]
    assert headrace("--help").out == done.out


@pytest.mark.parametrize("verb", ["run", "plan", "ls", "logs", "cancel", "services", "doctor"])
def test_every_help_ends_in_an_example(headrace: Headrace, verb: str) -> None:
    done = headrace(verb, "--help")
    assert done.status == 0
    assert done.out.rstrip().splitlines()[-1].strip().startswith(f"Example: headrace {verb}")


def test_the_help_loads_no_verb(headrace: Headrace) -> None:
    code = (
        "import sys; sys.argv = ['headrace', '--help']\n"
        "from headrace.cli.__main__ import do\n"
        "do(sys.argv[1:])\n"
        "print([m for m in sys.modules if m in ('headrace.cli.plan', 'headrace.cli.run', 'headrace.cli.ls', 'yaml', 'rich')])"
    )
    out = subprocess.run([sys.executable, "-c", code], env=headrace.environment(), capture_output=True, text=True, check=True)
    assert out.stdout.splitlines()[-1] == "[]"


HEAVY = [
    "asyncio",
    "concurrent",
    "dataclasses",
    "difflib",
    "email",
    "http",
    "logging",
    "multiprocessing",
    "pathlib",
    "random",
    "rich",
    "shutil",
    "ssl",
    "subprocess",
    "tempfile",
    "tomllib",
    "traceback",
    "urllib.parse",
    "urllib.request",
]


@pytest.mark.parametrize("verb", ["plan", "run"])
def test_nothing_heavy_is_loaded(headrace: Headrace, verb: str) -> None:
    code = (
        f"import sys, click, msgspec, yaml; sys.argv = ['headrace', {verb!r}]\n"
        "before = set(sys.modules)  # what the libraries load is theirs\n"
        "from headrace.cli.__main__ import do\n"
        "do(sys.argv[1:])\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules and name not in before])"
    )
    environment = headrace.environment()
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=headrace.folder, env=environment, capture_output=True, text=True, check=True
    )
    assert out.stdout.splitlines()[-1] == "[]"


WRONG = [
    (["pln"], "headrace: there is no verb 'pln'; did you mean 'plan'?"),
    (["plan", "--jsno"], "headrace: there is no option --jsno; did you mean --json?"),
    (["plan", "--isolation", "host"], "headrace: there is no option --isolation; `headrace run` has it"),
    (["plan", "--zzzzzzzz"], "headrace: there is no option --zzzzzzzz; `headrace plan --help` lists what it takes"),
    (["plan", "push", "more"], "headrace: got unexpected extra argument (more); `headrace plan --help` lists what it takes"),
    (["plan", "--var", "A"], "headrace: --var takes NAME=VALUE, not 'A'"),
    (["plan", "--secret", "NOT_THERE"], "headrace: --secret NOT_THERE: the environment has no variable of this name; "),
    (["plan", "--payload", "no.json"], "headrace: --payload no.json: No such file or directory"),
    (["run", "--max-parallel", "0"], "headrace: invalid value for '--max-parallel': "),
    (["cancel", "99"], "headrace: there is no run 99; `headrace ls` lists them"),
    (["cancel"], "headrace: missing argument 'RUN'; `headrace cancel --help` lists what it takes"),
    (["logs", "99"], "headrace: there is no run 99; `headrace ls` lists them"),
]


@pytest.mark.parametrize(("arguments", "line"), WRONG, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_a_wrong_call_is_one_line_and_status_2(headrace: Headrace, arguments: list[str], line: str) -> None:
    done = headrace(*arguments)
    assert done.status == 2
    assert done.out == ""
    assert done.err.startswith(line)
    assert done.err.count("\n") == 1


def test_a_crash_leaves_a_file_without_secrets_and_status_3(headrace: Headrace) -> None:
    code = (
        "import sys; sys.argv = ['headrace', 'plan', '--secret', 'KEY=hush']\n"
        "import headrace.events.detect as detect\n"
        "def broken(*a, **k): raise RuntimeError('no luck')\n"
        "detect.open_repository = broken\n"
        "from headrace.cli.__main__ import do\n"
        "sys.exit(do(sys.argv[1:]))"
    )
    environment = headrace.environment()
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith(
        "headrace: headrace itself failed (RuntimeError: no luck), the result is unknown; please report it with "
    )
    assert done.stderr.count("\n") == 1
    path = done.stderr.rstrip("\n").rpartition(" with ")[2]
    assert os.path.dirname(path) == str(headrace.state / "crashes")
    text = Path(path).read_text(encoding="utf-8")
    assert "Traceback" in text and "no luck" in text
    assert "hush" not in text


def test_where_no_crash_file_can_be_written_that_is_said(headrace: Headrace) -> None:
    code = "from headrace.cli.ending import guarded\nimport sys\nsys.exit(guarded(lambda: 1 / 0, []))"
    environment = headrace.environment({"XDG_STATE_HOME": "/dev/null"})
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "the crash file could not be written" in done.stderr


def test_an_interruption_ends_with_130(headrace: Headrace) -> None:
    code = (
        "from headrace.cli.ending import guarded\nimport os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a background job has it ignored
        "def call(): os.kill(os.getpid(), signal.SIGINT); import time; time.sleep(30)\n"
        "sys.exit(guarded(call, []))"
    )
    done = subprocess.run([sys.executable, "-c", code], env=headrace.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stderr == "headrace: interrupted\n"


def test_what_fails_because_an_interruption_was_swallowed_is_an_interruption(headrace: Headrace) -> None:
    code = (
        "from headrace.cli.ending import guarded, interrupt\nimport contextlib, os, signal, sys\n"
        "signal.signal(signal.SIGINT, interrupt)\n"
        "def call():\n"
        "    if sys.argv[1:]:\n"
        "        with contextlib.suppress(BaseException):\n            os.kill(os.getpid(), signal.SIGINT)\n"
        "    raise TypeError\n"
        "sys.exit(guarded(call, []))"
    )
    for words, status in ((["swallow"], 130), ([], 3)):
        command = [sys.executable, "-c", code, *words]
        done = subprocess.run(command, env=headrace.environment(), capture_output=True, text=True, check=False)
        assert (done.returncode, "itself failed" in done.stderr) == (status, status == 3)


def test_a_reader_that_has_gone_is_no_error(headrace: Headrace) -> None:
    script = '"$0" -m headrace.cli plan --help | true; echo "${PIPESTATUS[0]}"'
    done = subprocess.run(
        ["bash", "-c", script, sys.executable], env=headrace.environment(), capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert done.stdout.strip() in ("0", "141")


def test_errors_reach_a_stream_that_cannot_show_them(headrace: Headrace) -> None:
    done = headrace("plän", LC_ALL="C", PYTHONIOENCODING="ascii")
    assert done.status == 2
    assert done.err.startswith("headrace: there is no verb 'pl")

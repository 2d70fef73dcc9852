"""What parts the jobs of a run from the machine, where the machine allows it and where it does not."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from test_core.calls import Done, Headrace
from test_core.layers import refusal
from test_core.machines import SWITCHED_OFF, as_root, changed

pytestmark = pytest.mark.slow  # it takes minutes, or needs the machine for itself

JOB = "  a:\n    runs-on: ubuntu-latest\n    steps: [{run: 'true'}]\n"
NAMESPACES = ("--isolation", "namespaces")


@pytest.fixture(autouse=True)
def possible(tmp_path_factory: pytest.TempPathFactory) -> None:
    why = refusal(tmp_path_factory.mktemp("probe"), 1)
    if why:
        pytest.skip(f"no layers in a user namespace here: {why}")


def run(headrace: Headrace, script: str, *arguments: str, **extra: str) -> Done:
    """A run of one job, on a machine that `script` has changed."""
    folder = headrace.home / "one"
    root = folder if folder.exists() else headrace.repository(JOB, "one").root
    argv = changed(script, headrace.command("run", *arguments))
    done = subprocess.run(
        argv, cwd=root, env=headrace.environment(extra), capture_output=True, text=True, timeout=120, check=False
    )
    return Done(done.returncode, done.stdout, done.stderr)


def test_namespaces_that_cannot_be_had_are_refused_before_anything_runs(headrace: Headrace) -> None:
    done = run(headrace, SWITCHED_OFF, *NAMESPACES)
    assert (done.status, done.out) == (2, "")
    assert done.err == (
        "headrace: --isolation namespaces: namespaces are switched off: /proc/sys/user/max_user_namespaces is 0; "
        "`sysctl -w user.max_user_namespaces=15000` mends that; `headrace doctor` says more\n"
    )
    assert headrace("ls", "--all", "--json").json["runs"] == []


def test_once_it_is_mended_they_are_had_and_nobody_has_to_say_so(headrace: Headrace) -> None:
    mend = as_root("sysctl -w user.max_user_namespaces=15000")
    if not mend:
        pytest.skip("sysctl is not installed")
    assert run(headrace, SWITCHED_OFF, *NAMESPACES).status == 2
    done = run(headrace, f"{SWITCHED_OFF}\n{mend}", *NAMESPACES)
    assert (done.status, "isolation: namespaces" in done.err) == (0, True), done.err


def test_where_they_were_had_and_no_longer_are_that_is_noticed(headrace: Headrace) -> None:
    assert run(headrace, ":", *NAMESPACES).status == 0
    assert run(headrace, SWITCHED_OFF, *NAMESPACES).status == 2
    assert run(headrace, SWITCHED_OFF, "--isolation", "host").status == 0


@pytest.mark.parametrize("words", [("--network", "private"), ("--network", "none"), ("--expose", "/usr")])
def test_what_only_namespaces_can_do_is_refused_with_a_host(headrace: Headrace, words: tuple[str, str]) -> None:
    done = run(headrace, ":", "--isolation", "host", *words)
    assert (done.status, done.err.count("\n")) == (2, 1)
    assert done.err.startswith(f"headrace: {words[0]}: jobs see the machine as it is")
    assert run(headrace, ":", *NAMESPACES, *words).status == 0


AUTO = ("--isolation", "auto")


@pytest.mark.parametrize("isolation", ["", "auto"])
def test_jobs_are_parted_from_the_machine_where_nobody_says_otherwise(headrace: Headrace, isolation: str) -> None:
    done = run(headrace, ":", HEADRACE_ISOLATION=isolation)
    assert (done.status, done.err.count("isolation: namespaces. ")) == (0, 1), done.err
    assert run(headrace, ":", *AUTO, "--network", "none").status == 0


def test_where_they_cannot_be_they_run_all_the_same_and_that_is_said_once_with_the_reason(headrace: Headrace) -> None:
    done = run(headrace, SWITCHED_OFF, *AUTO)
    assert done.status == 0, done.err
    assert done.err.count("isolation: ") == 1
    assert "note: isolation: host, as user namespaces are switched off (`headrace doctor`). Every job has" in done.err
    assert "isolation: host. Every job has" in run(headrace, SWITCHED_OFF, "--isolation", "host").err


@pytest.mark.parametrize("words", [("--network", "none"), ("--network", "private"), ("--expose", "/usr")])
def test_what_only_namespaces_can_do_is_refused_where_they_cannot_be_had(headrace: Headrace, words: tuple[str, str]) -> None:
    done = run(headrace, SWITCHED_OFF, *AUTO, *words)
    assert (done.status, done.err.count("\n")) == (2, 1)
    assert "as user namespaces are switched off; `headrace doctor` says more" in done.err
    assert run(headrace, SWITCHED_OFF, *AUTO, "--network", "host").status == 0


LOADED = """
import sys; sys.argv = ["headrace", "run", *sys.argv[1:]]
from headrace.cli.__main__ import do
do(sys.argv[1:])
print(*(name for name in sys.modules if name.startswith(("headrace.sandbox.probe.", "headrace.engine.parting"))))
"""


KNOWN = ["headrace.engine.parting", "headrace.sandbox.probe.known"]
TRIED = [*KNOWN, "headrace.sandbox.probe.trial"]


def loaded(headrace: Headrace, script: str, way: str = "auto") -> list[str]:
    """What a run takes to know how jobs are parted, on a machine that `script` has changed; there `"$@"` is such a run too."""
    folder = headrace.home / "one"
    root = folder if folder.exists() else headrace.repository(JOB, "one").root
    argv = changed(script, [sys.executable, "-c", LOADED, "-qq", "--isolation", way])
    done = subprocess.run(argv, cwd=root, env=headrace.environment(), capture_output=True, text=True, timeout=120, check=True)
    return sorted(done.stdout.split())


def test_what_is_known_of_the_machine_is_cheap_to_ask_and_a_host_does_not_ask(headrace: Headrace) -> None:
    assert loaded(headrace, ":") == TRIED
    assert loaded(headrace, '"$@" >/dev/null') == KNOWN
    assert loaded(headrace, ":", "host") == []


def test_it_is_tried_anew_where_something_has_changed_that_it_hangs_on(headrace: Headrace) -> None:
    assert loaded(headrace, '"$@" >/dev/null; echo 9999 >/proc/sys/user/max_user_namespaces') == TRIED


def test_an_account_that_is_made_meanwhile_is_nothing_new_to_root(headrace: Headrace) -> None:
    files = [name for name in ("/etc/subuid", "/etc/subgid") if os.path.exists(name)]
    if not files:
        pytest.skip("no ranges of ids are handed out here")
    other = headrace.home / "ranges"
    other.write_text("somebody:100000:65536\n")
    assert loaded(headrace, '"$@" >/dev/null\n' + "\n".join(f"mount --bind {other} {name}" for name in files)) == KNOWN

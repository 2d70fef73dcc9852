"""The trial of a sandbox, on this machine and on ones that refuse something; and what is remembered of it."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from headrace.sandbox.probe import trial
from test_core.layers import refusal
from test_core.machines import MASKED, SWITCHED_OFF, changed, filtered, in_chroot, on_an_overlay, without_attributes
from test_core.processes import environment

pytestmark = pytest.mark.slow  # it takes minutes, or needs the machine for itself


@pytest.fixture(scope="module", autouse=True)
def possible(tmp_path_factory: pytest.TempPathFactory) -> None:
    why = refusal(tmp_path_factory.mktemp("layers"), 1)
    if why:
        pytest.skip(f"no layers in a user namespace here: {why}")


def same(argv: Sequence[str]) -> list[str]:
    return list(argv)


def python(code: str, *arguments: str, on: Callable[[Sequence[str]], list[str]] = same, **more: str) -> Any:
    """What `code` prints, as JSON: in a process of its own, as a trial forks."""
    argv = on([sys.executable, "-c", code, *arguments])
    done = subprocess.run(argv, capture_output=True, text=True, env=environment(**more), timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return json.loads(done.stdout)


TRY = """
import json, os, sys
from headrace.sandbox.probe import trial
from headrace.sandbox.probe.explain import explain
from headrace.sandbox.probe.machine import read
outcome = trial.attempt(sys.argv[1])
left = os.listdir(sys.argv[1]) if os.path.isdir(sys.argv[1]) else []
refused = isinstance(outcome, trial.Refused)
row = explain(read(sys.argv[1], os.environ), outcome).row if refused else ""
print(json.dumps([outcome.step, outcome.errno, row, left] if refused else ["", outcome.mode, row, left]))
"""


def place(tmp_path: Path) -> str:
    """Where layers can lie: in a job of headrace the folder that it has for that."""
    scratch = os.environ.get("HEADRACE_SCRATCH")
    return str(Path(scratch) / f"trial-{os.getpid()}-{tmp_path.name}") if scratch else str(tmp_path / "jobs")


def test_where_jobs_can_be_parted_from_the_machine_the_trial_says_how_and_leaves_nothing(tmp_path: Path) -> None:
    folder = place(tmp_path)
    step, mode, row, left = python(TRY, folder)
    assert (step, row, left) == ("", "", [])
    assert mode in ("root", "sub", "single", "inner")
    assert folder not in Path("/proc/self/mountinfo").read_text()


REFUSALS: dict[str, tuple[Callable[[str], str], str, int]] = {
    "switched-off": (lambda folder: SWITCHED_OFF, "namespaces", errno.ENOSPC),
    "chroot": (in_chroot, "namespaces", errno.EPERM),
    "masked": (lambda folder: MASKED, "proc", errno.EPERM),
    "no-place": (on_an_overlay, "layers", errno.EINVAL),
    "no-attributes": (without_attributes, "attributes", errno.EOPNOTSUPP),
}


@pytest.mark.parametrize("row", REFUSALS)
def test_a_machine_that_refuses_something_is_told_by_what_it_refuses(tmp_path: Path, row: str) -> None:
    script, step, code = REFUSALS[row]
    folder = place(tmp_path)
    found = python(TRY, f"{folder}/seen/jobs", on=lambda argv: changed(script(folder), argv))
    assert found == [step, code, row, []]


def test_a_filter_of_system_calls_is_told_from_other_refusals(tmp_path: Path) -> None:
    def on(argv: Sequence[str]) -> list[str]:
        found = filtered(argv)
        if found is None:
            pytest.skip("the numbers of this processor's system calls are not known here")
        return found

    step, code, row, _ = python(TRY, place(tmp_path), on=on)
    assert (step, code) == ("namespaces", errno.EPERM)
    assert row in ("filtered", "container")


def test_a_folder_of_jobs_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert python(TRY, str(tmp_path / "file" / "jobs")) == ["folders", errno.ENOTDIR, "unwritable", []]


def test_a_trial_that_was_killed_is_swept_by_a_later_one(tmp_path: Path) -> None:
    jobs = Path(place(tmp_path))
    for name, age in (("probe-old", 7200), ("probe-new", 60), ("other", 7200)):
        (jobs / name / "job").mkdir(parents=True)
        now = os.stat(jobs).st_mtime
        os.utime(jobs / name, (now - age, now - age))
    assert sorted(python(TRY, str(jobs))[3]) == ["other", "probe-new"]


@pytest.mark.parametrize("what", ["mount tmpfs on /tmp", "umount", "sethostname", "/tmp/new/dev/shm", "mount none on /"])
def test_what_is_about_mounts_belongs_to_their_step(what: str) -> None:
    assert trial.step_of(what) == "mounts"


RECALL = """
import json, os, sys
from headrace.sandbox.probe import known
path = os.path.join(os.environ["XDG_STATE_HOME"], "headrace", known.FILE)
def ask(**more):
    said = known.answer({**os.environ, **more}, lambda: ())
    return "marked" if said.short == "marked" else said.short or said.mode
def mark():
    with open(path) as file:
        kept = json.load(file)
    kept["answer"]["short"] = "marked"
    with open(path, "w") as file:
        json.dump(kept, file)
said = []
"""


def recall(tmp_path: Path, code: str, script: str = ":") -> Any:
    """What `code` has put into `said`, on a machine of its own that `script` has changed."""
    folder = Path(place(tmp_path))
    code = f"{RECALL}{code}\nprint(json.dumps(said))"
    return python(code, str(tmp_path), on=lambda argv: changed(script, argv), XDG_STATE_HOME=str(folder), HEADRACE_SCRATCH="")


def test_what_is_known_is_not_tried_again(tmp_path: Path) -> None:
    assert recall(tmp_path, "said = [ask()]; mark(); said += [ask(), ask()]") == ["single", "marked", "marked"]


def test_a_refusal_is_known_too(tmp_path: Path) -> None:
    code = "said = [ask()]; mark(); said.append(ask())"
    assert recall(tmp_path, code, SWITCHED_OFF) == ["user namespaces are switched off", "marked"]


CHANGES = {
    "a setting": "open('/proc/sys/user/max_user_namespaces', 'w').write('1234')",
    "another slirp4netns": "more['PATH'] = sys.argv[1] + ':' + os.environ['PATH']; "
    "open(sys.argv[1] + '/slirp4netns', 'w').write('#!/bin/sh\\n'); os.chmod(sys.argv[1] + '/slirp4netns', 0o755)",
    "other folders of jobs": "os.environ['HEADRACE_SCRATCH'] = os.environ['XDG_STATE_HOME']",
    "a file that is none of ours": "open(path, 'w').write('{')",
    "no file": "os.unlink(path)",
    "forgotten": "known.forget(); known.forget()",
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_the_answer_makes_a_new_trial(tmp_path: Path, change: str) -> None:
    if change == "another slirp4netns" and not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        pytest.skip("no slirp4netns can be used here, /dev/net/tun is closed")
    code = f"more = {{}}; said = [ask()]; mark(); said.append(ask()); {CHANGES[change]}; said.append(ask(**more))"
    assert recall(tmp_path, code) == ["single", "marked", "single"]


def test_a_refusal_is_tried_again_when_what_caused_it_is_gone(tmp_path: Path) -> None:
    code = "said = [ask()]; os.system('umount /proc/uptime'); said.append(ask())"
    assert recall(tmp_path, code, MASKED) == ["parts of /proc or /sys are hidden here", "single"]


def test_a_memory_that_cannot_be_kept_is_no_fault(tmp_path: Path) -> None:
    code = "os.makedirs(path); said = [ask(), ask()]"
    assert recall(tmp_path, code) == ["single", "single"]

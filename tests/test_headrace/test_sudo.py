"""`sudo` in jobs in namespaces, where steps are root already; and the warning of a job that wanted it and did without."""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from headrace.sandbox import ids, places
from test_core.calls import Done, Headrace
from test_core.layers import refusal

pytestmark = pytest.mark.slow  # it takes minutes, or needs the machine for itself

ON = ("--isolation", "namespaces")
WARNS = "On a hosted runner this would fail, or go elsewhere: the job changed "


@pytest.fixture(scope="module", autouse=True)
def possible(tmp_path_factory: pytest.TempPathFactory) -> None:
    why = refusal(tmp_path_factory.mktemp("probe"), 1)
    if why:
        pytest.skip(f"no layers in a user namespace here: {why}")


def job(script: str, env: str = "") -> str:
    lines = "".join(f"          {line}\n" for line in script.splitlines())
    return f"  a:\n    runs-on: ubuntu-latest\n{env}    steps:\n      - run: |\n{lines}"


@pytest.fixture(scope="module")
def headrace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headrace]:
    """One for all tests: what lies below every job is made once for a user."""
    home = tmp_path_factory.mktemp("sudo")
    calls = Headrace(home, home, tmp_path_factory.getbasetemp().parent / "bytecode")
    yield calls
    calls.close()


COUNT = count()


def run(headrace: Headrace, script: str, *arguments: str, env: str = "", **extra: str) -> Done:
    return headrace.run(job(script, env), *ON, "-v", *arguments, folder=f"repo{next(COUNT)}", **extra)


def output(done: Done) -> list[str]:
    return [line.partition(" | ")[2] for line in done.err.splitlines() if " | " in line]


def warned(done: Done) -> list[str]:
    """What the job changed, as the warnings of its log say."""
    said = [line.partition(WARNS)[2] for line in output(done) if line.startswith(f"Warning: {WARNS}")]
    return [text.partition(" without sudo")[0] for text in said]


@pytest.mark.parametrize(
    "script",
    [
        "sudo touch /usr/lib/x /etc/y && test -e /etc/y",
        "sudo -n id -u | grep -qx 0",
        'test "$(sudo sh -c "echo \\$USER \\$HOME \\$SUDO_USER")" = "root /root runner"',
        'sudo -u "$USER" sh -c "echo x >mine" && echo more >>mine',
        "sudo -u runner test -w $HOME",
        "echo x | sudo tee /etc/sudoers.d/more",
        'sudo mkdir -p /opt/mine/a && sudo chown "$USER" /opt/mine && sudo chown -R runner:runner /opt/mine',
        "sudo -i test -w /root",
        "sudo sh -c 'sudo sudo true'",
        "command -v sudo | grep -qx /usr/bin/sudo",
        "PATH=/nowhere /usr/bin/sudo true",
        "sudo mkdir -p /data && sudo sh -c 'echo x >/data/x' && cat /data/x",
    ],
)
def test_sudo_runs_what_it_is_given(headrace: Headrace, script: str) -> None:
    done = run(headrace, script)
    assert (done.status, warned(done)) == (0, []), done.err


@pytest.mark.parametrize(
    "script",
    [
        "sudo no-such-command",
        "sudo false",
        "sudo",
        "sudo -u no-such-user true",
        'PATH="$PWD:$PATH"; printf "#!/bin/sh\\n" >mine; chmod +x mine; mine && sudo mine',
        "A=b sudo printenv A",
        "sudo bash <(echo true)",
    ],
)
def test_what_fails_under_sudo_on_a_hosted_machine_fails(headrace: Headrace, script: str) -> None:
    assert run(headrace, script).status == 1


def test_variables_of_the_step_are_not_those_of_the_command_but_the_machines_are(headrace: Headrace) -> None:
    script = 'sudo printenv PIP_INDEX_URL PIP_TRUSTED_HOST SECRET; echo "$PIP_INDEX_URL"; sudo -E printenv PIP_INDEX_URL SECRET'
    env = "    env: {PIP_INDEX_URL: 'https://step.invalid', SECRET: told}\n"
    extra = {"PIP_INDEX_URL": "https://machine.invalid", "PIP_TRUSTED_HOST": "it's"}
    done = run(headrace, script.replace("SECRET;", "|| true;"), env=env, **extra)
    said = [line for line in output(done) if line in ("it's", "told") or line.startswith("https:")]
    assert said == ["https://machine.invalid", "it's", "https://step.invalid", "https://step.invalid", "told"], done.err
    assert run(headrace, "sudo printenv SECRET", env=env).status == 1


def test_another_user_is_another_user_where_the_job_has_more_than_one(headrace: Headrace) -> None:
    other = next((each for each in pwd.getpwall() if 0 < each.pw_uid < 1000), None)
    if other is None:
        pytest.skip("needs a user of the system")
    done = run(headrace, f"cd /\nsudo -u {other.pw_name} id -u\nsudo -u {other.pw_name} touch /etc/x")
    assert done.status == 1
    if ids.mode() == "single":
        assert any(f"sudo: this job cannot run anything as {other.pw_name}: " in line for line in output(done)), done.err
    else:
        assert str(other.pw_uid) in output(done), done.err
        assert any("Permission denied" in line for line in output(done))
        again = run(headrace, f"cd /\nsudo -u {other.pw_name} sudo true")
        assert any("only the job's own user may run sudo" in line for line in output(again)), again.err


def test_the_job_s_user_is_called_as_on_a_hosted_machine(headrace: Headrace) -> None:
    done = run(headrace, 'echo "$USER $LOGNAME $HOME $(id -u $USER)"; eval echo ~$USER; getent passwd runner', USER="somebody")
    assert f"runner runner {places.HOME} 0" in output(done), done.err
    assert places.HOME in output(done)


@pytest.mark.parametrize(
    ("script", "paths"),
    [
        ("echo x >/etc/made", "/etc/made"),
        ("mkdir -p /data/more", "/data/"),
        ("echo 127.0.0.1 x >>/etc/hosts", "/etc/hosts"),
        ("mkdir -p /usr/lib/python3/dist-packages; touch /usr/lib/python3/dist-packages/made.py", None),
        ("for n in 1 2 3 4 5 6 7; do touch /etc/made$n; done", "/etc/made1, /etc/made2, /etc/made3, /etc/made4, /etc/made5 and 2 more"),
        ("rm /etc/os-release || rm /etc/hostname", None),
        ("touch /usr/lib/a; exit 3", "/usr/lib/a"),
    ],
)  # fmt: skip
def test_a_job_that_writes_without_sudo_where_it_may_not_is_warned(headrace: Headrace, script: str, paths: str | None) -> None:
    done = run(headrace, script)
    assert done.results == {"a": "failure" if "exit" in script else "success"}, done.err
    found = warned(done)
    assert len(found) == 1, done.err
    assert paths is None or found == [paths]
    assert f"warning: ci.yml/a: {WARNS}" in done.err  # at the end, where it is seen


@pytest.mark.parametrize(
    "script",
    [
        "touch /usr/lib/a; sudo true",
        "touch /opt/a /usr/share/a /usr/local/bin/a /tmp/a /var/tmp/a ~/a a $RUNNER_TOOL_CACHE/a",
        "mkdir -p /opt/hostedtoolcache/x/y ~/.config; python3 -m this >/dev/null || true",
        "touch /etc/made; rm /etc/made",
        "unshare -m mount --bind /mnt /mnt",  # which writes to /run/mount where it may
        "cat /etc/passwd >/dev/null; ls -R /usr/lib/python3 >/dev/null || true",
    ],
)
def test_a_job_that_needs_no_sudo_or_calls_it_is_not_warned(headrace: Headrace, script: str) -> None:
    done = run(headrace, script)
    assert (done.status, warned(done)) == (0, []), done.err


def test_the_warning_is_an_annotation_of_the_step_that_completes_the_job(headrace: Headrace) -> None:
    repository = headrace.repository(job("touch /etc/made"), "annotated")
    done = headrace("run", *ON, "--json-stream", cwd=repository.root)
    bodies = [json.loads(line)["body"] for line in done.out.splitlines()]
    number = next(each["step"] for each in bodies if each.get("stage") == "complete")
    notes = [each for each in bodies if each["type"] == "annotated"]
    assert [(each["level"], each["step"]) for each in notes] == [("warning", number)]
    assert notes[0]["message"].startswith(f"{WARNS}/etc/made without sudo")


def test_what_is_exposed_may_be_written_as_the_tool_cache_may(headrace: Headrace, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    done = run(headrace, f"touch {tools}/made", "--expose", str(tools))
    assert (done.status, warned(done)) == (0, []), done.err
    done = run(headrace, "touch /etc/made", "--expose", str(tools))
    assert warned(done) == ["/etc/made"]


def test_without_namespaces_there_is_neither(headrace: Headrace) -> None:
    done = headrace.run(job("test ! -e /run/headrace/sudo; touch ~/made"), "--isolation", "host", "-v", folder="host")
    assert (done.status, warned(done)) == (0, []), done.err
    assert "warning" not in done.err


def test_the_machine_s_own_files_stay_as_they_are(headrace: Headrace) -> None:
    before = {path: os.lstat(path) for path in ("/etc/passwd", "/etc/group", "/usr/bin") if os.path.lexists(path)}
    assert run(headrace, "sudo useradd somebody || true; sudo touch /usr/bin/made").status == 0
    assert {path: os.lstat(path).st_mtime_ns for path in before} == {path: was.st_mtime_ns for path, was in before.items()}
    assert not os.path.exists("/usr/bin/made")

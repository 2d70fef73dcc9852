"""`sudo` of a job, as far as it does the same everywhere: what sudo 1.9.13 said and did with the settings of a hosted machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from headrace.runner.environment import surroundings
from headrace.sandbox import hosted, places

pytestmark = pytest.mark.slow  # it takes minutes, or needs the machine for itself

STEP = {"PATH": "/usr/bin:/bin", "HOME": "/home/runner", "USER": "runner", "LOGNAME": "runner", "SHELL": "/bin/sh", "LANG": "C",
        "FOO": "step"}  # fmt: skip


class Said(NamedTuple):
    status: int
    out: str
    err: str


class Sudo:
    """Calls the script, which looks for a job's own things in `place`."""

    def __init__(self, folder: Path) -> None:
        self.place = folder / "headrace"
        self.script = folder / "sudo"
        text = hosted.sudo().decode()
        assert f"_place={places.OWN} " in text
        self.script.write_text(text.replace(f"_place={places.OWN} ", f"_place={self.place} "))

    def __call__(self, *words: str, cwd: str = "/", stdin: str = "", **env: str) -> Said:
        done = subprocess.run(
            ["sh", str(self.script), *words],
            cwd=cwd,
            env={**STEP, **env},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=30,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def seen(self, *words: str, **env: str) -> dict[str, str]:
        """The environment of a command."""
        said = self(*words, "env", **env)
        assert said.status == 0, said.err
        return dict(line.split("=", 1) for line in said.out.splitlines())


@pytest.fixture
def sudo(tmp_path: Path) -> Sudo:
    return Sudo(tmp_path)


@pytest.mark.parametrize(
    ("words", "out"),
    [
        (["-n", "echo", "-n", "a  b"], "a  b"),
        (["--", "echo", "--", "-x"], "-- -x\n"),
        (["-nEH", "printenv", "HOME"], "/root\n"),
        (["--set-home", "--non-interactive", "printenv", "HOME"], "/root\n"),
        (["-u", "root", "printenv", "USER"], "root\n"),
        (["-uroot", "printenv", "USER"], "root\n"),
        (["--user=runner", "printenv", "USER"], "runner\n"),
        (["--user", "runner", "printenv", "HOME"], f"{places.HOME}\n"),
        (["--us", "#0", "printenv", "USER"], "root\n"),
        (["A=1", "-E", "B=x y", "printenv", "A", "B", "FOO"], "1\nx y\nstep\n"),
        (["A=1", "A=2", "printenv", "A"], "2\n"),
        (["PATH=/x:/bin", "printenv", "PATH"], "/x:/bin\n"),
        (["LD_LIBRARY_PATH=/x", "printenv", "LD_LIBRARY_PATH"], "/x\n"),
        (["-E", "FOO=2", "printenv", "FOO"], "2\n"),
        (["HOME=/x", "printenv", "HOME"], "/x\n"),
        (["--preserve-env=FOO,PATH,NONE", "printenv", "FOO", "PATH"], "step\n/usr/bin:/bin\n"),
        (["--preserve-env", "printenv", "FOO"], "step\n"),
        (["-s", "echo", "hi; echo", "a'b", "$HOME", "*"], "hi; echo a'b /root *\n"),
        (["-l", "sh", "-c", "x"], None),
        (["-v"], ""),
        (["-nv"], ""),
        (["-k"], ""),
        (["-K"], ""),
        (["-k", "echo", "yes"], "yes\n"),
        (["-S", "-A", "-B", "-p", "prompt:", "echo", "yes"], "yes\n"),
        (["sh", "-c", "exit 0", "x=y"], ""),
    ],
)
def test_words_that_workflows_use_mean_the_same(sudo: Sudo, words: list[str], out: str | None) -> None:
    said = sudo(*words)
    assert said.status == 0, said.err
    assert said.err == ""
    assert out is None or said.out == out


@pytest.mark.parametrize(
    ("words", "err"),
    [
        ([], "usage: sudo "),
        (["-E"], "usage: sudo "),
        (["A=b"], "usage: sudo "),
        (["-u", "", "id"], "usage: sudo "),
        (["-v", "id"], "usage: sudo "),
        (["no-such-command"], "sudo: no-such-command: command not found\n"),
        (["/etc/passwd"], "sudo: /etc/passwd: command not found\n"),
        (["/etc"], "sudo: /etc: command not found\n"),
        (["./none"], "sudo: ./none: command not found\n"),
        ([""], "sudo: : command not found\n"),
        (["--", "A=1", "env"], "sudo: A=1: command not found\n"),
        (["cd", "/"], "sudo: cd: command not found\n"),
        (["-l", "no-such-command"], "sudo: no-such-command: command not found\n"),
        (["-u", "no-such-user", "id"], "sudo: unknown user no-such-user\n"),
        (["-X", "id"], "sudo: invalid option -- 'X'\nusage: sudo "),
        (["--nope", "id"], "sudo: unrecognized option '--nope'\nusage: sudo "),
        (["--pre", "id"], "sudo: option '--pre' is ambiguous\nusage: sudo "),
        (["--background=yes", "id"], "sudo: option '--background' doesn't allow an argument\nusage: sudo "),
        (["-u"], "sudo: option requires an argument -- 'u'\nusage: sudo "),
        (["-i", "-s", "id"], "sudo: you may not specify both the -i and -s options\n"),
        (["-i", "-E", "id"], "sudo: you may not specify both the -i and -E options\n"),
        (["-l", "-v"], "sudo: Only one of the "),
        (["-g", "root", "id"], "sudo: a terminal is required to read the password"),
        (["-n", "-g", "root", "id"], "sudo: a password is required\n"),
        (["-D", "/tmp", "pwd"], "sudo: you are not permitted to use the -D option with pwd\n"),
        (["-T", "3", "pwd"], "sudo: sorry, you are not allowed set a command timeout\n"),
        (["-e", "/etc/hosts"], "sudo: there is no sudo -e in a job of headrace\n"),
    ],
)
def test_what_sudo_refuses_is_refused_with_status_1(sudo: Sudo, words: list[str], err: str) -> None:
    said = sudo(*words)
    assert (said.status, said.out) == (1, "")
    assert said.err.startswith(err)


def test_the_environment_is_made_anew(sudo: Sudo) -> None:
    env = sudo.seen(TERM="xterm", TZ="UTC", LC_ALL="C", PYTHONPATH="/p", GITHUB_ENV="/e", CI="true", http_proxy="x")
    assert env == {
        "LANG": "C", "LC_ALL": "C", "TZ": "UTC", "TERM": "xterm", "PATH": places.SECURE_PATH, "HOME": "/root", "USER": "root",
        "LOGNAME": "root", "MAIL": "/var/mail/root", "SHELL": env["SHELL"], "SUDO_COMMAND": "/usr/bin/env", "SUDO_USER": "runner",
        "SUDO_UID": "0", "SUDO_GID": "0",
    }  # fmt: skip


def test_with_e_it_is_kept_but_for_what_leads_programs_astray(sudo: Sudo) -> None:
    env = sudo.seen("-E", PYTHONPATH="/p", LD_LIBRARY_PATH="/l", BASH_ENV="/b", CI="true")
    assert (env["FOO"], env["CI"], env["HOME"]) == ("step", "true", "/home/runner")
    assert (env["USER"], env["LOGNAME"], env["PATH"]) == ("root", "root", places.SECURE_PATH)
    assert not {"PYTHONPATH", "LD_LIBRARY_PATH", "BASH_ENV"} & set(env)


def test_commands_are_looked_up_in_fixed_folders_whatever_path_says(sudo: Sudo, tmp_path: Path) -> None:
    tool = tmp_path / "mytool"
    tool.write_text("#!/bin/sh\necho mine\n")
    tool.chmod(0o755)
    path = f"{tmp_path}:/usr/bin:/bin"
    for words in ([], ["-E"], [f"PATH={path}"], ["--preserve-env=PATH"]):
        assert sudo(*words, "mytool", PATH=path).err == "sudo: mytool: command not found\n"
    assert sudo("env", f"PATH={path}", "mytool", PATH=path).out == "mine\n"
    assert sudo("./mytool", cwd=str(tmp_path)).out == "mine\n"


def test_a_status_and_a_signal_go_through_and_so_does_standard_input(sudo: Sudo) -> None:
    assert sudo("sh", "-c", "exit 7").status == 7
    assert sudo("sh", "-c", "kill -9 $$").status == -9
    assert sudo("-S", "cat", stdin="pw\nmore\n").out == "pw\nmore\n"
    assert sudo("-s", stdin="echo from stdin\n").out == "from stdin\n"


def test_a_shell_has_the_place_of_the_user_it_is_for(sudo: Sudo) -> None:
    if os.getuid() == 0:
        assert sudo("-i", "pwd").out.splitlines()[-1:] == ["/root"]
    assert sudo("-s", "pwd").out == "/\n"
    assert sudo("-s", "printenv", "SUDO_COMMAND").out == "/bin/sh -c printenv\\ SUDO_COMMAND\n".replace("\\ ", " ")


def test_no_file_of_the_step_stays_open(sudo: Sudo) -> None:
    """So `sudo bash <(curl …)` fails, as on a hosted machine."""
    script = f"sh {sudo.script} ls /proc/self/fd 5</dev/null 12</dev/null 63</dev/null; sh {sudo.script} cat <(echo x)"
    done = subprocess.run(["bash", "-c", script], env=STEP, capture_output=True, text=True, timeout=30)
    assert done.stdout.split() == ["0", "1", "2", "3"]  # the last one is of `ls` itself
    assert done.returncode == 1
    assert "No such file" in done.stderr


def test_within_sudo_it_is_root_who_calls(sudo: Sudo) -> None:
    env = {"USER": "root", "SUDO_UID": "0", "SUDO_USER": "runner"}
    assert sudo.seen(**env)["SUDO_USER"] == "root"


def test_in_the_background_it_does_not_wait(sudo: Sudo) -> None:
    done = subprocess.run(
        ["sh", str(sudo.script), "-b", "sh", "-c", "read x; echo late"],
        env=STEP,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0


def test_every_variable_of_a_step_survives_its_way_through(sudo: Sudo, tmp_path: Path) -> None:
    odd = {"A": 'it\'s "so" $HOME `x` \\', "B": "two\nlines", "C": ""}
    out = tmp_path / "out"
    assert sudo("-E", "sh", "-c", f'printf "%s|" "$A" "$B" "$C" >{out}', **odd).status == 0
    assert out.read_text() == 'it\'s "so" $HOME `x` \\|two\nlines||'
    out.unlink()
    assert sudo("--preserve-env=A,B,C", "sh", "-c", f'printf "%s|" "$A" "$B" "$C" >{out}', **odd).status == 0
    assert out.read_text() == 'it\'s "so" $HOME `x` \\|two\nlines||'


def test_a_call_leaves_a_mark_and_what_belongs_to_the_machine_goes_through(sudo: Sudo) -> None:
    assert "PIP_INDEX_URL" not in sudo.seen(PIP_INDEX_URL="the step's")
    sudo.place.mkdir()
    lines = surroundings(
        {"PIP_INDEX_URL": "it's\nthe machine's", "LANG": "de_DE", "HOME": "/h"}, ["PIP_INDEX_URL", "LANG", "HOME"]
    )
    (sudo.place / "surroundings").write_text(lines)
    said = sudo("printenv", "PIP_INDEX_URL", "LANG", "HOME", PIP_INDEX_URL="the step's")
    assert said.out == "it's\nthe machine's\nC\n/root\n"
    assert sudo("-E", "printenv", "PIP_INDEX_URL", PIP_INDEX_URL="the step's").out == "the step's\n"
    assert (sudo.place / "sudo").exists()


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_somebody_else_in_the_job_may_not_call_it(sudo: Sudo) -> None:
    sudo.place.mkdir(mode=0o555)
    said = sudo("true")
    assert (said.status, said.err) == (1, "sudo: in a job of headrace only the job's own user may run sudo\n")


def test_the_script_and_the_places_agree() -> None:
    text = hosted.sudo().decode()
    assert f"_secure={places.SECURE_PATH}\n" in text
    assert f"for _each in {places.SECURE_PATH.replace(':', ' ')}; do" in text
    assert (f"{places.OWN}/sudo", f"{places.OWN}/surroundings") == (places.SUDO_MARK, places.SURROUNDINGS)
    assert '"$_place/sudo"' in text
    assert '. "$_place/surroundings"' in text

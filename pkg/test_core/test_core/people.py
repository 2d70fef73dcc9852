"""Ordinary users who are there while tests run, where those run as root: for what is another thing without root's powers."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import headrace
import pytest

from test_core.calls import Headrace, isolation, until
from test_core.repositories import GitRepository

_CANDIDATES = ("/usr/bin/python3", "/usr/local/bin/python3")


def python_for_all() -> str:
    """A Python that headrace runs on and everybody may start; empty where there is none."""
    for path in _CANDIDATES:
        if os.path.exists(path) and all(os.stat(folder).st_mode & 0o001 for folder in Path(os.path.realpath(path)).parents):
            done = subprocess.run([path, "-c", "import sys; sys.exit(sys.version_info < (3, 10))"], check=False)
            if done.returncode == 0:
                return path
    return ""


class Person:
    """A user with a HOME that only they may enter, and a group that not only they are in."""

    def __init__(self, name: str, python: str, packages: Path) -> None:
        import pwd

        account = pwd.getpwnam(name)
        self.name = name
        self.uid, self.gid = account.pw_uid, account.pw_gid
        self.home = Path(account.pw_dir)
        self.python = python
        self.packages = packages

    @property
    def headrace(self) -> list[str]:
        return [self.python, "-m", "headrace.cli"]

    def become(self) -> list[str]:
        """What goes in front of a command that this user is to run."""
        return ["setpriv", f"--reuid={self.uid}", f"--regid={self.gid}", "--init-groups"]

    def environment(self) -> dict[str, str]:
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": str(self.home),
            "USER": self.name,
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(self.packages),
            "PYTHONPYCACHEPREFIX": str(self.home / ".bytecode"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "TZ": "UTC",
        }

    def give(self, path: Path) -> None:
        """Have a file, or a folder with all in it, belong to this user."""
        for each in (path, *(path.rglob("*") if path.is_dir() else ())):
            os.lchown(each, self.uid, self.gid)


def account(*command: str) -> None:
    """Change the machine's accounts. Whoever else does that just now locks them: then again."""
    done: list[subprocess.CompletedProcess[str]] = []

    def change() -> bool:
        done.append(subprocess.run(command, capture_output=True, text=True, check=False))
        return done[-1].returncode != 1 or "lock" not in done[-1].stderr

    until(change, "the accounts stay locked")
    assert done[-1].returncode in (0, 12), done[-1].stderr  # 12: a home or a mailbox that is not there


def lay_in_memory(home: Path) -> bool:
    """Put an empty file system without a disk there, where it can hold layers: the first job of a user makes many small files,
    which some disks take long to delete. Whether that worked."""
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2g", "tmpfs", str(home)], capture_output=True, check=False).returncode:
        return False
    try:
        os.setxattr(home, "user.probe", b"x")
    except OSError:
        subprocess.run(["umount", str(home)], check=True)
        return False
    return True


def idle(name: str) -> bool:
    """Whether a user has no process."""
    return not subprocess.run(["ps", "-o", "pid=", "-u", name], capture_output=True, check=False).stdout.strip()


class HeadraceAs(Headrace):
    """Calls of headrace that another user makes, in a HOME of theirs."""

    def __init__(self, person: Person) -> None:
        super().__init__(person.home, person.home, person.home / ".bytecode")
        self.person = person
        self.state = person.home / ".local" / "state" / "headrace"

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        return {**self.person.environment(), "HEADRACE_ISOLATION": isolation(), **(extra or {})}

    def command(self, *arguments: str) -> list[str]:
        return [*self.person.become(), *self.person.headrace, *arguments]

    def repository(self, workflow: str, folder: str = "repo") -> GitRepository:
        made = super().repository(workflow, folder)
        self.person.give(made.root)
        return made


class People:
    """Makes users and takes them away again. Raises what skips a test where that cannot be had."""

    def __init__(self) -> None:
        if os.getuid() != 0:
            pytest.skip("only root can make another user")
        for program in ("useradd", "setpriv"):
            if shutil.which(program) is None:
                pytest.skip(f"needs {program}")
        self.python = python_for_all()
        if not self.python:
            pytest.skip("no Python here that every user may start")
        self.made: list[str] = []
        self.mounted: list[Path] = []
        self._packages: Path | None = None

    def make(self, *, ranges: bool) -> Person:
        """A user, with or without a range of further ids."""
        name = f"hr-{'sub' if ranges else 'one'}-{os.urandom(3).hex()}"  # one that was left by killed tests is no hindrance
        account("useradd", "--create-home", "--user-group", "--shell", "/bin/sh", name)
        self.made.append(name)
        subprocess.run(
            ["usermod", "--append", "--groups", "adm", name], check=False
        )  # a system without it has no such group to read for
        for kind in ("uids", "gids"):
            path = Path(f"/etc/sub{kind[:-1]}")
            lines = [line.split(":") for line in path.read_text().splitlines() if ":" in line] if path.exists() else []
            own = [words for words in lines if words[0] == name]
            if ranges and not own:
                start = max([int(words[1]) + int(words[2]) for words in lines] + [100000])
                account("usermod", f"--add-sub{kind}", f"{start}-{start + 65535}", name)
            for words in own if not ranges else []:
                last = int(words[1]) + int(words[2]) - 1
                account("usermod", f"--del-sub{kind}", f"{words[1]}-{last}", name)
        person = Person(name, self.python, self.packages)
        if lay_in_memory(person.home):
            self.mounted.append(person.home)
        os.chown(person.home, person.uid, person.gid)
        person.home.chmod(0o700)
        return person

    @property
    def packages(self) -> Path:
        """headrace and what it needs, for everybody to read; installed once."""
        if self._packages is None:
            import tempfile

            folder = Path(tempfile.mkdtemp(prefix="headrace-packages-", dir="/usr/local/lib"))
            self._packages = folder
            folder.chmod(0o755)
            wanted = [line for line in importlib.metadata.requires("headrace") or [] if "extra ==" not in line]
            constraints = Path(__file__).parents[3] / "constraints.txt"
            installer = [uv, "pip"] if (uv := shutil.which("uv")) else [sys.executable, "-m", "uv", "pip"]
            words = [
                *installer,
                "install",
                "--quiet",
                "--python",
                self.python,
                "--target",
                str(folder),
                "--constraint",
                str(constraints),
            ]
            done = subprocess.run([*words, *wanted], capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"what headrace needs cannot be installed for another user: {done.stderr.strip()}")
            source = Path(headrace.__file__).parent
            shutil.copytree(source, folder / "headrace", ignore=shutil.ignore_patterns("__pycache__"))
        return self._packages

    def close(self) -> None:
        for name in self.made:
            until(partial(idle, name), f"processes of {name} do not end")  # which delete, in the background
        for home in self.mounted:
            subprocess.run(["umount", str(home)], check=False)
        for name in self.made:
            account("userdel", "--remove", name)
        if self._packages is not None:
            shutil.rmtree(self._packages, ignore_errors=True)

"""A caller of headrace with secrets all around, who lets a hostile job run and looks afterwards what has become of it all.

A program (`python -m test_core.hostile.victim`): it reads what it is to do from stdin, as JSON, and says what it has found on
stdout. It runs as root, as an ordinary user, or in a job of another headrace.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import pty
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import termios
from typing import Any

from test_core.hostile import attempts

SECRET = attempts.MARK.decode()
PRIVATE = (
    "/etc/ssl/private/{0}.key",
    "/etc/{0}/deep/key",
    "/usr/local/etc/{0}.key",
    "/var/spool/{0}",
    "/opt/{0}/deep/key",
    "/var/lib/{0}/key",
    "/etc/ssh/{0}_key",
)
"""What only root may read; `{0}` is a name that is there for this victim alone."""
SHARED = "/opt/{0}/open"
"""A folder that everybody may use: in it lie a socket, a FIFO and files of the caller's own."""
TARGETS = ("/usr/{0}.written", "/etc/{0}.written", "/opt/{0}.written", "/var/lib/{0}.written", "/tmp/{0}.written", "/{0}.written")

_libc = ctypes.CDLL(None, use_errno=True)


class Plants:
    """Secrets and traps; `close` takes all away again. `parts` says what this process may plant: `root` for what is root's."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.made: list[str] = []

    def file(self, path: str, mode: int, text: str = SECRET, ids: tuple[int, int] | None = None) -> str:
        self.folder(os.path.dirname(path))
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
            file.write(text)
        if ids is not None:
            os.chown(path, *ids)
        os.chmod(path, mode)
        self.made.append(path)
        return path

    def folder(self, path: str, mode: int = 0o755) -> None:
        if not os.path.isdir(path):
            self.folder(os.path.dirname(path))
            os.mkdir(path)
            os.chmod(path, mode)
            self.made.append(path)

    def close(self) -> None:
        for path in reversed(self.made):
            try:
                if os.path.isdir(path) and not os.path.islink(path):
                    shutil.rmtree(path)
                else:
                    os.unlink(path)
            except OSError:
                continue


def plant_as_root(plants: Plants, ids: tuple[int, int] | None, group: int | None) -> dict[str, Any]:
    """What only root can plant. `ids` of the caller whose own files are among it, `group` one that the caller is in."""
    name = plants.name
    facts: dict[str, Any] = {"private": [plants.file(path.format(name), 0o600) for path in PRIVATE]}
    plants.folder(f"/opt/{name}/closed", 0o700)
    facts["private"].append(plants.file(f"/opt/{name}/closed/readable", 0o644))
    facts["setuid"] = []
    cat = shutil.which("cat")
    if cat:
        shutil.copy(cat, f"/opt/{name}/cat")
        os.chmod(f"/opt/{name}/cat", 0o4755)
        plants.made.append(f"/opt/{name}/cat")
        facts["setuid"].append(f"/opt/{name}/cat")
    plants.folder(SHARED.format(name), 0o1777)
    facts["group"] = [plants.file(f"/var/lib/{name}/group", 0o640, ids=(0, group))] if group is not None else []
    if ids is not None:
        facts["mine"] = [
            plants.file(path.format(name), 0o600, ids=ids) for path in ("/var/lib/{0}/mine", "/opt/{0}/mine", "/var/tmp/{0}-mine")
        ]
    return facts


class Machine:
    """What lives on the machine while the job runs, and is not to be reached by it."""

    def __init__(self, name: str, shared: str) -> None:
        self.name = name
        self.socket, self.fifo = f"{shared}/socket", f"{shared}/fifo"
        self.listeners = [socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX), socket.socket()]
        self.listeners[0].bind(f"\0{name}")
        self.listeners[1].bind(self.socket)
        self.listeners[2].bind(("127.0.0.1", 0))
        for one in self.listeners:
            one.listen()
        os.chmod(self.socket, 0o777)
        os.mkfifo(self.fifo)
        os.chmod(self.fifo, 0o666)
        self.reader = os.open(self.fifo, os.O_RDONLY | os.O_NONBLOCK)
        self.ipc = int.from_bytes(name.encode()[-3:], "big") | 1 << 24
        self.held = [_libc.shmget(self.ipc, 4096, 0o1666), _libc.semget(self.ipc, 1, 0o1666), _libc.msgget(self.ipc, 0o1666)]
        self.shm = f"/dev/shm/{name}"
        with open(self.shm, "w") as file:
            file.write(SECRET)
        self.queue = f"/{name}"
        self.messages = _libc.mq_open(self.queue.encode(), os.O_CREAT | os.O_RDWR, 0o666, None)
        self.controller, self.terminal = pty.openpty()
        quiet = termios.tcgetattr(self.terminal)
        quiet[3] &= ~(termios.ECHO | termios.ICANON)
        termios.tcsetattr(self.terminal, termios.TCSANOW, quiet)
        # a key in a session keyring, as a login has one
        _syscall = (250, 248) if os.uname().machine != "aarch64" else (219, 217)
        _libc.syscall(_syscall[0], 1, None)
        self.has_keys = _libc.syscall(_syscall[1], b"user", name.encode(), SECRET.encode(), len(SECRET), ctypes.c_int(-3)) > 0

    def facts(self) -> dict[str, Any]:
        return {
            "abstract": self.name,
            "socket": self.socket,
            "port": self.listeners[2].getsockname()[1],
            "fifo": self.fifo,
            "ipc": self.ipc,
            "queue": self.queue,
            "shm": self.shm,
            "terminal": os.ttyname(self.terminal),
            "key": self.name,
            "keys": self.has_keys,
            "pid": os.getpid(),
        }

    def reached(self) -> list[str]:
        """What has come in from a job."""
        found = [str(one.getsockname()) for one in self.listeners if select.select([one], [], [], 0)[0]]
        if select.select([self.reader], [], [], 0)[0] and os.read(self.reader, 10):
            found.append("the FIFO")
        for fd, what in ((self.terminal, "typed on the terminal"), (self.controller, "written to the terminal")):
            if select.select([fd], [], [], 0)[0]:
                found.append(f"{what}: {os.read(fd, 100)!r}")
        return found

    def close(self) -> None:
        for one in self.listeners:
            one.close()
        for fd in (self.reader, self.controller, self.terminal):
            os.close(fd)
        _libc.shmctl(self.held[0], 0, None)
        _libc.semctl(self.held[1], 0, 0)
        _libc.msgctl(self.held[2], 0, None)
        _libc.mq_unlink(self.queue.encode())
        os.unlink(self.shm)


_JOB = """\
on: push
jobs:
  hostile:
    runs-on: ubuntu-latest
    env:
      NEIGHBOUR: '1'
      FACTS: {facts}
    steps:
      - shell: {python} {{0}}
        run: |
{script}
"""
_NEIGHBOUR = """\
  neighbour:
    runs-on: ubuntu-latest
    env: {{PYTHON: {python}}}
    steps:
      - run: |
{script}
"""


def workflow(facts: dict[str, Any], python: str) -> str:
    """Two legs at once: one that attempts all, and its neighbour."""
    with open(attempts.__file__) as file:
        script = file.read()

    def block(text: str) -> str:
        return "".join(f"          {line}".rstrip() + "\n" for line in text.splitlines())

    job = _JOB.format(facts=json.dumps(json.dumps(facts)), python=python, script=block(script))
    if facts["bare"]:
        return job
    neighbour = """\
packages=$(dirname $PIP_CACHE_DIR)
for folder in $HOME /tmp /var/tmp /dev/shm /run/scratch $PWD $RUNNER_TEMP /usr /etc; do
  mkdir -p $folder; echo mine >$folder/neighbour
done
$PYTHON -c "
import socket, os, time
one, other = socket.socket(socket.AF_UNIX), socket.socket()
one.bind('\\0neighbour'); one.listen(); other.bind(('127.0.0.1', 28288)); other.listen()
open('$packages/neighbour-is-ready', 'w').close()
for _ in range(3000):
    if os.path.exists('$packages/looked'): break
    time.sleep(0.01)"
"""
    return f"{job}{_NEIGHBOUR.format(python=python, script=block(neighbour))}"


def repository(folder: str, files: dict[str, str]) -> str:
    for name, text in files.items():
        os.makedirs(os.path.dirname(f"{folder}/{name}"), exist_ok=True)
        with open(f"{folder}/{name}", "w") as file:
            file.write(text)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-C", folder]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], check=True, stdin=subprocess.DEVNULL)
    return folder


def call(order: dict[str, Any], where: str, terminal: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Call headrace with a controlling terminal, as a person does."""

    def take_terminal() -> None:
        os.setsid()
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

    open_too = os.open("/etc/passwd", os.O_RDONLY)  # what a caller happens to have open
    try:
        return subprocess.run(
            [*order["headrace"], "run", *arguments],
            cwd=where,
            env={**order["env"], "SECRET": SECRET},
            stdin=terminal,
            capture_output=True,
            text=True,
            errors="replace",
            preexec_fn=take_terminal,
            pass_fds=(open_too,),
            timeout=300,
            check=False,
        )
    finally:
        os.close(open_too)


def public(order: dict[str, Any]) -> list[str]:
    """Files with another's power that somebody else could get at: no folder on the way to them is closed to others."""
    found = []
    for top in order["tops"]:
        for folder, _, files in os.walk(top):
            below = folder[len(top) :].split("/")
            ways = [top + "/".join(below[: count + 1]) for count in range(len(below))]
            for name in files:
                try:
                    mode = os.lstat(f"{folder}/{name}").st_mode
                    # a folder that belongs to the job's ids the job may have opened itself
                    if mode & 0o6000 and stat.S_ISREG(mode) and all(os.stat(way).st_mode & 0o001 for way in ways):
                        found.append(f"{folder}/{name}")
                except FileNotFoundError:  # it is just being deleted
                    continue
    return found


def facts_of(order: dict[str, Any], plants: Plants, machine: Machine, planted: dict[str, Any]) -> dict[str, Any]:
    """What the attempts are told."""
    home, name = order["env"]["HOME"], order["name"]
    return {
        "private": [],
        "setuid": [],
        "group": [],
        **planted,
        **machine.facts(),
        "own": [*planted.get("mine", []), plants.file(f"/var/tmp/{name}-own", 0o600)],
        "home": [plants.file(f"{home}/{path}", 0o600) for path in ("secret", ".ssh/id", ".config/pip/pip.conf")],
        "exposed": [plants.file(f"{home}/exposed/file", 0o644, "as it was")],
        "state": order["state"],
        "repository": f"{home}/repository",
        "targets": [path.format(name) for path in TARGETS],
        "bare": order["isolation"] == "host",
    }


def found_after(order: dict[str, Any], facts: dict[str, Any], machine: Machine) -> dict[str, Any]:
    """Run the job, and look around."""
    exposed = os.path.dirname(facts["exposed"][0])
    repository(facts["repository"], {".github/workflows/ci.yml": workflow(facts, order["python"])})
    options = ["--isolation", order["isolation"], "--secret", f"TOKEN={SECRET}", "-v"]
    if not facts["bare"]:
        options += ["--expose", exposed]
    done = call(order, facts["repository"], machine.terminal, *options)
    said = [line.partition("attempt: ")[2] for line in done.stderr.splitlines() if "| attempt: " in line]
    return {
        "status": done.returncode,
        "attempts": dict(json.loads(line) for line in said),
        "reached": machine.reached(),
        "written": [path for path in facts["targets"] if os.path.lexists(path)],
        "exposed": [
            f"{name} {_text(f'{exposed}/{name}')!r} {os.stat(f'{exposed}/{name}').st_mode & 0o777:o}"
            for name in sorted(os.listdir(exposed))
        ],
        "public": public(order),
        "err": done.stderr[-4000:],
    }


def main() -> None:
    order = json.load(sys.stdin)
    plants = Plants(order["name"])
    machine = None
    try:
        planted = plant_as_root(plants, None, None) if os.getuid() == 0 else order["planted"]
        shared = SHARED.format(order["name"])
        if not os.path.isdir(shared):
            shared = tempfile.mkdtemp()
            plants.made.append(shared)
        machine = Machine(order["name"], shared)
        found = found_after(order, facts_of(order, plants, machine, planted), machine)
    finally:
        if machine is not None:
            machine.close()
        plants.close()
    sys.stdout.write(json.dumps(found) + "\n")


def _text(path: str) -> str:
    with open(path) as file:
        return file.read()


if __name__ == "__main__":
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # of the terminal, when its session ends
    main()

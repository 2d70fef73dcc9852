"""Which user ids a job can have: real root's, a user's own with or without a range of others, or those of an outer sandbox.

root    real root: the job's ids are a far range of the host's, so that its root is nobody there
sub     a user with a range in /etc/subuid and /etc/subgid, and newuidmap to set it up
single  a user without one: root in the job, and no other id
inner   root inside a user namespace with many ids (another headrace, a container): the same ids again
"""

from __future__ import annotations

import os
from typing import Literal

Mode = Literal["root", "sub", "single", "inner"]

HOST_IDS = 1_900_000_000
"""Where a job's ids lie on the host in mode `root`: beyond every range that is handed to users."""

COUNT = 65536
_ALL = 2**32 - 1


def mode() -> Mode:
    """What this process can do."""
    if os.getuid() == 0:
        with open("/proc/self/uid_map") as file:
            count = sum(int(line.split()[2]) for line in file)
        return "root" if count == _ALL else "inner" if count >= COUNT else "single"
    from shutil import which

    return "sub" if ranges() and which("newuidmap") and which("newgidmap") else "single"


def ranges(etc: str = "/etc") -> tuple[int, int] | None:
    """The first of the ids that the user may hand out, of users and groups; None where there are not enough of either."""
    import pwd

    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return None
    found = []
    for path in ("subuid", "subgid"):
        try:
            with open(f"{etc}/{path}") as file:
                lines = [line.strip().split(":") for line in file]
        except OSError:
            return None
        names = (name, str(os.getuid()))
        fit = [int(line[1]) for line in lines if len(line) == 3 and line[0] in names and int(line[2]) >= COUNT - 1]
        if not fit:
            return None
        found.append(fit[0])
    return found[0], found[1]


def write_maps(pid: int, how: Mode) -> None:
    """Give the ids of its mode to a process in a new user namespace, which waits for them. Raises OSError."""
    match how:
        case "sub":
            first = ranges()
            assert first is not None
            for program, own, start in (("newuidmap", os.getuid(), first[0]), ("newgidmap", os.getgid(), first[1])):
                words = [program, str(pid), "0", str(own), "1", "1", str(start), str(COUNT - 1)]
                status = os.waitpid(os.posix_spawnp(program, words, os.environ), 0)[1]
                if status:
                    raise OSError(1, "Operation not permitted", f"{program} (its ranges are in /etc/subuid and /etc/subgid)")
        case "root":
            _write(pid, "uid_map", f"0 {HOST_IDS} {COUNT}\n")
            _write(pid, "gid_map", f"0 {HOST_IDS} {COUNT}\n")
        case "single":
            _write(pid, "setgroups", "deny")
            _write(pid, "uid_map", f"0 {os.getuid()} 1\n")
            _write(pid, "gid_map", f"0 {os.getgid()} 1\n")
        case "inner":  # a range may not span two of the outer ones
            for kind in ("uid", "gid"):
                with open(f"/proc/self/{kind}_map") as file:
                    own_map = [line.split() for line in file]
                _write(pid, f"{kind}_map", "".join(f"{inside} {inside} {count}\n" for inside, _, count in own_map))


def _write(pid: int, name: str, text: str) -> None:
    with open(f"/proc/{pid}/{name}", "w") as file:
        file.write(text)


def owner(how: Mode) -> int:
    """The host's id of the job's root."""
    return HOST_IDS if how == "root" else os.getuid()

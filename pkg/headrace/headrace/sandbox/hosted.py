"""What a job finds because every hosted machine has it: `sudo`, and a user `runner`, who is the job's root by another name."""

from __future__ import annotations

import os
import stat
from functools import lru_cache
from zlib import crc32

from headrace.sandbox.places import HOME, SECURE_PATH, USER

_SUDO = "/usr/bin/sudo"
_SUDOERS = f"""\
# What sudo of a job does, which never reads this file.
Defaults env_reset
Defaults secure_path="{SECURE_PATH}"
{USER} ALL=(ALL) NOPASSWD:ALL
"""
_ALIAS = {
    "passwd": f"{USER}:x:0:0::{HOME}:/bin/bash\n",
    "group": f"{USER}:x:0:\n",
    "shadow": f"{USER}:*:19000:0:99999:7:::\n",
}


@lru_cache(maxsize=1)
def sudo() -> bytes:
    """The script that is `sudo` in jobs; read once."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "sudo.sh"), "rb") as file:
        return file.read()


def fingerprint() -> str:
    """Another one for a version that lays other files."""
    return f"{crc32(sudo() + _SUDOERS.encode() + repr(_ALIAS).encode()):08x}"


def lay(path: str) -> None:
    """Put it all into the skeleton at `path`, over what the machine has. Raises OSError."""
    _file(path, _SUDO, sudo(), 0o755)
    _file(path, "/etc/sudoers", _SUDOERS.encode(), 0o440)
    _folder(path, "/etc/sudoers.d", 0o750)
    for name, line in _ALIAS.items():
        known = next((place for place in (f"{path}/etc/{name}", f"/etc/{name}") if os.path.isfile(place)), "")
        if known:
            with open(known, "rb") as file:
                lines = [each for each in file.read().splitlines(keepends=True) if not each.startswith(f"{USER}:".encode())]
            _file(path, f"/etc/{name}", b"".join([*lines, line.encode()]), stat.S_IMODE(os.stat(known).st_mode))


def _file(path: str, place: str, data: bytes, mode: int) -> None:
    _folder(path, os.path.dirname(place), 0o755)
    if os.path.lexists(path + place):
        os.unlink(path + place)
    with open(path + place, "wb") as file:
        file.write(data)
    os.chmod(path + place, mode)


def _folder(path: str, place: str, mode: int) -> None:
    """Make it with those above it; they look like the machine's where that has them, as they lie over those."""
    if len(place) < 2 or os.path.isdir(path + place):
        return
    _folder(path, os.path.dirname(place), 0o755)
    os.mkdir(path + place)
    os.chmod(path + place, stat.S_IMODE(os.stat(place).st_mode) if os.path.isdir(place) else mode)

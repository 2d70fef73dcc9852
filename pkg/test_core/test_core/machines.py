"""Machines that refuse something: this one, changed in namespaces where an ordinary user may change it too."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Sequence

SWITCHED_OFF = "echo 0 >/proc/sys/user/max_user_namespaces"
"""No user namespaces in this one."""

MASKED = "mount --bind /dev/null /proc/uptime"


def on_an_overlay(folder: str) -> str:
    """`folder`/seen lies on an overlay."""
    return (
        f"mkdir -p {folder}/upper {folder}/work {folder}/seen\n"
        f"mount -t overlay o -o lowerdir=/usr,upperdir={folder}/upper,workdir={folder}/work,userxattr {folder}/seen"
    )


def without_attributes(folder: str) -> str:
    """`folder`/seen lies on a file system without user attributes."""
    return f"mkdir -p {folder}/seen\nmount -t ramfs r {folder}/seen"


def in_chroot(folder: str) -> str:
    """What comes next sees the same, from a root that is an ordinary folder."""
    return (
        f"mkdir -p {folder}/root\n"
        "for each in /*; do\n"
        f'  if test -L "$each"; then cp -P "$each" {folder}/root\n'
        f'  elif test -d "$each"; then mkdir {folder}/root/"$each"; mount --rbind "$each" {folder}/root/"$each"; fi\n'
        "done\n"
        f'set -- "$(PATH="$PATH:/usr/sbin:/sbin" command -v chroot)" {folder}/root "$@"'
    )


def as_root(command: str) -> str:
    """A command as root would have it, who has more folders on PATH; empty where there is none."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    return f"PATH={path} {command} >/dev/null" if shutil.which(command.split()[0], path=path) else ""


def changed(script: str, argv: Sequence[str]) -> list[str]:
    """`argv` on a machine that `script` has changed first."""
    return ["unshare", "-Urm", "sh", "-ec", f'{script}\nexec "$@"', "sh", *argv]


_FILTER = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
words = [(0x20, 0, 0, 0), (0x15, 0, 1, NUMBER), (0x06, 0, 0, 0x50001), (0x06, 0, 0, 0x7FFF0000)]  # EPERM for it, no others
program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *word) for word in words))
class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("words", ctypes.c_void_p)]
assert os.getuid() == 0 or libc.prctl(38, 1, 0, 0, 0) == 0  # no new privileges
assert libc.prctl(22, 2, ctypes.byref(Filter(len(words), ctypes.addressof(program))), 0, 0) == 0, ctypes.get_errno()
os.execv(sys.argv[1], sys.argv[1:])
"""
_UNSHARE = {"x86_64": 272, "aarch64": 97}


def filtered(argv: Sequence[str]) -> list[str] | None:
    """`argv` below a filter of system calls that forbids `unshare`, as that of a container may; None where its number is not
    known."""
    number = _UNSHARE.get(platform.machine())
    return None if number is None else [sys.executable, "-c", _FILTER.replace("NUMBER", str(number)), *argv]

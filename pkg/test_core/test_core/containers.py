"""Containers for tests: an image that no registry is asked for, and whether an engine works here at all."""

from __future__ import annotations

import fcntl
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

IMAGE = "localhost/headrace-test:1"
BUSYBOX = "/bin/busybox"


class Engine:
    """An engine that has run a container. `words` stand before its commands. `others` is what was there before a test."""

    def __init__(self, words: list[str]) -> None:
        self.words = words
        self.others: frozenset[str] = frozenset()

    def __call__(self, *words: str) -> str:
        done = subprocess.run([*self.words, *words], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def left(self, mark: str = "") -> list[str]:
        """What there is of runs, or of the run with this mark: containers and networks. Not those of trials, which other tests
        may make at the same time."""
        label = f"label=headrace.run={mark}" if mark else "label=headrace.leg"
        found = [
            *self("ps", "--all", "--quiet", "--filter", label).split(),
            *self("network", "ls", "--format", "{{.Name}}", "--filter", label).split(),
        ]
        return [name for name in found if name not in self.others]


def engine() -> Engine:
    """The one of this machine, with the image. Skips the test where there is none that works."""
    from headrace.sandbox.containers import known
    from headrace.sandbox.containers.model import Found

    if shutil.which("podman") is None and shutil.which("docker") is None:
        pytest.skip("needs podman")
    if not os.access(BUSYBOX, os.X_OK):
        pytest.skip("needs busybox-static")
    found = known.attempt(os.environ)
    if not isinstance(found, Found):
        pytest.skip(f"no container runs on this machine: {found.reason}")
    made = Engine([found.program, *found.options])
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root.tar"
        root.write_bytes(image())
        made("import", str(root), IMAGE)
    return made


@contextmanager
def alone() -> Iterator[None]:
    """Wait until no other test of this machine is in here."""
    fd = os.open(Path(tempfile.gettempdir()) / f"headrace-test-containers-{os.getuid()}.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def image() -> bytes:
    """The root of an image with busybox and nothing else."""
    names = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout.split()
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        tar.add(os.path.realpath(BUSYBOX), "bin/busybox")
        for name in sorted(set(names) - {"busybox"}):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        for folder in ("tmp", "root", "etc"):
            made = tarfile.TarInfo(folder)
            made.type, made.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(made)
        users = b"root:x:0:0:root:/root:/bin/sh\n"
        entry = tarfile.TarInfo("etc/passwd")
        entry.size = len(users)
        tar.addfile(entry, io.BytesIO(users))
    return data.getvalue()

"""Containers of an ordinary user, for tests that run as root: in a view of the machine whose /dev/net/tun is as a test wants it,
while the machine's own stays what it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest

from test_core.containers import BUSYBOX, IMAGE, image
from test_core.people import HeadraceAs, Person

Tun = Literal["open", "closed"]
_MODES = {"open": "666", "closed": "600"}
_VIEW = """
set -e
mount -t tmpfs tmpfs /tmp
mknod /tmp/tun c 10 200
chmod "$0" /tmp/tun
mount --bind /tmp/tun /dev/net/tun
umount -l /tmp
exec "$@"
"""


class Rootless(HeadraceAs):
    """Calls of headrace as a user whose podman keeps all of its own below their HOME."""

    def __init__(self, person: Person) -> None:
        super().__init__(person)
        self.tun: Tun = "open"
        self.runtime = person.home / ".runtime"
        self.runtime.mkdir(mode=0o700, exist_ok=True)
        person.give(self.runtime)

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        return {**super().environment(), "XDG_RUNTIME_DIR": str(self.runtime), **(extra or {})}

    def view(self) -> list[str]:
        """What goes in front of a command that is to see the machine so."""
        return ["unshare", "--mount", "sh", "-c", _VIEW, _MODES[self.tun]]

    def command(self, *arguments: str) -> list[str]:
        return [*self.view(), *super().command(*arguments)]

    def podman(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.view(), *self.person.become(), "podman", *words], cwd=self.home, env=self.environment(), capture_output=True,
            text=True, timeout=120, check=False,
        )  # fmt: skip

    def left(self) -> list[str]:
        """What there is of runs."""
        return [
            *self.podman("ps", "--all", "--quiet", "--filter", "label=headrace.run").stdout.split(),
            *self.podman("network", "ls", "--quiet", "--filter", "label=headrace.run").stdout.split(),
        ]

    def provide(self) -> None:
        """Have the image there."""
        with tempfile.NamedTemporaryFile(suffix=".tar", dir=self.home) as file:
            file.write(image())
            file.flush()
            self.person.give(Path(file.name))
            done = self.podman("import", file.name, IMAGE)
            assert done.returncode == 0, done.stderr

    def clean(self) -> None:
        """End and delete all that the user's podman has."""
        for words in (("system", "reset", "--force"), ("system", "migrate")):
            self.podman(*words)
        shutil.rmtree(self.runtime, ignore_errors=True)


@contextmanager
def rootless(person: Person) -> Iterator[Rootless]:
    """One for a user whose podman runs containers here, with the image. Skips the test where it does not."""
    if shutil.which("podman") is None:
        pytest.skip("needs podman")
    if not os.access(BUSYBOX, os.X_OK):
        pytest.skip("needs busybox-static")
    made = Rootless(person)
    seen = subprocess.run([*made.view(), "true"], capture_output=True, text=True, check=False)
    if seen.returncode:
        pytest.skip(f"this machine's devices cannot be shown in another way: {seen.stderr.strip()}")
    try:
        said = made("doctor").out
        if "podman has run a container" not in said:
            pytest.skip(f"podman runs no container of an ordinary user here: {said}")
        made.provide()
        yield made
    finally:
        made.close()
        made.clean()

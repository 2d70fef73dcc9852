"""What podman says to an ordinary user, and the command that helps."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from headrace.sandbox.containers import known, rootless
from headrace.sandbox.containers.model import Found, Lack

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="containers of jobs want Linux")

ANEW = "podman system migrate"


@pytest.mark.parametrize(
    ("said", "package"),
    [
        (
            'could not find slirp4netns, the network namespace can\'t be configured: exec: "slirp4netns": executable file not found',
            "slirp4netns",
        ),
        ('exec: "slirp4netns": executable file not found in $PATH', "slirp4netns"),
        ("setting up Pasta: could not find pasta, the network namespace can't be configured", "passt"),
        ('command required for rootless mode with multiple IDs: exec: "newuidmap": executable file not found in $PATH', "map"),
    ],
)
def test_a_program_that_is_missing_is_installed_and_podman_begins_anew(said: str, package: str) -> None:
    command, _, anew = rootless.mend(said, os.environ).partition(" && ")
    assert package in command.split()[-1]
    assert anew == ANEW


@pytest.mark.parametrize(
    "said",
    [
        "failed to mount runtime directory for rootless netns: no such file or directory",
        'rootless netns: mount "/run/user/1000/libpod/tmp/rootless-netns/run" to "/run": no such file or directory',
        'invalid internal status, try resetting the pause process with "podman system migrate"',
    ],
)
def test_what_an_earlier_failure_has_left_goes_when_podman_begins_anew(said: str) -> None:
    assert rootless.mend(said, os.environ) == ANEW


@pytest.mark.parametrize("said", ["OCI runtime error: crun: cgroups in hybrid mode not supported", "no space left on device", ""])
def test_what_no_command_is_known_for_has_none(said: str) -> None:
    assert rootless.mend(said, os.environ) == ""


def test_podman_is_not_asked_where_its_networks_lack_what_they_want(tmp_path: Path) -> None:
    """For root, and where podman is another machine's, it does not matter."""
    place = tmp_path / "podman"
    place.write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\n")
    place.chmod(0o755)
    environ = {"PATH": str(tmp_path)}
    lack = rootless.lack(environ)
    found = known.attempt(environ, "podman")
    if rootless.concerns(environ) and lack is not None:
        assert found == Lack(f"podman runs none: {lack.reason}", lack.mend)
        assert known.forecast(environ, "podman") == found
        assert not (tmp_path / "asked").exists()
    else:
        assert isinstance(found, Found)
    assert isinstance(known.attempt({**environ, "CONTAINER_HOST": "ssh://elsewhere"}, "podman"), Found)

"""The command lines of container engines, and what is read of what they print."""

from __future__ import annotations

import json

import pytest
from headrace.sandbox.containers.commands import read_config, read_state, read_subnet
from headrace.sandbox.containers.engines import engine
from headrace.sandbox.containers.model import Found, Made, Mount
from headrace.sandbox.containers.paths import Mounts, of_action, of_job

PODMAN = engine(Found("podman", "/p", ("--runtime", "r"), ("--ulimit", "u")))
DOCKER = engine(Found("docker", "/d"))
MADE = Made(
    "name", "image", env={"SECRET": "s", "HOME": "/h"}, mounts=(Mount("/a", "/b"), Mount("/c", "/d", readonly=True)),
    ports=("127.0.0.1::80",), options=("--cpus", "1"), network="net", address="10.0.0.2", alias="db", hosts={"web": "10.0.0.3"},
    workdir="/w", entrypoint="tail", command=("-f", "x"), labels={"l": "1"}, ids="1900000000:65536",
)  # fmt: skip


def test_podman_makes_a_container_with_an_address_and_names_of_others() -> None:
    words = PODMAN.create(MADE)
    assert words[:4] == ["/p", "--runtime", "r", "create"]
    for pair in (
        ("--ulimit", "u"), ("--ip", "10.0.0.2"), ("--add-host", "web:10.0.0.3"), ("-p", "127.0.0.1::80"), ("-v", "/a:/b"),
        ("-v", "/c:/d:ro"), ("--entrypoint", "tail"), ("--uidmap", "0:1900000000:65536"), ("--label", "l=1"), ("--cpus", "1"),
    ):  # fmt: skip
        assert f" {' '.join(pair)} " in " ".join(words), pair
    assert "--network-alias" not in words
    assert words[-3:] == ["image", "-f", "x"]


def test_docker_gives_a_container_its_name_in_the_network() -> None:
    words = DOCKER.create(MADE)
    assert words[words.index("--network-alias") + 1] == "db"
    assert "--uidmap" not in words
    assert DOCKER.remove(["a", "b"])[-2:] == ["a", "b"]


@pytest.mark.parametrize("by", [PODMAN, DOCKER])
def test_values_of_variables_stand_in_no_word_but_those_that_the_program_would_take_for_itself(by: object) -> None:
    one = PODMAN if by is PODMAN else DOCKER
    env = {"SECRET": "s3cret", "HOME": "/github/home", "DOCKER_HOST": "x", "LD_PRELOAD": "y", "PATHS": "z", "http_proxy": "p"}
    words = one.execute("c", ["sh", "-e", "f"], env, "/w")
    assert "s3cret" not in " ".join(words)
    assert {"HOME=/github/home", "DOCKER_HOST=x", "LD_PRELOAD=y", "http_proxy=p", "PATHS", "SECRET"} <= set(words)
    assert one.told(env) == {"SECRET": "s3cret", "PATHS": "z"}
    assert words[-4:] == ["c", "sh", "-e", "f"]


def test_a_state_is_read_of_either_engine() -> None:
    found = {
        "State": {"Running": True, "Pid": 7, "Health": {"Status": "healthy"}},
        "Config": {"Env": ["PATH=/bin", "A=b=c"], "Healthcheck": {"Test": ["CMD", "x"], "Interval": 2_000_000_000, "Retries": 5}},
        "NetworkSettings": {"Ports": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "4321"}], "81/tcp": None}},
    }
    state = read_state(json.dumps([found]))
    assert (state.running, state.health, state.pid, state.ports) == (True, "healthy", 7, {"80/tcp": "4321"})
    assert (state.env, state.interval, state.retries) == ({"PATH": "/bin", "A": "b=c"}, 2.0, 5)
    assert read_state(json.dumps([{"State": {"Health": {"Status": ""}}, "Config": {}}])).health == ""
    assert read_state(json.dumps([{"Config": {"Healthcheck": {"Test": ["NONE"]}}}])).health == ""


@pytest.mark.parametrize("text", ["", "[]", "no JSON", "{}"])
def test_what_is_no_answer_is_an_error(text: str) -> None:
    for read in (read_state, read_config, read_subnet):
        with pytest.raises(ValueError, match="container engine"):
            read(text)


def test_the_subnet_of_a_network_is_read_of_either_engine() -> None:
    assert read_subnet('[{"subnets": [{"subnet": "10.89.0.0/24"}]}]') == "10.89.0.0/24"
    assert read_subnet('[{"IPAM": {"Config": [{"Subnet": "172.18.0.0/16"}]}}]') == "172.18.0.0/16"
    assert read_subnet('[{"IPAM": {"Config": null}}]') == ""


@pytest.mark.covers("runtime:2.6")
def test_the_folders_of_a_job_have_the_names_that_a_hosted_runner_gives_them() -> None:
    mounts = of_job("/leg/files", "/leg/files/_temp", "/leg/tools")
    for outside, inside in (
        ("/leg/files/r/r", "/__w/r/r"), ("/leg/files/_temp/x", "/__w/_temp/x"), ("/leg/tools/Python", "/__t/Python"),
        ("/leg/files/_temp/_github_home", "/github/home"), ("/leg/files/_temp/_github_workflow/event.json", "/github/workflow/event.json"),
        ("/etc/passwd", "/etc/passwd"), ("/leg/fileser", "/leg/fileser"),
    ):  # fmt: skip
        assert (mounts.inside(outside), mounts.outside(inside)) == (inside, outside)
    assert mounts.all_inside("/leg/files/a:/leg/files:x/leg/files /leg/fileset") == "/__w/a:/__w:x/leg/files /leg/fileset"


@pytest.mark.covers("runtime:8.4")
def test_the_folders_of_an_action_have_theirs() -> None:
    mounts: Mounts = of_action("/leg/files/r/r", "/leg/files/_temp")
    assert mounts.inside("/leg/files/r/r/a") == "/github/workspace/a"
    assert mounts.inside("/leg/files/_temp/_runner_file_commands/set_env_1") == "/github/file_commands/set_env_1"
    assert mounts.inside("/leg/files/_temp/f") == "/github/runner_temp/f"
